//! Which values are secrets, and how they are kept out of rows, answers and logs.
//!
//! A JSON column holds `******` where a secret stands; the secret itself is a row of `node_secret`, found by its JSON
//! pointer (RFC 6901) within the column. So whatever copies a column cannot leak, and only the driver's task opens one.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::record::{Cell, Column};

/// What stands in for a secret.
pub const MASK: &str = "******";

/// A secret as it is kept. Plain today; the type is the place where encryption will come in.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Value);

impl Sealed {
    pub fn seal(value: Value) -> Self {
        Sealed(value)
    }

    /// The secret. Only a driver's task and the store have business here.
    pub fn open(&self) -> &Value {
        &self.0
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

/// A column that only few may look into.
impl Column for Sealed {
    const EXPECTED: &'static str = "sealed JSON";

    fn cell(&self) -> Cell<'_> {
        Cell::Text(Cow::Owned(self.0.to_string()))
    }

    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => serde_json::from_str(&text).ok().map(Sealed),
            _ => None,
        }
    }
}

/// Words that make a key's value a secret wherever they stand in its name, any case: the list of OpenStack's
/// `mask_dict_password`, which Ironic's clients are used to, and SNMP's.
const SECRET_WORDS: &[&str] = &[
    "adminpass",
    "admin_pass",
    "password",
    "passphrase",
    "auth_password",
    "secret_uuid",
    "secret",
    "sys_pswd",
    "token",
    "fernetkey",
    "private_key",
    "kg_key",
    "snmp_community",
    "snmp_auth_key",
    "snmp_priv_key",
    "snmp_user_key",
];

/// Whether the value of `key` is a secret.
pub fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// A `******` came in for a secret that is not there, so there is nothing that it could stand for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value of {pointer} is \"******\", which only stands for a stored secret; send the secret itself")]
pub struct NothingBehindMask {
    pub pointer: String,
}

/// A column's value parted from its secrets.
#[derive(Debug, Default)]
pub struct Masked {
    /// What the column holds and clients see.
    pub map: Map<String, Value>,
    /// Pointers whose stored secret stays.
    pub keep: Vec<String>,
    /// New secrets by pointer. Stored ones that are neither kept nor renewed are to be deleted.
    pub fresh: Vec<(String, Sealed)>,
}

/// Takes the secrets out of `map`: the values whose key is `hidden` ([`is_secret`] for `driver_info`,
/// [`is_hidden_instance_info`] for `instance_info`). A `******` keeps the secret that `known` says is stored.
pub fn mask(
    map: Map<String, Value>,
    hidden: fn(&str) -> bool,
    known: &dyn Fn(&str) -> bool,
) -> Result<Masked, NothingBehindMask> {
    let mut out = Masked::default();
    out.map = walk(map, "", hidden, known, &mut out.keep, &mut out.fresh)?;
    Ok(out)
}

/// The keys of `instance_info` that Ironic hides. Others come back as sent, because clients compare them.
pub fn is_hidden_instance_info(key: &str) -> bool {
    matches!(key, "configdrive" | "image_url" | "rescue_password" | "hashed_rescue_password")
}

fn walk(
    map: Map<String, Value>,
    at: &str,
    hidden: fn(&str) -> bool,
    known: &dyn Fn(&str) -> bool,
    keep: &mut Vec<String>,
    fresh: &mut Vec<(String, Sealed)>,
) -> Result<Map<String, Value>, NothingBehindMask> {
    let mut out = Map::new();
    for (key, value) in map {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        let hide = hidden(&key);
        let value = match value {
            Value::Object(inner) if !hide => Value::Object(walk(inner, &pointer, hidden, known, keep, fresh)?),
            // Nothing to hide, and clients tell "unset" from "hidden".
            Value::Null => Value::Null,
            Value::String(text) if hide && text == MASK => {
                if !known(&pointer) {
                    return Err(NothingBehindMask { pointer });
                }
                keep.push(pointer);
                Value::String(text)
            }
            value if hide => {
                fresh.push((pointer, Sealed::seal(value)));
                Value::String(MASK.to_owned())
            }
            value => value,
        };
        out.insert(key, value);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    #[test]
    fn secrets_leave_a_mask_and_a_masked_value_keeps_what_is_stored() -> Result<(), NothingBehindMask> {
        let sent = object(json!({"ipmi_username": "a", "ipmi_password": "b", "nested": {"api_token": "******"}}));
        let masked = mask(sent, is_secret, &|pointer| pointer == "/nested/api_token")?;
        assert_eq!(
            Value::Object(masked.map),
            json!({"ipmi_username": "a", "ipmi_password": "******", "nested": {"api_token": "******"}})
        );
        assert_eq!(masked.keep, ["/nested/api_token"]);
        assert_eq!(masked.fresh[0].0, "/ipmi_password");
        assert_eq!(format!("{:?}", masked.fresh), "[(\"/ipmi_password\", ******)]");
        Ok(())
    }

    #[test]
    fn a_mask_without_a_secret_behind_it_is_refused() {
        let refused = mask(object(json!({"ipmi_password": "******"})), is_secret, &|_| false).err();
        assert_eq!(refused.map(|e| e.pointer).as_deref(), Some("/ipmi_password"));
    }
}

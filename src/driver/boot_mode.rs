//! Whether a machine boots through BIOS or UEFI, as far as its owner says: the capabilities of the instance, then those
//! of the machine. Capabilities are text, `boot_mode:uefi,secure_boot:true`; an instance's may be a JSON object too.

use serde_json::Value;

use super::DriverError;
use crate::model::Node;

/// How firmware starts a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootMode {
    Bios,
    Uefi,
}

impl BootMode {
    pub const fn as_str(self) -> &'static str {
        match self {
            BootMode::Bios => "bios",
            BootMode::Uefi => "uefi",
        }
    }
}

/// The mode of a node; UEFI if nobody says otherwise, since that is what machines of today do.
///
/// Errors: `Misconfigured` if a word is neither `bios` nor `uefi`, or instance and machine contradict each other.
pub fn of(node: &Node) -> Result<BootMode, DriverError> {
    let instance = node.instance_info.get("capabilities");
    let machine = node.properties.get("capabilities");
    let asked = |capabilities: &Option<Value>, field: &str| match capability(capabilities, "boot_mode").as_deref() {
        None => Ok(None),
        Some("uefi") => Ok(Some(BootMode::Uefi)),
        Some("bios") => Ok(Some(BootMode::Bios)),
        Some(other) => Err(DriverError::misconfigured(format!(
            "{field}/capabilities: boot_mode is {other:?}, expected bios or uefi"
        ))),
    };
    let secure = |capabilities| capability(capabilities, "secure_boot").is_some_and(|word| word == "true");
    match (asked(&instance, "instance_info")?, asked(&machine, "properties")?) {
        (Some(a), Some(b)) if a != b => Err(DriverError::misconfigured(format!(
            "instance_info/capabilities: boot_mode is {}, but properties/capabilities says {}; expected the same",
            a.as_str(),
            b.as_str()
        ))),
        _ if secure(&instance) || secure(&machine) => Ok(BootMode::Uefi),
        (Some(mode), _) | (None, Some(mode)) => Ok(mode),
        (None, None) => Ok(BootMode::Uefi),
    }
}

/// One capability, lower case.
fn capability(capabilities: &Option<Value>, name: &str) -> Option<String> {
    let word = match capabilities.as_ref()? {
        Value::Object(map) => match map.get(name)? {
            Value::String(word) => word.clone(),
            other => other.to_string(),
        },
        Value::String(text) => {
            if let Ok(value @ Value::Object(_)) = serde_json::from_str(text) {
                return capability(&Some(value), name);
            }
            let pair = text.split(',').filter_map(|pair| pair.split_once(':')).find(|(key, _)| key.trim() == name);
            pair?.1.to_owned()
        }
        _ => return None,
    };
    Some(word.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(instance: Value, machine: Value) -> Node {
        let mut node = Node::new(uuid::Uuid::nil(), "ipmi".into(), jiff::Timestamp::UNIX_EPOCH);
        node.instance_info = json!({"capabilities": instance}).into();
        node.properties = json!({"capabilities": machine}).into();
        node
    }

    #[test]
    fn the_instance_decides_then_the_machine_then_uefi() {
        let cases = [
            (json!(null), json!(null), Ok(BootMode::Uefi)),
            (json!(null), json!("cpu_vt:true,boot_mode:bios"), Ok(BootMode::Bios)),
            (json!({"boot_mode": "bios"}), json!(""), Ok(BootMode::Bios)),
            (json!("{\"boot_mode\": \"uefi\"}"), json!("boot_mode:uefi"), Ok(BootMode::Uefi)),
            (json!({"secure_boot": "true"}), json!(null), Ok(BootMode::Uefi)),
            (json!({"boot_mode": "bios"}), json!("boot_mode:uefi"), Err(())),
            (json!({"boot_mode": "legacy"}), json!(null), Err(())),
        ];
        for (instance, machine, expected) in cases {
            assert_eq!(of(&node(instance.clone(), machine.clone())).map_err(drop), expected, "{instance} {machine}");
        }
    }
}

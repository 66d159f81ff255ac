//! What a rule can ask for: its operations and their arguments, as rows.
//!
//! Arguments come as an object, by name, or as a list, in the order of the row: the required ones first.

use serde_json::{Map, Value};

/// One operation.
#[derive(Debug)]
pub struct Op {
    pub name: &'static str,
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
    /// Arguments in which `{…}` is filled in. Inside a loop it is filled in everywhere.
    pub filled: &'static [&'static str],
    /// Whether it works on the plug-in data. Such operations are stored and shown with an empty `plugin_data` among
    /// their arguments, as Ironic does; what it holds means nothing.
    pub plugin_data: bool,
}

const fn op(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    filled: &'static [&'static str],
) -> Op {
    Op { name, required, optional, filled, plugin_data: false }
}

const fn on_plugin_data(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    filled: &'static [&'static str],
) -> Op {
    Op { name, required, optional, filled, plugin_data: true }
}

/// The argument that operations on plug-in data are shown with.
const PLUGIN_DATA: &str = "plugin_data";

#[rustfmt::skip]
pub static CONDITIONS: &[Op] = &[
    op("eq", &["values"], &["force_strings"], &["values"]),
    op("lt", &["values"], &["force_strings"], &["values"]),
    op("gt", &["values"], &["force_strings"], &["values"]),
    op("is-empty", &["value"], &[], &["value"]),
    op("in-net", &["address", "subnet"], &[], &["address", "subnet"]),
    op("matches", &["value", "regex"], &[], &["value"]),
    op("contains", &["value", "regex"], &[], &["value"]),
    op("one-of", &["value"], &["values"], &["value"]),
    op("is-none", &["value"], &[], &["value"]),
    op("is-true", &["value"], &[], &["value"]),
    op("is-false", &["value"], &[], &["value"]),
];

#[rustfmt::skip]
pub static ACTIONS: &[Op] = &[
    op("fail", &["msg"], &[], &[]),
    op("log", &["msg"], &["level"], &["msg"]),
    op("set-attribute", &["path", "value"], &[], &["value"]),
    op("extend-attribute", &["path", "value"], &["unique"], &["value"]),
    op("del-attribute", &["path"], &[], &[]),
    op("set-capability", &["name", "value"], &[], &["value"]),
    op("unset-capability", &["name"], &[], &[]),
    op("add-trait", &["name"], &[], &[]),
    op("remove-trait", &["name"], &[], &[]),
    on_plugin_data("set-plugin-data", &["path", "value"], &[], &["value"]),
    on_plugin_data("extend-plugin-data", &["path", "value"], &["unique"], &["value"]),
    on_plugin_data("unset-plugin-data", &["path"], &[], &[]),
    op("set-port-attribute", &["port_id", "path", "value"], &[], &["value"]),
    op("extend-port-attribute", &["port_id", "path", "value"], &["unique"], &["value"]),
    op("del-port-attribute", &["port_id", "path"], &[], &[]),
    op("api-call", &["url"], &["headers", "proxies", "timeout", "retries", "backoff_factor"], &["url"]),
];

/// Whether a condition's operation is meant the other way round, and its row.
pub fn condition(word: &str) -> Option<(bool, &'static Op)> {
    let (negated, name) = match word.strip_prefix('!') {
        Some(name) => (true, name),
        None => (false, word),
    };
    CONDITIONS.iter().find(|op| op.name == name).map(|op| (negated, op))
}

pub fn action(word: &str) -> Option<&'static Op> {
    ACTIONS.iter().find(|op| op.name == word)
}

impl Op {
    /// Checks which arguments are there, not what they are: values may be filled in later. The error says which ones
    /// are missing or unknown. `args` gets what the operation is stored with.
    pub fn check(&self, args: &mut Value) -> Result<(), String> {
        match args {
            Value::Array(list) => {
                if let Some(missing) = self.required.get(list.len()..).filter(|missing| !missing.is_empty()) {
                    return Err(format!("{}: missing required argument(s): {}", self.name, missing.join(", ")));
                }
                if self.plugin_data {
                    list.push(Value::Object(Map::new()));
                }
                Ok(())
            }
            Value::Object(map) => {
                if self.plugin_data {
                    map.insert(PLUGIN_DATA.to_owned(), Value::Object(Map::new()));
                }
                let missing: Vec<_> = self.required.iter().copied().filter(|name| !map.contains_key(*name)).collect();
                let unknown: Vec<_> = map.keys().map(String::as_str).filter(|name| !self.knows(name)).collect();
                let mut wrong = Vec::new();
                if !missing.is_empty() {
                    wrong.push(format!("missing required argument(s): {}", missing.join(", ")));
                }
                if !unknown.is_empty() {
                    wrong.push(format!("unexpected argument(s): {}", unknown.join(", ")));
                }
                if wrong.is_empty() { Ok(()) } else { Err(format!("{}: {}", self.name, wrong.join("; "))) }
            }
            _ => Err(format!("{}: args must be either a list or dictionary", self.name)),
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.required.contains(&name) || self.optional.contains(&name) || (self.plugin_data && name == PLUGIN_DATA)
    }

    /// The arguments by name.
    pub fn named(&self, args: &Value) -> Map<String, Value> {
        match args {
            Value::Object(map) => {
                map.iter().filter(|(name, _)| *name != PLUGIN_DATA).map(|(k, v)| (k.clone(), v.clone())).collect()
            }
            Value::Array(list) => {
                // The last one of an operation on plug-in data is what it was stored with.
                let given = list.len() - usize::from(self.plugin_data && !list.is_empty());
                let names = self.required.iter().chain(self.optional);
                names.zip(&list[..given]).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
            }
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_are_taken_by_name_and_by_place_and_what_is_wrong_is_named() {
        for (word, args, named) in [
            ("eq", json!([["a", "b"]]), Ok(json!({"values": ["a", "b"]}))),
            ("eq", json!({"values": [1], "force_strings": true}), Ok(json!({"values": [1], "force_strings": true}))),
            ("!one-of", json!(["a", ["b"]]), Ok(json!({"value": "a", "values": ["b"]}))),
            ("in-net", json!(["a"]), Err("in-net: missing required argument(s): subnet")),
            ("eq", json!({"value": 1}), Err("eq: missing required argument(s): values; unexpected argument(s): value")),
            ("set-plugin-data", json!(["a", 1]), Ok(json!({"path": "a", "value": 1}))),
            ("extend-plugin-data", json!(["a", 1, true]), Ok(json!({"path": "a", "value": 1, "unique": true}))),
            ("unset-plugin-data", json!({"path": "a", "plugin_data": 5}), Ok(json!({"path": "a"}))),
            ("api-call", json!("x"), Err("api-call: args must be either a list or dictionary")),
        ] {
            let op = condition(word).map(|(_, op)| op).or_else(|| action(word));
            let mut args = args;
            let done = op.map(|op| op.check(&mut args).map(|()| Value::Object(op.named(&args))));
            assert_eq!(done, Some(named.map_err(str::to_owned)), "{word}");
        }
        assert!(condition("!!eq").is_none() && condition("ne").is_none() && action("!fail").is_none());
    }
}

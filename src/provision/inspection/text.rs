//! Filling in what a rule's arguments refer to: `{node.driver}`, `{inventory[cpu][architecture]}`, `{item}`.
//!
//! The notation is that of Python's `str.format`, which Ironic uses, and so is the look of what is filled in: whatever
//! is found becomes text, `None`, `True` and `{'a': 1}` included. What cannot be filled in stays as it was written.
//! Deliberately absent: format specifications (`{x:>10}`) and attributes of anything but the node.

use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Keys whose values rules do not see.
const MASKED: &[&str] = &["password", "auth_token", "bmc_password"];
const MASK: &str = "***";
static HIDDEN: LazyLock<Value> = LazyLock::new(|| Value::from(MASK));

/// What can be referred to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The node's fields; its secrets are masked already.
    pub node: &'a Value,
    pub inventory: &'a Value,
    pub plugin_data: &'a Value,
    /// What a loop has come to.
    pub item: Option<&'a Value>,
}

/// Why something cannot be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// There is no such key.
    Key,
    /// It is not written as it should be, or asks what cannot be asked of what is there.
    Other,
}

/// Something found, and whether keys in it are masked.
#[derive(Clone, Copy)]
struct Found<'a> {
    value: &'a Value,
    masked: bool,
    is_node: bool,
}

impl<'a> Scope<'a> {
    /// Fills in an argument with all that is in it. Inside a loop text is filled in twice, so that an item may itself
    /// refer to something. `none_if_missing`: text with an unknown key becomes null.
    pub fn fill(&self, value: &Value, none_if_missing: bool) -> Value {
        match value {
            Value::String(text) => {
                let once = self.fill_text(text, none_if_missing);
                match (&once, self.item) {
                    (Value::String(text), Some(_)) => self.fill_text(text, none_if_missing),
                    _ => once,
                }
            }
            Value::Array(list) => {
                let one = |item: &Value| match item {
                    Value::String(text) => self.fill_text(text, none_if_missing),
                    other => self.fill(other, none_if_missing),
                };
                list.iter().map(one).collect()
            }
            Value::Object(map) => {
                let one = |(key, value): (&String, &Value)| {
                    let key = self.filled(key).unwrap_or_else(|_| key.clone());
                    (key, self.fill(value, none_if_missing))
                };
                Value::Object(map.iter().map(one).collect::<Map<_, _>>())
            }
            other => other.clone(),
        }
    }

    fn fill_text(&self, text: &str, none_if_missing: bool) -> Value {
        match self.filled(text) {
            Ok(text) => Value::String(text),
            Err(Miss::Key) if none_if_missing => Value::Null,
            Err(_) => Value::String(text.to_owned()),
        }
    }

    fn filled(&self, text: &str) -> Result<String, Miss> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let doubled = rest[at..].starts_with("{{") || rest[at..].starts_with("}}");
            if doubled {
                out.push_str(&rest[at..=at]);
                rest = &rest[at + 2..];
                continue;
            }
            if rest[at..].starts_with('}') {
                return Err(Miss::Other);
            }
            let inside = &rest[at + 1..];
            let end = inside.find('}').ok_or(Miss::Other)?;
            out.push_str(&self.field(&inside[..end])?);
            rest = &inside[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// One replacement field, without its braces.
    fn field(&self, field: &str) -> Result<String, Miss> {
        let (path, how) = field.split_once('!').map_or((field, None), |(path, how)| (path, Some(how)));
        let found = self.look_up(path)?;
        match how {
            None | Some("s") => Ok(text_of(found.value, found.masked)),
            Some("r") => Ok(shown(found.value, found.masked)),
            Some(_) => Err(Miss::Other),
        }
    }

    fn look_up(&self, path: &str) -> Result<Found<'a>, Miss> {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (root, mut rest) = path.split_at(end);
        let found = |value, masked, is_node| Found { value, masked, is_node };
        let mut at = match root {
            "node" => found(self.node, false, true),
            "inventory" => found(self.inventory, true, false),
            "plugin_data" => found(self.plugin_data, true, false),
            "item" => found(self.item.ok_or(Miss::Key)?, false, false),
            // A number counts arguments that nobody gave.
            "" => return Err(Miss::Other),
            number if number.bytes().all(|b| b.is_ascii_digit()) => return Err(Miss::Other),
            _ => return Err(Miss::Key),
        };
        while !rest.is_empty() {
            if let Some(attribute) = rest.strip_prefix('.') {
                let end = attribute.find(['.', '[']).unwrap_or(attribute.len());
                at = at.attribute(&attribute[..end])?;
                rest = &attribute[end..];
            } else {
                let key = rest.strip_prefix('[').ok_or(Miss::Other)?;
                let end = key.find(']').ok_or(Miss::Other)?;
                at = at.key(&key[..end])?;
                rest = &key[end + 1..];
            }
        }
        Ok(at)
    }
}

impl<'a> Found<'a> {
    fn attribute(self, name: &str) -> Result<Self, Miss> {
        let value = if self.is_node { self.value.get(name) } else { None };
        Ok(Found { value: value.ok_or(Miss::Other)?, is_node: false, ..self })
    }

    fn key(self, key: &str) -> Result<Self, Miss> {
        let number = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
        let value = match self.value {
            Value::Object(_) if self.is_node => self.value.get(key).ok_or(Miss::Other)?,
            // A number is no key of an object that came as JSON.
            Value::Object(map) if !number => map.get(key).ok_or(Miss::Key)?,
            Value::Object(_) => return Err(Miss::Key),
            Value::Array(list) if number => key.parse().ok().and_then(|at: usize| list.get(at)).ok_or(Miss::Other)?,
            _ => return Err(Miss::Other),
        };
        let value = if self.masked && MASKED.contains(&key) { &*HIDDEN } else { value };
        Ok(Found { value, is_node: false, ..self })
    }
}

/// A value as text in a text.
fn text_of(value: &Value, masked: bool) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => shown(other, masked),
    }
}

/// A value as Python shows it, where a text alone would be itself.
pub fn plain(value: &Value) -> String {
    text_of(value, false)
}

fn shown(value: &Value, masked: bool) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(|item| shown(item, masked)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let one = |(key, value): (&String, &Value)| {
                let hidden = masked && MASKED.contains(&key.as_str());
                let value = if hidden { quoted(MASK) } else { shown(value, masked) };
                format!("{}: {value}", quoted(key))
            };
            format!("{{{}}}", map.iter().map(one).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text in the quotes that Python would give it.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_referred_to_is_filled_in_as_python_shows_it() {
        let node = json!({"driver": "ipmi", "properties": {"cpu_arch": "x86_64"}, "name": null, "maintenance": true});
        let inventory = json!({"cpu": {"count": 4, "flags": ["a", "b'c"]}, "bmc": {"password": "p", "user": "u"},
                               "disks": [{"size": 1.5}], "interfaces": []});
        let plugin_data = json!({"auth_token": "t", "n": {"1": 2}});
        let item = json!({"path": "a", "ref": "{inventory[cpu][count]}"});
        let scope = Scope { node: &node, inventory: &inventory, plugin_data: &plugin_data, item: None };
        for (text, filled) in [
            ("", Ok("")),
            ("plain", Ok("plain")),
            ("{{x}}", Ok("{x}")),
            ("a {node.driver}!", Ok("a ipmi!")),
            ("{node[driver]}", Ok("ipmi")),
            ("{node.properties[cpu_arch]}", Ok("x86_64")),
            ("{node.name} {node.maintenance}", Ok("None True")),
            ("{inventory[cpu][count]}", Ok("4")),
            ("{inventory[cpu]}", Ok("{'count': 4, 'flags': ['a', \"b'c\"]}")),
            ("{inventory[cpu][flags][0]!r}", Ok("'a'")),
            ("{inventory[disks][0][size]}", Ok("1.5")),
            ("{inventory[bmc]}", Ok("{'password': '***', 'user': 'u'}")),
            ("{inventory[bmc][password]} {plugin_data[auth_token]}", Ok("*** ***")),
            ("{inventory[nothing]}", Err(Miss::Key)),
            ("{plugin_data[n][1]}", Err(Miss::Key)),
            ("{nobody}", Err(Miss::Key)),
            ("{item}", Err(Miss::Key)),
            ("{inventory[interfaces][0]}", Err(Miss::Other)),
            ("{inventory.cpu}", Err(Miss::Other)),
            ("{node.nothing}", Err(Miss::Other)),
            ("{node.driver[x]}", Err(Miss::Other)),
            ("{}", Err(Miss::Other)),
            ("{0}", Err(Miss::Other)),
            ("{node.driver:>9}", Err(Miss::Other)),
            ("{node.driver", Err(Miss::Other)),
            ("{inventory[cpu}", Err(Miss::Other)),
            ("}", Err(Miss::Other)),
        ] {
            assert_eq!(scope.filled(text).as_deref().map_err(|miss| *miss), filled, "{text:?}");
        }
        assert_eq!(scope.fill(&json!("{inventory[no]}"), true), Value::Null);
        assert_eq!(scope.fill(&json!("{inventory[no]}"), false), json!("{inventory[no]}"));
        let looped = Scope { item: Some(&item), ..scope };
        assert_eq!(
            looped.fill(&json!({"{item[path]}": "{item[ref]}", "list": ["{item[ref]}", 5]}), false),
            json!({"a": "4", "list": ["{inventory[cpu][count]}", 5]}),
            "text alone is filled in twice, text in a list once"
        );
    }
}

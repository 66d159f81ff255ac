//! A JSON value kept as the text that clients are shown.
//!
//! Lists of nodes copy such a column from the row to the answer without parsing it; the few places that look inside
//! parse on demand. Secrets never stand in one: see [`super::secret`].

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::record::{Cell, Column};

/// A JSON object (or, in a few columns, array) as text. The default is `{}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Object(Box<str>);

impl Default for Object {
    fn default() -> Self {
        Object("{}".into())
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Object {
    /// An empty array, for columns that hold lists.
    pub fn empty_list() -> Self {
        Object("[]".into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        matches!(&*self.0, "{}" | "[]")
    }

    /// The keys and values; empty if it is not an object.
    pub fn map(&self) -> Map<String, Value> {
        match serde_json::from_str(&self.0) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }

    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }

    pub fn get(&self, key: &str) -> Option<Value> {
        // Most objects are empty; most look-ups miss.
        if self.0.contains(key) { self.map().remove(key) } else { None }
    }

    /// The value of `key` if it is a string.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let mut map = self.map();
        map.insert(key.to_owned(), value.into());
        *self = map.into();
    }

    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let mut map = self.map();
        let old = map.shift_remove(key);
        if old.is_some() {
            *self = map.into();
        }
        old
    }
}

/// Whether a column's text can be read as JSON. Most are empty.
pub fn is_json(text: &str) -> bool {
    matches!(text, "{}" | "[]") || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

impl From<Map<String, Value>> for Object {
    fn from(map: Map<String, Value>) -> Self {
        Object(Value::Object(map).to_string().into())
    }
}

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Object(value.to_string().into())
    }
}

impl Column for Object {
    const EXPECTED: &'static str = "JSON object";

    fn cell(&self) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(&self.0))
    }

    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => is_json(&text).then(|| Object(text.into())),
            _ => None,
        }
    }

    fn merge(&mut self, base: &Self, work: Self) {
        if *base == work {
            return;
        }
        if *self == *base {
            *self = work;
            return;
        }
        let (mut now, base, work) = (self.map(), base.map(), work.map());
        for key in base.keys().filter(|key| !work.contains_key(*key)) {
            now.shift_remove(key);
        }
        for (key, value) in work {
            if base.get(&key) != Some(&value) {
                now.insert(key, value);
            }
        }
        *self = now.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fraction_does_not_change_each_time_that_it_is_read_and_written() {
        for text in ["1.7697931348623158e308", "0.1", "9007199254740993.5", "5e-324", "123456.789012345678"] {
            let once = Object::from(serde_json::from_str::<Value>(text).unwrap_or_default());
            assert_eq!(Some(once.value()), text.parse::<f64>().ok().map(Value::from), "{text}");
            assert_eq!(Object::from(once.value()), once, "{text}");
        }
    }

    #[test]
    fn a_merge_keeps_what_another_writer_did_to_other_keys() {
        let base = Object::from(json!({"a": 1, "b": 2, "c": 3}));
        let mut now = Object::from(json!({"a": 1, "b": 20, "c": 3}));
        now.merge(&base, Object::from(json!({"a": 10, "b": 2})));
        assert_eq!(now.value(), json!({"a": 10, "b": 20}));
    }
}

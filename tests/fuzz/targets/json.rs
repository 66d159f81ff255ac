//! What the targets that read JSON share.

use serde_json::Value;

/// Levels of brackets that the API lets in (`api::bodies`).
pub const MOST_DEPTH: usize = 25;

/// How deep a value nests; a text or a number is 0.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A column is stored as text and read again: both must give the same.
pub fn survives_the_store(value: &Value) {
    let text = value.to_string();
    let again: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("cannot be read back: {error}"));
    assert_eq!(again, *value, "a stored value changed: {text}");
}

/// Whether the marker of a secret stands anywhere in a value.
pub fn holds(value: &Value, secret: &str) -> bool {
    match value {
        Value::String(text) => text.contains(secret),
        Value::Array(items) => items.iter().any(|item| holds(item, secret)),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains(secret) || holds(value, secret)),
        _ => false,
    }
}

//! Reading the fields of a document that a client sent, or that a patch made, as what they should be.
//!
//! Every refusal names the field and what was expected. A field that is absent and one that is null are the same: its
//! default. Which fields there are, and since when, is the surface's business.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Refusal, Refused};
use crate::model::Object;

/// A document and what it describes, for the refusals.
#[derive(Clone, Copy)]
pub struct Fields<'d> {
    pub what: &'static str,
    pub map: &'d Map<String, Value>,
}

impl<'d> Fields<'d> {
    pub fn new(what: &'static str, map: &'d Map<String, Value>) -> Self {
        Fields { what, map }
    }

    pub fn refuse(&self, name: &str, why: impl std::fmt::Display) -> Refusal {
        Refusal::invalid(format!("Schema error for {}: {name}: {why}", self.what))
    }

    pub fn get(&self, name: &str) -> Option<&'d Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Text of at most `most` characters.
    pub fn text(&self, name: &str, most: usize) -> Refused<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() > most => {
                Err(self.refuse(name, format_args!("is too long: at most {most} characters are allowed")))
            }
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.refuse(name, format_args!("expected a string or null, got {}", kind(other)))),
        }
    }

    /// A boolean, or one of the words that clients write for it.
    pub fn boolean(&self, name: &str, default: bool) -> Refused<bool> {
        let text = match self.get(name) {
            None => return Ok(default),
            Some(Value::Bool(value)) => return Ok(*value),
            Some(Value::String(text)) => text,
            Some(other) => return Err(self.refuse(name, format_args!("expected a boolean, got {}", kind(other)))),
        };
        match text.to_ascii_lowercase().as_str() {
            "t" | "true" | "on" | "y" | "yes" | "1" => Ok(true),
            "f" | "false" | "off" | "n" | "no" | "0" => Ok(false),
            _ => Err(Refusal::invalid(format!(
                "Invalid {name}: Unrecognized value '{text}', acceptable values are: '0', '1', 'f', 'false', 'n', \
                 'no', 'off', 'on', 't', 'true', 'y', 'yes'"
            ))),
        }
    }

    /// A boolean that may be absent, but once there is not taken away: `true` or `false`, or a word for one.
    pub fn kept_boolean(&self, name: &str) -> Refused<bool> {
        if self.get(name).is_none() {
            return Err(self.refuse(name, "expected a boolean; it cannot be removed"));
        }
        self.boolean(name, false)
    }

    pub fn object(&self, name: &str) -> Refused<Object> {
        match self.get(name) {
            None => Ok(Object::default()),
            Some(Value::Object(map)) => Ok(map.clone().into()),
            Some(other) => Err(self.refuse(name, format_args!("expected an object or null, got {}", kind(other)))),
        }
    }

    pub fn uuid(&self, name: &str) -> Refused<Option<Uuid>> {
        match self.text(name, usize::MAX)? {
            None => Ok(None),
            Some(text) => match Uuid::try_parse(&text) {
                Ok(uuid) => Ok(Some(uuid)),
                Err(_) => Err(Refusal::invalid(format!("Expected UUID for {name}: {text}"))),
            },
        }
    }

    /// A list of strings.
    pub fn texts(&self, name: &str) -> Refused<Vec<String>> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => {
                return Err(self.refuse(name, format_args!("expected an array or null, got {}", kind(other))));
            }
        };
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.refuse(name, format_args!("expected strings in the array, got {}", kind(other)))),
        };
        items.iter().map(text).collect()
    }
}

/// What a value is, in JSON's words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

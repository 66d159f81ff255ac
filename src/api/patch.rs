//! A PATCH body, from JSON to operations.

use serde_json::Value;

use super::request::brief;
use super::surface::{Quirk, Takes, Version, Write};
use super::{Call, Fault};
use crate::service::patch::{Op, Operation};

/// The operations of a PATCH: an array of `{op, path, value}`.
pub fn operations(call: &Call) -> Result<Vec<Operation>, Fault> {
    read(&call.json()?, call.version)
}

/// The operations in a body.
pub fn read(body: &Value, version: Version) -> Result<Vec<Operation>, Fault> {
    let Value::Array(items) = body else {
        return Err(Fault::invalid(format!("Schema error for patch: expected an array, got {}", brief(body))));
    };
    items.iter().map(|item| operation(item, version)).collect()
}

/// The operations of a PATCH of the noun that the row of the route says. Refuses fields that cannot be patched (400, at
/// every version), and those newer than the version (406).
pub fn parse(call: &Call) -> Result<Vec<Operation>, Fault> {
    let Takes::Patch(noun) = call.route.takes else { return Err(Fault::invalid("Nothing can be changed here.")) };
    let operations = operations(call)?;
    for operation in &operations {
        let field = noun.field(operation.root()).filter(|field| matches!(field.write, Write::Patch | Write::Always));
        match field {
            None => {
                return Err(Fault::invalid(format!(
                    "Cannot patch /{}: it is not a field that can be updated",
                    operation.path.join("/")
                )));
            }
            Some(field) if !field.is_patchable(call.version) => return Err(Fault::not_acceptable()),
            Some(_) => {}
        }
    }
    Ok(operations)
}

fn operation(item: &Value, version: Version) -> Result<Operation, Fault> {
    let wrong = |what: String| Fault::invalid(format!("Schema error for patch: {what}"));
    let Value::Object(item) = item else { return Err(wrong(format!("{} is not of type 'object'", brief(item)))) };
    if let Some(other) = item.keys().find(|key| !matches!(key.as_str(), "op" | "path" | "value")) {
        return Err(wrong(format!("'{other}' was unexpected")));
    }
    let text = |key: &str| {
        let value = item.get(key).ok_or_else(|| wrong(format!("'{key}' is a required property")))?;
        value.as_str().ok_or_else(|| wrong(format!("{key}: {} is not a string", brief(value))))
    };
    let (word, path) = (text("op")?, text("path")?);
    let value = || item.get("value").cloned().ok_or_else(|| wrong(format!("'{word}' needs a value")));
    let op = match word {
        "add" => Op::Add(value()?),
        "replace" => Op::Replace(value()?),
        "remove" => Op::Remove,
        other => return Err(wrong(format!("'{other}' is not one of 'add', 'replace', 'remove'"))),
    };
    let path = pointer(path, version).ok_or_else(|| wrong(format!("'{path}' is not a valid path")))?;
    Ok(Operation { op, path })
}

/// The parts of a JSON pointer (RFC 6901). Older versions know word characters and dashes only.
fn pointer(text: &str, version: Version) -> Option<Vec<String>> {
    let parts = text.strip_prefix('/')?.split('/');
    let plain = |part: &str| part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    parts
        .map(|part| {
            if part.is_empty() || !(version.has(Quirk::FreePatchPaths) || plain(part)) {
                return None;
            }
            unescaped(part)
        })
        .collect()
}

fn unescaped(part: &str) -> Option<String> {
    let mut out = String::with_capacity(part.len());
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        match c {
            '~' => match chars.next()? {
                '0' => out.push('~'),
                '1' => out.push('/'),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_have_special_characters_in_newer_versions_only() {
        let (old, new) = (Version::MIN, Version::MAX);
        assert_eq!(pointer("/extra/a-b", old), Some(vec!["extra".into(), "a-b".into()]));
        assert_eq!(pointer("/extra/a.b", old), None);
        assert_eq!(pointer("/extra/a.b~1c~0d", new), Some(vec!["extra".into(), "a.b/c~d".into()]));
        for bad in ["", "extra", "/", "/extra/", "/extra//a", "/extra/a~2", "/extra/a~"] {
            assert_eq!(pointer(bad, new), None, "{bad:?}");
        }
    }
}

//! Changing one place in a document: what actions on attributes and on plug-in data have in common.

use serde_json::{Map, Value};

use super::conditions::equal;

/// The parts of a path: `/extra/a`, `extra/a` or `extra.a`.
pub fn parts(path: &str) -> Vec<String> {
    match path.contains('/') {
        true => path.trim_matches('/').split('/').map(str::to_owned).collect(),
        false => path.split('.').map(str::to_owned).collect(),
    }
}

/// The parts of a path in plug-in data: text with dots, or a list of keys.
pub fn keys(path: &Value) -> Result<Vec<String>, String> {
    let wrong = || "path: expected a text or a list of texts".to_owned();
    match path {
        Value::String(text) => Ok(text.split('.').map(str::to_owned).collect()),
        Value::Array(list) if !list.is_empty() => {
            list.iter().map(|key| key.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}

/// The object that holds the last part; objects on the way that are missing are made.
fn parent<'m>(document: &'m mut Map<String, Value>, path: &[String]) -> Result<&'m mut Map<String, Value>, String> {
    let mut at = document;
    for part in &path[..path.len().saturating_sub(1)] {
        let next = at.entry(part.clone()).or_insert_with(|| Value::Object(Map::new()));
        at = next.as_object_mut().ok_or_else(|| format!("'{part}' is not an object"))?;
    }
    Ok(at)
}

fn last(path: &[String]) -> Result<&String, String> {
    path.last().ok_or_else(|| "path: expected at least one part".to_owned())
}

pub fn set(document: &mut Map<String, Value>, path: &[String], value: Value) -> Result<(), String> {
    let last = last(path)?.clone();
    parent(document, path)?.insert(last, value);
    Ok(())
}

/// Adds a value to a list, which is made if it is missing. `unique`: unless it is there.
pub fn extend(document: &mut Map<String, Value>, path: &[String], value: Value, unique: bool) -> Result<(), String> {
    let last = last(path)?.clone();
    let place = parent(document, path)?.entry(last.clone()).or_insert_with(|| Value::Array(Vec::new()));
    let list = place.as_array_mut().ok_or_else(|| format!("'{last}' is not a list, so it cannot be extended"))?;
    if !unique || !list.iter().any(|known| equal(known, &value)) {
        list.push(value);
    }
    Ok(())
}

/// Takes a value away. Whether it was there; nothing is made on the way.
pub fn remove(document: &mut Map<String, Value>, path: &[String]) -> Result<bool, String> {
    let last = last(path)?;
    let mut at = document;
    for part in &path[..path.len() - 1] {
        match at.get_mut(part) {
            Some(Value::Object(map)) => at = map,
            _ => return Ok(false),
        }
    }
    Ok(at.shift_remove(last).is_some())
}

/// As [`remove`]; an object that would be left empty goes, too.
pub fn prune(document: &mut Map<String, Value>, path: &[String]) -> Result<bool, String> {
    let found = remove(document, path)?;
    if found && path.len() > 1 {
        let above = &path[..path.len() - 1];
        let mut at = &*document;
        for part in above {
            match at.get(part) {
                Some(Value::Object(map)) => at = map,
                _ => return Ok(found),
            }
        }
        if at.is_empty() {
            remove(document, above)?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    type Change = fn(&mut Map<String, Value>, &[String]) -> Result<(), String>;

    #[test]
    fn places_are_set_extended_and_taken_away() {
        let have = json!({"a": {"b": 1, "c": {"d": 2}}, "l": [1], "t": "x"});
        let set_5: Change = |map, path| set(map, path, json!(5));
        let add_1: Change = |map, path| extend(map, path, json!(1), false);
        let add_once: Change = |map, path| extend(map, path, json!(1), true);
        let take: Change = |map, path| if remove(map, path)? { Ok(()) } else { Err("absent".to_owned()) };
        let pruned: Change = |map, path| if prune(map, path)? { Ok(()) } else { Err("absent".to_owned()) };
        for (change, path, left) in [
            (set_5, "/a/b", Some(json!({"a": {"b": 5, "c": {"d": 2}}, "l": [1], "t": "x"}))),
            (set_5, "a.x.y", Some(json!({"a": {"b": 1, "c": {"d": 2}, "x": {"y": 5}}, "l": [1], "t": "x"}))),
            (set_5, "t/x", None),
            (add_1, "l", Some(json!({"a": {"b": 1, "c": {"d": 2}}, "l": [1, 1], "t": "x"}))),
            (add_once, "l", Some(have.clone())),
            (add_1, "a/n", Some(json!({"a": {"b": 1, "c": {"d": 2}, "n": [1]}, "l": [1], "t": "x"}))),
            (add_1, "a/b", None),
            (take, "a/b", Some(json!({"a": {"c": {"d": 2}}, "l": [1], "t": "x"}))),
            (take, "a/c/d", Some(json!({"a": {"b": 1, "c": {}}, "l": [1], "t": "x"}))),
            (take, "a/x/d", None),
            (pruned, "a/c/d", Some(json!({"a": {"b": 1}, "l": [1], "t": "x"}))),
            (pruned, "a/x", None),
        ] {
            let mut map = have.as_object().cloned().unwrap_or_default();
            let done = change(&mut map, &parts(path)).ok().map(|()| Value::Object(map));
            assert_eq!(done, left, "{path}");
        }
        assert_eq!(keys(&json!("/a.b")), Ok(vec!["/a".to_owned(), "b".to_owned()]));
        assert!(keys(&json!([])).is_err() && keys(&json!(["a", 5])).is_err() && keys(&json!(5)).is_err());
    }
}

//! A PATCH body on a document, against a model that knows nothing but RFC 6901 and 6902.
//!
//! Oracles: both agree on whether it can be done and on what comes of it; what comes of it can be stored and read again, within
//! the depth that the API lets in; what an older version takes a newer one takes too.

use bessemer::api::patch::read;
use bessemer::api::surface::Version;
use bessemer::service::patch::{Op, Operation, apply};
use serde_json::{Map, Value, json};

use super::json::{MOST_DEPTH, depth, survives_the_store};

pub fn run(data: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(data) else { return };
    if depth(&body) > MOST_DEPTH {
        return;
    }
    let old = read(&body, Version::MIN);
    let Ok(operations) = read(&body, Version::MAX) else {
        assert!(old.is_err(), "what an older version takes a newer one takes");
        return;
    };
    assert!(old.is_ok_and(|old| old == operations) || read(&body, Version::MIN).is_err());
    let mut patched = document();
    let done = apply(&mut patched, &operations);
    let model = modelled(&body, &operations);
    match (&done, &model) {
        (Ok(()), Some(model)) => assert_eq!(Value::Object(patched.clone()), *model),
        (Ok(()), None) => panic!("the model refuses {body}"),
        // The one thing that the model does not know of.
        (Err(refusal), Some(model)) => assert!(depth(model) > MOST_DEPTH, "{refusal}: {body}"),
        (Err(_), None) => return,
    }
    if done.is_ok() {
        let patched = Value::Object(patched);
        assert!(depth(&patched) <= MOST_DEPTH + 1, "{} levels", depth(&patched));
        survives_the_store(&patched);
    }
}

fn document() -> Map<String, Value> {
    let document = json!({
        "name": null, "extra": {"a": 1, "b": {"c": [1, {"d": null}, []]}, "": 2, "a/b": 3, "m~n": 4},
        "driver_info": {"list": [0, 1, 2]}, "protected": false, "owner": "me",
    });
    document.as_object().cloned().unwrap_or_default()
}

/// The patch, done slowly; nothing if it cannot be done.
fn modelled(body: &Value, operations: &[Operation]) -> Option<Value> {
    let mut document = Value::Object(document());
    for (item, operation) in body.as_array()?.iter().zip(operations) {
        // The pointer again from the text, as RFC 6901 section 4 says to read it.
        let text = item["path"].as_str()?;
        let parts: Vec<String> =
            text.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        assert_eq!(parts, operation.path, "{text}");
        document = changed(&document, &parts, &operation.op, true)?;
    }
    Some(document)
}

/// The document with the operation done below it.
fn changed(value: &Value, path: &[String], op: &Op, is_root: bool) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    match value {
        Value::Object(map) => {
            let mut new = map.clone();
            if !rest.is_empty() {
                let inner = changed(map.get(first)?, rest, op, false)?;
                new.insert(first.clone(), inner);
                return Some(Value::Object(new));
            }
            match op {
                Op::Add(value) => drop(new.insert(first.clone(), value.clone())),
                // A field of the object always is, be it as null.
                Op::Replace(value) if is_root || map.contains_key(first) => {
                    drop(new.insert(first.clone(), value.clone()));
                }
                Op::Remove if map.contains_key(first) => drop(new.shift_remove(first)),
                Op::Replace(_) | Op::Remove => return None,
            }
            Some(Value::Object(new))
        }
        Value::Array(list) => {
            let mut new = list.clone();
            if let (Op::Add(value), "-", true) = (op, first.as_str(), rest.is_empty()) {
                new.push(value.clone());
                return Some(Value::Array(new));
            }
            // "0", or digits that do not begin with one (RFC 6901 section 4).
            let at: usize = first.parse().ok().filter(|at: &usize| at.to_string() == *first)?;
            if !rest.is_empty() {
                new[at] = changed(list.get(at)?, rest, op, false)?;
                return Some(Value::Array(new));
            }
            match op {
                Op::Add(value) if at <= new.len() => new.insert(at, value.clone()),
                Op::Replace(value) if at < new.len() => new[at] = value.clone(),
                Op::Remove if at < new.len() => drop(new.remove(at)),
                _ => return None,
            }
            Some(Value::Array(new))
        }
        _ => None,
    }
}

//! Changing an object by a JSON patch: the part of RFC 6902 that Ironic has (add, replace, remove).
//!
//! The patch is applied inside the transaction that writes the object, to what is stored then; so two patches of different
//! keys never undo each other. What the fields may hold is checked afterwards, by the noun's own rules.

use serde_json::{Map, Value};

use super::{Refusal, Refused};

/// Levels of objects and lists in a document at most, as in a request's body. Each patch is bounded by itself, but a row of them could
/// nest for ever, and what is nested too deep cannot be read back from the store.
pub const MOST_DEPTH: usize = 25;

/// What one operation does.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    Add(Value),
    Replace(Value),
    Remove,
}

/// One operation at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub op: Op,
    /// The pointer's parts, unescaped; never empty.
    pub path: Vec<String>,
}

impl Operation {
    /// The field of the object that it is about.
    pub fn root(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// Whether it is about the field itself and not something within.
    pub fn is_whole(&self) -> bool {
        self.path.len() == 1
    }

    fn pointer(&self) -> String {
        format!("/{}", self.path.join("/"))
    }
}

/// A change of a document that is no patch. Its error says what stands against it.
pub type Edit<'e> = &'e dyn Fn(&mut Map<String, Value>) -> Result<(), String>;

/// Applies the operations in order, all or nothing: on an error `document` is of no use. A root field that is removed is
/// gone from it; the noun's rules give it its default.
pub fn apply(document: &mut Map<String, Value>, operations: &[Operation]) -> Refused<()> {
    for operation in operations {
        let refuse =
            |why: &str| Refusal::Invalid(format!("Couldn't apply patch at '{}'. Reason: {why}", operation.pointer()));
        let (last, parents) = operation.path.split_last().ok_or_else(|| refuse("the path is empty"))?;
        if let Op::Add(value) | Op::Replace(value) = &operation.op
            && operation.path.len() + depth(value) > MOST_DEPTH
        {
            return Err(refuse(&format!("it would be nested more than {MOST_DEPTH} levels deep")));
        }
        if parents.is_empty() {
            root(document, last, &operation.op).map_err(|why| refuse(&why))?;
            continue;
        }
        let mut place = document.get_mut(&parents[0]).ok_or_else(|| refuse("there is no such object"))?;
        for part in &parents[1..] {
            place = step(place, part).ok_or_else(|| refuse(&format!("member '{part}' not found")))?;
        }
        within(place, last, &operation.op).map_err(|why| refuse(&why))?;
    }
    Ok(())
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn root(document: &mut Map<String, Value>, name: &str, op: &Op) -> Result<(), String> {
    match op {
        // A root field always exists, be it as null: adding is setting.
        Op::Add(value) | Op::Replace(value) => {
            document.insert(name.to_owned(), value.clone());
            Ok(())
        }
        Op::Remove => match document.shift_remove(name) {
            Some(_) => Ok(()),
            None => Err(format!("can't remove a non-existent object '{name}'")),
        },
    }
}

fn step<'v>(value: &'v mut Value, part: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(map) => map.get_mut(part),
        Value::Array(list) => list.get_mut(index(part)?),
        _ => None,
    }
}

fn within(place: &mut Value, name: &str, op: &Op) -> Result<(), String> {
    match place {
        Value::Object(map) => match op {
            Op::Add(value) => {
                map.insert(name.to_owned(), value.clone());
                Ok(())
            }
            Op::Replace(value) => match map.get_mut(name) {
                Some(old) => {
                    *old = value.clone();
                    Ok(())
                }
                None => Err(format!("can't replace a non-existent object '{name}'")),
            },
            Op::Remove => {
                map.shift_remove(name).map(drop).ok_or_else(|| format!("can't remove a non-existent object '{name}'"))
            }
        },
        Value::Array(list) => {
            if let (Op::Add(value), "-") = (op, name) {
                list.push(value.clone());
                return Ok(());
            }
            let at = index(name).ok_or_else(|| format!("'{name}' is not a valid sequence index"))?;
            match op {
                Op::Add(value) if at <= list.len() => list.insert(at, value.clone()),
                Op::Replace(value) if at < list.len() => list[at] = value.clone(),
                Op::Remove if at < list.len() => drop(list.remove(at)),
                _ => return Err(format!("index {at} is outside of the list")),
            }
            Ok(())
        }
        _ => Err(format!("'{name}' is looked for in something that is neither an object nor a list")),
    }
}

/// An array index as RFC 6901 has it: no sign, no leading zero.
fn index(part: &str) -> Option<usize> {
    let plain = part == "0" || (!part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit()));
    if plain { part.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(document: Value, operations: &[(Op, &str)]) -> Result<Value, String> {
        let Value::Object(mut map) = document else { return Err("not an object".into()) };
        let operations: Vec<_> = operations
            .iter()
            .map(|(op, path)| Operation { op: op.clone(), path: path.split('/').skip(1).map(str::to_owned).collect() })
            .collect();
        apply(&mut map, &operations).map_err(|refusal| refusal.to_string())?;
        Ok(Value::Object(map))
    }

    #[test]
    fn operations_apply_in_order_to_objects_and_lists() {
        let have = json!({"name": null, "extra": {"a": 1, "list": [1, 2]}});
        let done = patched(
            have,
            &[
                (Op::Add(json!("x")), "/name"),
                (Op::Add(json!(2)), "/extra/b"),
                (Op::Replace(json!({"c": 3})), "/extra/a"),
                (Op::Remove, "/extra/a/c"),
                (Op::Add(json!(3)), "/extra/list/-"),
                (Op::Add(json!(0)), "/extra/list/0"),
                (Op::Remove, "/extra/list/1"),
            ],
        );
        assert_eq!(done, Ok(json!({"name": "x", "extra": {"a": {}, "list": [0, 2, 3], "b": 2}})));
    }

    #[test]
    fn a_row_of_patches_does_not_nest_for_ever() {
        let mut document = json!({"extra": {}});
        let mut path = "/extra".to_owned();
        for level in 2..40 {
            path += "/a";
            let done = patched(document.clone(), &[(Op::Add(json!({})), &path)]);
            assert_eq!(done.is_ok(), level < MOST_DEPTH, "{level}");
            document = done.unwrap_or(document);
        }
        let deep = (2..MOST_DEPTH).fold(json!(1), |inner, _| json!([inner]));
        assert!(patched(json!({"extra": {}}), &[(Op::Add(deep.clone()), "/extra/a")]).is_ok());
        assert!(patched(json!({"extra": {"b": {}}}), &[(Op::Add(deep), "/extra/b/a")]).is_err());
    }

    #[test]
    fn what_is_not_there_is_neither_replaced_nor_removed() {
        for (op, path) in [
            (Op::Remove, "/extra/b"),
            (Op::Replace(json!(1)), "/extra/b"),
            (Op::Add(json!(1)), "/extra/b/c"),
            (Op::Remove, "/extra/list/2"),
            (Op::Remove, "/extra/list/00"),
            (Op::Add(json!(1)), "/extra/a/b"),
            (Op::Remove, "/nothing"),
        ] {
            assert!(patched(json!({"extra": {"a": 1, "list": [1, 2]}}), &[(op, path)]).is_err(), "{path}");
        }
    }
}

//! Step lists that templates and runbooks keep: reading them, and parting them from the secrets in their arguments.
//!
//! The row holds the list as clients see it, with `******` for each secret. If there is one, the list as it was sent is
//! kept beside the row.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Refusal, Refused};
use crate::model::Object;
use crate::model::secret::{MASK, Sealed, is_secret};
use crate::provision::asked::{self, AskedStep, Grammar, MOST_STEPS};
use crate::store::{Read, Tx, sealed_steps};

/// Reads the steps of a template or runbook. `lenient` leaves words that a step does not have out instead of refusing
/// them: so do Ironic's patches.
pub fn read(what: &str, value: Option<&Value>, grammar: Grammar, lenient: bool) -> Refused<Vec<AskedStep>> {
    let refuse = |why: String| Refusal::invalid(format!("Schema error for {what}: steps: {why}"));
    let items = match value {
        None => return Err(refuse("'steps' is a required property".to_owned())),
        Some(Value::Array(items)) if items.is_empty() => return Err(refuse("[] should be non-empty".to_owned())),
        Some(Value::Array(items)) if items.len() > MOST_STEPS => {
            return Err(refuse(format!("expected at most {MOST_STEPS} steps, got {}", items.len())));
        }
        Some(Value::Array(items)) => items,
        Some(other) => return Err(refuse(format!("{other} is not of type 'array'"))),
    };
    let mut steps: Vec<AskedStep> = Vec::new();
    for item in items {
        let mut item = item.clone();
        if let (true, Value::Object(map)) = (lenient, &mut item) {
            map.retain(|key, _| grammar.known.contains(&key.as_str()));
        }
        steps.push(asked::read(&item, grammar).map_err(refuse)?);
    }
    for (i, step) in steps.iter().enumerate() {
        if steps[..i].iter().any(|other| other.is_same(step)) {
            return Err(Refusal::invalid(format!(
                "Duplicate deploy steps. A template or runbook cannot have multiple steps with the same interface and \
                 step. Duplicates: interface: {}, step: {}",
                step.interface.as_str(),
                step.step
            )));
        }
    }
    Ok(steps)
}

/// Keeps the secrets of `steps` beside the row of `owner`, and gives the column that clients see.
pub fn seal(tx: &Tx, owner: Uuid, steps: &[AskedStep]) -> Refused<Object> {
    let open = serde_json::to_value(steps).map_err(crate::store::StoreError::from)?;
    let shown = masked(&open);
    let sealed = (shown != open).then(|| Sealed::seal(open));
    sealed_steps::put(tx, owner, sealed.as_ref())?;
    Ok(shown.into())
}

/// The steps as they were sent, secrets in place. Never to be shown, stored in a row or logged.
pub fn open(read: &Read, owner: Uuid, column: &Object) -> Refused<Vec<AskedStep>> {
    let value = match sealed_steps::find(read, owner)? {
        Some(sealed) => sealed.open().clone(),
        None => column.value(),
    };
    Ok(serde_json::from_value(value).map_err(crate::store::StoreError::from)?)
}

/// What a changed list becomes, given the one before: `******` stands for the secret of the same step, and the steps
/// that stay come before those that are new, which is the order in which Ironic shows them.
pub fn changed(what: &str, before: &[AskedStep], after: Vec<AskedStep>) -> Refused<Vec<AskedStep>> {
    let mut filled = Vec::new();
    for mut step in after {
        let old = before.iter().find(|old| old.is_same(&step)).map(|old| Value::Object(old.args.clone()));
        let mut args = Value::Object(std::mem::take(&mut step.args));
        fill(&mut args, old.as_ref()).map_err(|key| {
            Refusal::invalid(format!(
                "Schema error for {what}: steps: the value of {key} is \"{MASK}\", which only stands for a stored \
                 secret; send the secret itself"
            ))
        })?;
        if let Value::Object(args) = args {
            step.args = args;
        }
        filled.push(step);
    }
    let (stay, mut new): (Vec<_>, Vec<_>) = filled.into_iter().partition(|step| before.contains(step));
    let mut list: Vec<AskedStep> = before.iter().filter(|step| stay.contains(step)).cloned().collect();
    new.sort_by_cached_key(|step| {
        let args = Value::Object(step.args.clone()).to_string();
        (step.interface.as_str(), step.step.clone(), args, step.priority.or(step.order))
    });
    list.append(&mut new);
    Ok(list)
}

/// A value with `******` in the place of each secret.
pub fn masked(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let shown = map.iter().map(|(key, value)| {
                let value = if is_secret(key) && !value.is_null() { MASK.into() } else { masked(value) };
                (key.clone(), value)
            });
            Value::Object(shown.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(masked).collect()),
        other => other.clone(),
    }
}

/// Puts stored secrets in the place of their masks; the error is the key of one that stands for nothing.
fn fill(value: &mut Value, old: Option<&Value>) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let old = old.and_then(|old| old.get(key));
                if is_secret(key) && *value == MASK {
                    *value = old.filter(|old| !old.is_null()).ok_or_else(|| key.clone())?.clone();
                } else {
                    fill(value, old)?;
                }
            }
            Ok(())
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(i, item)| fill(item, old.and_then(|old| old.get(i))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::asked::BY_PRIORITY;
    use serde_json::json;

    fn steps(items: Value) -> Vec<AskedStep> {
        read("test", Some(&items), BY_PRIORITY, false).unwrap_or_default()
    }

    #[test]
    fn a_mask_stands_for_the_secret_of_the_same_step() {
        let step = |name: &str, password: &str| json!({"interface": "bios", "step": name, "args": {"list": [{"password": password}]}, "priority": 1});
        let before = steps(json!([step("a", "x"), step("b", "y")]));
        let after = changed("test", &before, steps(json!([step("b", MASK)])));
        assert_eq!(after.ok(), Some(before[1..].to_vec()));
        assert!(changed("test", &before, steps(json!([step("c", MASK)]))).is_err());
        let shown = masked(&serde_json::to_value(&before).unwrap_or_default());
        assert_eq!(shown[0]["args"], json!({"list": [{"password": MASK}]}));
    }

    #[test]
    fn steps_that_stay_come_before_new_ones() {
        let step =
            |name: &str, priority: i64| json!({"interface": "bios", "step": name, "args": {}, "priority": priority});
        let before = steps(json!([step("a", 1), step("b", 1)]));
        let after = changed("test", &before, steps(json!([step("d", 1), step("c", 1), step("a", 2), step("b", 1)])));
        let names: Vec<_> = after.into_iter().flatten().map(|step| step.step).collect();
        assert_eq!(names, ["b", "a", "c", "d"]);
    }
}

//! Inspection rules: what operators want to be done with what an inspection finds.
//!
//! A rule is checked when it is written: its operations are in the tables of `provision::inspection` and have the
//! arguments that they need. What the arguments hold may depend on the machine, so that is found out when the rule is
//! applied (`service::inspection`).
//!
//! A sensitive rule stays sensitive. (Ironic lets a PATCH to null, or a removal, show it again.)

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Operation};
use super::{Refusal, Refused};
use crate::model::secret::Sealed;
use crate::model::{InspectionRule, Object};
use crate::provision::inspection::ops;
use crate::store::{Read, Tx, inspection_rules};

/// The only phase there is.
pub const MAIN: &str = "main";
const HIGHEST: i64 = 9999;
/// Keys that a PATCH may name without any effect, as in Ironic.
const IGNORED: &[&str] = &["id", "scope", "created_at", "updated_at"];

/// Creates a rule from the body of a request, whose keys have been checked.
pub fn create(tx: &Tx, body: &Map<String, Value>) -> Refused<InspectionRule> {
    let fields = Fields::new("inspection rule", body);
    let uuid = match fields.text("uuid", usize::MAX)?.filter(|text| !text.is_empty()) {
        Some(text) => uuid(&text)?,
        None => tx.uuid(),
    };
    let mut rule = InspectionRule {
        id: 0,
        uuid,
        priority: 0,
        description: None,
        sensitive: false,
        phase: MAIN.to_owned(),
        conditions: Object::empty_list(),
        actions: Object::empty_list(),
        body: Sealed::seal(Value::Null),
        created_at: tx.now(),
        updated_at: None,
    };
    read(&fields, &mut rule)?;
    if inspection_rules::find(tx, uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A rule with UUID {uuid} already exists.")));
    }
    rule.id = inspection_rules::insert(tx, &rule)?;
    Ok(rule)
}

pub fn find(read: &Read, uuid: Uuid) -> Refused<InspectionRule> {
    inspection_rules::find(read, uuid)?.ok_or_else(|| missing(uuid))
}

fn missing(uuid: Uuid) -> Refusal {
    Refusal::not_found(format!("Rule {uuid} could not be found."))
}

/// Changes any field of a rule but its UUID.
pub fn update(tx: &Tx, uuid: Uuid, operations: &[Operation]) -> Refused<InspectionRule> {
    let before = find(tx, uuid)?;
    let mut document = document(&before);
    let known: Vec<String> = document.keys().cloned().collect();
    patch::apply(&mut document, operations)?;
    if let Some(new) = document.keys().find(|key| !known.contains(key)) {
        return Err(Refusal::invalid(format!(
            "Adding a new attribute (/{new}) to the root of the resource is not allowed"
        )));
    }
    let fields = Fields::new("inspection rule", &document);
    same(&before, &fields)?;
    let mut after = before.clone();
    read(&fields, &mut after)?;
    if before.sensitive && !after.sensitive {
        return Err(Refusal::invalid(
            "Couldn't apply patch at '/sensitive'. Reason: Inspection rules cannot have the sensitive flag unset.",
        ));
    }
    inspection_rules::update(tx, &before, &after)?;
    find(tx, uuid)
}

/// A rule keeps its UUID: another one is looked for, as in Ironic, and there is none that could be meant.
fn same(rule: &InspectionRule, fields: &Fields) -> Refused<()> {
    let named =
        fields.text("uuid", usize::MAX)?.ok_or_else(|| fields.refuse("uuid", "a rule cannot be without one"))?;
    let named = uuid(&named)?;
    if named == rule.uuid { Ok(()) } else { Err(missing(named)) }
}

pub fn delete(tx: &Tx, uuid: Uuid) -> Refused<()> {
    if inspection_rules::delete(tx, uuid)? { Ok(()) } else { Err(missing(uuid)) }
}

/// What a patch sees.
fn document(rule: &InspectionRule) -> Map<String, Value> {
    let body = rule.body.open();
    let mut map = Map::new();
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    put("uuid", json!(rule.uuid.to_string()));
    put("priority", json!(rule.priority));
    put("description", json!(rule.description));
    put("sensitive", json!(rule.sensitive));
    put("phase", json!(rule.phase));
    put("conditions", body["conditions"].clone());
    put("actions", body["actions"].clone());
    for name in IGNORED {
        put(name, Value::Null);
    }
    map
}

/// Reads everything but the UUID. What is absent gets its default.
fn read(fields: &Fields, rule: &mut InspectionRule) -> Refused<()> {
    rule.description = fields.text("description", 255)?;
    rule.priority = priority(fields)?;
    rule.sensitive = match fields.map.get("sensitive") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(value)) => *value,
        Some(_) => return Err(fields.refuse("sensitive", "expected a boolean or null")),
    };
    rule.phase = match fields.map.get("phase") {
        None => MAIN.to_owned(),
        Some(Value::String(phase)) if phase == MAIN => MAIN.to_owned(),
        Some(other) => return Err(Refusal::invalid(format!("Invalid phase: {other}. Valid phases are: {MAIN}"))),
    };
    let old = rule.body.open().clone();
    let conditions = match fields.map.get("conditions") {
        None => Vec::new(),
        Some(_) => operations(fields, "conditions", &old)?,
    };
    let actions = match fields.map.get("actions") {
        None => return Err(fields.refuse("actions", "is a required property")),
        Some(_) => operations(fields, "actions", &old)?,
    };
    if actions.is_empty() {
        return Err(fields.refuse("actions", "expected at least one"));
    }
    rule.conditions = shown(&conditions, "conditions", rule.sensitive);
    rule.actions = shown(&actions, "actions", rule.sensitive);
    rule.body = Sealed::seal(json!({"conditions": conditions, "actions": actions}));
    Ok(())
}

fn priority(fields: &Fields) -> Refused<i64> {
    let value = match fields.map.get("priority") {
        None => return Ok(0),
        Some(value) => value,
    };
    // A number without a fraction is an integer, however it is written.
    let whole = value.as_f64().filter(|number| number.fract() == 0.0);
    let number = whole.ok_or_else(|| fields.refuse("priority", "expected an integer"))?;
    if !(0.0..=HIGHEST as f64).contains(&number) {
        return Err(Refusal::invalid(format!("priority: expected a number between 0 and {HIGHEST}, got {value}")));
    }
    Ok(number as i64)
}

/// The list of operations in a field, each checked. One that stands in `old` already is as it should be.
fn operations(fields: &Fields, name: &str, old: &Value) -> Refused<Vec<Value>> {
    let Some(Value::Array(items)) = fields.map.get(name) else {
        return Err(fields.refuse(name, "expected an array"));
    };
    let known = old[name].as_array();
    let checked = items.iter().enumerate().map(|(at, item)| {
        if known.is_some_and(|known| known.contains(item)) {
            return Ok(item.clone());
        }
        operation(item, name).map_err(|why| fields.refuse(&format!("{name}/{at}"), why))
    });
    checked.collect()
}

fn operation(item: &Value, list: &str) -> Result<Value, String> {
    let Value::Object(map) = item else { return Err("expected an object".to_owned()) };
    let mut map = map.clone();
    let word = map.get("op").ok_or("'op' is a required property")?;
    let word = word.as_str().ok_or("op: expected a string")?;
    let op = match list {
        "conditions" => ops::condition(word).map(|(_, op)| op),
        _ => ops::action(word),
    };
    let op = op.ok_or_else(|| {
        let table = if list == "conditions" { ops::CONDITIONS } else { ops::ACTIONS };
        let names: Vec<_> = table.iter().map(|op| op.name).collect();
        format!("'{word}' is not one of {}", names.join(", "))
    })?;
    if !map.get("loop").is_none_or(|it| it.is_array() || it.is_object()) {
        return Err("loop: expected an array or an object".to_owned());
    }
    let multiple = map.get("multiple").filter(|_| list == "conditions");
    if !multiple.is_none_or(|it| matches!(it.as_str(), Some("any" | "all" | "first" | "last"))) {
        return Err("multiple: expected any, all, first or last".to_owned());
    }
    op.check(map.get_mut("args").ok_or("'args' is a required property")?)?;
    Ok(Value::Object(map))
}

/// The operations as clients see them: without keys that mean nothing, and not at all if they are sensitive.
fn shown(operations: &[Value], list: &str, sensitive: bool) -> Object {
    if sensitive {
        return Value::Null.into();
    }
    let one = |operation: &Value| {
        let mut shown = json!({"op": operation["op"], "args": operation["args"]});
        let looped = match &operation["loop"] {
            Value::Array(list) => !list.is_empty(),
            Value::Object(map) => !map.is_empty(),
            _ => false,
        };
        if looped {
            shown["loop"] = operation["loop"].clone();
            if list == "conditions" {
                shown["multiple"] = operation.get("multiple").cloned().unwrap_or_else(|| json!("any"));
            }
        }
        shown
    };
    Value::from(operations.iter().map(one).collect::<Vec<_>>()).into()
}

/// `text` as a UUID; rules have no names.
pub fn uuid(text: &str) -> Refused<Uuid> {
    Uuid::try_parse(text).map_err(|_| Refusal::invalid(format!("Expected UUID for inspection_rule_uuid: {text}")))
}

//! What a client may write for one step: in a request, a deploy template or a runbook.
//!
//! The four places have the same words and differ in which they know and which they need; each is a row here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::model::InterfaceKind;
use crate::model::step::Children;

/// Bounds a step list, which is stored and walked.
pub const MOST_STEPS: usize = 1000;

/// A step as a client wrote it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskedStep {
    pub interface: InterfaceKind,
    pub step: String,
    #[serde(default)]
    pub args: Map<String, Value>,
    /// Deploy steps have one; elsewhere the order counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Its place in a runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// To be done on the node's children instead of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
}

impl AskedStep {
    pub fn new(interface: InterfaceKind, step: &str) -> Self {
        AskedStep { interface, step: step.to_owned(), args: Map::new(), priority: None, order: None, children: None }
    }

    /// As logs, errors and settings name it: `deploy.write_image`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.interface.as_str(), self.step)
    }

    pub fn is_same(&self, other: &AskedStep) -> bool {
        self.interface == other.interface && self.step == other.step
    }
}

/// Where a step stands, and so which words it may and must have.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    pub known: &'static [&'static str],
    pub required: &'static [&'static str],
}

/// Steps of a cleaning or a service, done in the order in which they are written.
pub const IN_ORDER: Grammar = Grammar {
    known: &["interface", "step", "args", "order", "execute_on_child_nodes", "limit_child_node_execution"],
    required: &["interface", "step"],
};
/// Steps of a deploy or a deploy template.
pub const BY_PRIORITY: Grammar =
    Grammar { known: &["interface", "step", "args", "priority"], required: &["interface", "step", "args", "priority"] };
pub const IN_RUNBOOK: Grammar =
    Grammar { known: &["interface", "step", "args", "order"], required: &["interface", "step", "order"] };

/// Reads one step; the error says what is wrong with it.
pub fn read(item: &Value, grammar: Grammar) -> Result<AskedStep, String> {
    let map = item.as_object().ok_or_else(|| format!("{item} is not of type 'object'"))?;
    if let Some(other) = map.keys().find(|key| !grammar.known.contains(&key.as_str())) {
        return Err(format!("Additional properties are not allowed ('{other}' was unexpected)"));
    }
    if let Some(absent) = grammar.required.iter().find(|name| !map.contains_key(**name)) {
        return Err(format!("'{absent}' is a required property"));
    }
    let interface = &map["interface"];
    let interface =
        interface.as_str().and_then(InterfaceKind::parse).filter(|kind| kind.rank() > 0).ok_or_else(|| {
            format!(
                "interface: {interface} is not one of 'vendor', 'power', 'management', 'firmware', 'deploy', 'bios', 'raid'"
            )
        })?;
    let step = match &map["step"] {
        Value::String(step) if !step.is_empty() => step.clone(),
        other => return Err(format!("step: {other} is not a name")),
    };
    let args = match map.get("args") {
        None => Map::new(),
        Some(Value::Object(args)) => args.clone(),
        Some(other) => return Err(format!("args: {other} is not of type 'object'")),
    };
    Ok(AskedStep {
        interface,
        step,
        args,
        priority: number(map, "priority")?,
        order: number(map, "order")?,
        children: children(map)?,
    })
}

/// A number, 0 or more, which may be written as text.
fn number(map: &Map<String, Value>, name: &str) -> Result<Option<i64>, String> {
    let Some(value) = map.get(name) else { return Ok(None) };
    let number = match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            // 10.0 is an integer to JSON; those beyond 2^53 are not worth a thought.
            number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < 9e15).map(|it| it as i64)
        }),
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    match number {
        Some(number @ 0..) => Ok(Some(number)),
        _ => Err(format!("{name}: {value} is not a number, 0 or more")),
    }
}

fn children(map: &Map<String, Value>) -> Result<Option<Children>, String> {
    let wanted = match map.get("execute_on_child_nodes") {
        None => false,
        Some(Value::Bool(wanted)) => *wanted,
        Some(other) => return Err(format!("execute_on_child_nodes: {other} is not of type 'boolean'")),
    };
    let named = match map.get("limit_child_node_execution") {
        None => &Vec::new(),
        Some(Value::Array(named)) => named,
        Some(other) => return Err(format!("limit_child_node_execution: {other} is not of type 'array'")),
    };
    if !wanted {
        return Ok(None);
    }
    let only = named.iter().map(|entry| {
        let uuid = entry.as_str().and_then(|text| Uuid::try_parse(text).ok());
        uuid.map(|uuid| uuid.to_string())
            .ok_or_else(|| format!("limit_child_node_execution: {entry} is not the UUID of a node"))
    });
    Ok(Some(Children { only: only.collect::<Result<_, _>>()? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_place_has_its_words() {
        let child = "8d2b3b0e-6a0a-4b7e-9a83-4c3a6c1a0b11";
        for (grammar, item, good) in [
            (IN_ORDER, json!({"interface": "bios", "step": "a"}), true),
            (IN_ORDER, json!({"interface": "bios", "step": "a", "args": {}, "order": "12"}), true),
            (IN_ORDER, json!({"interface": "bios", "step": "a", "execute_on_child_nodes": true}), true),
            (
                IN_ORDER,
                json!({"interface": "bios", "step": "a", "execute_on_child_nodes": true, "limit_child_node_execution": [child]}),
                true,
            ),
            (
                IN_ORDER,
                json!({"interface": "bios", "step": "a", "execute_on_child_nodes": true, "limit_child_node_execution": ["x"]}),
                false,
            ),
            (IN_ORDER, json!({"interface": "bios", "step": "a", "limit_child_node_execution": ["x"]}), true),
            (IN_ORDER, json!({"interface": "bios", "step": "a", "execute_on_child_nodes": "yes"}), false),
            (IN_ORDER, json!({"interface": "bios", "step": "a", "priority": 1}), false),
            (IN_ORDER, json!({"interface": "network", "step": "a"}), false),
            (IN_ORDER, json!({"step": "a"}), false),
            (IN_ORDER, json!({"interface": "bios", "step": ""}), false),
            (IN_ORDER, json!(5), false),
            (BY_PRIORITY, json!({"interface": "bios", "step": "a", "args": {}, "priority": 10.0}), true),
            (BY_PRIORITY, json!({"interface": "bios", "step": "a", "args": {}, "priority": -1}), false),
            (BY_PRIORITY, json!({"interface": "bios", "step": "a", "args": {}, "priority": 1.5}), false),
            (BY_PRIORITY, json!({"interface": "bios", "step": "a", "args": {}, "priority": true}), false),
            (BY_PRIORITY, json!({"interface": "bios", "step": "a", "args": {}, "priority": ""}), false),
            (BY_PRIORITY, json!({"interface": "bios", "step": "a", "args": null, "priority": 1}), false),
            (BY_PRIORITY, json!({"interface": "bios", "step": "a", "priority": 1}), false),
            (IN_RUNBOOK, json!({"interface": "bios", "step": "a", "order": 1}), true),
            (IN_RUNBOOK, json!({"interface": "bios", "step": "a"}), false),
        ] {
            assert_eq!(read(&item, grammar).is_ok(), good, "{item}");
        }
    }
}

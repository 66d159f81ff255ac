//! The fields of a node that clients write: how each is read from JSON, and what it goes back to when it is taken away.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Ident, find};
use crate::model::{InterfaceKind, Node, Object};
use crate::service::{Refusal, Refused, chassis};
use crate::store::Read;

/// Characters of a description at most.
const DESCRIPTION: usize = 4096;
/// Of a resource class.
const CLASS: usize = 80;
/// Of most other texts.
const TEXT: usize = 255;

/// The fields that a patch may touch, apart from the interfaces.
const NAMES: &[&str] = &[
    "automated_clean",
    "chassis_uuid",
    "conductor_group",
    "description",
    "disable_power_off",
    "driver",
    "driver_info",
    "extra",
    "instance_info",
    "instance_name",
    "instance_uuid",
    "lessee",
    "maintenance",
    "name",
    "network_data",
    "owner",
    "parent_node",
    "properties",
    "protected",
    "protected_reason",
    "resource_class",
    "retired",
    "retired_reason",
    "shard",
];

/// The node as the document that a patch is applied to.
pub fn document(node: &Node) -> Map<String, Value> {
    let mut map: Map<String, Value> = NAMES.iter().map(|name| ((*name).to_owned(), get(node, name))).collect();
    for kind in InterfaceKind::ALL {
        map.insert(format!("{}_interface", kind.as_str()), json!(node.interface(kind)));
    }
    map
}

fn get(node: &Node, name: &str) -> Value {
    match name {
        "automated_clean" => json!(node.automated_clean),
        "chassis_uuid" => json!(node.chassis_uuid.map(|uuid| uuid.to_string())),
        "conductor_group" => json!(node.conductor_group),
        "description" => json!(node.description),
        "disable_power_off" => json!(node.disable_power_off),
        "driver" => json!(node.driver),
        "driver_info" => node.driver_info.value(),
        "extra" => node.extra.value(),
        "instance_info" => node.instance_info.value(),
        "instance_name" => json!(node.instance_name),
        "instance_uuid" => json!(node.instance_uuid.map(|uuid| uuid.to_string())),
        "lessee" => json!(node.lessee),
        "maintenance" => json!(node.maintenance),
        "name" => json!(node.name),
        "network_data" => node.network_data.value(),
        "owner" => json!(node.owner),
        "parent_node" => json!(node.parent_node.map(|uuid| uuid.to_string())),
        "properties" => node.properties.value(),
        "protected" => json!(node.protected),
        "protected_reason" => json!(node.protected_reason),
        "resource_class" => json!(node.resource_class),
        "retired" => json!(node.retired),
        "retired_reason" => json!(node.retired_reason),
        "shard" => json!(node.shard),
        _ => Value::Null,
    }
}

/// Sets a field; none is the default. Refusals name the field and what was expected. The columns with secrets are not
/// set here.
pub fn set(read: &Read, node: &mut Node, name: &str, value: Option<&Value>) -> Refused<()> {
    let value = value.unwrap_or(&Value::Null);
    match name {
        "automated_clean" => node.automated_clean = flag(name, value)?,
        "boot_mode" => node.boot_mode = text(name, value, TEXT)?,
        "chassis_uuid" => node.chassis_uuid = chassis(read, value)?,
        "conductor_group" => node.conductor_group = group(value)?,
        "console_enabled" => node.console_enabled = flag(name, value)?.unwrap_or(false),
        "description" => node.description = text(name, value, DESCRIPTION)?,
        "disable_power_off" => node.disable_power_off = flag(name, value)?.unwrap_or(false),
        "driver" => {
            node.driver = text(name, value, TEXT)?
                .ok_or_else(|| Refusal::invalid("Schema error for patch: 'driver' is a required property"))?;
        }
        "extra" => node.extra = map(name, value)?.into(),
        "instance_name" => node.instance_name = filled(name, text(name, value, TEXT)?)?,
        "instance_uuid" => node.instance_uuid = optional_uuid(name, value)?,
        "lessee" => node.lessee = text(name, value, TEXT)?,
        "maintenance" => node.maintenance = flag(name, value)?.unwrap_or(false),
        "name" => node.name = text(name, value, TEXT)?,
        "network_data" => node.network_data = network_data(value)?,
        "owner" => node.owner = text(name, value, TEXT)?,
        "parent_node" => node.parent_node = parent(read, node.owner.as_deref(), value)?,
        "properties" => node.properties = map(name, value)?.into(),
        "protected" => node.protected = flag(name, value)?.unwrap_or(false),
        "protected_reason" => node.protected_reason = text(name, value, usize::MAX)?,
        "resource_class" => node.resource_class = text(name, value, CLASS)?,
        "retired" => node.retired = flag(name, value)?.unwrap_or(false),
        "retired_reason" => node.retired_reason = text(name, value, usize::MAX)?,
        "secure_boot" => node.secure_boot = flag(name, value)?,
        "shard" => node.shard = text(name, value, usize::MAX)?,
        _ => match name.strip_suffix("_interface").and_then(InterfaceKind::parse) {
            Some(kind) => *node.interface_mut(kind) = text(name, value, TEXT)?,
            None => return Err(expected(name, "a field that can be written", value)),
        },
    }
    Ok(())
}

fn expected(name: &str, what: &str, value: &Value) -> Refusal {
    Refusal::invalid(format!("Invalid {name}: expected {what}, got {}", shown(value)))
}

fn shown(value: &Value) -> String {
    let mut shown: String = value.to_string().chars().take(80).collect();
    if shown.len() < value.to_string().len() {
        shown.push('…');
    }
    shown
}

fn text(name: &str, value: &Value, longest: usize) -> Refused<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() <= longest => Ok(Some(text.clone())),
        Value::String(_) => Err(expected(name, &format!("at most {longest} characters"), value)),
        _ => Err(expected(name, "a string or null", value)),
    }
}

fn filled(name: &str, text: Option<String>) -> Refused<Option<String>> {
    match text {
        Some(text) if text.is_empty() => {
            Err(Refusal::invalid(format!("Invalid {name}: expected at least one character")))
        }
        text => Ok(text),
    }
}

/// A boolean, or a word for one.
fn flag(name: &str, value: &Value) -> Refused<Option<bool>> {
    const WORDS: &str = "a boolean ('0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes')";
    match value {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(*value)),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "t" | "true" | "on" | "y" | "yes" | "1" => Ok(Some(true)),
            "f" | "false" | "off" | "n" | "no" | "0" => Ok(Some(false)),
            _ => Err(expected(name, WORDS, value)),
        },
        _ => Err(expected(name, WORDS, value)),
    }
}

/// An object; null is an empty one.
pub fn map(name: &str, value: &Value) -> Refused<Map<String, Value>> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map.clone()),
        _ => Err(expected(name, "an object or null", value)),
    }
}

pub fn uuid(name: &str, value: &Value) -> Refused<Uuid> {
    let parsed = value.as_str().and_then(|text| Uuid::try_parse(text).ok());
    parsed.ok_or_else(|| Refusal::invalid(format!("Expected UUID for {name}: {}", shown(value))))
}

fn optional_uuid(name: &str, value: &Value) -> Refused<Option<Uuid>> {
    if value.is_null() { Ok(None) } else { uuid(name, value).map(Some) }
}

fn chassis(read: &Read, value: &Value) -> Refused<Option<Uuid>> {
    let uuid = optional_uuid("chassis_uuid", value)?;
    uuid.map(|uuid| chassis::mentioned(read, uuid)).transpose()
}

/// There is one conductor, and it serves the group without a name.
fn group(value: &Value) -> Refused<String> {
    match text("conductor_group", value, TEXT)? {
        Some(group) if !group.is_empty() => Err(Refusal::invalid(format!(
            "No valid host was found. Reason: conductor_group: no conductor serves the group \"{}\"",
            group.to_lowercase()
        ))),
        _ => Ok(String::new()),
    }
}

/// The UUID of the node that is named, by UUID or name. It has to have the same owner.
fn parent(read: &Read, owner: Option<&str>, value: &Value) -> Refused<Option<Uuid>> {
    let Some(ident) = text("parent_node", value, TEXT)? else { return Ok(None) };
    match find(read, &Ident::parse(&ident)) {
        Ok(node) if node.owner.as_deref() == owner => Ok(Some(node.uuid)),
        Ok(_) | Err(Refusal::NotFound(_)) => Err(Refusal::invalid(format!(
            "Unable to apply the requested parent_node '{ident}'. Requested value was invalid."
        ))),
        Err(other) => Err(other),
    }
}

/// Empty, or whole.
fn network_data(value: &Value) -> Refused<Object> {
    let map = map("network_data", value)?;
    if !map.is_empty() {
        super::network_data::check(&map).map_err(|why| Refusal::invalid(format!("Invalid network_data: {why}")))?;
    }
    Ok(map.into())
}

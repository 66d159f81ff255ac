//! Volume connectors and targets: storage outside of the machine.
//!
//! A running machine may be using its volumes, so they change only while it is off. What a client gives away in the
//! properties of a target as a password is kept like a secret of its node.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Operation};
use super::{Refusal, Refused};
use crate::model::secret::{is_secret, mask};
use crate::model::{Node, Object, PowerState, State, VolumeConnector, VolumeTarget};
use crate::store::{Read, StoreError, Tx, nodes, secrets, volumes};

pub fn find_connector(read: &Read, uuid: Uuid) -> Refused<VolumeConnector> {
    let found = volumes::find_connector(read, uuid)?;
    found.ok_or_else(|| Refusal::not_found(format!("Volume connector {uuid} could not be found.")))
}

pub fn find_target(read: &Read, uuid: Uuid) -> Refused<VolumeTarget> {
    let found = volumes::find_target(read, uuid)?;
    found.ok_or_else(|| Refusal::not_found(format!("Volume target {uuid} could not be found.")))
}

/// Creates a connector from the body of a request, whose keys have been checked.
pub fn create_connector(tx: &Tx, body: &Map<String, Value>) -> Refused<Uuid> {
    let fields = Fields::new("connector", body);
    let uuid = fields.uuid("uuid")?.unwrap_or_else(|| tx.uuid());
    let made = VolumeConnector {
        id: 0,
        uuid,
        kind: required(&fields, "type", 32)?,
        connector_id: required(&fields, "connector_id", 255)?,
        extra: fields.object("extra")?,
        node_uuid: owner(tx, &fields)?,
        created_at: tx.now(),
        updated_at: None,
    };
    if volumes::find_connector(tx, uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A volume connector with UUID {uuid} already exists.")));
    }
    one_connector(volumes::insert_connector(tx, &made), &made)?;
    Ok(uuid)
}

pub fn update_connector(tx: &Tx, uuid: Uuid, operations: &[Operation]) -> Refused<()> {
    let before = find_connector(tx, uuid)?;
    let mut document = document(json!({
        "node_uuid": before.node_uuid.to_string(),
        "type": before.kind,
        "connector_id": before.connector_id,
        "extra": before.extra.value(),
    }));
    patch::apply(&mut document, operations)?;
    let fields = Fields::new("patch", &document);
    let after = VolumeConnector {
        node_uuid: new_owner(tx, &fields, before.node_uuid)?,
        kind: required(&fields, "type", 32)?,
        connector_id: required(&fields, "connector_id", 255)?,
        extra: fields.object("extra")?,
        ..before.clone()
    };
    may_change(tx, "volume connector update", before.node_uuid, after.node_uuid)?;
    one_connector(volumes::update_connector(tx, &before, &after), &after)?;
    Ok(())
}

pub fn delete_connector(tx: &Tx, uuid: Uuid) -> Refused<()> {
    let connector = find_connector(tx, uuid)?;
    may_delete(tx, "volume connector deletion", connector.node_uuid)?;
    volumes::delete_connector(tx, uuid)?;
    Ok(())
}

/// Creates a target from the body of a request, whose keys have been checked.
pub fn create_target(tx: &Tx, body: &Map<String, Value>) -> Refused<Uuid> {
    let fields = Fields::new("target", body);
    let uuid = fields.uuid("uuid")?.unwrap_or_else(|| tx.uuid());
    let made = VolumeTarget {
        id: 0,
        uuid,
        volume_type: required(&fields, "volume_type", 64)?,
        volume_id: required(&fields, "volume_id", 255)?,
        boot_index: boot_index(&fields)?,
        properties: Object::default(),
        extra: fields.object("extra")?,
        node_uuid: owner(tx, &fields)?,
        created_at: tx.now(),
        updated_at: None,
    };
    if volumes::find_target(tx, uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A volume target with UUID {uuid} already exists.")));
    }
    let properties = hide(tx, &made, made.node_uuid, fields.object("properties")?)?;
    let made = VolumeTarget { properties, ..made };
    one_index(volumes::insert_target(tx, &made), &made)?;
    Ok(uuid)
}

pub fn update_target(tx: &Tx, uuid: Uuid, operations: &[Operation]) -> Refused<()> {
    let before = find_target(tx, uuid)?;
    let mut document = document(json!({
        "node_uuid": before.node_uuid.to_string(),
        "volume_type": before.volume_type,
        "volume_id": before.volume_id,
        "boot_index": before.boot_index,
        "properties": before.properties.value(),
        "extra": before.extra.value(),
    }));
    patch::apply(&mut document, operations)?;
    let fields = Fields::new("patch", &document);
    let node = new_owner(tx, &fields, before.node_uuid)?;
    let after = VolumeTarget {
        node_uuid: node,
        volume_type: required(&fields, "volume_type", 64)?,
        volume_id: required(&fields, "volume_id", 255)?,
        boot_index: boot_index(&fields)?,
        extra: fields.object("extra")?,
        properties: hide(tx, &before, node, fields.object("properties")?)?,
        ..before.clone()
    };
    may_change(tx, "volume target update", before.node_uuid, after.node_uuid)?;
    one_index(volumes::update_target(tx, &before, &after), &after)?;
    Ok(())
}

pub fn delete_target(tx: &Tx, uuid: Uuid) -> Refused<()> {
    let target = find_target(tx, uuid)?;
    may_delete(tx, "volume target deletion", target.node_uuid)?;
    for pointer in secrets::pointers(tx, target.node_uuid, &secret_column(uuid))? {
        secrets::remove(tx, target.node_uuid, &secret_column(uuid), &pointer)?;
    }
    volumes::delete_target(tx, uuid)?;
    Ok(())
}

/// Under which name the node keeps the secrets of a target.
fn secret_column(target: Uuid) -> String {
    format!("volume_targets/{target}")
}

/// Takes the passwords out of the properties, and gives them to the node that the target is to belong to.
fn hide(tx: &Tx, target: &VolumeTarget, node: Uuid, properties: Object) -> Refused<Object> {
    let column = secret_column(target.uuid);
    if target.node_uuid != node {
        for (pointer, sealed) in secrets::of_column(tx, target.node_uuid, &column)? {
            secrets::put(tx, node, &column, &pointer, &sealed)?;
            secrets::remove(tx, target.node_uuid, &column, &pointer)?;
        }
    }
    let stored = secrets::pointers(tx, node, &column)?;
    let masked = mask(properties.map(), is_secret, &|pointer| stored.iter().any(|known| known == pointer))
        .map_err(|refused| Refusal::invalid(format!("properties: {refused}")))?;
    secrets::replace(tx, node, &column, &masked)?;
    Ok(masked.map.into())
}

fn required(fields: &Fields, name: &str, most: usize) -> Refused<String> {
    fields
        .text(name, most)?
        .ok_or_else(|| Refusal::invalid(format!("Schema error for {}: '{name}' is a required property", fields.what)))
}

fn boot_index(fields: &Fields) -> Refused<i64> {
    match fields.get("boot_index") {
        Some(Value::Number(number)) => {
            // 1.0 is an integer, too, for JSON schema.
            let whole = number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < 1e15).map(|it| it as i64);
            let index = number.as_i64().or(whole);
            index.ok_or_else(|| fields.refuse("boot_index", "expected an integer"))
        }
        Some(_) => Err(fields.refuse("boot_index", "expected an integer")),
        None => Err(Refusal::invalid(format!("Schema error for {}: 'boot_index' is a required property", fields.what))),
    }
}

/// The node that a new object is to belong to.
fn owner(read: &Read, fields: &Fields) -> Refused<Uuid> {
    let text = required(fields, "node_uuid", usize::MAX)?;
    let uuid = Uuid::try_parse(&text).map_err(|_| Refusal::invalid(format!("Expected UUID for node_uuid: {text}")))?;
    match nodes::find(read, uuid)? {
        Some(node) => Ok(node.uuid),
        None => Err(Refusal::invalid(format!("Invalid input for field/attribute node_uuid: no node {uuid}."))),
    }
}

/// The node after a patch. Removing it changes nothing.
fn new_owner(read: &Read, fields: &Fields, now: Uuid) -> Refused<Uuid> {
    match fields.map.get("node_uuid") {
        None => Ok(now),
        Some(Value::String(text)) if Uuid::try_parse(text).is_err() => {
            Err(Refusal::invalid(format!("Expected a UUID for node_uuid, but received {text}.")))
        }
        Some(Value::String(text)) => {
            let node = nodes::find(read, Uuid::try_parse(text).unwrap_or_default())?;
            node.map(|node| node.uuid).ok_or_else(|| {
                Refusal::invalid(format!(
                    "Unable to apply the requested node_uuid '{text}'. Requested value was invalid."
                ))
            })
        }
        Some(_) => Err(Refusal::invalid("Expected a UUID for node_uuid.")),
    }
}

/// Nobody works on the node that has it or on the one that gets it, and the latter is off.
fn may_change(read: &Read, action: &str, from: Uuid, to: Uuid) -> Refused<()> {
    free(read, from)?;
    let node = free(read, to)?;
    if node.power_state == Some(PowerState::Off) { Ok(()) } else { Err(running(action, &node)) }
}

/// As [`may_change`], but a node that nobody has put to use yet may lose its volumes as it is.
fn may_delete(read: &Read, action: &str, node: Uuid) -> Refused<()> {
    let node = free(read, node)?;
    let idle = matches!(node.provision_state, State::Manageable | State::Enroll | State::AdoptFailed);
    if idle || node.power_state == Some(PowerState::Off) { Ok(()) } else { Err(running(action, &node)) }
}

fn free(read: &Read, uuid: Uuid) -> Refused<Node> {
    let node = nodes::find(read, uuid)?;
    let node = node.ok_or_else(|| Refusal::not_found(format!("Node {uuid} could not be found.")))?;
    if node.reservation.is_some() { Err(Refusal::locked(&node)) } else { Ok(node) }
}

fn running(action: &str, node: &Node) -> Refusal {
    let state = node.power_state.map_or("None", PowerState::as_str);
    Refusal::invalid(format!(
        "The requested action \"{action}\" can not be performed on node \"{}\" while it is in state \"{state}\".",
        node.uuid
    ))
}

fn document(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Turns a collision into the sentence that names it. The UUID was looked at before.
fn one_connector<T>(result: Result<T, StoreError>, connector: &VolumeConnector) -> Refused<T> {
    result.map_err(|error| match error {
        StoreError::Duplicate(_) => Refusal::conflict(format!(
            "A volume connector with type {} and connector ID {} already exists.",
            connector.kind, connector.connector_id
        )),
        other => other.into(),
    })
}

fn one_index<T>(result: Result<T, StoreError>, target: &VolumeTarget) -> Refused<T> {
    result.map_err(|error| match error {
        StoreError::Duplicate(_) => Refusal::conflict(format!(
            "A volume target with boot index '{}' for the same node already exists.",
            target.boot_index
        )),
        other => other.into(),
    })
}

//! Port groups: network cards of a node that act as one.
//!
//! The physical network of a group is that of its members, and a change of it changes theirs. Like a card, a group does
//! not move to another node; deleting and creating says what is meant.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Operation};
use super::ports::mac;
use super::{Refusal, Refused, ident, names};
use crate::clock::from_micros;
use crate::model::{Node, Portgroup, State};
use crate::store::{Read, StoreError, Tx, nodes, portgroups, ports};

/// By UUID or name.
pub fn find(read: &Read, ident: &str) -> Refused<Portgroup> {
    let found = match Uuid::try_parse(ident) {
        Ok(uuid) => portgroups::find(read, uuid)?,
        Err(_) => portgroups::find_by_name(read, ident)?,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Portgroup {ident} could not be found.")))
}

/// Whether the values of a new group are of the right kinds, whatever is known of nodes and other groups.
pub fn check(body: &Map<String, Value>) -> Refused<()> {
    let fields = Fields::new("portgroup", body);
    fields.uuid("uuid")?;
    fields.boolean("standalone_ports_supported", true)?;
    let node = fields
        .uuid("node_uuid")?
        .ok_or_else(|| Refusal::invalid("Schema error for portgroup: 'node_uuid' is a required property"))?;
    read_fields(&fields, &mut Portgroup::new(Uuid::nil(), node, from_micros(0)))
}

/// Creates a group from the body of a request, whose keys have been checked. A node being worked on is no obstacle.
pub fn create(tx: &Tx, body: &Map<String, Value>) -> Refused<Uuid> {
    check(body)?;
    let fields = Fields::new("portgroup", body);
    let node = fields.uuid("node_uuid")?.unwrap_or_default();
    let node = ident::mentioned_node(tx, &node.to_string())?.uuid;
    let uuid = fields.uuid("uuid")?.unwrap_or_else(|| tx.uuid());
    let mut group = Portgroup::new(uuid, node, tx.now());
    read_fields(&fields, &mut group)?;
    group.standalone_ports_supported = fields.boolean("standalone_ports_supported", true)?;
    if group.mode.as_deref().unwrap_or_default().is_empty() {
        group.mode = Some(Portgroup::DEFAULT_MODE.to_owned());
    }
    if let Some(name) = group.name.as_deref().filter(|name| !name.is_empty() && !names::is_logical(name)) {
        return Err(Refusal::invalid(format!("Cannot create portgroup with invalid name '{name}'")));
    }
    if portgroups::find(tx, uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A portgroup with UUID {uuid} already exists.")));
    }
    unique(tx, &group)?;
    portgroups::insert(tx, &group)?;
    Ok(uuid)
}

/// Changes a group. `inspection_blocks`: newer clients are told to wait while the node is inspected.
pub fn update(tx: &Tx, ident: &str, operations: &[Operation], inspection_blocks: bool) -> Refused<Uuid> {
    let before = find(tx, ident)?;
    let mut document = document(&before);
    patch::apply(&mut document, operations)?;
    let after = changed(&before, &document)?;
    let node = node_of(tx, before.node_uuid)?;
    if inspection_blocks && node.provision_state == State::Inspecting {
        return Err(Refusal::conflict(format!(
            "Cannot update portgroup \"{}\" on node \"{}\" while it is in state \"{}\".",
            before.uuid, node.uuid, node.provision_state
        )));
    }
    if node.reservation.is_some() {
        return Err(Refusal::locked(&node));
    }
    unique(tx, &after)?;
    portgroups::update(tx, &before, &after)?;
    if before.physical_network != after.physical_network {
        for port in ports::of_portgroup(tx, after.uuid)? {
            let rewired = crate::model::Port { physical_network: after.physical_network.clone(), ..port.clone() };
            ports::update(tx, &port, &rewired)?;
        }
    }
    Ok(before.uuid)
}

/// What a patch has made of a group.
fn changed(before: &Portgroup, document: &Map<String, Value>) -> Refused<Portgroup> {
    if !document.contains_key("mode") {
        return Err(Refusal::invalid("'mode' is a mandatory attribute and can not be removed"));
    }
    let fields = Fields::new("patch", document);
    let mut after = before.clone();
    read_fields(&fields, &mut after)?;
    after.standalone_ports_supported = fields.kept_boolean("standalone_ports_supported")?;
    let new_name = after.name.as_deref().filter(|_| after.name != before.name);
    if let Some(name) = new_name.filter(|name| !name.is_empty() && !names::is_logical(name)) {
        return Err(Refusal::invalid(format!(
            "Portgroup {}: Cannot change name to invalid name '{name}'",
            before.uuid
        )));
    }
    match document.get("node_uuid") {
        // Whose it is cannot be taken away: removing changes nothing.
        None => Ok(after),
        Some(Value::String(uuid)) if Uuid::try_parse(uuid).ok() == Some(before.node_uuid) => Ok(after),
        Some(other) => Err(Refusal::invalid(format!(
            "Unable to apply the requested node_uuid {other}: portgroup {} stays with node {}.",
            before.uuid, before.node_uuid
        ))),
    }
}

/// Deletes a group that has no members.
pub fn delete(tx: &Tx, ident: &str) -> Refused<()> {
    let group = find(tx, ident)?;
    let node = node_of(tx, group.node_uuid)?;
    if node.reservation.is_some() {
        return Err(Refusal::locked(&node));
    }
    if portgroups::has_ports(tx, group.uuid)? {
        return Err(Refusal::invalid(format!(
            "Cannot complete the requested action because portgroup {} contains ports.",
            group.uuid
        )));
    }
    portgroups::delete(tx, group.uuid)?;
    Ok(())
}

fn node_of(read: &Read, uuid: Uuid) -> Refused<Node> {
    nodes::find(read, uuid)?.ok_or_else(|| Refusal::not_found(format!("Node {uuid} could not be found.")))
}

/// What a patch sees. Removed fields are missing from what it leaves, and get their defaults.
fn document(group: &Portgroup) -> Map<String, Value> {
    let document = json!({
        "address": group.address,
        "node_uuid": group.node_uuid.to_string(),
        "name": group.name,
        "mode": group.mode,
        "properties": group.properties.value(),
        "extra": group.extra.value(),
        "standalone_ports_supported": group.standalone_ports_supported,
        "physical_network": group.physical_network,
        "category": group.category,
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Reads what a new group and a changed one have in common.
fn read_fields(fields: &Fields, group: &mut Portgroup) -> Refused<()> {
    group.address = match fields.text("address", usize::MAX)? {
        None => None,
        Some(address) => Some(
            mac(&address)
                .ok_or_else(|| Refusal::invalid(format!("Expected valid MAC address for address: {address}")))?,
        ),
    };
    group.name = fields.text("name", 255)?;
    group.mode = fields.text("mode", 255)?;
    group.properties = fields.object("properties")?;
    group.extra = fields.object("extra")?;
    group.physical_network = fields.text("physical_network", 64)?;
    group.category = fields.text("category", 80)?;
    Ok(())
}

fn unique(read: &Read, group: &Portgroup) -> Refused<()> {
    let other =
        |found: Result<Option<Portgroup>, StoreError>| found.map(|found| found.is_some_and(|it| it.uuid != group.uuid));
    if let Some(name) = &group.name
        && other(portgroups::find_by_name(read, name))?
    {
        return Err(Refusal::conflict(format!("A portgroup with name {name} already exists.")));
    }
    if let Some(address) = &group.address
        && other(portgroups::find_by_address(read, address))?
    {
        return Err(Refusal::conflict(format!("A portgroup with MAC address {address} already exists.")));
    }
    Ok(())
}

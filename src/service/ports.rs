//! Ports: the network cards of the nodes.
//!
//! A port is made and changed through one reading of its fields ([`read_fields`]), so that POST and PATCH cannot disagree
//! about what is valid. The card of a machine in use is not renamed under it: address and wiring change only where the
//! node's state allows it. The members of a port group are in one physical network, which is the group's.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Operation};
use super::{Refusal, Refused};
use crate::clock::from_micros;
use crate::model::{Node, Object, Port, Portgroup, State};
use crate::store::{Read, StoreError, Tx, nodes, portgroups, ports};

/// Whether the values of a new port are of the right kinds, whatever is known of nodes and other ports.
pub fn check(body: &Map<String, Value>) -> Refused<()> {
    let fields = Fields::new("port", body);
    if fields.get("address").is_none() {
        return Err(Refusal::invalid("Schema error for port: 'address' is a required property"));
    }
    fields.uuid("uuid")?;
    fields.boolean("pxe_enabled", true)?;
    read_fields(&fields, &mut Port::new(Uuid::nil(), Uuid::nil(), String::new(), from_micros(0)))
}

/// Creates a port from the body of a request, whose keys have been checked. A node being worked on is no obstacle.
pub fn create(tx: &Tx, body: &Map<String, Value>) -> Refused<Port> {
    check(body)?;
    let fields = Fields::new("port", body);
    let node = owner(tx, &fields)?;
    let uuid = fields.uuid("uuid")?.unwrap_or_else(|| tx.uuid());
    let mut port = Port::new(uuid, node, String::new(), tx.now());
    read_fields(&fields, &mut port)?;
    port.pxe_enabled = fields.boolean("pxe_enabled", true)?;
    let group = group_of(tx, &port)?;
    check_new(&fields, &port, group.as_ref())?;
    if ports::find(tx, uuid)?.is_some() {
        return Err(Refusal::conflict(format!("A port with UUID {uuid} already exists.")));
    }
    unique(tx, &port, None)?;
    if let Some(group) = &group {
        check_network(tx, &port, group)?;
    }
    port.id = ports::insert(tx, &port)?;
    Ok(port)
}

/// The node that a new port belongs to: given by UUID, or by either as `node_ident`.
fn owner(read: &Read, fields: &Fields) -> Refused<Uuid> {
    let (by_uuid, by_ident) = (fields.text("node_uuid", usize::MAX)?, fields.text("node_ident", usize::MAX)?);
    let ident = match (by_uuid, by_ident) {
        (Some(_), Some(_)) => {
            return Err(Refusal::invalid("Schema error for port: give node_uuid or node_ident, not both"));
        }
        (Some(uuid), None) => {
            Uuid::try_parse(&uuid).map_err(|_| Refusal::invalid(format!("Expected UUID for node_uuid: {uuid}")))?;
            uuid
        }
        (None, Some(ident)) => ident,
        (None, None) => return Err(Refusal::invalid("Schema error for port: 'node_uuid' is a required property")),
    };
    Ok(super::ident::mentioned_node(read, &ident)?.uuid)
}

/// What is asked of a new port only.
fn check_new(fields: &Fields, port: &Port, group: Option<&Portgroup>) -> Refused<()> {
    let link = &port.local_link_connection;
    let known = fields.get("local_link_connection").is_some();
    if port.is_smartnic && known && (link.get("port_id").is_none() || link.get("hostname").is_none()) {
        return Err(Refusal::invalid("Smart NIC port must have port_id and hostname in local_link_connection"));
    }
    // A port that may boot by default does no harm; one that is told to does.
    let boots = port.pxe_enabled && fields.get("pxe_enabled").is_some();
    if let Some(group) = group.filter(|group| boots && !group.standalone_ports_supported) {
        return Err(Refusal::conflict(format!(
            "Port group {} doesn't support standalone ports. This port cannot be created as a member of that portgroup as \
             the port's 'pxe_enabled' field was set to True.",
            group.uuid
        )));
    }
    Ok(())
}

/// The group that a port is to be a member of: of the same node.
fn group_of(read: &Read, port: &Port) -> Refused<Option<Portgroup>> {
    let Some(uuid) = port.portgroup_uuid else { return Ok(None) };
    match portgroups::find(read, uuid)? {
        None => Err(Refusal::invalid(format!("Portgroup {uuid} could not be found."))),
        Some(group) if group.node_uuid != port.node_uuid => {
            Err(Refusal::invalid("Port can not be added to a portgroup belonging to a different node."))
        }
        group => Ok(group),
    }
}

/// A port is in the physical network of its group, or, as the first, gives it one.
fn check_network(tx: &Tx, port: &Port, group: &Portgroup) -> Refused<()> {
    let other = ports::of_portgroup(tx, group.uuid)?.into_iter().find(|other| other.uuid != port.uuid);
    let network = match other {
        Some(other) => other.physical_network,
        None if group.physical_network.is_some() => group.physical_network.clone(),
        None if port.physical_network.is_some() => {
            let network = port.physical_network.clone();
            portgroups::update(tx, group, &Portgroup { physical_network: network, ..group.clone() })?;
            return Ok(());
        }
        None => None,
    };
    if network == port.physical_network {
        return Ok(());
    }
    Err(Refusal::conflict(format!(
        "Port with physical network {} cannot become a member of port group {} which has ports in physical network {}.",
        port.physical_network.as_deref().unwrap_or("None"),
        group.uuid,
        network.as_deref().unwrap_or("None")
    )))
}

/// By UUID or name; never by address.
pub fn find(read: &Read, ident: &str) -> Refused<Port> {
    let found = match Uuid::try_parse(ident) {
        Ok(uuid) => ports::find(read, uuid)?,
        Err(_) => ports::find_by_name(read, ident)?,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Port {ident} could not be found.")))
}

/// Changes a port. `inspection_blocks`: newer clients are told to wait while the node is inspected;
/// `network_is_the_groups`: and that the physical network of a member is changed at its group.
pub fn update(
    tx: &Tx,
    ident: &str,
    operations: &[Operation],
    inspection_blocks: bool,
    network_is_the_groups: bool,
) -> Refused<Port> {
    let before = find(tx, ident)?;
    let mut document = document(&before);
    patch::apply(&mut document, operations)?;
    let fields = Fields::new("port", &document);
    let mut after = before.clone();
    same_node(&before, &fields)?;
    read_fields(&fields, &mut after)?;
    after.pxe_enabled = fields.kept_boolean("pxe_enabled")?;
    let node = nodes::find(tx, before.node_uuid)?;
    let node = node.ok_or_else(|| Refusal::not_found(format!("Node {} could not be found.", before.node_uuid)))?;
    if inspection_blocks && node.provision_state == State::Inspecting {
        return Err(Refusal::conflict(format!(
            "Cannot update port {} while node {} is in state {}.",
            before.uuid, node.uuid, node.provision_state
        )));
    }
    if node.reservation.is_some() {
        return Err(Refusal::locked(&node));
    }
    may_change(&before, &after, &node)?;
    let network = before.physical_network != after.physical_network;
    if let Some(group) = group_of(tx, &after)? {
        // Whoever joins may bring the right one along.
        if network && network_is_the_groups && before.portgroup_uuid.is_some() {
            return Err(Refusal::invalid("physical_network cannot be changed while the port belongs to a portgroup."));
        }
        if network || before.portgroup_uuid != after.portgroup_uuid {
            check_network(tx, &after, &group)?;
        }
    }
    unique(tx, &after, Some(&before))?;
    ports::update(tx, &before, &after)?;
    find(tx, &before.uuid.to_string())
}

fn may_change(before: &Port, after: &Port, node: &Node) -> Refused<()> {
    if node.maintenance {
        return Ok(());
    }
    let in_use = node.provision_state == State::Active || node.instance_uuid.is_some();
    if in_use && before.address != after.address {
        return Err(Refusal::conflict(format!(
            "Cannot update hardware address for port {} as node {} is active or has an instance UUID.",
            before.uuid, node.uuid
        )));
    }
    let wiring = |port: &Port| {
        (port.pxe_enabled, port.portgroup_uuid, port.local_link_connection.value(), port.physical_network.clone())
    };
    if wiring(before) != wiring(after) && !can_be_rewired(node) {
        return Err(Refusal::conflict(format!(
            "Port {} can not have any connectivity attributes (pxe_enabled, portgroup_uuid, local_link_connection, \
             physical_network) updated unless node {} is in enroll, inspecting, inspect wait or manageable state or \
             in maintenance mode.",
            before.uuid, node.uuid
        )));
    }
    Ok(())
}

/// Whether the cables of a node may be described anew.
pub fn can_be_rewired(node: &Node) -> bool {
    use State::{Enroll, InspectWait, Inspecting, Manageable};
    node.maintenance || matches!(node.provision_state, Enroll | Inspecting | InspectWait | Manageable)
}

/// Changes a port by an edit of its document, with the checks of a PATCH, for whoever holds the node.
pub fn edit(tx: &Tx, before: &Port, change: patch::Edit) -> Refused<()> {
    let mut document = document(before);
    let known: Vec<String> = document.keys().cloned().collect();
    change(&mut document).map_err(Refusal::invalid)?;
    if let Some(new) = document.keys().find(|key| !known.contains(key)) {
        return Err(Refusal::invalid(format!("{new}: a rule cannot change this of a port")));
    }
    let fields = Fields::new("port", &document);
    let mut after = before.clone();
    same_node(before, &fields)?;
    read_fields(&fields, &mut after)?;
    if let Some(group) = group_of(tx, &after)?
        && (before.portgroup_uuid, &before.physical_network) != (after.portgroup_uuid, &after.physical_network)
    {
        check_network(tx, &after, &group)?;
    }
    unique(tx, &after, Some(before))?;
    ports::update(tx, before, &after)?;
    Ok(())
}

/// Deletes a port. Refused while a virtual network interface is bound to it.
pub fn delete(tx: &Tx, uuid: Uuid) -> Refused<()> {
    let port = find(tx, &uuid.to_string())?;
    if let Some(node) = nodes::find(tx, port.node_uuid)? {
        if node.reservation.is_some() {
            return Err(Refusal::locked(&node));
        }
        if !node.maintenance && port.internal_info.get("tenant_vif_port_id").is_some() {
            return Err(Refusal::conflict(format!(
                "Cannot delete the port {uuid} as it is bound to a VIF and node {} is not in maintenance.",
                node.uuid
            )));
        }
    }
    ports::delete(tx, uuid)?;
    Ok(())
}

/// What a patch sees. Removed fields are missing from what it leaves, and get their defaults.
fn document(port: &Port) -> Map<String, Value> {
    let document = serde_json::json!({
        "address": port.address,
        "node_uuid": port.node_uuid.to_string(),
        "name": port.name,
        "description": port.description,
        "extra": port.extra.value(),
        "local_link_connection": port.local_link_connection.value(),
        "pxe_enabled": port.pxe_enabled,
        "portgroup_uuid": port.portgroup_uuid.map(|uuid| uuid.to_string()),
        "physical_network": port.physical_network,
        "is_smartnic": port.is_smartnic,
        "vendor": port.vendor,
        "category": port.category,
        "available_for_dynamic_portgroup": port.available_for_dynamic_portgroup,
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A card does not move to another machine; deleting and creating says what is meant. Removing the field changes nothing.
fn same_node(port: &Port, fields: &Fields) -> Refused<()> {
    match fields.map.get("node_uuid") {
        None => Ok(()),
        Some(Value::String(uuid)) if Uuid::try_parse(uuid).ok() == Some(port.node_uuid) => Ok(()),
        Some(other) => Err(Refusal::invalid(format!(
            "Unable to apply the requested node_uuid {other}: port {} stays with node {}.",
            port.uuid, port.node_uuid
        ))),
    }
}

/// Reads what a new port and a changed one have in common: everything but whose it is, its UUID and whether it boots.
fn read_fields(fields: &Fields, port: &mut Port) -> Refused<()> {
    let address = fields
        .text("address", usize::MAX)?
        .ok_or_else(|| Refusal::invalid("'address' is a mandatory attribute and can not be removed"))?;
    port.address =
        mac(&address).ok_or_else(|| Refusal::invalid(format!("Expected valid MAC address for address: {address}")))?;
    port.name = fields.text("name", 255)?;
    port.description = fields.text("description", 255)?;
    port.extra = fields.object("extra")?;
    port.local_link_connection = local_link(fields)?;
    port.is_smartnic = fields.boolean("is_smartnic", false)?;
    port.available_for_dynamic_portgroup = match fields.map.get("available_for_dynamic_portgroup") {
        None => true,
        Some(Value::Bool(value)) => *value,
        // Unlike its older siblings it takes no words.
        Some(_) => return Err(fields.refuse("available_for_dynamic_portgroup", "expected true or false")),
    };
    port.physical_network = fields.text("physical_network", 64)?;
    if port.physical_network.as_deref() == Some("") {
        return Err(fields.refuse("physical_network", "expected at least one character, or null"));
    }
    port.vendor = fields.text("vendor", 32)?;
    port.category = fields.text("category", 80)?;
    port.portgroup_uuid = fields.uuid("portgroup_uuid")?;
    Ok(())
}

/// The keys that say where a cable ends, and the sets of them that say enough.
const LINK_KEYS: &[&str] =
    &["port_id", "switch_id", "switch_info", "hostname", "network_type", "vtep-logical-switch", "vtep-physical-switch"];
const LINK_SETS: &[&[&str]] =
    &[&["port_id", "switch_id"], &["port_id", "hostname"], &["port_id", "vtep-logical-switch", "vtep-physical-switch"]];

fn local_link(fields: &Fields) -> Refused<Object> {
    const NAME: &str = "local_link_connection";
    let mut map = fields.object(NAME)?.map();
    let refuse = |why: String| Err(Refusal::invalid(format!("Schema error for {NAME}: {why}")));
    for (key, value) in &map {
        if !LINK_KEYS.contains(&key.as_str()) {
            return refuse(format!("Additional properties are not allowed ('{key}' was unexpected)"));
        }
        if !value.is_string() {
            return refuse(format!("{key}: expected a string"));
        }
    }
    let kind = map.get("network_type").and_then(Value::as_str);
    if !matches!(kind, None | Some("managed" | "unmanaged")) {
        return refuse("network_type: expected managed or unmanaged".to_owned());
    }
    let has = |set: &&&[&str]| set.iter().all(|key| map.contains_key(*key));
    // Where an unmanaged cable ends is of no interest.
    if !map.is_empty() && kind != Some("unmanaged") && !LINK_SETS.iter().any(|set| has(&set)) {
        return refuse("'port_id' is required, with 'switch_id' or 'hostname'".to_owned());
    }
    if let Some(Value::String(id)) = map.get("switch_id") {
        let id = mac(id).or_else(|| datapath(id)).ok_or_else(|| {
            Refusal::invalid(format!("switch_id: expected a MAC address or a datapath id of 16 hex digits, got {id}"))
        })?;
        map.insert("switch_id".to_owned(), Value::String(id));
    }
    Ok(map.into())
}

/// A MAC address as rows have it, if it is one: six hex pairs with colons, lower case.
pub fn mac(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let pair = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    (lower.split(':').count() == 6 && lower.split(':').all(pair)).then_some(lower)
}

/// An OpenFlow datapath id.
fn datapath(text: &str) -> Option<String> {
    (text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_ascii_lowercase())
}

fn unique(read: &Read, port: &Port, before: Option<&Port>) -> Result<(), Refusal> {
    let other = |found: Result<Option<Port>, StoreError>| {
        found.map(|found| found.is_some_and(|it| before.is_none_or(|before| before.uuid != it.uuid)))
    };
    if other(ports::find_by_address(read, &port.address))? {
        return Err(Refusal::conflict(format!("A port with MAC address {} already exists.", port.address)));
    }
    if let Some(name) = &port.name
        && other(ports::find_by_name(read, name))?
    {
        return Err(Refusal::conflict(format!(
            "A port with name {name} already exists; port {} needs another.",
            port.uuid
        )));
    }
    Ok(())
}

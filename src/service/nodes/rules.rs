//! What an inspection rule sees of a node, and may change in it: what a client may, and the reservation is the engine's.

use serde_json::{Value, json};

use super::patch::{self, Patch};
use super::{fields, secrets, unique};
use crate::model::Node;
use crate::service::patch::Edit;
use crate::service::{Refusal, Refused};
use crate::store::{Tx, nodes};

/// The node as rules refer to it: the fields that clients write, and those that tell how it stands. Secrets are masked.
pub fn attributes(node: &Node) -> Value {
    let mut map = fields::document(node);
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    put("id", json!(node.id));
    put("uuid", json!(node.uuid.to_string()));
    put("provision_state", json!(node.provision_state.as_str()));
    put("target_provision_state", json!(node.target_provision_state.map(|state| state.as_str())));
    put("power_state", json!(node.power_state.map(|state| state.as_str())));
    put("driver_internal_info", node.driver_internal_info.value());
    put("last_error", json!(node.last_error));
    put("maintenance_reason", json!(node.maintenance_reason));
    put("allocation_id", Value::Null);
    put("boot_mode", json!(node.boot_mode));
    put("secure_boot", json!(node.secure_boot));
    put("console_enabled", json!(node.console_enabled));
    put("raid_config", node.raid_config.value());
    put("target_raid_config", node.target_raid_config.value());
    Value::Object(map)
}

/// Changes the field `name` of `node` by an edit of the node's document, with the checks of a PATCH. The caller saves.
pub fn edit(tx: &Tx, node: &mut Node, name: &str, change: Edit) -> Refused<()> {
    let mut document = fields::document(node);
    if !document.contains_key(name) {
        return Err(Refusal::invalid(format!("{name}: a rule cannot change this of a node")));
    }
    change(&mut document).map_err(Refusal::invalid)?;
    let before = node.clone();
    let value = document.get(name);
    match secrets::COLUMNS.iter().find(|column| **column == name) {
        Some(column) => secrets::seal(tx, node, column, fields::map(name, value.unwrap_or(&Value::Null))?)?,
        None => fields::set(tx, node, name, value)?,
    }
    let alone = Patch {
        operations: Vec::new(),
        reset_interfaces: false,
        locked_while_inspecting: false,
        chassis_unsettable: true,
    };
    patch::settle(tx, &before, node, &[name.to_owned()], &alone)
}

/// Writes what was changed.
pub fn save(tx: &Tx, before: &Node, node: &Node) -> Refused<()> {
    unique(nodes::update(tx, before, node), node)?;
    Ok(())
}

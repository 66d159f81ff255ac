//! Changing a node: `PATCH /v1/nodes/{node}`.
//!
//! First what the state forbids altogether, then the patch itself, then what the changed fields need; the lock last, as
//! in Ironic, so that a wrong request is told so even while the node is busy.

use super::{Ident, fields, find, interfaces, secrets, unique};
use crate::model::{InterfaceKind, Node, State};
use crate::service::patch::{Op, Operation, apply};
use crate::service::{Refusal, Refused, allocations};
use crate::store::{Tx, nodes};

/// A parsed request.
#[derive(Clone, Debug)]
pub struct Patch {
    pub operations: Vec<Operation>,
    /// With a new driver, interfaces that are not in the patch become the new driver's defaults.
    pub reset_interfaces: bool,
    /// A node that is being inspected may not be changed (older API versions allow it).
    pub locked_while_inspecting: bool,
    /// The node can be taken out of its chassis (in older API versions only put into another).
    pub chassis_unsettable: bool,
}

/// Applies a patch and returns the node as it is then.
pub fn patch(tx: &Tx, ident: &Ident, patch: &Patch) -> Refused<Node> {
    let before = find(tx, ident)?;
    if patch.reset_interfaces && !patch.operations.iter().any(|operation| operation.root() == "driver") {
        return Err(Refusal::invalid(
            "The reset_interfaces parameter can only be used when changing the node's driver.",
        ));
    }
    may_change(tx, &before, patch)?;
    let mut node = before.clone();
    let changed = rewrite(tx, &mut node, patch)?;
    check(&before, &mut node, &changed, patch)?;
    if before.reservation.is_some() {
        return Err(Refusal::locked(&before));
    }
    check_instance(tx, &before, &mut node)?;
    unique(nodes::update(tx, &before, &node), &node)?;
    find(tx, &Ident::Uuid(before.uuid))
}

/// What the fields that were changed need, for whoever holds the node.
pub fn settle(tx: &Tx, before: &Node, node: &mut Node, changed: &[String], patch: &Patch) -> Refused<()> {
    if changed.iter().any(|name| name == "instance_info") {
        name_instance(node);
    }
    check(before, node, changed, patch)?;
    check_instance(tx, before, node)
}

/// What the node's state says to any change.
fn may_change(tx: &Tx, node: &Node, patch: &Patch) -> Refused<()> {
    let freeing = matches!(&patch.operations[..], [only] if only.op == Op::Remove && only.path == ["instance_uuid"]);
    if freeing && node.maintenance {
        return Ok(());
    }
    if node.target_provision_state.is_some() && !node.provision_state.allows_update() {
        return Err(Refusal::conflict(format!(
            "Node {} can not be updated while a state transition is in progress.",
            node.uuid
        )));
    }
    if node.provision_state == State::Inspecting && patch.locked_while_inspecting {
        return Err(Refusal::conflict(format!(
            "Cannot update node \"{}\" while it is in state \"{}\".",
            node.uuid, node.provision_state
        )));
    }
    let new_owner = patch.operations.iter().any(|operation| operation.root() == "owner" && operation.op != Op::Remove);
    if new_owner
        && let Some(uuid) = node.allocation_uuid
        && let Some(allocation) = crate::store::allocations::find(tx, uuid)?
        && allocation.owner.is_some()
    {
        return Err(Refusal::conflict(format!(
            "Cannot update owner of node \"{}\" while it is allocated to an allocation with an owner.",
            node.uuid
        )));
    }
    Ok(())
}

/// Applies the operations to `node`; the names of the fields that differ now.
fn rewrite(tx: &Tx, node: &mut Node, patch: &Patch) -> Refused<Vec<String>> {
    nothing_in_particular(&patch.operations)?;
    let before = fields::document(node);
    let mut after = before.clone();
    apply(&mut after, &patch.operations)?;
    let mut changed = Vec::new();
    for (name, old) in &before {
        let new = after.get(name);
        if new == Some(old) {
            continue;
        }
        match secrets::COLUMNS.iter().find(|column| *column == name) {
            Some(column) => {
                let map = fields::map(name, new.unwrap_or(&serde_json::Value::Null))?;
                secrets::seal(tx, node, column, map)?;
            }
            None => fields::set(tx, node, name, new)?,
        }
        changed.push(name.clone());
    }
    if changed.iter().any(|name| name == "instance_info") {
        name_instance(node);
    }
    Ok(changed)
}

/// Some fields can be taken away, but not set to null, and network data not to nothing.
fn nothing_in_particular(operations: &[Operation]) -> Refused<()> {
    for operation in operations.iter().filter(|operation| operation.is_whole()) {
        let (Op::Add(value) | Op::Replace(value)) = &operation.op else { continue };
        let empty = value.as_object().is_some_and(serde_json::Map::is_empty);
        match operation.root() {
            name @ ("name" | "parent_node") if value.is_null() => {
                return Err(Refusal::invalid(format!("Invalid {name}: expected a value, got null; remove it instead")));
            }
            "network_data" if value.is_null() || empty => {
                return Err(Refusal::invalid("Invalid network_data: 'links' is a required property"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Older clients give the instance's name in `instance_info`.
pub fn name_instance(node: &mut Node) {
    if node.instance_name.as_deref().unwrap_or_default().is_empty() {
        let name = node.instance_info.text("display_name");
        node.instance_name = name.filter(|name| !name.is_empty() && name.chars().count() <= 255);
    }
}

/// States in which a node's outfit may be changed.
fn is_idle(state: State) -> bool {
    use State::{Available, Enroll, InspectWait, Inspecting, Manageable};
    matches!(state, Enroll | Inspecting | InspectWait | Manageable | Available)
}

fn check(before: &Node, node: &mut Node, changed: &[String], patch: &Patch) -> Refused<()> {
    let has = |name: &str| changed.iter().any(|it| it == name);
    if has("chassis_uuid") && node.chassis_uuid.is_none() && !patch.chassis_unsettable {
        return Err(Refusal::NotAcceptable("Request not acceptable.".to_owned()));
    }
    if has("maintenance") && !node.maintenance {
        node.clear_maintenance();
    }
    check_protected(node, has("protected"), has("protected_reason"))?;
    check_retired(node, has("retired"), has("retired_reason"))?;
    if has("driver") && before.console_enabled {
        return Err(Refusal::conflict(format!(
            "Node {} can not change its driver while its console is enabled. Please stop the console first.",
            node.uuid
        )));
    }
    let idle = is_idle(node.provision_state);
    let mut choose = has("driver");
    for kind in InterfaceKind::ALL {
        let field = format!("{}_interface", kind.as_str());
        if !has(&field) {
            let named = patch.operations.iter().any(|operation| operation.root() == field);
            if has("driver") && patch.reset_interfaces && !named {
                *node.interface_mut(kind) = None;
            }
            continue;
        }
        // Clearing maintenance in the same patch is no reason to refuse: it is the node as it was that was safe to change.
        if !(idle || node.maintenance || before.maintenance) {
            return Err(not_idle(node, &field));
        }
        choose = true;
    }
    if choose {
        interfaces::choose(node)?;
    }
    if has("resource_class") && before.resource_class.is_some() && !idle {
        return Err(not_idle(node, "resource_class"));
    }
    Ok(())
}

fn not_idle(node: &Node, field: &str) -> Refusal {
    Refusal::conflict(format!(
        "Node {} can not have {field} updated unless it is in one of allowed (enroll, inspecting, inspect wait, manageable, \
         available) states or in maintenance mode. Current state is '{}'.",
        node.uuid, node.provision_state
    ))
}

fn is_said(reason: Option<&String>) -> bool {
    reason.is_some_and(|reason| !reason.is_empty())
}

fn check_protected(node: &mut Node, flag: bool, reason: bool) -> Refused<()> {
    if flag && !node.protected {
        node.protected_reason = None;
    } else if flag && !matches!(node.provision_state, State::Active | State::Rescue) {
        return Err(Refusal::conflict(format!(
            "Node {} can only be made protected in provision states 'active' or 'rescue', the current state is '{}'",
            node.uuid, node.provision_state
        )));
    }
    if reason && is_said(node.protected_reason.as_ref()) && !node.protected {
        return Err(Refusal::invalid("The protected_reason field can only be set when protected is True"));
    }
    Ok(())
}

fn check_retired(node: &mut Node, flag: bool, reason: bool) -> Refused<()> {
    if flag && !node.retired {
        node.retired_reason = None;
    } else if flag && node.provision_state == State::Available {
        return Err(Refusal::conflict(format!(
            "Node {} can not have 'retired' set in provision state 'available'",
            node.uuid
        )));
    }
    if reason && is_said(node.retired_reason.as_ref()) && !node.retired {
        return Err(Refusal::invalid("The retired_reason field can only be set when retired is True"));
    }
    Ok(())
}

/// An instance is not replaced by another, and takes its allocation along when it goes.
fn check_instance(tx: &Tx, before: &Node, node: &mut Node) -> Refused<()> {
    if before.instance_uuid == node.instance_uuid {
        return Ok(());
    }
    match (before.instance_uuid, node.instance_uuid) {
        (Some(old), Some(_)) => {
            Err(Refusal::conflict(format!("Node {} is associated with instance {old}.", node.uuid)))
        }
        (_, None) if before.allocation_uuid.is_some() => {
            if !before.maintenance && !is_idle(before.provision_state) {
                return Err(not_idle(before, "instance_uuid, while it has an allocation,"));
            }
            allocations::release(tx, node)?;
            Ok(())
        }
        _ => Ok(()),
    }
}

//! Allocations: somebody asks for a machine of a kind and is given one.
//!
//! Creating and deleting are each one write transaction, and there is one writer, so they happen one after the other in
//! some order, whatever the clients do. That is all it takes for the invariants of an allocation `a` and a node `n`:
//!
//! ```text
//! n.allocation_uuid = a  ⇔  a.node_uuid = n  ⇔  a is active, and n.instance_uuid = a
//! a is allocating  ⇒  it has no node, and a row of work that the engine retries until a deadline
//! a is in error    ⇒  it has no node and says why
//! a was deleted    ⇒  no node and no work knows it
//! ```
//!
//! Normally an allocation is given its node in the very transaction that creates it. It waits only if every node that
//! fits is reserved. Nothing here selects for update, locks a row or keeps a node between two transactions, which is
//! where Ironic's races live. An allocation in error is never tried again, as there.

mod backfill;
mod choose;
mod place;

use serde_json::Value;
use uuid::Uuid;

use super::{Refusal, Refused};
use crate::model::{Allocation, AllocationState, Node, Object, State};
use crate::store::{Read, StoreError, Tx, allocations, nodes};

pub use place::{Attempt, attempt};

/// What a client asks for. Types, lengths, trait names and the name's characters have been checked.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub uuid: Option<Uuid>,
    pub name: Option<String>,
    pub resource_class: Option<String>,
    pub traits: Vec<String>,
    /// UUIDs or names of nodes; empty is any.
    pub candidate_nodes: Vec<String>,
    /// UUID or name of a node that is in use already: the allocation is made to fit the fact.
    pub node: Option<String>,
    pub owner: Option<String>,
    pub extra: Object,
}

/// Creates an allocation. The answer shows it as it was asked for, `allocating`, although it may be active by then: so
/// do Ironic's answers, which clients poll from. One that names its node is answered as it is, active.
///
/// Refusals leave nothing behind.
pub fn create(tx: &Tx, wanted: &Wanted) -> Refused<Allocation> {
    let node = match &wanted.node {
        Some(ident) => Some(named_node(tx, ident)?),
        None => None,
    };
    let resource_class = wanted.resource_class.clone().filter(|class| !class.is_empty());
    if node.is_none() && resource_class.is_none() {
        return Err(Refusal::invalid("The resource_class field is mandatory when not backfilling"));
    }
    let mut allocation = Allocation {
        id: 0,
        uuid: wanted.uuid.or(node.as_ref().and_then(|node| node.instance_uuid)).unwrap_or_else(|| tx.uuid()),
        name: wanted.name.clone(),
        state: AllocationState::Allocating,
        resource_class,
        traits: list(&wanted.traits),
        candidate_nodes: list(&candidates(tx, &wanted.candidate_nodes)?),
        node_uuid: None,
        owner: wanted.owner.clone(),
        extra: wanted.extra.clone(),
        last_error: None,
        replaced_traits: None,
        created_at: tx.now(),
        updated_at: None,
    };
    if allocations::find(tx, allocation.uuid)?.is_some() {
        return Err(Refusal::conflict(format!("An allocation with UUID {} already exists.", allocation.uuid)));
    }
    name_is_free(tx, allocation.name.as_deref())?;
    match node {
        Some(node) => {
            backfill::check(tx, &allocation, &node)?;
            allocation.resource_class = allocation.resource_class.or_else(|| node.resource_class.clone());
            allocation.id = allocations::insert(tx, &allocation)?;
            Ok(place::assign(tx, &allocation, &node)?)
        }
        None => {
            allocation.id = allocations::insert(tx, &allocation)?;
            place::place(tx, &allocation)?;
            Ok(allocation)
        }
    }
}

/// By UUID or name. A name that looks like a UUID does not address.
pub fn find(read: &Read, ident: &str) -> Refused<Allocation> {
    let found = match Uuid::try_parse(ident) {
        Ok(uuid) => allocations::find(read, uuid)?,
        Err(_) => allocations::find_by_name(read, ident)?,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Allocation {ident} could not be found.")))
}

/// The allocation of a node.
pub fn of_node(read: &Read, node: &Node) -> Refused<Allocation> {
    let found = match node.allocation_uuid {
        Some(uuid) => allocations::find(read, uuid)?,
        None => None,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Allocation for node {} was not found", node.uuid)))
}

/// Writes what a PATCH made of `before`. Only the name and `extra` may differ, whatever state it is in.
pub fn update(tx: &Tx, before: &Allocation, after: &Allocation) -> Refused<Allocation> {
    if before.name != after.name {
        name_is_free(tx, after.name.as_deref())?;
    }
    let kept = Allocation { name: after.name.clone(), extra: after.extra.clone(), ..before.clone() };
    allocations::update(tx, before, &kept)?;
    find(tx, &before.uuid.to_string())
}

/// Deletes an allocation and frees its node. Refused while the node is in use or in the middle of something, unless it
/// is in maintenance; `Locked` while somebody works on it, for the caller to wait on.
pub fn delete(tx: &Tx, ident: &str) -> Refused<()> {
    let allocation = find(tx, ident)?;
    let node = match allocation.node_uuid {
        Some(uuid) => nodes::find(tx, uuid)?,
        None => None,
    };
    let Some(before) = node else {
        allocations::delete(tx, allocation.uuid)?;
        return Ok(());
    };
    if before.reservation.is_some() {
        return Err(Refusal::locked(&before));
    }
    may_leave(&allocation, &before)?;
    let mut after = before.clone();
    release(tx, &mut after)?;
    nodes::update(tx, &before, &after)?;
    Ok(())
}

fn may_leave(allocation: &Allocation, node: &Node) -> Refused<()> {
    if node.maintenance {
        return Ok(());
    }
    let because = if node.provision_state == State::Active {
        "active".to_owned()
    } else if node.target_provision_state.is_some() && !node.provision_state.allows_update() {
        format!("in state {}, in which it cannot be changed", node.provision_state)
    } else {
        return Ok(());
    };
    Err(Refusal::conflict(format!(
        "Cannot remove allocation {} for node {}, because the node is {because} (and maintenance mode is off)",
        allocation.uuid, node.uuid
    )))
}

/// Takes a node's allocation away, because the node is torn down or deleted or its instance is removed; the caller
/// writes the node's row. Its instance is gone with it. Whether there was one.
///
/// `instance_info.traits` becomes again what it was before the allocation replaced it, unless somebody has changed it
/// since. (Ironic leaves the allocation's traits behind.)
pub fn release(tx: &Tx, node: &mut Node) -> Result<bool, StoreError> {
    let Some(uuid) = node.allocation_uuid.take() else {
        return Ok(false);
    };
    node.instance_uuid = None;
    if let Some(allocation) = allocations::find(tx, uuid)? {
        if node.instance_info.get("traits") == Some(allocation.traits.value()) {
            let old = allocation.replaced_traits.and_then(|text| serde_json::from_str::<Value>(&text).ok());
            match old {
                Some(old) => node.instance_info.set("traits", old),
                None => drop(node.instance_info.remove("traits")),
            }
        }
        allocations::delete(tx, uuid)?;
    }
    // A free node is what others may be waiting for.
    crate::store::work::hurry_allocations(tx)?;
    Ok(true)
}

/// A node that a request names in its body: it is the request that is wrong if there is none.
fn named_node(read: &Read, ident: &str) -> Refused<Node> {
    let found = match Uuid::try_parse(ident) {
        Ok(uuid) => nodes::find(read, uuid)?,
        Err(_) => nodes::find_by_name(read, ident)?,
    };
    found.ok_or_else(|| Refusal::invalid(format!("Node {ident} could not be found.")))
}

/// The UUIDs of the nodes that are named, in the order given.
fn candidates(read: &Read, idents: &[String]) -> Refused<Vec<String>> {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for ident in idents {
        match named_node(read, ident) {
            Ok(node) => found.push(node.uuid.to_string()),
            Err(Refusal::Invalid(_)) => unknown.push(ident.as_str()),
            Err(other) => return Err(other),
        }
    }
    if unknown.is_empty() {
        return Ok(found);
    }
    Err(Refusal::invalid(format!("Nodes cannot be found: {}", unknown.join(", "))))
}

fn name_is_free(read: &Read, name: Option<&str>) -> Refused<()> {
    match name {
        Some(name) if allocations::find_by_name(read, name)?.is_some() => {
            Err(Refusal::conflict(format!("An allocation with name {name} already exists.")))
        }
        _ => Ok(()),
    }
}

fn list(items: &[String]) -> Object {
    Object::from(Value::from(items))
}

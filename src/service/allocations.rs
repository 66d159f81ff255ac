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

use serde_json::{Map, Value};
use uuid::Uuid;

use super::fields::Fields;
use super::patch::{self, Operation};
use super::{Refusal, Refused, hold, ident, journal};
use crate::model::{Allocation, AllocationState, Node, Object, State};
use crate::store::{Read, StoreError, Tx, allocations, nodes};

pub use choose::texts;
pub use place::{Attempt, attempt, give_up};

/// What a client asks for.
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

impl Wanted {
    /// Reads the body of a request, whose keys have been checked.
    pub fn read(body: &Map<String, Value>) -> Refused<Self> {
        let fields = Fields::new("allocation", body);
        let traits = fields.texts("traits")?;
        if let Some(bad) = traits.iter().find(|name| !is_trait(name)) {
            return Err(fields
                .refuse("traits", format_args!("'{bad}' does not match CUSTOM_[A-Z0-9_]+ and is no standard trait")));
        }
        Ok(Wanted {
            uuid: fields.uuid("uuid")?,
            name: name(&fields, "create")?,
            resource_class: fields.text("resource_class", 80)?,
            traits,
            candidate_nodes: fields.texts("candidate_nodes")?,
            node: fields.text("node", 255)?,
            owner: fields.text("owner", 255)?,
            extra: fields.object("extra")?,
        })
    }
}

/// A name is made of unreserved characters (RFC 3986); an empty one is stored and addresses nothing, as in Ironic.
fn name(fields: &Fields, verb: &str) -> Refused<Option<String>> {
    let name = fields.text("name", 255)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '~' | '-');
    match name {
        Some(name) if !name.chars().all(plain) => {
            Err(Refusal::invalid(format!("Cannot {verb} allocation with invalid name '{name}'")))
        }
        name => Ok(name),
    }
}

/// Custom traits have a prefix; the standard ones (os-traits) are upper-case words, and the list of them grows.
fn is_trait(name: &str) -> bool {
    let word = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.len() <= 255 && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(word)
}

/// Creates an allocation. The answer shows it as it was asked for, `allocating`, although it may be active by then: so
/// do Ironic's answers, which clients poll from. One that names its node is answered as it is, active.
///
/// Refusals leave nothing behind.
pub fn create(tx: &Tx, wanted: &Wanted) -> Refused<Allocation> {
    // What a store in hold believes to be free may be in use.
    hold::refuse(tx)?;
    let node = match &wanted.node {
        Some(name) => Some(ident::mentioned_node(tx, name)?),
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

/// Changes the name or `extra`, whatever state it is in.
pub fn update(tx: &Tx, ident: &str, operations: &[Operation]) -> Refused<Allocation> {
    let before = find(tx, ident)?;
    let mut document = Map::new();
    document.insert("name".to_owned(), Value::from(before.name.clone()));
    document.insert("extra".to_owned(), before.extra.value());
    patch::apply(&mut document, operations)?;
    let fields = Fields::new("allocation", &document);
    let after = Allocation { name: name(&fields, "update")?, extra: fields.object("extra")?, ..before.clone() };
    if before.name != after.name {
        name_is_free(tx, after.name.as_deref())?;
    }
    allocations::update(tx, &before, &after)?;
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
    journal::allocation(tx, node, &format!("no longer allocated to {uuid}"))?;
    // A free node is what others may be waiting for.
    crate::store::work::hurry_allocations(tx)?;
    Ok(true)
}

/// The UUIDs of the nodes that are named, in the order given.
fn candidates(read: &Read, idents: &[String]) -> Refused<Vec<String>> {
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for name in idents {
        match ident::node(read, name) {
            Ok(node) => found.push(node.uuid.to_string()),
            Err(Refusal::NotFound(_)) => unknown.push(name.as_str()),
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

//! What clients decide about a node apart from its provisioning: it comes, changes, and goes.
//!
//! Each decision is one write transaction that reads the node, checks, and writes; so of two patches of different keys of
//! one JSON field both are kept. A node that somebody works on is `Locked`: the caller waits and asks again.

mod fields;
mod interfaces;
mod network_data;
mod patch;
mod rules;
mod secrets;
mod traits;

use serde_json::{Map, Value};
use uuid::Uuid;

pub use patch::{Patch, patch};
pub use rules::{attributes, edit, save};
pub use traits::{add_trait, put_trait, remove_trait, replace_traits};

use super::{Refusal, Refused, allocations};
use crate::model::{Node, State};
use crate::store::{Read, StoreError, Tx, nodes};

/// The two ways in which clients address a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ident {
    Uuid(Uuid),
    Name(String),
}

impl Ident {
    pub fn parse(text: &str) -> Self {
        match Uuid::try_parse(text) {
            Ok(uuid) => Ident::Uuid(uuid),
            Err(_) => Ident::Name(text.to_owned()),
        }
    }
}

impl std::fmt::Display for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ident::Uuid(uuid) => uuid.fmt(f),
            Ident::Name(name) => name.fmt(f),
        }
    }
}

/// The node, or the 404 that says which one is not there.
pub fn find(read: &Read, ident: &Ident) -> Refused<Node> {
    let found = match ident {
        Ident::Uuid(uuid) => nodes::find(read, *uuid)?,
        Ident::Name(name) => nodes::find_by_name(read, name)?,
    };
    found.ok_or_else(|| Refusal::not_found(format!("Node {ident} could not be found.")))
}

/// The node, if nobody works on it.
fn find_free(read: &Read, ident: &Ident) -> Refused<Node> {
    let node = find(read, ident)?;
    if node.reservation.is_some() { Err(Refusal::locked(&node)) } else { Ok(node) }
}

/// Creates a node in `state` from the fields that a client sent; names of fields and of the node have been checked.
pub fn create(tx: &Tx, sent: &Map<String, Value>, state: State) -> Refused<Node> {
    let uuid = match sent.get("uuid") {
        None | Some(Value::Null) => tx.uuid(),
        Some(value) => fields::uuid("uuid", value)?,
    };
    let driver = match sent.get("driver") {
        Some(Value::String(driver)) => driver.clone(),
        Some(_) => return Err(Refusal::invalid("Schema error for node: driver: expected a string")),
        None => return Err(Refusal::invalid("Schema error for node: 'driver' is a required property")),
    };
    let mut node = Node::new(uuid, driver, tx.now());
    node.provision_state = state;
    let mut sealed = Vec::new();
    // In the order in which a patch is applied, not in the client's: a parent is judged by the owner.
    let mut fields: Vec<(&String, &Value)> = sent.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    for (name, value) in fields.into_iter().filter(|(name, _)| !matches!(name.as_str(), "uuid" | "driver")) {
        match secrets::COLUMNS.iter().find(|column| *column == name) {
            Some(column) => sealed.push((*column, fields::map(name, value)?)),
            None => fields::set(tx, &mut node, name, Some(value))?,
        }
    }
    node.resource_class = node.resource_class.filter(|class| !class.is_empty());
    interfaces::choose(&mut node)?;
    unique(nodes::insert(tx, &node), &node)?;
    // The secrets refer to the row, so the columns that show them are written after it.
    let mut shown = nodes::find(tx, uuid)?.ok_or_else(|| Refusal::not_found("the new node is gone"))?;
    let bare = shown.clone();
    for (column, map) in sealed {
        secrets::seal(tx, &mut shown, column, map)?;
    }
    patch::name_instance(&mut shown);
    nodes::update(tx, &bare, &shown)?;
    // A new node has never been changed, whatever it took to write it.
    nodes::mark_unchanged(tx, uuid)?;
    find(tx, &Ident::Uuid(uuid))
}

/// Turns a collision of a unique column into the sentence that names both.
fn unique<T>(result: Result<T, StoreError>, node: &Node) -> Refused<T> {
    result.map_err(|error| match &error {
        StoreError::Duplicate(column) => Refusal::Conflict(match column.as_str() {
            "nodes.name" => {
                format!("A node with name {} already exists.", node.name.as_deref().unwrap_or_default())
            }
            "nodes.uuid" => format!("A node with UUID {} already exists.", node.uuid),
            _ => format!(
                "Instance {} is already associated with another node.",
                node.instance_uuid.map(|uuid| uuid.to_string()).unwrap_or_default()
            ),
        }),
        _ => Refusal::Store(error),
    })
}

/// Deletes a node with all that belongs to it.
pub fn delete(tx: &Tx, ident: &Ident) -> Refused<()> {
    use State::{AdoptFailed, Available, Enroll, Manageable};
    let mut node = find(tx, ident)?;
    if node.reservation.is_some() {
        return Err(Refusal::locked(&node));
    }
    if let Some(instance) = node.instance_uuid.filter(|_| !node.maintenance) {
        return Err(Refusal::conflict(format!("Node {} is associated with instance {instance}.", node.uuid)));
    }
    if node.protected {
        return Err(Refusal::Forbidden(format!(
            "Node {} is protected and cannot be undeployed, rebuilt or deleted.",
            node.uuid
        )));
    }
    if !node.maintenance && !matches!(node.provision_state, Manageable | Enroll | AdoptFailed | Available) {
        return Err(Refusal::conflict(format!(
            "Can not delete node \"{}\" while it is in provision state \"{}\". Valid provision states to perform deletion \
             are: manageable, enroll, adopt failed, available; or set the node into maintenance mode",
            node.uuid, node.provision_state
        )));
    }
    allocations::release(tx, &mut node)?;
    nodes::delete(tx, node.uuid)?;
    Ok(())
}

/// Puts a node into maintenance or takes it out, at once and whoever works on it: the engine keeps what it finds there.
pub fn set_maintenance(tx: &Tx, ident: &Ident, reason: Option<Option<String>>) -> Refused<()> {
    let before = find(tx, ident)?;
    let mut node = before.clone();
    match reason {
        Some(reason) => {
            node.maintenance = true;
            node.maintenance_reason = reason;
        }
        None => node.clear_maintenance(),
    }
    nodes::update(tx, &before, &node)?;
    Ok(())
}

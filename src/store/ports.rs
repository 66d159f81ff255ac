//! Rows of `ports`.

use uuid::Uuid;

use super::page::Filter;
use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::Port;

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<Port>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn find_by_name(read: &Read, name: &str) -> Result<Option<Port>, StoreError> {
    rows::find(read, "WHERE name = ?", &[&name])
}

/// By MAC address, in its canonical form (lower case, colons).
pub fn find_by_address(read: &Read, address: &str) -> Result<Option<Port>, StoreError> {
    rows::find(read, "WHERE address = ?", &[&address])
}

/// The node's ports, oldest first.
pub fn of_node(read: &Read, node: Uuid) -> Result<Vec<Port>, StoreError> {
    rows::select(read, "WHERE node_uuid = ? ORDER BY id", &[&node.to_string()])
}

/// The members of a port group, oldest first.
pub fn of_portgroup(read: &Read, group: Uuid) -> Result<Vec<Port>, StoreError> {
    rows::select(read, "WHERE portgroup_uuid = ? ORDER BY id", &[&group.to_string()])
}

/// Ports with this text in their description: it is looked for in an index that holds nothing else.
pub fn described(text: &str) -> Filter {
    Filter::contains("description", text).of_parent(
        "id IN (SELECT id FROM ports INDEXED BY ports_by_description WHERE description IS NOT NULL AND ",
        ")",
    )
}

pub fn insert(tx: &Tx, port: &Port) -> Result<i64, StoreError> {
    rows::insert(tx, port)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &Port, after: &Port) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &Port { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM ports WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

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

/// Ports whose nodes are in one of these shards.
pub fn of_shards<'s>(shards: impl IntoIterator<Item = &'s str>) -> Filter {
    Filter::one_of("shard", shards).of_parent("node_uuid IN (SELECT uuid FROM nodes WHERE ", ")")
}

/// Ports whose nodes are in one of these conductor groups.
pub fn of_conductor_groups<'s>(groups: impl IntoIterator<Item = &'s str>) -> Filter {
    Filter::one_of("conductor_group", groups).of_parent("node_uuid IN (SELECT uuid FROM nodes WHERE ", ")")
}

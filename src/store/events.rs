//! Rows of `events`: written with the change that they tell of, never changed.

use uuid::Uuid;

use super::rows;
use super::{Read, StoreError, Tx};
use crate::model::EventRecord;

pub fn insert(tx: &Tx, event: &EventRecord) -> Result<i64, StoreError> {
    rows::insert(tx, event)
}

pub fn find(read: &Read, node: Uuid, uuid: Uuid) -> Result<Option<EventRecord>, StoreError> {
    rows::find(read, "WHERE node_uuid = ? AND uuid = ?", &[&node.to_string(), &uuid.to_string()])
}

/// The node's newest events, the newest first.
pub fn newest_of_node(read: &Read, node: Uuid, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows::select(read, "WHERE node_uuid = ? ORDER BY id DESC LIMIT ?", &[&node.to_string(), &limit])
}

/// The node's events after the one with id `after`, oldest first.
pub fn of_node(read: &Read, node: Uuid, after: i64, limit: usize) -> Result<Vec<EventRecord>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows::select(read, "WHERE node_uuid = ? AND id > ? ORDER BY id LIMIT ?", &[&node.to_string(), &after, &limit])
}

//! Rows of `chassis`.

use uuid::Uuid;

use super::rows::{self, execute, texts};
use super::{Read, StoreError, Tx};
use crate::model::Chassis;

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<Chassis>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn insert(tx: &Tx, chassis: &Chassis) -> Result<i64, StoreError> {
    rows::insert(tx, chassis)
}

/// Writes what differs, and stamps `updated_at`, even if nothing does: clients are used to it.
pub fn update(tx: &Tx, before: &Chassis, after: &Chassis) -> Result<bool, StoreError> {
    rows::update(tx, before, &Chassis { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM chassis WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

/// Whether a node stands in it.
pub fn has_nodes(read: &Read, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(!texts(read, "SELECT uuid FROM nodes WHERE chassis_uuid = ? LIMIT 1", &[&uuid.to_string()])?.is_empty())
}

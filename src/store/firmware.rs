//! Rows of `firmware_components`.

use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::FirmwareComponent;

/// The firmware of a node by component.
pub fn of_node(read: &Read, node: Uuid) -> Result<Vec<FirmwareComponent>, StoreError> {
    rows::select(read, "WHERE node_uuid = ? ORDER BY component", &[&node.to_string()])
}

pub fn insert(tx: &Tx, component: &FirmwareComponent) -> Result<i64, StoreError> {
    rows::insert(tx, component)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &FirmwareComponent, after: &FirmwareComponent) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &FirmwareComponent { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete(tx: &Tx, id: i64) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM firmware_components WHERE id = ?", &[&id])? > 0)
}

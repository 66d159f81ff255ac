//! Rows of `bios_settings`.

use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::BiosSetting;

/// A node's settings by name.
pub fn of_node(read: &Read, node: Uuid) -> Result<Vec<BiosSetting>, StoreError> {
    rows::select(read, "WHERE node_uuid = ? ORDER BY name", &[&node.to_string()])
}

pub fn find(read: &Read, node: Uuid, name: &str) -> Result<Option<BiosSetting>, StoreError> {
    rows::find(read, "WHERE node_uuid = ? AND name = ?", &[&node.to_string(), &name])
}

pub fn insert(tx: &Tx, setting: &BiosSetting) -> Result<i64, StoreError> {
    rows::insert(tx, setting)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &BiosSetting, after: &BiosSetting) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &BiosSetting { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete(tx: &Tx, id: i64) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM bios_settings WHERE id = ?", &[&id])? > 0)
}

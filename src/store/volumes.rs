//! Rows of `volume_connectors` and `volume_targets`.

use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::{VolumeConnector, VolumeTarget};

pub fn find_connector(read: &Read, uuid: Uuid) -> Result<Option<VolumeConnector>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn insert_connector(tx: &Tx, connector: &VolumeConnector) -> Result<i64, StoreError> {
    rows::insert(tx, connector)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update_connector(tx: &Tx, before: &VolumeConnector, after: &VolumeConnector) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &VolumeConnector { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete_connector(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM volume_connectors WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

pub fn find_target(read: &Read, uuid: Uuid) -> Result<Option<VolumeTarget>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn insert_target(tx: &Tx, target: &VolumeTarget) -> Result<i64, StoreError> {
    rows::insert(tx, target)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update_target(tx: &Tx, before: &VolumeTarget, after: &VolumeTarget) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &VolumeTarget { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete_target(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM volume_targets WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

//! Rows of `runbooks`.

use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::Runbook;

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<Runbook>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn find_by_name(read: &Read, name: &str) -> Result<Option<Runbook>, StoreError> {
    rows::find(read, "WHERE name = ?", &[&name])
}

pub fn insert(tx: &Tx, runbook: &Runbook) -> Result<i64, StoreError> {
    rows::insert(tx, runbook)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &Runbook, after: &Runbook) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &Runbook { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM runbooks WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

/// Writes the traits alone, without a stamp.
pub fn set_traits(tx: &Tx, uuid: Uuid, traits: &crate::model::Object) -> Result<(), StoreError> {
    execute(tx, "UPDATE runbooks SET traits = ? WHERE uuid = ?", &[&traits.as_str(), &uuid.to_string()])?;
    Ok(())
}

//! Rows of `allocations`.

use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::Allocation;

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<Allocation>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn find_by_name(read: &Read, name: &str) -> Result<Option<Allocation>, StoreError> {
    rows::find(read, "WHERE name = ?", &[&name])
}

pub fn insert(tx: &Tx, allocation: &Allocation) -> Result<i64, StoreError> {
    rows::insert(tx, allocation)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &Allocation, after: &Allocation) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &Allocation { updated_at: Some(tx.now()), ..after.clone() })
}

/// Deletes the allocation and the work that is owed to it. Whether it was there.
pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM allocations WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

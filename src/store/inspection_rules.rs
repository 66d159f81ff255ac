//! Rows of `inspection_rules`.

use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::InspectionRule;

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<InspectionRule>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

/// All of them in the order in which they are applied: by priority, of equal ones the older first.
pub fn in_order(read: &Read) -> Result<Vec<InspectionRule>, StoreError> {
    // One that is left out could let a machine pass.
    rows::every(read, "ORDER BY priority DESC, id", &[])
}

pub fn insert(tx: &Tx, rule: &InspectionRule) -> Result<i64, StoreError> {
    rows::insert(tx, rule)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &InspectionRule, after: &InspectionRule) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &InspectionRule { updated_at: Some(tx.now()), ..after.clone() })
}

/// Whether it was there.
pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM inspection_rules WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

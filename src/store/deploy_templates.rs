//! Rows of `deploy_templates`.

use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::DeployTemplate;

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<DeployTemplate>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn find_by_name(read: &Read, name: &str) -> Result<Option<DeployTemplate>, StoreError> {
    rows::find(read, "WHERE name = ?", &[&name])
}

pub fn insert(tx: &Tx, template: &DeployTemplate) -> Result<i64, StoreError> {
    rows::insert(tx, template)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &DeployTemplate, after: &DeployTemplate) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &DeployTemplate { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM deploy_templates WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

//! Rows of `portgroups`.

use uuid::Uuid;

use super::rows::{self, execute, texts};
use super::{Read, StoreError, Tx};
use crate::model::Portgroup;

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<Portgroup>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn find_by_name(read: &Read, name: &str) -> Result<Option<Portgroup>, StoreError> {
    rows::find(read, "WHERE name = ?", &[&name])
}

/// By MAC address, in its canonical form.
pub fn find_by_address(read: &Read, address: &str) -> Result<Option<Portgroup>, StoreError> {
    rows::find(read, "WHERE address = ?", &[&address])
}

pub fn insert(tx: &Tx, group: &Portgroup) -> Result<i64, StoreError> {
    rows::insert(tx, group)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &Portgroup, after: &Portgroup) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &Portgroup { updated_at: Some(tx.now()), ..after.clone() })
}

pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM portgroups WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

/// Whether a port is a member.
pub fn has_ports(read: &Read, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(!texts(read, "SELECT uuid FROM ports WHERE portgroup_uuid = ? LIMIT 1", &[&uuid.to_string()])?.is_empty())
}

//! Large or private things of a node, outside its row.

use rusqlite::OptionalExtension as _;
use uuid::Uuid;

use super::rows::{NO_JSON, execute};
use super::{Read, StoreError, Tx};
use crate::model::record::words;

words! {
    pub enum BlobKind {
        /// What the client gave as config drive: text (base64 or URL) or a JSON object. At most 64 MiB.
        ConfigDrive = "config_drive",
        /// Inspection data: `{"inventory": …, "plugin_data": …}`.
        Inventory = "inventory",
        /// The step list of the running flow, as JSON.
        Steps = "steps",
        /// The steps that the request for the running flow, or what it called for, asked for, as JSON.
        AskedSteps = "asked_steps",
        /// A [`crate::model::BootPlan`] as JSON.
        BootPlan = "boot_plan",
        /// A [`crate::model::ImageGrant`] as JSON.
        ImageGrant = "image_grant",
        /// What the agent told when it was last inspected, before it was processed.
        InspectionData = "inspection_data",
    }
}

pub fn load(read: &Read, node: Uuid, kind: BlobKind) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT bytes FROM node_blob WHERE node_uuid = ? AND kind = ?";
    let mut statement = read.connection.prepare_cached(sql)?;
    Ok(statement.query_row((node.to_string(), kind.as_str()), |row| row.get(0)).optional()?)
}

/// How long one is, without reading it.
pub fn bytes(read: &Read, node: Uuid, kind: BlobKind) -> Result<Option<usize>, StoreError> {
    let sql = "SELECT length(bytes) FROM node_blob WHERE node_uuid = ? AND kind = ?";
    let mut statement = read.connection.prepare_cached(sql)?;
    let found: Option<i64> = statement.query_row((node.to_string(), kind.as_str()), |row| row.get(0)).optional()?;
    Ok(found.map(|bytes| usize::try_from(bytes).unwrap_or(0)))
}

/// Whether there is one, without reading it.
pub fn exists(read: &Read, node: Uuid, kind: BlobKind) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM node_blob WHERE node_uuid = ? AND kind = ?";
    let mut statement = read.connection.prepare_cached(sql)?;
    Ok(statement.exists([node.to_string(), kind.as_str().to_owned()])?)
}

/// Stores or replaces.
pub fn put(tx: &Tx, node: Uuid, kind: BlobKind, bytes: &[u8]) -> Result<(), StoreError> {
    let sql = "INSERT INTO node_blob (node_uuid, kind, bytes) VALUES (?, ?, ?)
               ON CONFLICT (node_uuid, kind) DO UPDATE SET bytes = excluded.bytes";
    execute(tx, sql, &[&node.to_string(), &kind.as_str(), &bytes])?;
    Ok(())
}

pub fn delete(tx: &Tx, node: Uuid, kind: BlobKind) -> Result<bool, StoreError> {
    let sql = "DELETE FROM node_blob WHERE node_uuid = ? AND kind = ?";
    Ok(execute(tx, sql, &[&node.to_string(), &kind.as_str()])? > 0)
}

/// A blob that is JSON; absent if there is none.
pub fn load_json<T: serde::de::DeserializeOwned>(
    read: &Read,
    node: Uuid,
    kind: BlobKind,
) -> Result<Option<T>, StoreError> {
    match load(read, node, kind)? {
        Some(bytes) => {
            let blob = serde_json::from_slice(&bytes);
            blob.map(Some)
                .map_err(|_| StoreError::unreadable(format!("node_blob of {node}, {}", kind.as_str()), NO_JSON))
        }
        None => Ok(None),
    }
}

pub fn put_json<T: serde::Serialize>(tx: &Tx, node: Uuid, kind: BlobKind, value: &T) -> Result<(), StoreError> {
    put(tx, node, kind, &serde_json::to_vec(value)?)
}

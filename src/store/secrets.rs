//! Secrets of a node: found by the column that shows `******` and the JSON pointer in it.

use uuid::Uuid;

use super::rows::{execute, json, texts};
use super::{Read, StoreError, Tx};
use crate::model::secret::{Masked, Sealed};

/// All secrets of one column of a node, by JSON pointer.
pub fn of_column(read: &Read, node: Uuid, column: &str) -> Result<Vec<(String, Sealed)>, StoreError> {
    let sql = "SELECT pointer, sealed FROM node_secret WHERE node_uuid = ? AND pointer LIKE ? || '/%'";
    let mut statement = read.connection.prepare_cached(sql)?;
    let rows = statement.query_map((node.to_string(), column), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (pointer, sealed): (String, String) = row?;
        let pointer = pointer.strip_prefix(column).unwrap_or(&pointer).to_owned();
        found.push((pointer, Sealed::seal(json(&sealed, || format!("node_secret of {node}"))?)));
    }
    Ok(found)
}

/// The pointers of one column that have a secret.
pub fn pointers(read: &Read, node: Uuid, column: &str) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT substr(pointer, length(?2) + 1) FROM node_secret
               WHERE node_uuid = ?1 AND pointer LIKE ?2 || '/%'";
    texts(read, sql, &[&node.to_string(), &column])
}

/// Makes the stored secrets of a column those that `masked` names: keeps, renews, and deletes the rest.
pub fn replace(tx: &Tx, node: Uuid, column: &str, masked: &Masked) -> Result<(), StoreError> {
    for pointer in pointers(tx, node, column)? {
        if !masked.keep.contains(&pointer) {
            remove(tx, node, column, &pointer)?;
        }
    }
    for (pointer, sealed) in &masked.fresh {
        put(tx, node, column, pointer, sealed)?;
    }
    Ok(())
}

pub fn put(tx: &Tx, node: Uuid, column: &str, pointer: &str, sealed: &Sealed) -> Result<(), StoreError> {
    let sql = "INSERT INTO node_secret (node_uuid, pointer, sealed) VALUES (?, ?, ?)
               ON CONFLICT (node_uuid, pointer) DO UPDATE SET sealed = excluded.sealed";
    let sealed = serde_json::to_string(sealed.open())?;
    execute(tx, sql, &[&node.to_string(), &format!("{column}{pointer}"), &sealed])?;
    Ok(())
}

pub fn remove(tx: &Tx, node: Uuid, column: &str, pointer: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM node_secret WHERE node_uuid = ? AND pointer = ?";
    Ok(execute(tx, sql, &[&node.to_string(), &format!("{column}{pointer}")])? > 0)
}

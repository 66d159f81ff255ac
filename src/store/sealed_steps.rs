//! The step lists of templates and runbooks that have secrets in them, by the UUID of what they belong to. They go when
//! that goes.

use rusqlite::OptionalExtension as _;
use uuid::Uuid;

use super::rows::{execute, json};
use super::{Read, StoreError, Tx};
use crate::model::secret::Sealed;

pub fn find(read: &Read, owner: Uuid) -> Result<Option<Sealed>, StoreError> {
    let mut statement = read.connection.prepare_cached("SELECT sealed FROM sealed_steps WHERE owner_uuid = ?")?;
    let found: Option<String> = statement.query_row([owner.to_string()], |row| row.get(0)).optional()?;
    Ok(match found {
        Some(text) => Some(Sealed::seal(json(&text, || format!("sealed_steps of {owner}"))?)),
        None => None,
    })
}

/// Stores or replaces; `None` removes.
pub fn put(tx: &Tx, owner: Uuid, sealed: Option<&Sealed>) -> Result<(), StoreError> {
    let owner = owner.to_string();
    match sealed {
        Some(sealed) => {
            let sql = "INSERT INTO sealed_steps (owner_uuid, sealed) VALUES (?, ?)
                       ON CONFLICT (owner_uuid) DO UPDATE SET sealed = excluded.sealed";
            execute(tx, sql, &[&owner, &serde_json::to_string(sealed.open())?])?;
        }
        None => drop(execute(tx, "DELETE FROM sealed_steps WHERE owner_uuid = ?", &[&owner])?),
    }
    Ok(())
}

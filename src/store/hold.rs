//! Whether the store is in hold: one row among the small facts about the store itself.

use rusqlite::OptionalExtension as _;

use super::rows::execute;
use super::{Read, StoreError, Tx};
use crate::model::Hold;

const KEY: &str = "hold";

pub fn find(read: &Read) -> Result<Option<Hold>, StoreError> {
    let mut statement = read.connection.prepare_cached("SELECT value FROM meta WHERE key = ?")?;
    let text: Option<String> = statement.query_row([KEY], |row| row.get(0)).optional()?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

/// Whether there is one, without reading it: what is asked before every piece of work.
pub fn exists(read: &Read) -> Result<bool, StoreError> {
    let mut statement = read.connection.prepare_cached("SELECT 1 FROM meta WHERE key = ?")?;
    Ok(statement.exists([KEY])?)
}

pub fn put(tx: &Tx, hold: &Hold) -> Result<(), StoreError> {
    execute(tx, PUT, &[&KEY, &serde_json::to_string(hold)?])?;
    Ok(())
}

/// Into a copy, which has no writer yet.
pub(super) fn put_into(connection: &rusqlite::Connection, hold: &Hold) -> Result<(), StoreError> {
    connection.execute(PUT, [KEY, &serde_json::to_string(hold)?])?;
    Ok(())
}

const PUT: &str = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

/// Ends it and wakes the engine; whether there was one.
pub fn delete(tx: &Tx) -> Result<bool, StoreError> {
    tx.wake();
    Ok(execute(tx, "DELETE FROM meta WHERE key = ?", &[&KEY])? > 0)
}

//! Rows of `work`: the engine's queue, and where every flow stands.

use jiff::Timestamp;
use uuid::Uuid;

use super::blobs::BlobKind;
use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::clock::micros;
use crate::model::Work;

pub fn find(read: &Read, id: i64) -> Result<Option<Work>, StoreError> {
    rows::find(read, "WHERE id = ?", &[&id])
}

/// The live work of a node, if it has any.
pub fn of_node(read: &Read, node: Uuid) -> Result<Option<Work>, StoreError> {
    rows::find(read, "WHERE node_uuid = ?", &[&node.to_string()])
}

pub fn of_allocation(read: &Read, allocation: Uuid) -> Result<Option<Work>, StoreError> {
    rows::find(read, "WHERE allocation_uuid = ?", &[&allocation.to_string()])
}

/// Work that the engine can do something about at `now`: not waiting, or called by the agent, or due, or past its
/// deadline, or asked to abort.
pub fn runnable(read: &Read, now: Timestamp) -> Result<Vec<Work>, StoreError> {
    let now = micros(now);
    rows::select(
        read,
        "WHERE (phase IN ('ready', 'begun') AND due_at IS NULL) OR (phase = 'waiting' AND heartbeat)
         OR due_at <= ? OR deadline_at <= ? ORDER BY id",
        &[&now, &now],
    )
}

/// When the engine has to look again if nothing happens before.
pub fn next_due(read: &Read) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT min(at) FROM (SELECT due_at AS at FROM work WHERE due_at IS NOT NULL
               UNION ALL SELECT deadline_at FROM work WHERE deadline_at IS NOT NULL)";
    let at: Option<i64> = read.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(at.map(crate::clock::from_micros))
}

/// Everything that is owed, oldest first: what start-up goes through.
pub fn all(read: &Read) -> Result<Vec<Work>, StoreError> {
    rows::select(read, "ORDER BY id", &[])
}

/// The oldest of what is owed, and how much there is in all: for a person to look at.
pub fn oldest(read: &Read, most: usize) -> Result<(Vec<Work>, usize), StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = rows::select(read, "ORDER BY id LIMIT ?", &[&most])?;
    let count: i64 = read.connection.prepare_cached("SELECT count(*) FROM work")?.query_row([], |row| row.get(0))?;
    Ok((rows, usize::try_from(count).unwrap_or(0)))
}

/// Inserts and wakes the engine.
pub fn insert(tx: &Tx, work: &Work) -> Result<i64, StoreError> {
    tx.wake();
    rows::insert(tx, work)
}

/// Writes what differs and wakes the engine.
pub fn update(tx: &Tx, before: &Work, after: &Work) -> Result<bool, StoreError> {
    tx.wake();
    rows::update(tx, before, after)
}

/// Deletes, and with it the leave to fetch an image that was given for it.
pub fn delete(tx: &Tx, id: i64) -> Result<bool, StoreError> {
    tx.wake();
    let sql = "DELETE FROM node_blob WHERE kind = ? AND node_uuid = (SELECT node_uuid FROM work WHERE id = ?)";
    execute(tx, sql, &[&BlobKind::ImageGrant.as_str(), &id])?;
    Ok(execute(tx, "DELETE FROM work WHERE id = ?", &[&id])? > 0)
}

/// Makes the allocations that wait for a node due now: one has become free.
pub fn hurry_allocations(tx: &Tx) -> Result<(), StoreError> {
    let now = micros(tx.now());
    let sql = "UPDATE work SET due_at = ?1 WHERE allocation_uuid IS NOT NULL AND due_at > ?1";
    if execute(tx, sql, &[&now])? > 0 {
        tx.wake();
    }
    Ok(())
}

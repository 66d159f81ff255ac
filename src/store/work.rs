//! Rows of `work`: the engine's queue, and where every flow stands.

use jiff::{SignedDuration, Timestamp};
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

/// The wall clock was set forward `by` so much: waits that had begun before it showed `began_by` last as long as they should.
pub fn postpone(tx: &Tx, began_by: Timestamp, by: SignedDuration) -> Result<usize, StoreError> {
    let by = i64::try_from(by.as_micros()).unwrap_or(0);
    let sql =
        "UPDATE work SET since = since + ?2, due_at = due_at + ?2, deadline_at = deadline_at + ?2 WHERE since <= ?1";
    execute(tx, sql, &[&micros(began_by), &by])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::model::FlowName;
    use crate::random::Random;
    use crate::store::{Options, Store};

    #[tokio::test]
    async fn waits_last_as_long_as_they_should_when_the_clock_is_set_forward() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let store = Store::open(&dir.path().join("store"), Options::new(Clock::system(), Random::seeded(1)))?;
        let at = |secs: i64| from_micros(secs * 1_000_000);
        store
            .write(move |tx| {
                for began in [100, 500] {
                    let mut owed = Work::for_node(FlowName::Allocate, Default::default(), at(began));
                    (owed.node_uuid, owed.deadline_at) = (None, Some(at(began + 60)));
                    insert(tx, &owed)?;
                }
                // Forward at 110, by 380 s: what begins at 500 began afterwards.
                postpone(tx, at(110), SignedDuration::from_secs(380))
            })
            .await?;
        let times = |work: Vec<Work>| work.iter().map(|it| (it.since, it.deadline_at)).collect::<Vec<_>>();
        let expected = vec![(at(480), Some(at(540))), (at(500), Some(at(560)))];
        assert_eq!(times(store.read(all).await?), expected);
        Ok(())
    }
}

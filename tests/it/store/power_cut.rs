//! The plug is pulled: what was synced is there, of what was not yet synced anything may be, whole or torn. Every row
//! that was acknowledged by then must be found by the next start, in a store with nothing wrong.
//!
//! SQLite's writes are recorded on a [`Disk`]. For many points of the record the files are made as they could be found
//! after a cut there, and opened.

use std::collections::BTreeSet;
use std::path::Path;

use bessemer::random::Random;
use bessemer::store::{Store, Tx, check};
use tokio::task::JoinSet;

use super::disk::{Disk, Op};
use super::plug::{self, Start};
use super::{add_machine, options};

/// Points at which the plug is pulled; each store is made and opened twice.
const CUTS: usize = 150;
const WRITERS: usize = 12;
/// Enough for the WAL to be folded into the file, and begun anew, more than once.
const ROWS: usize = 40;
#[expect(clippy::disallowed_methods, reason = "looks at what is in the file")]
fn survives(path: &Path, told: &BTreeSet<String>) -> anyhow::Result<()> {
    drop(Store::open(path, options(false))?);
    let findings = check::check(path).findings;
    anyhow::ensure!(findings.is_empty(), "{findings:?}");
    let connection = rusqlite::Connection::open(path)?;
    let mut statement = connection.prepare("SELECT name FROM nodes UNION ALL SELECT key FROM meta")?;
    let there = statement.query_map([], |row| row.get(0))?.collect::<Result<BTreeSet<String>, _>>()?;
    let lost: Vec<_> = told.difference(&there).take(3).collect();
    anyhow::ensure!(lost.is_empty(), "acknowledged and lost: {lost:?} of {}", told.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_cut_at_any_moment() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let disk = Disk::under(dir.path())?;
    disk.record();
    // Twice, because a start that finds a store is another one than the first; the end of each folds the WAL.
    for life in 0..2 {
        let store = Store::open(&super::file(&dir), options(false))?;
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (store, disk) = (store.clone(), disk.clone());
            writers.spawn(async move {
                for i in 0..ROWS {
                    let name = format!("l{life}-w{writer}-{i}");
                    let asked = name.clone();
                    store.write(move |tx: &Tx| add_machine(tx, &asked)).await?;
                    disk.note(&name);
                }
                anyhow::Ok(())
            });
        }
        while let Some(written) = writers.join_next().await {
            written??;
        }
    }
    let log = disk.take_log();
    let folded = log.iter().filter(|op| matches!(op, Op::Sync { file } if file == "store.sqlite")).count();
    assert!(folded > 3, "the WAL was folded into the file only {folded} times");
    let seed = Random::system().below(u64::MAX);
    let lost =
        tokio::task::spawn_blocking(move || plug::pull(Start::new(), &log, CUTS, &Random::seeded(seed), survives))
            .await??;
    assert!(lost.is_empty(), "seed {seed}: {lost:#?}");
    Ok(())
}

/// The test above would be worth nothing if it passed without the syncs.
#[test]
fn with_fewer_syncs_the_same_cuts_lose_what_was_acknowledged() -> anyhow::Result<()> {
    for (synchronous, safe) in [("FULL", true), ("NORMAL", false), ("OFF", false)] {
        let dir = tempfile::tempdir()?;
        let disk = Disk::under(dir.path())?;
        disk.record();
        drop(super::open(&dir, false)?);
        write_with(&super::file(&dir), synchronous, &disk)?;
        let lost = plug::pull(Start::new(), &disk.take_log(), 60, &Random::system(), survives)?;
        assert_eq!(lost.is_empty(), safe, "synchronous = {synchronous}: {lost:?}");
    }
    Ok(())
}

/// Another program that writes one row a transaction into the same file, and believes each COMMIT.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn write_with(path: &Path, synchronous: &str, disk: &Disk) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(&format!("PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 50"))?;
    for i in 0..150 {
        let key = format!("{synchronous}-{i}");
        connection.execute("INSERT INTO meta VALUES (?, ?)", (&key, "x".repeat(600)))?;
        disk.note(&key);
    }
    Ok(())
}

//! A backup in the place of a store. What was there is kept, and what is there now is in hold.
//!
//! The order is such that a crash at any point leaves either the old store, or a name without a store, or the new one;
//! never the new one beside the old one's WAL, which SQLite would believe.

use std::io;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::backup::{self, BackupError, Copied, Job, Progress};
use super::{StoreError, schema};
use crate::clock::{Clock, micros};
use crate::disk;
use crate::model::Hold;

/// What came of it.
#[derive(Debug)]
pub struct Restored {
    pub copied: Copied,
    /// What the store says of itself now.
    pub hold: Hold,
    /// Where the store is kept that was there before.
    pub aside: Option<PathBuf>,
}

/// Stores that are kept of one second.
const MOST_ASIDE: usize = 100;

/// Puts the backup `file` in the place of the store at `target`, which nobody may have open. Blocking.
pub fn restore(
    file: &Path,
    target: &Path,
    clock: &Clock,
    stop: CancellationToken,
    watch: &mut dyn FnMut(Progress),
) -> Result<Restored, BackupError> {
    // Two names of one file must meet the same lock.
    let target = &target.canonicalize().unwrap_or_else(|_| target.to_owned());
    let cannot_write = |error: io::Error| backup::cannot_write(target, &error);
    let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let above = dir.metadata().map_err(cannot_write)?;
    let lock = schema::Lock::take(target).map_err(|error| match error {
        in_use @ StoreError::InUse { .. } => BackupError::InUse(in_use),
        other => other.into(),
    })?;
    let now = clock.now();
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let mut hold = Hold { since: micros(now), taken: None, file: Some(whole.display().to_string()) };
    let job = Job { from: file, to: target, replace: true, stop };
    let mark = |was: Option<&Hold>| {
        hold.taken = was.and_then(|was| was.taken);
        hold.clone()
    };
    let (copied, partial) = backup::draft(&job, clock, mark, watch)?;
    // Who restores is often root, and who serves is not.
    let owner = target.metadata().unwrap_or(above);
    disk::give(partial.path(), &owner).map_err(cannot_write)?;
    disk::give(&beside(target, ".lock"), &owner).map_err(cannot_write)?;
    let aside = set_aside(target, &now.strftime("%Y%m%dT%H%M%SZ").to_string()).map_err(cannot_write)?;
    partial.publish().map_err(cannot_write)?;
    drop(lock);
    Ok(Restored { copied, hold, aside })
}

/// Gives the store another name, with all that belongs to it, and takes the old names away, the store's first.
fn set_aside(store: &Path, stamp: &str) -> io::Result<Option<PathBuf>> {
    const KEPT: [&str; 3] = ["", "-wal", "-journal"];
    // The clock may be set back, and somebody may be quick: what was kept before is not touched.
    let names = (1..).map(|nth| match nth {
        1 => beside(store, &format!(".before-restore-{stamp}")),
        nth => beside(store, &format!(".before-restore-{stamp}-{nth}")),
    });
    let is_free = |name: &PathBuf| KEPT.iter().all(|ending| beside(name, ending).symlink_metadata().is_err());
    let Some(aside) = names.take(MOST_ASIDE).find(is_free) else { return Err(io::ErrorKind::AlreadyExists.into()) };
    let mut kept = false;
    for ending in KEPT {
        match disk::link_new(&beside(store, ending), &beside(&aside, ending)) {
            Ok(()) => kept = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    disk::sync_parent(store)?;
    for ending in ["", "-wal", "-journal", "-shm"] {
        match std::fs::remove_file(beside(store, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    disk::sync_parent(store)?;
    Ok(kept.then_some(aside))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

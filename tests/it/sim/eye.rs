//! The eye on the store: sees every commit, says when the disk is full, and when the process dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bessemer::net::memory::Host;
use bessemer::store::{Fate, Read, StoreError, Witness};
use tokio::sync::Notify;

use super::book::Book;
use super::rules::Rules;

/// What lives of the service share: the disk and what has been seen.
#[derive(Clone)]
pub struct Disk {
    pub full: Arc<AtomicBool>,
    pub book: Book,
    pub rules: Arc<Mutex<Rules>>,
}

impl Disk {
    pub fn rules(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One life of the process.
pub struct Eye {
    disk: Disk,
    host: Host,
    /// Commits that are left to it; none: no end is planned.
    left: Mutex<Option<u64>>,
    dead: AtomicBool,
    pub died: Notify,
}

impl std::fmt::Debug for Eye {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Eye")
    }
}

impl Eye {
    pub fn new(disk: Disk, host: Host, commits: Option<u64>) -> Self {
        Eye { disk, host, left: Mutex::new(commits), dead: AtomicBool::new(false), died: Notify::new() }
    }

    /// The process ends here and now: not one packet more.
    pub fn kill(&self) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            self.host.die();
            self.disk.book.open().kills += 1;
            self.died.notify_one();
        }
    }

    /// After the end of a process that ended by itself: what it left running hears nothing any more.
    pub fn kill_quietly(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.host.die();
    }

    /// Nobody is to be killed any more.
    pub fn spare(&self) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn is_last(&self) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *left {
            Some(1) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

impl Witness for Eye {
    fn before(&self) -> Result<Fate, StoreError> {
        if self.dead.load(Ordering::Relaxed) {
            return Ok(Fate::Dies);
        }
        if self.disk.full.load(Ordering::Relaxed) {
            self.disk.book.count("commit refused: disk full");
            return Err(StoreError::Full);
        }
        Ok(Fate::Lives)
    }

    fn after(&self, read: &Read) -> Fate {
        self.disk.book.open().commits += 1;
        self.disk.rules().look(read);
        if self.is_last() {
            self.disk.book.count("killed after a commit");
            self.kill();
            return Fate::Dies;
        }
        Fate::Lives
    }
}

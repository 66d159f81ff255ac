//! The eye on the store: sees every commit, says when the disk is full, and when the process dies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bessemer::clock::{Clock, Instant};
use bessemer::engine;
use bessemer::net::memory::Host;
use bessemer::store::{Fate, Read, StoreError, Witness};
use tokio::sync::Notify;

use super::book::Book;
use super::holders::Life;
use super::rules::Rules;

/// What lives of the service share: the disk and what has been seen.
#[derive(Clone)]
pub struct Disk {
    pub clock: Clock,
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
    /// Once it serves; taken from it at its end, because whoever has it keeps the store.
    engine: Mutex<Option<engine::Handle>>,
    /// When the disk was full last.
    disturbed: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Eye {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Eye")
    }
}

impl Eye {
    pub fn new(disk: Disk, host: Host, commits: Option<u64>) -> Self {
        disk.rules().begin();
        let (engine, disturbed) = Default::default();
        let (left, dead, died) = (Mutex::new(commits), AtomicBool::new(false), Notify::new());
        Eye { disk, host, left, dead, died, engine, disturbed }
    }

    /// The process ends here and now: not one packet more.
    pub fn kill(&self) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            self.host.die();
            self.disk.book.open().kills += 1;
            self.died.notify_one();
        }
    }

    /// From now on it is known what the process has in hand.
    pub fn follow(&self, engine: engine::Handle) {
        *self.engine.lock().unwrap_or_else(PoisonError::into_inner) = Some(engine);
    }

    /// After the end of a process that ended by itself: what it left running hears nothing any more.
    pub fn kill_quietly(&self) {
        self.dead.store(true, Ordering::Relaxed);
        self.host.die();
        drop(self.engine.lock().unwrap_or_else(PoisonError::into_inner).take());
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
            *self.disturbed.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.disk.clock.instant());
            return Err(StoreError::Full);
        }
        Ok(Fate::Lives)
    }

    fn after(&self, read: &Read) -> Fate {
        self.disk.book.open().commits += 1;
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let disturbed = *self.disturbed.lock().unwrap_or_else(PoisonError::into_inner);
        let life = engine.map(|engine| Life { engine, disturbed });
        self.disk.rules().look(read, life.as_ref());
        if self.is_last() {
            self.disk.book.count("killed after a commit");
            self.kill();
            return Fate::Dies;
        }
        Fate::Lives
    }
}

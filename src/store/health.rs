//! Whether the file can be written: noticed where it is used, told once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::error::Met;
use super::{Help, StoreError};

/// How many rows that cannot be read are remembered, so that each is told of once.
const MOST_KNOWN: usize = 1000;

#[derive(Debug)]
pub struct Health {
    path: PathBuf,
    /// What to do about damage.
    pub help: Arc<Help>,
    /// What SQLite found. It does not get better: nothing is written any more.
    damage: OnceLock<String>,
    /// Cheap to ask after every commit.
    refusing: AtomicBool,
    /// Why requests are refused at present, as it was logged.
    trouble: Mutex<Option<String>>,
    /// Rows that cannot be read, as they were logged.
    unreadable: Mutex<BTreeSet<String>>,
}

impl Health {
    pub fn new(path: &Path, help: Arc<Help>) -> Self {
        Health {
            path: path.to_owned(),
            help,
            damage: OnceLock::new(),
            refusing: AtomicBool::new(false),
            trouble: Mutex::default(),
            unreadable: Mutex::default(),
        }
    }

    pub fn damage(&self) -> Option<String> {
        self.damage.get().cloned()
    }

    /// SQLite has found the file damaged.
    pub fn damaged(&self, why: &str) {
        if self.damage.set(why.to_owned()).is_ok() {
            let (path, help) = (self.path.display(), self.help.sentence());
            tracing::error!("the store {path} is damaged ({why}); nothing is written to it any more; {help}");
        }
    }

    /// What a job or a look has met.
    pub fn take_note(&self, met: &Met) {
        if let Some(why) = &met.damage {
            // The writer must not go on in a file that a reader has found damaged.
            self.damaged(why);
        }
        for (row, why) in &met.unreadable {
            self.unreadable(row, why);
        }
    }

    /// One row, of which everybody who meets it would tell.
    fn unreadable(&self, row: &str, why: &str) {
        let mut known = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_KNOWN && known.insert(row.to_owned()) {
            let path = self.path.display();
            tracing::error!(
                "{row} cannot be read ({why}) and is left out of what is done and shown; `bessemer check --db {path}` \
                 says more, and what to do"
            );
        }
    }

    /// A batch was not kept. What lasts is told when it begins, not with every request.
    pub fn refused(&self, error: &StoreError) {
        if !error.may_pass() {
            return;
        }
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let why = error.to_string();
        if trouble.as_ref() != Some(&why) {
            tracing::error!("cannot write {}: {why}", self.path.display());
            *trouble = Some(why);
        }
        self.refusing.store(true, Ordering::Relaxed);
    }

    /// A batch was kept.
    pub fn written(&self) {
        if self.refusing.swap(false, Ordering::Relaxed) {
            self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
            tracing::info!("{} can be written again", self.path.display());
        }
    }
}

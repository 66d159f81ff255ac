//! Whether the file can be written: noticed where it is used, told once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::StoreError;

#[derive(Debug)]
pub struct Health {
    path: PathBuf,
    /// What SQLite found. It does not get better: nothing is written any more.
    damage: OnceLock<String>,
    /// Cheap to ask after every commit.
    refusing: AtomicBool,
    /// Why requests are refused at present, as it was logged.
    trouble: Mutex<Option<String>>,
}

impl Health {
    pub fn new(path: &Path) -> Self {
        Health {
            path: path.to_owned(),
            damage: OnceLock::new(),
            refusing: AtomicBool::new(false),
            trouble: Mutex::default(),
        }
    }

    pub fn damage(&self) -> Option<String> {
        self.damage.get().cloned()
    }

    /// SQLite has found the file damaged.
    pub fn damaged(&self, why: &str) {
        if self.damage.set(why.to_owned()).is_ok() {
            let path = self.path.display();
            tracing::error!(
                "the store {path} is damaged ({why}); nothing is written to it any more. `bessemer check --db {path}` \
                 says what is wrong; then stop the service and restore the newest backup"
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

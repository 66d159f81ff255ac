//! What clients have asked for and were told, what befell the world, and what was found wrong: shared by everything in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// What clients asked of one machine.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Requests on their way that may end in a change of power, or in a written disk.
    pub power_pending: u32,
    pub disk_pending: u32,
    /// Such a request was accepted, or nobody knows, since the node last came to rest.
    pub power: bool,
    pub disk: bool,
    /// Somebody has asked to undeploy or remove it, ever.
    pub undeployed: bool,
    /// Its BMC has lied about its power: what it does is then nobody's fault.
    pub lied: bool,
}

#[derive(Default)]
pub struct Pages {
    pub asked: BTreeMap<String, Asked>,
    /// Acknowledged and not asked to be deleted since.
    pub nodes: BTreeSet<String>,
    pub allocations: BTreeSet<Uuid>,
    /// Whose deletion was acknowledged.
    pub deleted_allocations: Vec<Uuid>,
    pub deleted_nodes: BTreeSet<Uuid>,
    /// What must stand in no log.
    pub secrets: BTreeSet<String>,
    pub faults: BTreeMap<&'static str, u64>,
    pub answers: BTreeMap<u16, u64>,
    pub breaches: Vec<String>,
    pub commits: u64,
    pub kills: u64,
}

/// Cheap to clone; all clones are one book.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Pages>>);

/// More breaches of one run say nothing new.
const MOST: usize = 20;

impl Book {
    pub fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self, fault: &'static str) {
        *self.open().faults.entry(fault).or_default() += 1;
    }

    pub fn breach(&self, what: String) {
        self.open().breach(what);
    }
}

impl Pages {
    pub fn breach(&mut self, what: String) {
        if self.breaches.len() < MOST && !self.breaches.contains(&what) {
            self.breaches.push(what);
        }
    }

    pub fn asked(&mut self, machine: &str) -> &mut Asked {
        self.asked.entry(machine.to_owned()).or_default()
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Book")
    }
}

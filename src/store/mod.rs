//! The one SQLite file: one writer, a few readers.
//!
//! Every change is a *job*: a plain function of a transaction, run again if its batch was lost, without an effect outside
//! it. Jobs that arrive together share one `BEGIN IMMEDIATE … COMMIT`, each in its own savepoint; nobody is answered
//! before the commit is on disk. A transaction cannot cross an await: the closure type forbids it.
//!
//! Services see [`Tx`], [`Read`] and the functions of the noun modules, never SQL.

mod changes;
mod error;
mod executor;
mod health;
mod help;
mod queue;
mod readers;
mod rows;
mod schema;
mod tx;
mod wal;
mod witness;

pub mod allocations;
pub mod backup;
pub mod bios;
pub mod blobs;
pub mod chassis;
pub mod check;
pub mod deploy_templates;
pub mod events;
pub mod firmware;
pub mod hold;
pub mod inspection_rules;
pub mod kept;
pub mod leases;
pub mod nodes;
pub mod page;
pub mod portgroups;
pub mod ports;
pub mod restore;
pub mod runbooks;
pub mod sealed_steps;
pub mod secrets;
pub mod volumes;
pub mod work;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use changes::Changed;
pub use error::StoreError;
pub use help::Help;
pub use queue::CLIENT_WITHIN;
pub use rows::named as row_named;
pub use tx::{Read, Tx};
pub use witness::{Fate, Witness};

use self::changes::Changes;
use crate::clock::Clock;
use crate::random::Random;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Run and commit in the caller's poll instead of on a thread: for a simulated world on paused time.
    pub inline: bool,
    pub clock: Clock,
    pub random: Random,
    /// Upper bound of the file, in pages of 4 KiB: how tests make a disk full.
    pub max_pages: Option<u32>,
    /// Where the service's own backups are: named when this store is damaged.
    pub backups: Option<PathBuf>,
    /// Who sees each commit of an inline store, and may end the process after it: a simulated world.
    pub witness: Option<Arc<dyn Witness>>,
}

impl Options {
    pub fn new(clock: Clock, random: Random) -> Self {
        Options { inline: false, clock, random, max_pages: None, backups: None, witness: None }
    }
}

/// Whose requests they are that a handle carries. Machines and the engine go first, and have a reader that clients never take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    Ours,
    Clients,
}

/// A handle to the store. Cheap to clone; the file is closed when the last one goes, which waits for the writer.
#[derive(Clone)]
pub struct Store(Arc<Inner>, Lane);

/// Fields are dropped in this order: the readers first, so that the writer's connection is the last and folds the WAL
/// into the file as it closes; the lock when nobody touches the file any more.
struct Inner {
    readers: readers::Readers,
    executor: executor::Executor,
    work_changed: Changes,
    path: PathBuf,
    // Held for as long as the store is open, so that a second process is refused.
    lock: Mutex<Option<schema::Lock>>,
}

/// Damage that is found before anybody is served has the file's name in it.
fn unusable(error: StoreError, path: &Path, help: &Help) -> StoreError {
    match error {
        StoreError::Damaged { why, help } => StoreError::Unusable { path: path.display().to_string(), why, help },
        waits if waits.may_pass() => StoreError::Broken(anyhow::anyhow!("cannot open {}: {waits}", path.display())),
        // Such as a file format that SQLite does not know: a good store does not fail to open for SQLite's reasons.
        StoreError::Broken(source) if source.is::<rusqlite::Error>() => {
            StoreError::Unusable { path: path.display().to_string(), why: source.to_string(), help: help.sentence() }
        }
        other => other,
    }
}

impl Store {
    /// Opens the file, creating it and bringing its schema up to date.
    ///
    /// Errors: another process has it open, it comes from a newer version, it is something else, the disk refuses.
    /// Blocking: call it off the runtime.
    pub fn open(path: &Path, options: Options) -> Result<Self, StoreError> {
        // Two names of one file must meet the same lock.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let lock = schema::Lock::take(path)?;
        let help = Arc::new(Help::new(path, options.backups, options.clock.clone()));
        let (work_changed, health) = (Changes::default(), Arc::new(health::Health::new(path, help.clone())));
        let opened = error::helped(&help, || {
            let connection = schema::open_writer(path, options.max_pages)?;
            Ok((connection, readers::Readers::open(path, options.inline, health.clone())?))
        });
        let (connection, readers) = opened.map_err(|error| unusable(error, path, &help))?;
        schema::fold_wal(&connection)?;
        let writer = executor::Writer::new(connection, options.clock, options.random, work_changed.clone(), health);
        let executor = executor::Executor::start(writer, options.inline, options.witness)?;
        let inner = Inner { readers, executor, work_changed, path: path.to_owned(), lock: Mutex::new(Some(lock)) };
        Ok(Store(Arc::new(inner), Lane::Ours))
    }

    /// The same store for what clients ask of it: who waits too long is told so ([`StoreError::Overloaded`]).
    pub fn for_clients(&self) -> Self {
        Store(self.0.clone(), Lane::Clients)
    }

    /// Runs `job` in a write transaction and answers once it is durable.
    ///
    /// The job may run more than once: it must have no effect but through `tx`, and take ids, time and randomness from
    /// it. Its error undoes what it did, and nothing else.
    pub async fn write<T, E>(&self, job: impl Fn(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.0.executor.run(self.1, job).await
    }

    /// Runs `look` on a read-only snapshot.
    pub async fn read<T, E>(&self, look: impl FnOnce(&Read) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.0.readers.run(self.1, look).await
    }

    /// Runs a look that finds a row by a key, right where it is called: handing it to another thread would cost more than
    /// the look itself. Not for lists, whose pages would keep others waiting.
    pub async fn glance<T, E>(&self, look: impl FnOnce(&Read) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.0.readers.glance(self.1, look).await
    }

    /// Changes whenever a commit touched work or released a node: what the engine and waiting requests sleep on.
    pub fn work_changed(&self) -> Changed {
        self.0.work_changed.listen()
    }

    /// As if work had changed: whoever sleeps on [`Store::work_changed`] looks again.
    pub fn wake(&self) {
        self.0.work_changed.tell();
    }

    /// Closes the file of an inline store under everybody who still has a handle, as the end of the process does: their
    /// calls never return. For a simulated world, in which the next process begins in this one.
    pub fn abandon(&self) {
        self.0.readers.abandon();
        self.0.executor.abandon();
        drop(self.0.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

//! Backups that nobody has to think of: one after the other, each checked, and as many kept as the operator wants.
//!
//! One task; the copying is done on a thread of its own, with a connection of its own, and takes neither the writer nor a
//! reader away. The next one is due an interval after the newest file, so a start after a long stop makes one soon, and a
//! restart alone makes none. A file is deleted only when a newer one is good. While the store is in hold none are made: they
//! would be copies of a copy, and push out what may still be needed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::blocking;
use crate::clock::{Clock, Timestamp};
use crate::disk;
use crate::random::Random;
use crate::store::backup::{self, BackupError, Copied, Job};
use crate::store::kept::{self, File};
use crate::store::{Store, StoreError, hold};

/// How long after a start the first may begin, so that it is in nobody's way who has just come up.
const SOON: Duration = Duration::from_secs(2);
/// After a failure; twice as long after each further one.
const AGAIN: Duration = Duration::from_secs(60);
const AGAIN_AT_MOST: Duration = Duration::from_secs(3600);
/// The clock on the wall may be set while we wait, so it is looked at now and then.
const LOOK: Duration = Duration::from_secs(600);
/// Files that are told of.
const MOST_TOLD: usize = 100;

/// What the operator wants.
#[derive(Clone, Debug)]
pub struct Plan {
    pub dir: PathBuf,
    pub interval: Duration,
    pub keep: usize,
}

#[derive(Clone, Debug)]
pub struct Failure {
    pub at: Timestamp,
    pub why: String,
    pub in_a_row: u32,
}

/// How it stands, for a person.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// None: no backups are wanted.
    pub plan: Option<Plan>,
    pub next_at: Option<Timestamp>,
    pub running: bool,
    /// Why the last one failed; none if it did not.
    pub failure: Option<Failure>,
    /// The newest first.
    pub backups: Vec<File>,
}

/// What others see of the task. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Backups(Arc<Mutex<Status>>);

impl Backups {
    pub fn new(plan: Option<Plan>) -> Self {
        Backups(Arc::new(Mutex::new(Status { plan, ..Status::default() })))
    }

    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes backups until `stop`; returns at once if none are wanted.
    pub async fn run(self, store: Store, clock: Clock, random: Random, stop: CancellationToken) {
        let Some(plan) = self.status().plan else { return };
        let mut keeper = Keeper { plan, store, clock, random, stop, told: self, failures: 0 };
        keeper.run().await;
    }
}

struct Keeper {
    plan: Plan,
    store: Store,
    clock: Clock,
    random: Random,
    stop: CancellationToken,
    told: Backups,
    /// In a row.
    failures: u32,
}

impl Keeper {
    async fn run(&mut self) {
        self.on_a_thread(|plan| tidy(&plan)).await;
        let mut not_before = self.clock.instant() + SOON;
        while !self.stop.is_cancelled() {
            let wait = match self.due().await {
                // Asked again soon: nobody tells when a hold ends.
                Ok(None) => SOON,
                Ok(Some(due)) => due.max(not_before.saturating_duration_since(self.clock.instant())),
                Err(error) => {
                    tracing::warn!(%error, "whether a backup may be made could not be found out");
                    AGAIN
                }
            };
            if !wait.is_zero() {
                let next = self.clock.now().checked_add(wait).ok();
                self.told.lock().next_at = next;
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => {}
                    () = self.clock.sleep(wait.min(LOOK)) => {}
                }
                continue;
            }
            self.told.lock().running = true;
            let made = self.make().await;
            self.told.lock().running = false;
            not_before = self.clock.instant() + self.settle(made);
        }
    }

    /// How long until the next one is due; none while the store is in hold.
    async fn due(&self) -> Result<Option<Duration>, StoreError> {
        let held = self.store.read(hold::exists).await?;
        let now = self.clock.now();
        let files = self.on_a_thread(move |plan| kept::files(&plan.dir, now)).await.unwrap_or_default();
        let newest = files.first().map(|file| file.taken_at).filter(|at| *at <= now);
        self.told.lock().backups = files.into_iter().take(MOST_TOLD).collect();
        if held {
            return Ok(None);
        }
        let Some(newest) = newest else { return Ok(Some(Duration::ZERO)) };
        let age = Duration::try_from(now.duration_since(newest)).unwrap_or(self.plan.interval);
        Ok(Some(self.plan.interval.saturating_sub(age)))
    }

    async fn make(&self) -> Result<Copied, BackupError> {
        let (from, clock, stop) = (self.store.path().to_owned(), self.clock.clone(), self.stop.clone());
        let now = self.clock.now();
        let to = self.plan.dir.join(kept::name(now));
        let made = self.on_a_thread(move |_| {
            let job = Job { from: &from, to: &to, replace: false, stop };
            backup::copy(&job, &clock, backup::mark(&clock), &mut |_| {})
        });
        let stopped = || Err(BackupError::Stopped(self.plan.dir.clone()));
        let copied = made.await.unwrap_or_else(stopped)?;
        let old = self.on_a_thread(move |plan| forget_old(&plan, now)).await;
        if let Some(Err(error)) = old {
            tracing::warn!(%error, dir = %self.plan.dir.display(), "old backups could not be deleted");
        }
        Ok(copied)
    }

    /// Writes down what came of it; how long the next has to wait at least.
    fn settle(&mut self, made: Result<Copied, BackupError>) -> Duration {
        match made {
            Ok(copied) => {
                tracing::info!(bytes = copied.bytes, nodes = copied.nodes, dir = %self.plan.dir.display(), "backup made");
                for what in &copied.breaches {
                    tracing::warn!(
                        what,
                        "the backup can be restored, and has in it what should not be so in the store"
                    );
                }
                self.failures = 0;
                self.told.lock().failure = None;
                Duration::ZERO
            }
            Err(_) if self.stop.is_cancelled() => Duration::ZERO,
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                let pause = AGAIN.saturating_mul(1 << (self.failures - 1).min(6)).min(AGAIN_AT_MOST);
                let pause = self.random.jitter(pause);
                let why = format!("{:#}", anyhow::Error::new(error));
                tracing::error!(why, again_in_secs = pause.as_secs(), "the backup failed");
                let failure = Failure { at: self.clock.now(), why, in_a_row: self.failures };
                self.told.lock().failure = Some(failure);
                pause
            }
        }
    }

    /// Runs what blocks; none if the runtime is going away.
    async fn on_a_thread<T: Send + 'static>(&self, work: impl FnOnce(Plan) -> T + Send + 'static) -> Option<T> {
        let plan = self.plan.clone();
        blocking::run(move || work(plan)).await.ok()
    }
}

/// Deletes what is more than is wanted.
fn forget_old(plan: &Plan, now: Timestamp) -> std::io::Result<()> {
    for old in kept::files(&plan.dir, now).iter().skip(plan.keep.max(1)) {
        std::fs::remove_file(&old.path)?;
        tracing::info!(file = %old.path.display(), "old backup deleted");
    }
    Ok(())
}

/// Makes the directory, and removes what a process left behind that died while it wrote.
fn tidy(plan: &Plan) {
    use std::os::unix::fs::DirBuilderExt as _;
    if !plan.dir.exists() {
        // What stands against it is told by the first backup.
        let _ = std::fs::DirBuilder::new().mode(0o700).create(&plan.dir);
    }
    for name in disk::names(&plan.dir).unwrap_or_default() {
        if kept::is_left_behind(&name) {
            let _ = std::fs::remove_file(plan.dir.join(name));
        }
    }
}

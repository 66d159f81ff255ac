//! Who runs the jobs: an OS thread with group commit, or the caller itself.
//!
//! ```text
//!   jobs ──► `queue` (bounded) ──► BEGIN IMMEDIATE
//!                                 SAVEPOINT · job 1 · RELEASE        an error undoes only its own savepoint
//!                                 SAVEPOINT · job 2 · ROLLBACK TO
//!                                COMMIT ──► answers, wake-ups
//! ```
//! A full disk or an I/O error inside a savepoint makes SQLite roll back the *whole* transaction. Then, and when COMMIT
//! fails, the batch is lost: each of its jobs is run again alone, and only then answered. If the transaction did not even
//! begin, running again alone would only wait again, so everybody is told at once.
//!
//! What the disk refuses is told to whoever asked, and works again as soon as the disk does. A store that SQLite has found
//! damaged is another matter: nothing is written to it any more, and its WAL stays where it is, for whoever looks at it.
//!
//! A panicking job is a bug, and ends the writer with it: whoever waits is told that the store is closed, and the process
//! is expected to stop (see `app`). Nothing of its batch was committed or acknowledged.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::changes::Changes;
use super::error::{helped, watched};
use super::health::Health;
use super::queue::{Batch, Queue};
use super::{Fate, Lane, Read, StoreError, Tx, Witness, schema};
use crate::clock::Clock;
use crate::random::Random;

/// A job whose types are forgotten: it keeps its own result until it may be told.
trait AnyJob: Send {
    /// Runs, and says whether to keep what it did.
    fn run(&mut self, tx: &Tx) -> bool;
    /// Hands out the result; `lost` replaces it if the commit failed.
    fn answer(self: Box<Self>, lost: Option<StoreError>);
}

struct Job<F, T, E> {
    job: F,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> AnyJob for Job<F, T, E>
where
    F: Fn(&Tx) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &Tx) -> bool {
        let result = (self.job)(tx);
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, lost: Option<StoreError>) {
        let result = match (lost, self.result) {
            // A job that refused keeps its own reason: it wanted nothing written.
            (Some(lost), Some(Ok(_)) | None) => Err(lost.into()),
            (_, Some(result)) => result,
            (None, None) => Err(StoreError::Closed.into()),
        };
        // The caller may have gone away; what was decided stands.
        let _ = self.answer.send(result);
    }
}

/// The one connection that writes.
pub struct Writer {
    connection: Connection,
    clock: Clock,
    random: Random,
    work_changed: Changes,
    health: Arc<Health>,
}

impl Writer {
    pub fn new(
        connection: Connection,
        clock: Clock,
        random: Random,
        work_changed: Changes,
        health: Arc<Health>,
    ) -> Self {
        Writer { connection, clock, random, work_changed, health }
    }

    fn batch(&mut self, mut jobs: Vec<Box<dyn AnyJob>>) {
        match self.attempt(&mut jobs) {
            Ok(wake) => self.settle(jobs, wake),
            Err(lost) if jobs.len() == 1 || !lost.begun => self.refuse(jobs, &lost.error),
            Err(lost) => {
                tracing::warn!(error = %lost.error, jobs = jobs.len(), "a batch was lost; its jobs are run again one by one");
                for job in jobs {
                    self.alone(job);
                }
            }
        }
    }

    fn alone(&mut self, job: Box<dyn AnyJob>) {
        let mut one = vec![job];
        match self.attempt(&mut one) {
            Ok(wake) => self.settle(one, wake),
            Err(lost) => self.refuse(one, &lost.error),
        }
    }

    fn refuse(&self, jobs: Vec<Box<dyn AnyJob>>, error: &StoreError) {
        match error {
            StoreError::Damaged { why, .. } => self.health.damaged(why),
            other => self.health.refused(other),
        }
        jobs.into_iter().for_each(|job| job.answer(Some(copy(error))));
    }

    fn settle(&self, jobs: Vec<Box<dyn AnyJob>>, wake: bool) {
        self.health.written();
        // First the wake-up: whoever has an answer may rely on the others being on their way.
        if wake {
            self.work_changed.tell();
        }
        for job in jobs {
            job.answer(None);
        }
    }

    /// Runs all jobs and commits; whether somebody is to be woken. An error means that nothing of any of them was kept.
    fn attempt(&self, jobs: &mut [Box<dyn AnyJob>]) -> Result<bool, Lost> {
        helped(&self.health.help, || self.begin_and_commit(jobs))
    }

    fn begin_and_commit(&self, jobs: &mut [Box<dyn AnyJob>]) -> Result<bool, Lost> {
        let connection = &self.connection;
        if let Some(why) = self.health.damage() {
            return Err(Lost { error: StoreError::damaged(why), begun: false });
        }
        if !connection.is_autocommit() {
            // Left open by a panic in the caller's poll, or by a ROLLBACK that failed.
            connection.execute_batch("ROLLBACK").map_err(Lost::unbegun)?;
        }
        connection.execute_batch("BEGIN IMMEDIATE").map_err(Lost::unbegun)?;
        let outcome = self.run_and_commit(jobs);
        if outcome.is_err() && !connection.is_autocommit() {
            // If even this fails it is tried again before the next batch.
            let _ = connection.execute_batch("ROLLBACK");
        }
        if let Err(StoreError::Damaged { why, .. }) = &outcome {
            // Also if it goes on with each job alone: none of them is to be run.
            self.health.damaged(why);
        }
        outcome.map_err(|error| Lost { error, begun: true })
    }

    fn run_and_commit(&self, jobs: &mut [Box<dyn AnyJob>]) -> Result<bool, StoreError> {
        let connection = &self.connection;
        let mut wake = false;
        for job in jobs {
            connection.prepare_cached("SAVEPOINT job")?.execute([])?;
            let woken = Cell::new(false);
            let (keep, met) = watched(|| job.run(&Tx::new(connection, &self.clock, &self.random, &woken)));
            self.health.take_note(&met);
            if let Some(why) = met.damage {
                return Err(StoreError::damaged(why));
            }
            if connection.is_autocommit() {
                // The job knows the cause, and keeps it as its own answer if it is alone the next time.
                return Err(rolled_back());
            }
            if keep {
                wake |= woken.get();
            } else {
                connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
            }
            connection.prepare_cached("RELEASE job")?.execute([])?;
        }
        connection.execute_batch("COMMIT")?;
        Ok(wake)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.health.damage().is_some() {
            schema::leave_wal(&self.connection);
        }
    }
}

/// A batch of which nothing was kept.
struct Lost {
    error: StoreError,
    /// Whether the transaction was ever open: if so, one of the jobs may be the cause and the others may fare better.
    begun: bool,
}

impl Lost {
    fn unbegun(error: rusqlite::Error) -> Self {
        Lost { error: error.into(), begun: false }
    }
}

fn rolled_back() -> StoreError {
    StoreError::Broken(anyhow::anyhow!("a statement failed so badly that SQLite rolled the whole transaction back"))
}

/// An error can go to several callers, and its source cannot be cloned.
fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full => StoreError::Full,
        StoreError::ReadOnly => StoreError::ReadOnly,
        StoreError::Busy => StoreError::Busy,
        StoreError::Overloaded => StoreError::Overloaded,
        StoreError::Closed => StoreError::Closed,
        StoreError::Disk(why) => StoreError::Disk(why.clone()),
        StoreError::Damaged { why, help } => StoreError::Damaged { why: why.clone(), help: help.clone() },
        StoreError::Unreadable { row, why } => StoreError::Unreadable { row: row.clone(), why: why.clone() },
        StoreError::Duplicate(column) => StoreError::Duplicate(column.clone()),
        StoreError::Broken(source) => StoreError::Broken(anyhow::anyhow!("{source:#}")),
        other => StoreError::Broken(anyhow::anyhow!("{other}")),
    }
}

/// Both ways of running jobs, behind one call.
pub struct Executor(Kind);

enum Kind {
    /// The thread is there until the executor is dropped.
    Thread { queue: Arc<Queue<Box<dyn AnyJob>>>, thread: Option<JoinHandle<()>> },
    /// None once the world has ended the process.
    Inline(Box<Mutex<Option<Writer>>>, Option<Arc<dyn Witness>>),
}

impl Executor {
    pub fn start(writer: Writer, inline: bool, witness: Option<Arc<dyn Witness>>) -> Result<Self, StoreError> {
        if inline {
            return Ok(Executor(Kind::Inline(Box::new(Mutex::new(Some(writer))), witness)));
        }
        let queue = Arc::new(Queue::new(writer.clock.clone()));
        let taken = queue.clone();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || serve(writer, &taken))
            .map_err(|e| StoreError::Broken(e.into()))?;
        Ok(Executor(Kind::Thread { queue, thread: Some(thread) }))
    }

    pub async fn run<T, E>(&self, lane: Lane, job: impl Fn(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, told) = oneshot::channel();
        let job: Box<dyn AnyJob> = Box::new(Job { job, result: None, answer });
        match &self.0 {
            Kind::Inline(writer, witness) => {
                if run_inline(writer, witness.as_deref(), job) == Fate::Dies {
                    return std::future::pending().await;
                }
            }
            Kind::Thread { queue, .. } => queue.push(lane, job).await?,
        }
        told.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Closes the connection of an inline executor; later calls never return.
    pub fn abandon(&self) {
        if let Kind::Inline(writer, _) = &self.0 {
            drop(writer.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

/// Runs one job right here, under the eyes of the world if there is one.
fn run_inline(writer: &Mutex<Option<Writer>>, witness: Option<&dyn Witness>, job: Box<dyn AnyJob>) -> Fate {
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(writer) = writer.as_mut() else { return Fate::Dies };
    let Some(witness) = witness else {
        writer.batch(vec![job]);
        return Fate::Lives;
    };
    let mut jobs = vec![job];
    match witness.before() {
        Ok(Fate::Dies) => return Fate::Dies,
        Ok(Fate::Lives) => {}
        Err(error) => {
            writer.refuse(jobs, &error);
            return Fate::Lives;
        }
    }
    match writer.attempt(&mut jobs) {
        Ok(wake) => {
            if witness.after(&Read { connection: &writer.connection }) == Fate::Dies {
                return Fate::Dies;
            }
            writer.settle(jobs, wake);
        }
        Err(lost) => writer.refuse(jobs, &lost.error),
    }
    Fate::Lives
}

impl Drop for Executor {
    /// Waits until what is queued is committed and the file is closed, so that whoever opens the store next finds it
    /// whole and unlocked. Bounded: callers that wait hold a handle, so the queue is empty but for abandoned jobs.
    fn drop(&mut self) {
        if let Kind::Thread { queue, thread } = &mut self.0 {
            queue.close();
            // A job may own the last handle; its thread cannot wait for itself.
            if let Some(thread) = thread.take().filter(|it| it.thread().id() != std::thread::current().id()) {
                let _ = thread.join();
            }
        }
    }
}

/// The writer's thread: takes what has queued up, up to a batch, and commits it. Ends when the store is dropped.
fn serve(mut writer: Writer, queue: &Queue<Box<dyn AnyJob>>) {
    // A panic must be seen by those who wait, and by those who come.
    let _closed = CloseAtEnd(queue);
    while let Some(Batch { jobs, late }) = queue.next() {
        writer.refuse(late, &StoreError::Overloaded);
        if !jobs.is_empty() {
            writer.batch(jobs);
        }
    }
}

struct CloseAtEnd<'a>(&'a Queue<Box<dyn AnyJob>>);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
        while let Some(left) = self.0.next() {
            // Dropped, their callers learn that the store is closed.
            drop(left);
        }
    }
}

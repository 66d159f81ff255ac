//! Who runs the jobs: an OS thread with group commit, or the caller itself.
//!
//! ```text
//!   jobs ──► queue (bounded) ──► BEGIN IMMEDIATE
//!                                 SAVEPOINT · job 1 · RELEASE        an error undoes only its own savepoint
//!                                 SAVEPOINT · job 2 · ROLLBACK TO
//!                                COMMIT ──► answers, wake-ups
//! ```
//! A full disk or an I/O error inside a savepoint makes SQLite roll back the *whole* transaction. Then, and when COMMIT
//! fails, the batch is lost: each of its jobs is run again alone, and only then answered.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{StoreError, Tx};
use crate::clock::Clock;
use crate::random::Random;

/// Jobs that may wait for the writer; the next caller waits for a place.
const QUEUE: usize = 1024;
/// Jobs in one commit at most: bounds how long the first waits for the last.
const BATCH: usize = 256;

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
    work_changed: watch::Sender<u64>,
}

impl Writer {
    pub fn new(connection: Connection, clock: Clock, random: Random, work_changed: watch::Sender<u64>) -> Self {
        Writer { connection, clock, random, work_changed }
    }

    fn batch(&mut self, mut jobs: Vec<Box<dyn AnyJob>>) {
        match self.attempt(&mut jobs) {
            Ok(wake) => self.settle(jobs, wake),
            Err(error) if jobs.len() == 1 => {
                for job in jobs {
                    job.answer(Some(copy(&error)));
                }
            }
            Err(error) => {
                tracing::warn!(%error, jobs = jobs.len(), "a batch was lost; its jobs are run again one by one");
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
            Err(error) => one.into_iter().for_each(|job| job.answer(Some(copy(&error)))),
        }
    }

    fn settle(&self, jobs: Vec<Box<dyn AnyJob>>, wake: bool) {
        for job in jobs {
            job.answer(None);
        }
        if wake {
            self.work_changed.send_modify(|count| *count += 1);
        }
    }

    /// Runs all jobs and commits. An error means that nothing of any of them was kept.
    fn attempt(&mut self, jobs: &mut [Box<dyn AnyJob>]) -> Result<bool, StoreError> {
        let wake = Cell::new(false);
        let connection = &self.connection;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let outcome = (|| {
            for job in jobs.iter_mut() {
                connection.prepare_cached("SAVEPOINT job")?.execute([])?;
                let tx = Tx::new(connection, &self.clock, &self.random, &wake);
                let keep = job.run(&tx);
                if connection.is_autocommit() {
                    // SQLite has already rolled everything back.
                    return Err(StoreError::Full);
                }
                if !keep {
                    connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
                }
                connection.prepare_cached("RELEASE job")?.execute([])?;
            }
            connection.execute_batch("COMMIT")?;
            Ok(wake.get())
        })();
        if outcome.is_err() && !connection.is_autocommit() {
            // If even this fails the next BEGIN says so; there is nothing else to try.
            let _ = connection.execute_batch("ROLLBACK");
        }
        outcome
    }
}

/// An error can go to several callers, and its source cannot be cloned.
fn copy(error: &StoreError) -> StoreError {
    match error {
        StoreError::Full => StoreError::Full,
        StoreError::ReadOnly => StoreError::ReadOnly,
        StoreError::Closed => StoreError::Closed,
        StoreError::Duplicate(column) => StoreError::Duplicate(column.clone()),
        StoreError::Broken(source) => StoreError::Broken(anyhow::anyhow!("{source:#}")),
        other => StoreError::Broken(anyhow::anyhow!("{other}")),
    }
}

/// Both ways of running jobs, behind one call.
pub struct Executor(Kind);

enum Kind {
    Thread(mpsc::Sender<Box<dyn AnyJob>>),
    Inline(Box<Mutex<Writer>>),
}

impl Executor {
    pub fn start(writer: Writer, inline: bool) -> Result<Self, StoreError> {
        if inline {
            return Ok(Executor(Kind::Inline(Box::new(Mutex::new(writer)))));
        }
        let (sender, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || serve(writer, queue))
            .map_err(|e| StoreError::Broken(e.into()))?;
        Ok(Executor(Kind::Thread(sender)))
    }

    pub async fn run<T, E>(&self, job: impl Fn(&Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, told) = oneshot::channel();
        let job: Box<dyn AnyJob> = Box::new(Job { job, result: None, answer });
        match &self.0 {
            Kind::Inline(writer) => writer.lock().unwrap_or_else(PoisonError::into_inner).batch(vec![job]),
            Kind::Thread(queue) => {
                if queue.send(job).await.is_err() {
                    return Err(StoreError::Closed.into());
                }
            }
        }
        told.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }
}

/// The writer's thread: takes what has queued up, up to a batch, and commits it. Ends when the store is dropped.
fn serve(mut writer: Writer, mut queue: mpsc::Receiver<Box<dyn AnyJob>>) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < BATCH {
            match queue.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        writer.batch(jobs);
    }
}

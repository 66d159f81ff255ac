//! What waits for the writer: two lines, ours before those of clients.
//!
//! Ours are what machines, their leases and the engine ask for: if they wait, machines wait. When the line is full their callers
//! wait for a place. A client is told that there is too much to do, at once if its line is full, and later if it has stood
//! there so long that its answer could hardly be of use. Neither line starves the other: a batch has room for both.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Lane, StoreError};
use crate::clock::{Clock, Instant};

/// Jobs in each line.
const LONGEST: usize = 1024;
/// Jobs in one commit at most: bounds how long the first waits for the last.
const BATCH: usize = 256;
/// Of them, those of clients that have room whatever else there is.
const OF_CLIENTS: usize = BATCH / 4;
/// A client's job that has waited longer is not begun any more.
pub const CLIENT_WITHIN: Duration = Duration::from_secs(5);

/// See the head of this file.
pub struct Queue<T> {
    clock: Clock,
    lines: Mutex<Lines<T>>,
    filled: Condvar,
    ours: Arc<Semaphore>,
    clients: Arc<Semaphore>,
}

struct Lines<T> {
    ours: VecDeque<Waiting<T>>,
    clients: VecDeque<Waiting<T>>,
    open: bool,
}

struct Waiting<T> {
    job: T,
    since: Instant,
    _place: OwnedSemaphorePermit,
}

/// What the writer is to do next.
pub struct Batch<T> {
    pub jobs: Vec<T>,
    /// Those that are not begun any more.
    pub late: Vec<T>,
}

impl<T> Queue<T> {
    pub fn new(clock: Clock) -> Self {
        Queue {
            clock,
            lines: Mutex::new(Lines { ours: VecDeque::new(), clients: VecDeque::new(), open: true }),
            filled: Condvar::new(),
            ours: Arc::new(Semaphore::new(LONGEST)),
            clients: Arc::new(Semaphore::new(LONGEST)),
        }
    }

    /// Puts a job in its line.
    pub async fn push(&self, lane: Lane, job: T) -> Result<(), StoreError> {
        let place = match lane {
            Lane::Ours => self.ours.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?,
            Lane::Clients => self.clients.clone().try_acquire_owned().map_err(|_| StoreError::Overloaded)?,
        };
        let waiting = Waiting { job, since: self.clock.instant(), _place: place };
        let mut lines = self.lock();
        if !lines.open {
            return Err(StoreError::Closed);
        }
        match lane {
            Lane::Ours => lines.ours.push_back(waiting),
            Lane::Clients => lines.clients.push_back(waiting),
        }
        drop(lines);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for jobs. None: the queue is closed, and nothing is left in it.
    pub fn next(&self) -> Option<Batch<T>> {
        let mut lines = self.lock();
        while lines.ours.is_empty() && lines.clients.is_empty() {
            if !lines.open {
                return None;
            }
            lines = self.filled.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
        let now = self.clock.instant();
        let mut batch = Batch { jobs: Vec::new(), late: Vec::new() };
        let of_clients = lines.clients.len().min(OF_CLIENTS);
        while batch.jobs.len() < BATCH - of_clients
            && let Some(waiting) = lines.ours.pop_front()
        {
            batch.jobs.push(waiting.job);
        }
        while batch.jobs.len() < BATCH
            && let Some(waiting) = lines.clients.pop_front()
        {
            let line = if now - waiting.since > CLIENT_WITHIN { &mut batch.late } else { &mut batch.jobs };
            line.push(waiting.job);
        }
        Some(batch)
    }

    /// No more is taken in; what is there is still handed out.
    pub fn close(&self) {
        self.lock().open = false;
        self.ours.close();
        self.clients.close();
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Lines<T>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fill(queue: &Queue<(Lane, usize)>, lane: Lane, count: usize) -> Result<(), StoreError> {
        for n in 0..count {
            queue.push(lane, (lane, n)).await?;
        }
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn ours_go_first_and_clients_still_have_their_room() -> Result<(), StoreError> {
        let queue = Queue::new(Clock::system());
        fill(&queue, Lane::Clients, 300).await?;
        fill(&queue, Lane::Ours, 300).await?;
        let jobs = queue.next().map(|batch| batch.jobs).unwrap_or_default();
        assert_eq!((jobs.len(), jobs[0], jobs[BATCH - OF_CLIENTS]), (BATCH, (Lane::Ours, 0), (Lane::Clients, 0)));
        let jobs = queue.next().map(|batch| batch.jobs).unwrap_or_default();
        let ours = jobs.iter().filter(|(lane, _)| *lane == Lane::Ours).count();
        assert_eq!((ours, jobs.len()), (300 - (BATCH - OF_CLIENTS), BATCH));
        Ok(())
    }

    #[tokio::test(start_paused = true)]
    async fn clients_are_told_of_a_full_line_at_once_and_ours_find_theirs_empty() -> Result<(), StoreError> {
        let queue = Queue::new(Clock::system());
        fill(&queue, Lane::Clients, LONGEST).await?;
        assert!(matches!(fill(&queue, Lane::Clients, 1).await, Err(StoreError::Overloaded)));
        fill(&queue, Lane::Ours, LONGEST).await?;
        let waits = tokio::time::timeout(Duration::from_secs(60), fill(&queue, Lane::Ours, 1)).await;
        assert!(waits.is_err(), "ours wait for a place");
        queue.next();
        fill(&queue, Lane::Ours, 1).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_s_job_that_waited_too_long_is_not_begun() -> Result<(), StoreError> {
        let queue = Queue::new(Clock::system());
        fill(&queue, Lane::Clients, 2).await?;
        fill(&queue, Lane::Ours, 2).await?;
        queue.clock.sleep(CLIENT_WITHIN + Duration::from_millis(1)).await;
        queue.push(Lane::Clients, (Lane::Clients, 9)).await?;
        let batch = queue.next();
        let (jobs, late) = batch.map(|batch| (batch.jobs, batch.late)).unwrap_or_default();
        assert_eq!(jobs, [(Lane::Ours, 0), (Lane::Ours, 1), (Lane::Clients, 9)]);
        assert_eq!(late, [(Lane::Clients, 0), (Lane::Clients, 1)]);
        queue.close();
        assert!(queue.next().is_none() && matches!(fill(&queue, Lane::Ours, 1).await, Err(StoreError::Closed)));
        Ok(())
    }
}

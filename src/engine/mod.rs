//! What is owed gets done: asynchronous, slow, retried, and resumed after a crash.
//!
//! ```text
//!        commit that touched work ─┐        ┌─ a deadline or a due time
//!                                  ▼        ▼
//!   store.work ──► runnable rows ──► one walk per row (bounded) ──► claim ─► driver ─► settle ─┐
//!                        ▲                                                                   │
//!                        └───────────────────────────────────────────────────────────────────┘
//! ```
//! The queue is the `work` table; this process only remembers which rows it is walking right now. So a crash loses
//! nothing: the next start finds the same rows, with the cursor where it was committed last.

pub mod backups;
mod claim;
mod delta;
mod family;
mod flows;
mod handle;
mod inspection;
mod lists;
mod recover;
mod settle;
mod sync;
mod waits;
mod walk;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use handle::{Act, Busy, Handle, Lock};

use crate::driver::{self, Environment};
use crate::service::why::{Sight, Stumbles, Stumbling};
use crate::service::{self, Refusal, Refused, Rules};
use crate::store::{Store, StoreError, Tx, hold, nodes, work};

/// How many flows advance at once; the others stay in the table.
const WALKS: usize = 256;
/// The engine looks at its table at least this often, should a wake-up or a clock change be missed.
const SAFETY_NET: Duration = Duration::from_secs(60);

/// How soon a store that refuses to be written is asked again, about.
const STORE_AGAIN: Duration = Duration::from_secs(1);
/// How soon a row is looked at again that could not be moved.
const AGAIN: Duration = Duration::from_millis(50);

/// Bounds of the engine's own periodic work.
#[derive(Clone, Debug)]
pub struct Periods {
    /// How often each node's power is read; zero turns it off.
    pub power_sync: Duration,
    /// Failed readings in a row before the node is put into maintenance.
    pub power_sync_failures: u32,
    /// How many BMCs are read at once.
    pub power_sync_at_once: usize,
    /// Turn nodes that are not in use back to the recorded power, instead of recording what is. Never turns off one that is.
    pub force_power_state: bool,
}

impl Default for Periods {
    fn default() -> Self {
        Periods {
            power_sync: Duration::from_secs(120),
            power_sync_failures: 3,
            power_sync_at_once: 8,
            force_power_state: false,
        }
    }
}

/// The parts of the engine that its tasks share.
#[derive(Clone)]
pub(crate) struct Engine {
    store: Store,
    env: Environment,
    rules: Arc<Rules>,
    periods: Periods,
    /// Rows that are being walked.
    walking: Arc<Mutex<HashSet<i64>>>,
    /// Nodes that calls and acts in the background have reserved, or are about to, and how many of them.
    calling: Arc<Mutex<BTreeMap<Uuid, u32>>>,
    places: Arc<Semaphore>,
    /// Everything that runs in the background and is waited for at the end.
    tasks: TaskTracker,
    /// Nothing is held any more by who died with the last process; until then nobody may hold a node without a row of work.
    recovered: CancellationToken,
    stop: CancellationToken,
}

/// Makes the engine and its handle. Nothing runs until the returned future is polled; it ends after `stop`, once the
/// walks have reached their next checkpoint.
pub fn start(
    store: Store,
    env: Environment,
    rules: Rules,
    periods: Periods,
    stop: CancellationToken,
) -> (Handle, impl Future<Output = Result<(), StoreError>> + Send) {
    let rules = Rules { started_at: env.clock.now(), ..rules };
    let engine = Engine {
        store,
        env,
        rules: Arc::new(rules),
        periods,
        walking: Arc::default(),
        calling: Arc::default(),
        places: Arc::new(Semaphore::new(WALKS)),
        tasks: TaskTracker::new(),
        recovered: CancellationToken::new(),
        stop,
    };
    (Handle::new(engine.clone()), engine.run())
}

impl Engine {
    async fn run(self) -> Result<(), StoreError> {
        if !self.periods.power_sync.is_zero() {
            self.tasks.spawn(sync::run(self.clone()));
        }
        if self.released().await? {
            self.recover().await?;
            self.recovered.cancel();
        }
        let mut changed = self.store.work_changed();
        let mut waits = waits::Waits::new(&self.env.clock);
        while !self.stop.is_cancelled() {
            changed.mark_unchanged();
            let looked = match waits.mind(&self).await {
                Ok(()) => self.dispatch().await,
                Err(error) => Err(error),
            };
            let wake_at = match looked {
                Ok(wake_at) => wake_at,
                Err(error) => {
                    tracing::error!(%error, "the engine cannot read its work; it tries again in a second");
                    self.env.clock.instant() + Duration::from_secs(1)
                }
            };
            tokio::select! {
                biased;
                () = changed.changed() => {}
                () = tokio::time::sleep_until(wake_at) => {}
                () = self.stop.cancelled() => {}
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
        Ok(())
    }

    /// Waits until the store is not in hold; whether it is not, rather than that the engine is to stop. A store is put into
    /// hold only while nobody has it open, so this is asked once. (Every claim asks again.)
    async fn released(&self) -> Result<bool, StoreError> {
        let mut changed = self.store.work_changed();
        let mut told = false;
        while !self.stop.is_cancelled() {
            changed.mark_unchanged();
            let Some(hold) = self.store.read(hold::find).await? else { return Ok(true) };
            if !told {
                told = true;
                tracing::warn!("{}", service::hold::sentence(&hold));
                // What the process had in hand from whose store this is a copy; clients may want to change the records.
                self.store.write(nodes::release_orphans).await?;
                self.recovered.cancel();
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {}
                () = changed.changed() => {}
            }
        }
        Ok(false)
    }

    /// A store that cannot be written now does not keep its readers from being served; nothing moves until it can be.
    async fn recover(&self) -> Result<(), StoreError> {
        loop {
            match recover::recover(self).await {
                Err(error) if error.may_pass() && !self.stop.is_cancelled() => self.breathe().await,
                settled => return settled,
            }
        }
    }

    /// Writes what cannot be asked for again, such as what a machine has done: for as long as the store cannot keep it,
    /// it is tried again. It ends when the service stops; then the row of work still says that the step had begun.
    async fn insist<T: Send + 'static>(&self, job: impl Fn(&Tx) -> Refused<T> + Clone + Send + 'static) -> Refused<T> {
        loop {
            match self.store.write(job.clone()).await {
                Err(Refusal::Store(error)) if error.may_pass() && !self.stop.is_cancelled() => self.breathe().await,
                settled => return settled,
            }
        }
    }

    /// The pause before a store that refuses is asked again.
    async fn breathe(&self) {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = self.env.clock.sleep(self.env.random.jitter(STORE_AGAIN)) => {}
        }
    }

    /// Starts a walk for every runnable row that has none; when to look again.
    async fn dispatch(&self) -> Result<crate::clock::Instant, StoreError> {
        let now = self.env.clock.now();
        let (rows, due) = self
            .store
            .read(move |read| Ok::<_, StoreError>((work::runnable(read, now)?, work::next_due(read)?)))
            .await?;
        // Due, and not among what can be done: it cannot be read, and does not get better by looking.
        let soonest = match rows.is_empty() && due.is_some_and(|at| at <= now) {
            true => STORE_AGAIN,
            false => Duration::from_millis(20),
        };
        for row in rows {
            let Ok(place) = self.places.clone().try_acquire_owned() else { break };
            if !self.walking().insert(row.id) {
                continue;
            }
            let engine = self.clone();
            self.tasks.spawn(async move {
                let id = row.id;
                if !walk::walk(&engine, id).await {
                    // Runnable, and yet nothing could be done: somebody else has the node. Looking again at once
                    // would spin until it is given back.
                    engine.env.clock.sleep(AGAIN).await;
                }
                engine.walking().remove(&id);
                drop(place);
                // What arrived while the row was being walked was passed over; look again.
                engine.store.wake();
            });
        }
        let latest = self.env.clock.instant() + SAFETY_NET;
        let due = due.map_or(latest, |at| self.env.clock.instant_at(at));
        // A row that is past its time but locked by somebody would otherwise spin.
        Ok(due.clamp(self.env.clock.instant() + soonest, latest))
    }

    fn stumbles(&self) -> Stumbles {
        let pool = self.env.ipmi.clone();
        Arc::new(move |node| {
            let it = driver::ipmi::stumbling(&pool, node)?;
            let (since, failures, next_poll_at, reason) = (it.since, it.failures, it.next_poll_at, it.reason);
            Some(Stumbling { since, failures, next_poll_at, reason })
        })
    }

    /// How the machines are seen.
    fn sight(&self) -> Sight {
        let settings = &self.env.settings;
        Sight {
            trace: self.env.trace.clone(),
            url: settings.provisioning_url.clone(),
            heartbeat: settings.heartbeat_timeout,
            logs: settings.logs.as_ref().map(|logs| logs.dir.display().to_string()),
            stumbles: Some(self.stumbles()),
        }
    }

    fn walking(&self) -> std::sync::MutexGuard<'_, HashSet<i64>> {
        self.walking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

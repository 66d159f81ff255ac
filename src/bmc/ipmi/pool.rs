//! All BMCs of the process: who has a worker, who may hold a session, and how it all ends.
//!
//! A worker lives as long as its session or its queue, so their number is bounded by [`Settings::max_sessions`] plus the
//! commands in progress. Open sessions are slots of a semaphore. A newcomer who finds none free asks the session that
//! has been idle for longest to go: idle workers wait on one `Notify`, which wakes them in the order in which they came.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::breaker::{Address, Breakers, Stumbling};
use super::device::Bmc;
use super::error::IpmiError;
use super::handshake::Means;
use super::login::Login;
use super::session::{Answer, Request};
use super::worker::Worker;
use crate::clock::{Clock, Instant};
use crate::net::Net;
use crate::random::Random;
use crate::wire::rmcp::suite::Suite;

/// Commands that may wait for one BMC, per lane.
const QUEUE: usize = 64;
/// BMCs whose cipher suite is remembered; more is only a few more packets.
const REMEMBERED: usize = 8192;
/// How long a stop waits for sessions to close.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// Limits and periods of the pool.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A BMC that is silent for so long at first contact is unreachable; also the limit of any one exchange.
    pub reach: Duration,
    /// How long a command may take with everything, queue and retries included, unless its caller says otherwise.
    pub patience: Duration,
    /// How long a client's command waits at least for a BMC that has no room for another session. The sessions of others that
    /// fell silent are forgotten after 60 s (section 6.12.15), give or take three.
    pub room: Duration,
    /// Pause after which an idle session is touched; BMCs forget a session after 60 s (section 6.12.15).
    pub keep_alive: Duration,
    /// A session unused for so long is closed.
    pub idle_close: Duration,
    /// Sessions (and sockets) held at once.
    pub max_sessions: usize,
    /// How long polling leaves a BMC alone that has failed once; each further time twice as long.
    pub first_rest: Duration,
    /// The longest of these rests.
    pub longest_rest: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            reach: Duration::from_secs(5),
            patience: Duration::from_secs(30),
            room: Duration::from_secs(75),
            keep_alive: Duration::from_secs(25),
            // Longer than the pause between two rounds of power sync, so that polling finds the session open.
            idle_close: Duration::from_secs(300),
            max_sessions: 512,
            first_rest: Duration::from_secs(60),
            longest_rest: Duration::from_secs(15 * 60),
        }
    }
}

/// In which queue a command waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Somebody waits for the answer.
    Client,
    /// Periodic reading, which gives way.
    Polling,
}

pub(super) struct Job {
    pub asked: Asked,
    pub reply: oneshot::Sender<Result<Answer, IpmiError>>,
}

/// A command in a queue.
pub(super) struct Asked {
    pub request: Request,
    pub lane: Lane,
    pub deadline: Instant,
    /// The deadline if the BMC has no room for a session.
    pub room_until: Instant,
}

struct Queues {
    client: mpsc::Sender<Job>,
    polling: mpsc::Sender<Job>,
}

/// The process's BMC sessions. Cheap to clone; when the last clone goes, sessions are closed in the background.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

struct Owner {
    shared: Arc<Shared>,
    _stop: DropGuard,
}

/// What pool and workers share.
pub(super) struct Shared {
    pub means: Means,
    pub settings: Settings,
    workers: Mutex<HashMap<Arc<Login>, Queues>>,
    suites: Mutex<HashMap<Address, Suite>>,
    pub breakers: Breakers,
    slots: Arc<Semaphore>,
    /// Newcomers that wait for a slot.
    waiting: AtomicUsize,
    pressure: Notify,
    pub stop: CancellationToken,
    tasks: TaskTracker,
}

impl Pool {
    pub fn new(net: Net, clock: Clock, random: Random, settings: Settings) -> Self {
        let stop = CancellationToken::new();
        let breakers = Breakers::new(clock.clone(), random.clone(), settings.first_rest, settings.longest_rest);
        let shared = Arc::new(Shared {
            means: Means { net, clock, random, reach: settings.reach },
            settings,
            breakers,
            workers: Mutex::default(),
            suites: Mutex::default(),
            slots: Arc::new(Semaphore::new(settings.max_sessions.clamp(1, Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            pressure: Notify::new(),
            stop: stop.clone(),
            tasks: TaskTracker::new(),
        });
        Pool(Arc::new(Owner { shared, _stop: stop.drop_guard() }))
    }

    /// The BMC behind `login`; sends nothing yet. Errors: [`IpmiError::Misconfigured`].
    pub fn bmc(&self, login: Login) -> Result<Bmc, IpmiError> {
        login.check()?;
        Ok(Bmc::new(self.clone(), Arc::new(login), self.0.shared.settings))
    }

    /// Workers alive now: sessions held and commands in progress.
    pub fn workers(&self) -> usize {
        lock(&self.0.shared.workers).len()
    }

    /// What is wrong with the BMC at this address, if anything is; polling rests then.
    pub fn stumbling(&self, host: &str, port: u16) -> Option<Stumbling> {
        self.0.shared.breakers.of(&(host.to_owned(), port))
    }

    /// All BMCs that stumble, by host and port.
    pub fn all_stumbling(&self) -> Vec<((String, u16), Stumbling)> {
        self.0.shared.breakers.all()
    }

    /// The BMC answered, and the answer makes no sense.
    pub(super) fn garbled(&self, login: &Login, what: &'static str) -> IpmiError {
        let error = IpmiError::Garbled(what);
        self.0.shared.breakers.stumbled(&login.at(), error.to_string());
        error
    }

    /// Closes all sessions; commands in progress end with [`IpmiError::Stopping`]. Returns within two seconds.
    pub async fn shutdown(&self) {
        let shared = &self.0.shared;
        shared.stop.cancel();
        shared.tasks.close();
        let _ = tokio::time::timeout(STOP_WAIT, shared.tasks.wait()).await;
    }

    /// Runs one command in its turn.
    pub(super) async fn run(
        &self,
        login: &Arc<Login>,
        lane: Lane,
        request: Request,
        patience: Duration,
        longest: Duration,
    ) -> Result<Answer, IpmiError> {
        let shared = &self.0.shared;
        if shared.stop.is_cancelled() {
            return Err(IpmiError::Stopping);
        }
        if lane == Lane::Polling {
            // Looked at again when its turn comes.
            shared.breakers.is_resting(&login.at())?;
        }
        let now = shared.means.clock.instant();
        let (deadline, room_until) = (now + patience, now + longest);
        let (reply, answer) = oneshot::channel();
        shared.enqueue(login, lane, Job { asked: Asked { request, lane, deadline, room_until }, reply })?;
        answer.await.unwrap_or(Err(IpmiError::Stopping))
    }
}

impl Shared {
    /// Puts the job in the worker's queue, under the lock that a retiring worker needs to leave.
    fn enqueue(self: &Arc<Self>, login: &Arc<Login>, lane: Lane, job: Job) -> Result<(), IpmiError> {
        let mut workers = lock(&self.workers);
        let queues = workers.entry(login.clone()).or_insert_with(|| {
            let (client, client_jobs) = mpsc::channel(QUEUE);
            let (polling, polling_jobs) = mpsc::channel(QUEUE);
            let worker = Worker::new(self.clone(), login.clone(), client_jobs, polling_jobs);
            self.tasks.spawn(worker.run());
            Queues { client, polling }
        });
        let queue = match lane {
            Lane::Client => &queues.client,
            Lane::Polling => &queues.polling,
        };
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                IpmiError::NoRoom(format!("{QUEUE} commands wait for this BMC already"))
            }
            mpsc::error::TrySendError::Closed(_) => IpmiError::Stopping,
        })
    }

    /// Takes the worker off the list, unless `next` still finds a job.
    pub(super) fn retire(&self, login: &Arc<Login>, next: impl FnOnce() -> Option<Job>) -> Option<Job> {
        let mut workers = lock(&self.workers);
        let job = next();
        if job.is_none() {
            workers.remove(login);
        }
        job
    }

    /// A slot for one session, by `until`.
    pub(super) async fn slot(&self, until: Instant) -> Result<OwnedSemaphorePermit, IpmiError> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Ok(slot);
        }
        let _waiting = Waiting::start(&self.waiting);
        self.pressure.notify_one();
        match tokio::time::timeout_at(until, self.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => Err(IpmiError::NoRoom("all IPMI sessions of this service are in use".into())),
        }
    }

    /// Returns when somebody needs this idle worker's slot.
    pub(super) async fn needed_elsewhere(&self) {
        let notified = self.pressure.notified();
        tokio::pin!(notified);
        notified.as_mut().enable();
        if self.waiting.load(Ordering::SeqCst) == 0 {
            notified.await;
        }
    }

    /// The suites to try, best first.
    pub(super) fn suites(&self, login: &Login) -> Vec<Suite> {
        let known = lock(&self.suites).get(&login.at()).copied();
        match (login.suite, known) {
            (Some(pinned), _) => vec![pinned],
            (None, Some(Suite::Three)) => vec![Suite::Three, Suite::Seventeen],
            (None, _) => vec![Suite::Seventeen, Suite::Three],
        }
    }

    /// Whether the BMC has taken this suite before. Silence to it is then a fault of the BMC or of the network, or the work of
    /// somebody who would like us weaker, and no reason to be.
    pub(super) fn has_taken(&self, login: &Login, suite: Suite) -> bool {
        lock(&self.suites).get(&login.at()) == Some(&suite)
    }

    pub(super) fn remember_suite(&self, login: &Login, suite: Suite) {
        let mut suites = lock(&self.suites);
        if suites.len() >= REMEMBERED {
            suites.clear();
        }
        suites.insert(login.at(), suite);
    }
}

/// Counts a newcomer for as long as it waits, however the waiting ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn start(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

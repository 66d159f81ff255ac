//! One BMC's worker: takes commands in turn, clients' first, opens the session when one is needed, repeats what may be repeated.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::error::{IpmiError, is_full, is_passing, is_suite_refusal};
use super::handshake;
use super::link::{LinkError, Tries};
use super::login::Login;
use super::pool::{Asked, Job, Lane, Shared};
use super::session::{Answer, Request, Session};
use crate::clock::Instant;
use crate::wire::rmcp::rakp::Status;

/// Where an established session went silent.
const AT: &str = "a command";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// A poll of a BMC that is well may end within this time of its beginning although a client's command has come: it is
/// about to, and a session that is left half open is a place less at the BMC.
const GRACE: Duration = Duration::from_millis(250);
/// How long the opening of a session that somebody else wanted may go on before a command, or the end of the service.
const OPENED_WITHIN: Duration = Duration::from_millis(500);

pub(super) struct Worker {
    contact: Contact,
    client: mpsc::Receiver<Job>,
    polling: mpsc::Receiver<Job>,
    /// A client's command that came while something else was under way.
    first: Option<Job>,
    /// The poll that had to make way for it, to be sent again.
    put_off: Option<Job>,
}

/// The BMC, and what of it is open.
struct Contact {
    shared: Arc<Shared>,
    login: Arc<Login>,
    held: Option<Held>,
    opening: Option<Opening>,
    /// Whether the present command has found the BMC without room for a session.
    found_full: bool,
}

/// A session that is being opened. Who wanted it may give up; once the BMC keeps a place for it, it is opened nevertheless,
/// because only an open session can be closed, and the place would be lost for a minute.
struct Opening {
    session: Pin<Box<dyn Future<Output = Result<Session, IpmiError>> + Send>>,
    slot: OwnedSemaphorePermit,
    /// Whether the BMC has given it a number.
    granted: Arc<AtomicBool>,
}

/// An open session, and the slot that it takes.
struct Held {
    session: Session,
    _slot: OwnedSemaphorePermit,
    last_job: Instant,
    last_contact: Instant,
    /// The network may have copies of an order that would be carried out whenever they arrive, but not after the end of the
    /// session. So it ends before anything else is said, also if whoever ordered has given up in the middle.
    copies: bool,
}

enum Wake {
    Job(Job),
    Touch,
    Open,
    GiveWay,
    Stop,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        login: Arc<Login>,
        client: mpsc::Receiver<Job>,
        polling: mpsc::Receiver<Job>,
    ) -> Self {
        let contact = Contact { shared, login, held: None, opening: None, found_full: false };
        Worker { contact, client, polling, first: None, put_off: None }
    }

    pub(super) async fn run(mut self) {
        while let Some(wake) = self.next().await {
            match wake {
                Wake::Job(job) => self.serve(job).await,
                Wake::Touch => tokio::select! {
                    biased;
                    // Finding out that a session is dead takes seconds.
                    Some(job) = self.client.recv() => self.first = Some(job),
                    () = self.contact.touch() => {}
                },
                Wake::Open => {
                    let stop = self.contact.shared.stop.clone();
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => {}
                        Some(job) = self.client.recv() => self.first = Some(job),
                        // Nobody is there to be told.
                        _ = self.contact.finish_opening() => {}
                    }
                }
                Wake::GiveWay => self.contact.close().await,
                Wake::Stop => {
                    self.client.close();
                    self.polling.close();
                    self.contact.close().await;
                    return;
                }
            }
        }
    }

    /// What to do next; nothing if there is neither session nor job: then this worker is off the list already.
    async fn next(&mut self) -> Option<Wake> {
        if let Some(job) = self.first.take().or_else(|| self.client.try_recv().ok()).or_else(|| self.put_off.take()) {
            return Some(Wake::Job(job));
        }
        let shared = &self.contact.shared;
        if self.contact.opening.is_some() {
            return Some(if shared.stop.is_cancelled() { Wake::Stop } else { Wake::Open });
        }
        let Some(held) = &self.contact.held else {
            let (client, polling) = (&mut self.client, &mut self.polling);
            let job = shared.retire(&self.contact.login, || client.try_recv().or_else(|_| polling.try_recv()).ok());
            return job.map(Wake::Job);
        };
        let touch_at = held.last_contact + shared.settings.keep_alive;
        let idle_at = held.last_job + shared.settings.idle_close;
        Some(tokio::select! {
            biased;
            () = shared.stop.cancelled() => Wake::Stop,
            Some(job) = self.client.recv() => Wake::Job(job),
            Some(job) = self.polling.recv() => Wake::Job(job),
            () = shared.needed_elsewhere() => Wake::GiveWay,
            () = tokio::time::sleep_until(touch_at.min(idle_at)) => if idle_at <= touch_at { Wake::GiveWay } else { Wake::Touch },
        })
    }

    async fn serve(&mut self, mut job: Job) {
        if job.reply.is_closed() {
            return;
        }
        let (shared, at) = (self.contact.shared.clone(), self.contact.login.at());
        let is_poll = job.asked.lane == Lane::Polling;
        let was_well = shared.breakers.of(&at).is_none();
        if is_poll && let Err(resting) = shared.breakers.admit_poll(&at) {
            let _ = job.reply.send(Err(resting));
            return;
        }
        let begun = shared.means.clock.instant();
        let mut make_way_at = None;
        let ended = {
            let work = self.contact.work(&job.asked);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    biased;
                    () = shared.stop.cancelled() => break Ended::With(Err(IpmiError::Stopping)),
                    // Nobody waits any longer. The session may be left in the middle of a command; that is harmless, because
                    // the next one has another request number, and after an order another session.
                    () = job.reply.closed() => break Ended::GivenUp,
                    () = until(make_way_at) => break Ended::MadeWay,
                    Some(came) = self.client.recv(), if is_poll && self.first.is_none() => {
                        self.first = Some(came);
                        make_way_at = Some(if was_well { begun + GRACE } else { begun });
                    }
                    result = &mut work => break Ended::With(result),
                }
            }
        };
        if self.contact.opening.as_ref().is_some_and(|opening| !opening.granted.load(Ordering::Relaxed)) {
            self.contact.opening = None;
        }
        match ended {
            Ended::GivenUp => {}
            Ended::With(result) => {
                // That there is no room was told at once.
                if !(self.contact.found_full && result.as_ref().is_err_and(is_no_room)) {
                    shared.breakers.take_in(&at, &result);
                }
                let _ = job.reply.send(result);
            }
            Ended::MadeWay if job.asked.request.repeatable => self.put_off = Some(job),
            Ended::MadeWay => drop(job.reply.send(Err(IpmiError::TimedOut { at: AT, maybe_done: true }))),
        }
    }
}

/// How a command's turn ended.
enum Ended {
    With(Result<Answer, IpmiError>),
    MadeWay,
    GivenUp,
}

/// Never, if there is no such moment.
async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Whether the BMC has no room for a session.
fn is_no_room(error: &IpmiError) -> bool {
    matches!(error, IpmiError::SessionRefused { status } if is_full(Status(*status)))
}

impl Contact {
    /// Runs the command, with a new session if the old one is dead, and again while the BMC says "busy", or that it has no
    /// room for a session.
    async fn work(&mut self, asked: &Asked) -> Result<Answer, IpmiError> {
        let request = &asked.request;
        let (mut pause, mut deadline) = (FIRST_PAUSE, asked.deadline);
        self.found_full = false;
        if self.shared.means.clock.instant() >= deadline {
            // It has stood behind one that waited for room.
            deadline = asked.room_until;
        }
        loop {
            let was_open = self.held.is_some();
            let result = match self.session(deadline).await {
                Ok(()) => self.try_once(request, was_open, deadline).await,
                Err(error) => Err(error),
            };
            let again = match &result {
                Ok(answer) => is_passing(answer.completion) && (request.repeatable || was_not_begun(answer.completion)),
                Err(error) if is_no_room(error) => {
                    deadline = deadline.max(asked.room_until);
                    if asked.lane == Lane::Client && !std::mem::replace(&mut self.found_full, true) {
                        // It takes long, so whoever asks why is told at once.
                        self.shared.breakers.stumbled(&self.login.at(), error.to_string());
                    }
                    true
                }
                Err(IpmiError::TimedOut { .. }) if was_open && self.held.is_none() && request.repeatable => {
                    // The session had gone stale. The new one starts from first contact.
                    continue;
                }
                Err(_) => false,
            };
            let now = self.shared.means.clock.instant();
            let pause_now = self.shared.means.random.jitter(pause);
            if !again || now + pause_now >= deadline {
                return result;
            }
            self.shared.means.clock.sleep(pause_now).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn try_once(&mut self, request: &Request, was_open: bool, deadline: Instant) -> Result<Answer, IpmiError> {
        let Some(held) = &mut self.held else {
            return Err(IpmiError::TimedOut { at: AT, maybe_done: false });
        };
        let clock = &self.shared.means.clock;
        let patience = if was_open { held.session.patience() } else { self.shared.settings.reach };
        let until = (clock.instant() + patience).min(deadline);
        let before = held.session.repeats();
        held.copies = request.order;
        let ended = held.session.run(request, Tries { until, repeat: request.repeatable }).await;
        held.copies = request.order && (held.session.repeats() > before || ended.is_err());
        held.last_contact = clock.instant();
        held.last_job = held.last_contact;
        if held.copies {
            self.close().await;
        }
        match ended {
            Ok(answer) => Ok(answer),
            Err(error) => {
                // Whatever it was, this session has lost our trust. Nobody is listening, so it is not closed for its own sake.
                self.held = None;
                let maybe_done = !matches!(&error, LinkError::Io(_));
                tracing::debug!(bmc = %self.login.host, ?error, "an IPMI session went silent");
                Err(IpmiError::TimedOut { at: AT, maybe_done })
            }
        }
    }

    /// Makes sure that a session is open.
    async fn session(&mut self, deadline: Instant) -> Result<(), IpmiError> {
        if self.held.as_ref().is_some_and(|held| held.copies) {
            self.close().await;
        }
        if self.opening.is_some() {
            // What became of it says nothing about this command.
            let _ = tokio::time::timeout(OPENED_WITHIN, self.finish_opening()).await;
        }
        if self.held.is_some() {
            return Ok(());
        }
        let slot = self.shared.slot(deadline).await?;
        let granted = Arc::new(AtomicBool::new(false));
        let session = Box::pin(open(self.shared.clone(), self.login.clone(), deadline, granted.clone()));
        self.opening = Some(Opening { session, slot, granted });
        self.finish_opening().await
    }

    /// Goes on with what was begun, where it stands.
    async fn finish_opening(&mut self) -> Result<(), IpmiError> {
        let Some(opening) = &mut self.opening else { return Ok(()) };
        let opened = opening.session.as_mut().await;
        let Some(Opening { slot, .. }) = self.opening.take() else { return Ok(()) };
        let now = self.shared.means.clock.instant();
        self.held = Some(Held { session: opened?, _slot: slot, last_job: now, last_contact: now, copies: false });
        Ok(())
    }

    /// Keeps the session alive, or finds out that it is not.
    async fn touch(&mut self) {
        let Some(held) = &mut self.held else { return };
        let request = Request::of_ours(CMD_GET_DEVICE_ID, vec![]);
        let clock = &self.shared.means.clock;
        let until = clock.instant() + held.session.patience();
        match held.session.run(&request, Tries { until, repeat: true }).await {
            Ok(_) => held.last_contact = clock.instant(),
            Err(_) => self.held = None,
        }
    }

    /// May be cut off and called again: until the BMC has been told, the session is held.
    async fn close(&mut self) {
        if self.opening.is_some() {
            let _ = tokio::time::timeout(OPENED_WITHIN, self.finish_opening()).await;
            self.opening = None;
        }
        if let Some(held) = &mut self.held {
            held.session.close(&self.shared.means.clock).await;
        }
        self.held = None;
    }
}

/// Opens a session with the best suite that the BMC takes.
async fn open(
    shared: Arc<Shared>,
    login: Arc<Login>,
    deadline: Instant,
    granted: Arc<AtomicBool>,
) -> Result<Session, IpmiError> {
    let mut suites = shared.suites(&login).into_iter().peekable();
    let mut refusal = IpmiError::SessionRefused { status: Status::NO_MATCHING_SUITE.0 };
    while let Some(suite) = suites.next() {
        // Some BMCs refuse a suite that they do not know by silence.
        let alternative = suites.peek().is_some() && !shared.has_taken(&login, suite);
        match handshake::open(&shared.means, &login, suite, alternative, deadline, &granted).await {
            Ok(session) => {
                shared.remember_suite(&login, suite);
                return Ok(session);
            }
            Err(IpmiError::SessionRefused { status }) if is_suite_refusal(Status(status)) => {
                refusal = IpmiError::SessionRefused { status };
            }
            Err(error @ IpmiError::TimedOut { at: handshake::OPEN_SESSION, .. }) if alternative => refusal = error,
            Err(error) => return Err(error),
        }
    }
    Err(refusal)
}

const CMD_GET_DEVICE_ID: u8 = 0x01;

/// Codes that promise that the command was not begun, so that even a reset may be sent again.
fn was_not_begun(code: u8) -> bool {
    matches!(code, 0xc0 | 0xd2)
}

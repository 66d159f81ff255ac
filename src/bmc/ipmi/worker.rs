//! One BMC's worker: takes commands in turn, opens the session when one is needed, repeats what may be repeated.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::error::{IpmiError, is_passing, is_suite_refusal};
use super::handshake;
use super::link::{LinkError, Tries};
use super::login::Login;
use super::pool::{Job, Shared};
use super::session::{Answer, Request, Session};
use crate::clock::Instant;
use crate::wire::rmcp::ipmb;
use crate::wire::rmcp::rakp::Status;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

pub(super) struct Worker {
    shared: Arc<Shared>,
    login: Arc<Login>,
    client: mpsc::Receiver<Job>,
    polling: mpsc::Receiver<Job>,
    held: Option<Held>,
}

/// An open session, and the slot that it takes.
struct Held {
    session: Session,
    _slot: OwnedSemaphorePermit,
    last_job: Instant,
    last_contact: Instant,
}

enum Wake {
    Job(Job),
    Touch,
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
        Worker { shared, login, client, polling, held: None }
    }

    pub(super) async fn run(mut self) {
        loop {
            let wake = match self.next().await {
                Some(wake) => wake,
                None => return,
            };
            match wake {
                Wake::Job(job) => self.serve(job).await,
                Wake::Touch => self.touch().await,
                Wake::GiveWay => self.close().await,
                Wake::Stop => {
                    self.client.close();
                    self.polling.close();
                    self.close().await;
                    return;
                }
            }
        }
    }

    /// What to do next; nothing if there is neither session nor job: then this worker is off the list already.
    async fn next(&mut self) -> Option<Wake> {
        let Some(held) = &self.held else {
            let (client, polling) = (&mut self.client, &mut self.polling);
            let job = self.shared.retire(&self.login, || client.try_recv().or_else(|_| polling.try_recv()).ok());
            return job.map(Wake::Job);
        };
        let touch_at = held.last_contact + self.shared.settings.keep_alive;
        let idle_at = held.last_job + self.shared.settings.idle_close;
        Some(tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => Wake::Stop,
            Some(job) = self.client.recv() => Wake::Job(job),
            Some(job) = self.polling.recv() => Wake::Job(job),
            () = self.shared.needed_elsewhere() => Wake::GiveWay,
            () = tokio::time::sleep_until(touch_at.min(idle_at)) => if idle_at <= touch_at { Wake::GiveWay } else { Wake::Touch },
        })
    }

    async fn serve(&mut self, job: Job) {
        let Job { request, deadline, mut reply } = job;
        if reply.is_closed() {
            return;
        }
        let stop = self.shared.stop.clone();
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => Err(IpmiError::Stopping),
            // Nobody waits any longer. The session may be left in the middle of a command; that is harmless, because
            // the next one has another request number.
            () = reply.closed() => return,
            result = self.work(&request, deadline) => result,
        };
        let _ = reply.send(result);
    }

    /// Runs the command, with a new session if the old one is dead, and again while the BMC says "busy".
    async fn work(&mut self, request: &Request, deadline: Instant) -> Result<Answer, IpmiError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let was_open = self.held.is_some();
            let result = match self.session(deadline).await {
                Ok(()) => self.try_once(request, was_open, deadline).await,
                Err(error) => Err(error),
            };
            let again = match &result {
                Ok(answer) => is_passing(answer.completion) && (request.repeatable || was_not_begun(answer.completion)),
                Err(error @ IpmiError::SessionRefused { .. }) => error.is_worth_retrying(),
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
        const AT: &str = "a command";
        let Some(held) = &mut self.held else {
            return Err(IpmiError::TimedOut { at: AT, maybe_done: false });
        };
        let clock = &self.shared.means.clock;
        let patience = if was_open { held.session.patience() } else { self.shared.settings.reach };
        let until = (clock.instant() + patience).min(deadline);
        match held.session.run(request, Tries { until, repeat: request.repeatable }).await {
            Ok(answer) => {
                held.last_contact = clock.instant();
                held.last_job = held.last_contact;
                Ok(answer)
            }
            Err(error) => {
                // Whatever it was, this session has lost our trust. It is not closed: nobody is listening.
                self.held = None;
                let maybe_done = !matches!(&error, LinkError::Io(_));
                tracing::debug!(bmc = %self.login.host, ?error, "an IPMI session went silent");
                Err(IpmiError::TimedOut { at: AT, maybe_done })
            }
        }
    }

    /// Makes sure that a session is open.
    async fn session(&mut self, deadline: Instant) -> Result<(), IpmiError> {
        if self.held.is_some() {
            return Ok(());
        }
        let shared = &self.shared;
        let slot = shared.slot(deadline).await?;
        let mut suites = shared.suites(&self.login).into_iter().peekable();
        let mut refusal = IpmiError::SessionRefused { status: Status::NO_MATCHING_SUITE.0 };
        while let Some(suite) = suites.next() {
            // Some BMCs refuse a suite that they do not know by silence.
            let alternative = suites.peek().is_some() && !shared.has_taken(&self.login, suite);
            match handshake::open(&shared.means, &self.login, suite, alternative, deadline).await {
                Ok(session) => {
                    shared.remember_suite(&self.login, suite);
                    let now = shared.means.clock.instant();
                    self.held = Some(Held { session, _slot: slot, last_job: now, last_contact: now });
                    return Ok(());
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

    /// Keeps the session alive, or finds out that it is not.
    async fn touch(&mut self) {
        let Some(held) = &mut self.held else { return };
        let (netfn, cmd) = (ipmb::NETFN_APP, CMD_GET_DEVICE_ID);
        let request = Request { netfn, cmd, lun: 0, data: vec![], bridge: None, repeatable: true };
        let clock = &self.shared.means.clock;
        let until = clock.instant() + held.session.patience();
        match held.session.run(&request, Tries { until, repeat: true }).await {
            Ok(_) => held.last_contact = clock.instant(),
            Err(_) => self.held = None,
        }
    }

    async fn close(&mut self) {
        if let Some(held) = self.held.take() {
            held.session.close(&self.shared.means.clock).await;
        }
    }
}

const CMD_GET_DEVICE_ID: u8 = 0x01;

/// Codes that promise that the command was not begun, so that even a reset may be sent again.
fn was_not_begun(code: u8) -> bool {
    matches!(code, 0xc0 | 0xd2)
}

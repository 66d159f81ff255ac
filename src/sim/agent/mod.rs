//! A ramdisk with an agent in it, in software: what ironic-python-agent 13 does, as far as the network can tell.
//!
//! ```text
//! boot ─► inspection (if asked) ─► version ─► lookup, until found ─► API over TLS ─┬─ commands
//!                                                                                └─ heartbeats ─► power off, reboot
//! ```
//! It really downloads the image, really checks it and really writes it into a file that stands for the disk. It is an
//! honest stranger: nothing of the service's own logic is in here, only the wire's codecs, and it follows the agent even
//! where that is odd (a restarted agent finds its token masked and locks itself up). [`Faults`] makes it misbehave.
//!
//! Of a partition image it makes one partition, and of RAID only the words. Deliberately absent: real hardware managers,
//! anything behind a boot loader.

mod api;
mod certificate;
mod cmdline;
mod commands;
mod contact;
mod disk;
mod faults;
mod heartbeat;
mod machine;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::net::Net;
use crate::net::http::Client;
use crate::random::Random;
use crate::wire::ipa::CommandResult;
use certificate::SelfMade;
pub use cmdline::CommandLine;
pub use faults::Faults;
pub use machine::{Machine, Nic};

/// How fast it lives. The default is the agent's own pace; tests and demonstrations are in a hurry.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// First pause between lookups; doubles up to twelve times of it.
    pub lookup_pause: Duration,
    /// Least time between two heartbeats, also forced ones.
    pub heartbeat_pause: Duration,
    /// What a step takes that has nothing to write.
    pub step: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            lookup_pause: Duration::from_secs(1),
            heartbeat_pause: Duration::from_secs(5),
            step: Duration::from_secs(2),
        }
    }
}

/// How the ramdisk's life ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    /// Told to power off: the machine is off now.
    PowerOff,
    /// Told to reboot (`run_image`).
    Reboot,
    /// Its owner may log in with the password of this hash; the agent has ended and the ramdisk runs on.
    Rescued(String),
    /// Gave up and does nothing any more, with the reason; the machine stays on.
    Locked(String),
}

/// The seams that it lives on.
#[derive(Clone)]
pub struct World {
    pub net: Net,
    pub clock: Clock,
    pub random: Random,
    pub pace: Pace,
}

/// A running ramdisk. Dropping it is pulling the plug.
pub struct Agent {
    end: watch::Receiver<Option<End>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Agent {
    /// Boots `machine` with this kernel command line. Returns at once.
    pub fn boot(machine: Machine, command_line: &str, world: World, faults: Faults) -> Self {
        let (ended, end) = watch::channel(None);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let ramdisk = Arc::new(Ramdisk {
            client: Client::new(world.net.clone(), world.clock.clone()).from_address(machine.address),
            parameters: CommandLine::parse(command_line),
            state: Mutex::default(),
            beat: Notify::new(),
            machine,
            world,
            faults,
            ended,
            stop: stop.clone(),
            tasks: tasks.clone(),
        });
        tasks.spawn(stop.clone().run_until_cancelled_owned(async move { ramdisk.live().await }));
        Agent { end, stop, tasks }
    }

    /// Waits until the ramdisk ends by itself.
    pub async fn end(&mut self) -> End {
        match self.end.wait_for(Option::is_some).await {
            Ok(end) => end.clone().unwrap_or_else(unplugged),
            Err(_) => unplugged(),
        }
    }

    /// Pulls the plug and waits until every socket is closed.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn unplugged() -> End {
    End::Locked("the plug was pulled".into())
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Everything in the ramdisk's memory.
struct Ramdisk {
    machine: Machine,
    parameters: CommandLine,
    world: World,
    faults: Faults,
    client: Client,
    state: Mutex<State>,
    /// Forces a heartbeat.
    beat: Notify,
    ended: watch::Sender<Option<End>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct State {
    token: Option<String>,
    node_uuid: String,
    heartbeat_timeout: Duration,
    /// As the service wants it.
    tls_min_version: Option<String>,
    /// Oldest first.
    commands: Vec<CommandResult>,
    /// Set once an image was written.
    written: Option<disk::Written>,
}

impl Ramdisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn live(self: Arc<Self>) {
        if self.faults.silent() {
            return std::future::pending().await;
        }
        let inspected = self.inspect().await;
        let Some(api_url) = self.parameters.api_url() else {
            // Booted for inspection only: it has said what it knows, and waits to be switched off.
            return std::future::pending().await;
        };
        if let Err(reason) = self.serve(&api_url, inspected).await {
            tracing::debug!(address = %self.machine.address, reason, "simulated agent locked itself up");
            self.finish(End::Locked(reason));
        }
    }

    async fn serve(self: &Arc<Self>, api_url: &str, inspected: Option<String>) -> Result<(), String> {
        let version = self.api_version(api_url).await;
        self.lookup(api_url, version, inspected.as_deref()).await?;
        let at = SocketAddr::new(self.machine.address, self.machine.port);
        let listener = self.world.net.listen(at).await.map_err(|error| format!("cannot listen at {at}: {error}"))?;
        let at = listener.local_addr().map_err(|error| error.to_string())?;
        // Servers from 1.68 on take the certificate from the heartbeat; older ones are served without TLS.
        let secure = version >= (1, 68) && !self.faults.plain();
        let certificate = if secure { Some(SelfMade::for_address(at.ip(), self.faults.even_key())?) } else { None };
        let oldest = self.state().tls_min_version.clone().unwrap_or_else(|| "1.2".to_owned());
        let acceptor = certificate.as_ref().map(|it| it.acceptor(&oldest)).transpose()?;
        let pem = certificate.map(|certificate| certificate.pem);
        let api = self.clone().accept(listener, acceptor);
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(api));
        self.heartbeats(api_url, version, at, pem).await;
        Ok(())
    }

    fn finish(&self, end: End) {
        self.ended.send_replace(Some(end));
    }
}

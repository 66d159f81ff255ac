//! A management controller that speaks real RMCP+ over UDP, for a machine that a [`Chassis`] stands for.
//!
//! Many fit into a process: each is one task and one socket. It knows cipher suites 17 and 3, users with privileges, a
//! limited number of sessions that expire when idle, chassis and boot commands, an event log and a few sensors: what a
//! provisioning service asks of a BMC, and what `ipmitool` needs to be content with it. [`Faults`] make it misbehave.

mod chassis;
mod commands;
mod faults;
mod sensors;
mod server;
mod sessions;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use chassis::{Action, BootFlags, Chassis, Power};
pub use faults::{Faults, Which};

use crate::clock::Clock;
use crate::net::{Net, UdpBind};
use crate::random::Random;
use crate::wire::rmcp::suite::Suite;

/// An account.
#[derive(Clone)]
pub struct User {
    pub name: String,
    pub password: Vec<u8>,
    /// 1 callback, 2 user, 3 operator, 4 administrator.
    pub privilege: u8,
}

/// What kind of BMC it is.
#[derive(Clone)]
pub struct Personality {
    pub users: Vec<User>,
    /// The BMC's own key, if one is set.
    pub kg: Option<Vec<u8>>,
    pub suites: Vec<Suite>,
    pub max_sessions: usize,
    pub idle_expiry: Duration,
    /// IANA enterprise number of the maker.
    pub manufacturer: u32,
    pub product: u16,
}

impl Default for Personality {
    fn default() -> Self {
        Personality {
            users: vec![User { name: "admin".into(), password: b"password".to_vec(), privilege: 4 }],
            kg: None,
            suites: vec![Suite::Seventeen, Suite::Three],
            max_sessions: 8,
            idle_expiry: Duration::from_secs(60),
            // Reserved for examples (RFC 5612).
            manufacturer: 32473,
            product: 1,
        }
    }
}

/// Where a simulated thing gets time, sockets and randomness from.
#[derive(Clone)]
pub struct Seams {
    pub net: Net,
    pub clock: Clock,
    pub random: Random,
}

/// A running BMC; it stops when this is dropped.
pub struct SimBmc {
    addr: SocketAddr,
    chassis: Chassis,
    knobs: faults::Knobs,
    seen: Seen,
    tasks: TaskTracker,
    stop: DropGuard,
}

/// What tests ask about afterwards.
#[derive(Clone, Default)]
struct Seen {
    /// Function and command of every request inside a session, oldest first; bounded.
    commands: Arc<Mutex<Vec<(u8, u8)>>>,
    sessions: Arc<AtomicUsize>,
    /// Datagrams that arrived, also those that a fault makes us deaf to, and the ports that they came from, latest last.
    packets: Arc<AtomicUsize>,
    peers: Arc<Mutex<Vec<SocketAddr>>>,
}

impl SimBmc {
    /// Opens `addr` (port 0 picks one) and serves it. Errors: the address cannot be bound.
    pub fn start(seams: Seams, addr: SocketAddr, personality: Personality, chassis: Chassis) -> io::Result<Self> {
        let socket = seams.net.udp(UdpBind::at(addr))?;
        let addr = socket.local_addr()?;
        let (knobs, seen) = (faults::Knobs::default(), Seen::default());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let server = server::Server::new(seams, socket, personality, chassis.clone(), knobs.clone(), seen.clone());
        let stopped = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stopped.cancelled() => {}
                () = server.run() => {}
            }
        });
        Ok(SimBmc { addr, chassis, knobs, seen, tasks, stop: stop.drop_guard() })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn chassis(&self) -> &Chassis {
        &self.chassis
    }

    /// Turns knobs; takes effect with the next packet.
    pub fn misbehave(&self, turn: impl FnOnce(&mut Faults)) {
        self.knobs.change(turn);
    }

    /// How often a command was carried out or refused inside a session, copies of it counted each.
    pub fn times_asked(&self, netfn: u8, cmd: u8) -> usize {
        let commands = self.seen.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.iter().filter(|seen| **seen == (netfn, cmd)).count()
    }

    /// All commands inside sessions so far.
    pub fn commands(&self) -> usize {
        self.seen.commands.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Datagrams that arrived, whether or not a fault let them be heard.
    pub fn packets(&self) -> usize {
        self.seen.packets.load(Ordering::SeqCst)
    }

    /// Sockets that have sent something. Every attempt to open a session has one of its own.
    pub fn callers(&self) -> usize {
        self.seen.peers.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Sessions that are open now.
    pub fn sessions(&self) -> usize {
        self.seen.sessions.load(Ordering::SeqCst)
    }

    /// Stops and gives the port back.
    pub async fn stop(self) {
        drop(self.stop);
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Seen {
    const MAX: usize = 65_536;

    fn packet(&self, peer: SocketAddr) {
        self.packets.fetch_add(1, Ordering::SeqCst);
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() < Self::MAX && !peers.iter().rev().any(|known| *known == peer) {
            peers.push(peer);
        }
    }

    fn command(&self, netfn: u8, cmd: u8) {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if commands.len() < Self::MAX {
            commands.push((netfn, cmd));
        }
    }
}

//! A network in memory: every socket of a simulated world, and what befalls packets between them.
//!
//! ```text
//!   host ── udp, listen, connect ──► Network: addresses ─► faults, by the seed ─► the peer's inbox, due at some time
//! ```
//! A datagram or piece of a stream lies in its receiver's queue until it is due, so nothing runs in the background, and one
//! seed gives one order of everything. A [`Host`] is whoever owns sockets; [`Host::die`] takes all of them from it at
//! once, as the end of a process does: its peers see resets, and it never hears anything again.
//!
//! Addresses are the loopback ones that a rack in software uses; a socket at `0.0.0.0` hears its port at all of them.
//! Names have the addresses that [`Network::name`] gives them. Deliberately absent: broadcast, interfaces, raw sockets.

mod faults;
mod tcp;
mod udp;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

pub use faults::{Faults, Seen};
pub use tcp::{Listener, Stream};
pub use udp::Udp;

use crate::clock::{Clock, Instant};
use crate::random::Random;

/// The port numbers that the network picks itself, as Linux does.
const EPHEMERAL: std::ops::RangeInclusive<u16> = 32768..=60999;
/// Connections that wait to be accepted.
const BACKLOG: usize = 1024;

/// The wire. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Network(Arc<Inner>);

struct Inner {
    clock: Clock,
    random: Random,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    udp: BTreeMap<SocketAddr, Arc<udp::Port>>,
    tcp: BTreeMap<SocketAddr, Arc<Door>>,
    /// Pipes with the host that writes into them, for the day on which it dies.
    pipes: Vec<(u64, Weak<tcp::Pipe>)>,
    /// The answers that are still to be given about each name.
    names: BTreeMap<String, VecDeque<Vec<IpAddr>>>,
    hosts: u64,
    next_port: u16,
    faults: Faults,
    seen: Seen,
}

/// A place where connections are taken.
struct Door {
    at: SocketAddr,
    host: u64,
    waiting: Mutex<VecDeque<tcp::Caller>>,
    arrived: Notify,
}

impl Network {
    /// A network without faults; what befalls packets later comes from `random`.
    pub fn new(clock: Clock, random: Random) -> Self {
        let (started, state) = (clock.instant(), Mutex::new(State::default()));
        Network(Arc::new(Inner { clock, random, started, state }))
    }

    /// A new host on it.
    pub fn host(&self) -> Host {
        let mut state = self.state();
        state.hosts += 1;
        Host { network: self.clone(), id: state.hosts, alive: Arc::new(AtomicBool::new(true)) }
    }

    /// Turns the knobs of what befalls packets from now on.
    pub fn misbehave(&self, turn: impl FnOnce(&mut Faults)) {
        turn(&mut self.state().faults);
    }

    /// Gives a name its addresses: one answer each time that it is looked up, the last one for ever.
    pub fn name(&self, name: &str, answers: impl IntoIterator<Item = Vec<IpAddr>>) {
        self.state().names.insert(name.to_owned(), answers.into_iter().collect());
    }

    /// What has befallen packets so far.
    pub fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whole between any two statements that hold it.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        self.0.clock.instant()
    }

    /// Whether something befalls with this chance in a thousand.
    fn befalls(&self, per_mille: u32) -> bool {
        per_mille > 0 && self.0.random.below(1000) < u64::from(per_mille)
    }

    /// A while between nothing and `most`.
    fn while_of(&self, most: Duration) -> Duration {
        Duration::from_micros(self.0.random.below(most.as_micros() as u64))
    }

    /// Notes what passed, for the comparison of two runs.
    fn pass(&self, state: &mut State, from: SocketAddr, to: SocketAddr, bytes: usize) {
        let at = self.now().saturating_duration_since(self.0.started).as_micros() as u64;
        state.seen.pass(at, from, to, bytes);
    }
}

impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Network")
    }
}

impl State {
    /// The address with a port that is free at it, for a new socket.
    fn free(&mut self, at: SocketAddr, taken: impl Fn(&State, SocketAddr) -> bool) -> io::Result<SocketAddr> {
        let used = || io::Error::from(io::ErrorKind::AddrInUse);
        if at.port() != 0 {
            return if taken(self, at) { Err(used()) } else { Ok(at) };
        }
        for _ in EPHEMERAL {
            let next = self.next_port.max(*EPHEMERAL.start());
            self.next_port = if next == *EPHEMERAL.end() { 0 } else { next + 1 };
            let at = SocketAddr::new(at.ip(), next);
            if !taken(self, at) {
                return Ok(at);
            }
        }
        Err(used())
    }
}

fn anywhere(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

/// The address that a packet shows when its socket is bound to none.
fn shown(at: SocketAddr) -> SocketAddr {
    if at.ip().is_unspecified() { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), at.port()) } else { at }
}

/// Somebody with sockets: a process, a machine. Cheap to clone; all clones are the same host.
#[derive(Clone, Debug)]
pub struct Host {
    network: Network,
    id: u64,
    alive: Arc<AtomicBool>,
}

impl Host {
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }

    /// Takes all sockets from it at once. What it had sent is still on its way; whoever was connected sees a reset. Its own
    /// calls never return: there is nobody any more to whom they could.
    pub fn die(&self) {
        self.alive.store(false, Ordering::Relaxed);
        let mut state = self.network.state();
        state.udp.retain(|_, port| port.host != self.id);
        state.tcp.retain(|_, door| door.host != self.id);
        let pipes = std::mem::take(&mut state.pipes);
        let (own, others): (Vec<_>, Vec<_>) = pipes.into_iter().partition(|(host, _)| *host == self.id);
        state.pipes = others;
        drop(state);
        for pipe in own.iter().filter_map(|(_, pipe)| pipe.upgrade()) {
            pipe.reset();
        }
    }

    /// See [`super::Net::udp`]. A dead host gets a socket on no network.
    pub(super) fn udp(&self, at: SocketAddr, packet_info: bool) -> io::Result<Udp> {
        let mut state = self.network.state();
        let at = state.free(at, |state, at| state.udp.contains_key(&at))?;
        let port = Arc::new(udp::Port::new(at, self.id));
        if self.is_alive() {
            state.udp.insert(at, port.clone());
        }
        drop(state);
        Ok(Udp::new(self.clone(), port, packet_info))
    }

    pub(super) async fn listen(&self, at: SocketAddr) -> io::Result<Listener> {
        self.living().await;
        let mut state = self.network.state();
        let at = state.free(at, |state, at| state.tcp.contains_key(&at))?;
        let door = Arc::new(Door { at, host: self.id, waiting: Mutex::default(), arrived: Notify::new() });
        state.tcp.insert(at, door.clone());
        drop(state);
        Ok(Listener::new(self.clone(), door))
    }

    /// The addresses of a name, now.
    pub(super) fn look_up(&self, name: &str) -> Vec<IpAddr> {
        let mut state = self.network.state();
        let Some(answers) = state.names.get_mut(name) else { return vec![] };
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        next.unwrap_or_default()
    }

    /// Never returns if the host is dead.
    async fn living(&self) {
        if !self.is_alive() {
            std::future::pending::<()>().await;
        }
    }
}

//! Datagrams in memory: each lies in its receiver's inbox until it is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::super::Received;
use super::{Host, anywhere, shown};
use crate::clock::Instant;

/// Datagrams that lie in one inbox; more are lost, as a full socket buffer loses them.
const INBOX: usize = 1024;

/// A bound address.
pub(super) struct Port {
    pub at: SocketAddr,
    pub host: u64,
    inbox: Mutex<Inbox>,
    arrived: Notify,
}

#[derive(Default)]
struct Inbox {
    waiting: BinaryHeap<Reverse<Datagram>>,
    /// Counts, so that datagrams due at the same time keep their order.
    serial: u64,
    /// When the last of all is due: what is due before it overtakes.
    latest: Option<Instant>,
    peer: Option<SocketAddr>,
    refused: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Datagram {
    due: Instant,
    serial: u64,
    from: SocketAddr,
    to: IpAddr,
    bytes: Vec<u8>,
}

impl Port {
    pub(super) fn new(at: SocketAddr, host: u64) -> Self {
        Port { at, host, inbox: Mutex::default(), arrived: Notify::new() }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it overtakes one that was sent before it.
    fn put(&self, due: Instant, from: SocketAddr, to: IpAddr, bytes: Vec<u8>) -> bool {
        let mut inbox = self.inbox();
        if inbox.waiting.len() >= INBOX || inbox.peer.is_some_and(|peer| peer != from) {
            return false;
        }
        let overtakes = inbox.latest.is_some_and(|latest| due < latest);
        inbox.latest = inbox.latest.max(Some(due));
        inbox.serial += 1;
        let serial = inbox.serial;
        inbox.waiting.push(Reverse(Datagram { due, serial, from, to, bytes }));
        drop(inbox);
        self.arrived.notify_one();
        overtakes
    }
}

/// A socket.
pub struct Udp {
    host: Host,
    port: Arc<Port>,
    packet_info: bool,
}

impl std::fmt::Debug for Udp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Udp({})", self.port.at)
    }
}

impl Udp {
    pub(super) fn new(host: Host, port: Arc<Port>, packet_info: bool) -> Self {
        Udp { host, port, packet_info }
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.port.at
    }

    /// Hears only this peer from now on, and of its refusals.
    pub fn connect(&self, peer: SocketAddr) {
        self.port.inbox().peer = Some(peer);
    }

    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.port.inbox().peer.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }

    /// Sends `bytes`, showing the address `from`; what becomes of them is the network's affair.
    pub fn send(&self, bytes: &[u8], to: SocketAddr, from: Option<IpAddr>) -> io::Result<usize> {
        if !self.host.is_alive() {
            return Ok(bytes.len());
        }
        let from = SocketAddr::new(from.unwrap_or(shown(self.port.at).ip()), self.port.at.port());
        let network = &self.host.network;
        let mut state = network.state();
        state.seen.datagrams += 1;
        network.pass(&mut state, from, to, bytes.len());
        let found = state.udp.get(&to).or_else(|| state.udp.get(&anywhere(to.port()))).cloned();
        let Some(port) = found else {
            // As ICMP tells a socket with one peer; others never learn of it.
            drop(state);
            let mut inbox = self.port.inbox();
            if inbox.peer.is_some() {
                inbox.refused = true;
                drop(inbox);
                self.port.arrived.notify_one();
            }
            return Ok(bytes.len());
        };
        let faults = state.faults.clone();
        if faults.spares(from, to) {
            drop(state);
            port.put(network.now(), from, to.ip(), bytes.to_vec());
            return Ok(bytes.len());
        }
        if network.befalls(faults.lose) {
            state.seen.lost += 1;
            return Ok(bytes.len());
        }
        let copies = if network.befalls(faults.double) { 2 } else { 1 };
        state.seen.doubled += copies - 1;
        for _ in 0..copies {
            let mut due = network.now();
            if network.befalls(faults.late) {
                state.seen.late += 1;
                due += network.while_of(faults.late_by);
            }
            state.seen.reordered += u64::from(port.put(due, from, to.ip(), bytes.to_vec()));
        }
        Ok(bytes.len())
    }

    /// Waits for the next datagram that is due.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        loop {
            self.host.living().await;
            let arrived = self.port.arrived.notified();
            match self.look(buffer) {
                Ok(received) => return received,
                Err(Some(due)) => drop(tokio::time::timeout_at(due, arrived).await),
                Err(None) => arrived.await,
            }
        }
    }

    /// As [`Udp::recv`], for a while.
    pub async fn recv_within(&self, buffer: &mut [u8], patience: Duration) -> io::Result<Option<Received>> {
        match tokio::time::timeout(patience, self.recv(buffer)).await {
            Ok(received) => received.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Takes what is due; `WouldBlock` if nothing is.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.look(buffer).unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into()))
    }

    /// What is there, or when something will be.
    fn look(&self, buffer: &mut [u8]) -> Result<io::Result<Received>, Option<Instant>> {
        let mut inbox = self.port.inbox();
        if std::mem::take(&mut inbox.refused) {
            return Ok(Err(io::ErrorKind::ConnectionRefused.into()));
        }
        let due = inbox.waiting.peek().map(|first| first.0.due).ok_or(None)?;
        if due > self.host.network.now() {
            return Err(Some(due));
        }
        let Reverse(datagram) = inbox.waiting.pop().ok_or(None)?;
        let len = datagram.bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&datagram.bytes[..len]);
        let local = self.packet_info.then_some(datagram.to);
        Ok(Ok(Received { len, peer: datagram.from, local, interface: self.packet_info.then_some(1) }))
    }
}

impl Drop for Udp {
    fn drop(&mut self) {
        let mut state = self.host.network.state();
        if state.udp.get(&self.port.at).is_some_and(|port| Arc::ptr_eq(port, &self.port)) {
            state.udp.remove(&self.port.at);
        }
    }
}

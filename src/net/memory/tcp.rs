//! Connections in memory: two pipes, each a queue of pieces that are due at some time.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::{BACKLOG, Door, Host, anywhere};
use crate::clock::Instant;

/// Bytes on their way in one direction; a writer waits for room.
const WINDOW: usize = 64 << 10;

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Pipe(Mutex<Flow>);

#[derive(Default)]
struct Flow {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    /// Everything was written; the reader sees it once this is due.
    end: Option<Instant>,
    /// Nothing arrives before this: streams keep their order.
    not_before: Option<Instant>,
    reset: bool,
    /// Nobody reads any more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Flow {
    fn wake(&mut self) {
        self.reader.take().into_iter().chain(self.writer.take()).for_each(Waker::wake);
    }
}

impl Pipe {
    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loses what is on its way; both ends see it.
    pub(super) fn reset(&self) {
        let mut flow = self.flow();
        flow.reset = true;
        flow.pieces.clear();
        flow.wake();
    }
}

/// Who has connected and was not accepted yet.
pub(super) struct Caller {
    out: Arc<Pipe>,
    into: Arc<Pipe>,
    at: SocketAddr,
    from: SocketAddr,
}

/// Takes connections.
pub struct Listener {
    host: Host,
    door: Arc<Door>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listener({})", self.door.at)
    }
}

impl Listener {
    pub(super) fn new(host: Host, door: Arc<Door>) -> Self {
        Listener { host, door }
    }

    pub fn local_addr(&self) -> SocketAddr {
        self.door.at
    }

    pub async fn accept(&self) -> Stream {
        loop {
            self.host.living().await;
            let arrived = self.door.arrived.notified();
            let next = self.door.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match next {
                Some(caller) => {
                    let Caller { out, into, at, from } = caller;
                    return Stream { host: self.host.clone(), out, into, local: at, peer: from, nap: None };
                }
                None => arrived.await,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut state = self.host.network.state();
        if state.tcp.get(&self.door.at).is_some_and(|door| Arc::ptr_eq(door, &self.door)) {
            state.tcp.remove(&self.door.at);
        }
        drop(state);
        let waiting = std::mem::take(&mut *self.door.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for caller in waiting {
            caller.out.reset();
            caller.into.reset();
        }
    }
}

impl Host {
    /// Connects to whoever listens at `to`. Errors: nobody does, or so it looks.
    pub(in super::super) async fn connect(&self, from: Option<IpAddr>, to: SocketAddr) -> io::Result<Stream> {
        self.living().await;
        let from = SocketAddr::new(from.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), 0);
        let faults = self.network.state().faults.clone();
        let spared = faults.spares(from, to);
        if !spared && self.network.befalls(faults.ignore) {
            self.network.state().seen.ignored += 1;
            return std::future::pending().await;
        }
        if !spared && self.network.befalls(faults.late) {
            self.network.state().seen.late += 1;
            self.network.0.clock.sleep(self.network.while_of(faults.late_by)).await;
            self.living().await;
        }
        let mut state = self.network.state();
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        if !spared && self.network.befalls(faults.refuse) {
            state.seen.refused += 1;
            return Err(refused());
        }
        let found = state.tcp.get(&to).or_else(|| state.tcp.get(&anywhere(to.port()))).cloned();
        let door = found.ok_or_else(refused)?;
        let from = state.free(from, |_, _| false)?;
        let (there, back) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()));
        state.pipes.retain(|(_, pipe)| pipe.strong_count() > 0);
        // Whichever end dies, both pipes end.
        for host in [self.id, door.host] {
            state.pipes.extend([&there, &back].map(|pipe| (host, Arc::downgrade(pipe))));
        }
        state.seen.connections += 1;
        self.network.pass(&mut state, from, to, 0);
        drop(state);
        let mut waiting = door.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= BACKLOG {
            return Err(refused());
        }
        waiting.push_back(Caller { out: back.clone(), into: there.clone(), at: to, from });
        drop(waiting);
        door.arrived.notify_one();
        Ok(Stream { host: self.clone(), out: there, into: back, local: from, peer: to, nap: None })
    }
}

/// One end of a connection.
pub struct Stream {
    host: Host,
    out: Arc<Pipe>,
    into: Arc<Pipe>,
    local: SocketAddr,
    peer: SocketAddr,
    /// Until the next piece is due.
    nap: Option<Pin<Box<Sleep>>>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stream({} to {})", self.local, self.peer)
    }
}

impl Stream {
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    fn reset(&self) {
        self.out.reset();
        self.into.reset();
    }

    /// What befalls a piece that is written now: when it arrives, or nothing if the connection breaks.
    fn due(&self, bytes: usize) -> Option<Instant> {
        let network = &self.host.network;
        let mut state = network.state();
        state.seen.pieces += 1;
        network.pass(&mut state, self.local, self.peer, bytes);
        let now = network.now();
        if state.faults.spares(self.local, self.peer) {
            return Some(now);
        }
        let faults = state.faults.clone();
        if network.befalls(faults.reset) {
            state.seen.resets += 1;
            return None;
        }
        if network.befalls(faults.stall) {
            state.seen.stalls += 1;
            return Some(now + network.while_of(faults.stall_by));
        }
        if network.befalls(faults.late) {
            state.seen.late += 1;
            return Some(now + network.while_of(faults.late_by));
        }
        Some(now)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.host.is_alive() {
            return Poll::Pending;
        }
        let mut flow = this.into.flow();
        if flow.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let now = this.host.network.now();
        let due = match flow.pieces.front_mut() {
            Some((due, piece)) if *due <= now => {
                let len = piece.len().min(buf.remaining());
                buf.put_slice(&piece[..len]);
                if len == piece.len() {
                    flow.pieces.pop_front();
                } else {
                    piece.drain(..len);
                }
                flow.bytes -= len;
                flow.writer.take().into_iter().for_each(Waker::wake);
                return Poll::Ready(Ok(()));
            }
            Some((due, _)) => Some(*due),
            None => flow.end,
        };
        match due {
            Some(end) if end <= now => return Poll::Ready(Ok(())),
            Some(due) => {
                flow.reader = Some(cx.waker().clone());
                drop(flow);
                let nap = this.nap.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
                nap.as_mut().reset(due);
                if nap.as_mut().poll(cx).is_ready() {
                    this.nap = None;
                    cx.waker().wake_by_ref();
                }
            }
            None => flow.reader = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.host.is_alive() {
            return Poll::Pending;
        }
        let mut flow = self.out.flow();
        if flow.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if flow.deaf || flow.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = WINDOW.saturating_sub(flow.bytes);
        if room == 0 {
            flow.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = buf.len().min(room);
        let Some(due) = self.due(len) else {
            drop(flow);
            self.reset();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let due = flow.not_before.map_or(due, |least| due.max(least));
        flow.not_before = Some(due);
        flow.bytes += len;
        flow.pieces.push_back((due, buf[..len].to_vec()));
        flow.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out.finish(self.host.network.now());
        Poll::Ready(Ok(()))
    }
}

impl Pipe {
    /// Nothing more will be written.
    fn finish(&self, now: Instant) {
        let mut flow = self.flow();
        if flow.end.is_none() {
            flow.end = Some(flow.not_before.map_or(now, |least| now.max(least)));
            flow.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.out.finish(self.host.network.now());
        let mut flow = self.into.flow();
        flow.deaf = true;
        flow.writer.take().into_iter().for_each(Waker::wake);
    }
}

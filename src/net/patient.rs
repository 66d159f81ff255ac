//! A UDP socket with one peer, for exchanges that are nothing but question and answer.
//!
//! The operating system's is waited on by a thread: a send and a receive are two calls into the kernel, where readiness,
//! wake-up and timer of an asynchronous socket are four. One in memory is waited on by the caller's task. The exchange
//! itself is written once, as a future; [`PatientUdp::exchange`] runs it where its socket belongs.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;

use super::memory;

/// See the head of this file.
#[derive(Debug)]
pub struct PatientUdp(Kind);

#[derive(Debug)]
enum Kind {
    System(UdpSocket),
    Memory(memory::Udp, Mutex<Duration>),
}

impl PatientUdp {
    pub(super) fn new(socket: UdpSocket, peer: SocketAddr) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.connect(peer)?;
        Ok(PatientUdp(Kind::System(socket)))
    }

    pub(super) fn memory(socket: memory::Udp, peer: SocketAddr) -> Self {
        socket.connect(peer);
        PatientUdp(Kind::Memory(socket, Mutex::default()))
    }

    /// Runs an exchange over this socket to its end: in a thread of its own, called `name`, with so much of a stack; or
    /// right here if the socket is in memory. The exchange waits for nothing but this socket. Errors: there are no more
    /// threads, or the exchange panicked.
    pub async fn exchange<T, F>(
        self,
        (name, stack_bytes): (&str, usize),
        work: impl FnOnce(PatientUdp) -> F + Send + 'static,
    ) -> io::Result<T>
    where
        F: Future<Output = io::Result<T>> + Send,
        T: Send + 'static,
    {
        if let Kind::Memory(..) = self.0 {
            return work(self).await;
        }
        let (done, ended) = oneshot::channel();
        std::thread::Builder::new().name(name.to_owned()).stack_size(stack_bytes).spawn(move || {
            // Nobody waits for the end any more if the caller is gone.
            let _ = done.send(at_once(work(self)));
        })?;
        ended.await.map_err(io::Error::other)?
    }

    /// How long each send and each receive may wait.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        // Zero would mean for ever.
        let patience = patience.max(Duration::from_millis(1));
        match &self.0 {
            Kind::System(socket) => {
                socket.set_read_timeout(Some(patience))?;
                socket.set_write_timeout(Some(patience))
            }
            Kind::Memory(_, kept) => {
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = patience;
                Ok(())
            }
        }
    }

    /// Sends to the peer.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::System(socket) => socket.send(bytes),
            Kind::Memory(socket, _) => socket.send(bytes, socket.peer()?, None),
        }
    }

    /// The length of the next datagram of the peer; none if none came in time. To be awaited inside of
    /// [`PatientUdp::exchange`] alone: the system's keeps its thread waiting.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let socket = match &self.0 {
            Kind::System(socket) => socket,
            Kind::Memory(socket, patience) => {
                let patience = *patience.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(socket.recv_within(buffer, patience).await?.map(|received| received.len));
            }
        };
        match socket.recv(buffer) {
            Ok(len) => Ok(Some(len)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(None),
            // A signal: as if nothing had come yet.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Runs a future that waits for nothing but a system's socket, which never says that it is not ready.
fn at_once<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::Error::other("an exchange waited for something else than its socket")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Net, UdpBind};
    use super::*;

    #[tokio::test]
    async fn a_receive_ends_in_time_and_hears_only_the_peer() -> io::Result<()> {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (peer, other) = (UdpSocket::bind(local(0))?, UdpSocket::bind(local(0))?);
        let socket = Net::system().patient_udp(UdpBind::at(local(0)), peer.local_addr()?)?;
        let exchange = socket.exchange(("test", 256 << 10), move |socket| async move {
            socket.set_patience(Duration::from_millis(20))?;
            let mut buffer = [0; 8];
            assert_eq!(socket.recv(&mut buffer).await?, None);
            socket.send(b"here")?;
            let (_, at) = peer.recv_from(&mut buffer)?;
            other.send_to(b"no", at)?;
            peer.send_to(b"yes", at)?;
            assert_eq!((socket.recv(&mut buffer).await?, &buffer[..3]), (Some(3), &b"yes"[..]));
            Ok(())
        });
        exchange.await
    }
}

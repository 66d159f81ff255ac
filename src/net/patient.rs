//! A UDP socket with one peer, on which a thread waits. For exchanges that are nothing but question and answer: a send and a
//! receive are two calls into the kernel, where readiness, wake-up and timer of an asynchronous socket are four.
//! Never to be used on a thread of the runtime except to send.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

/// See the head of this file.
#[derive(Debug)]
pub struct PatientUdp(UdpSocket);

impl PatientUdp {
    pub(super) fn new(socket: UdpSocket, peer: SocketAddr) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.connect(peer)?;
        Ok(PatientUdp(socket))
    }

    /// How long each send and each receive may wait.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        // Zero would mean for ever.
        let patience = Some(patience.max(Duration::from_millis(1)));
        self.0.set_read_timeout(patience)?;
        self.0.set_write_timeout(patience)
    }

    /// Sends to the peer.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    /// The length of the next datagram of the peer; none if none came in time.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0.recv(buffer) {
            Ok(len) => Ok(Some(len)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(None),
            // A signal: as if nothing had come yet.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Net, UdpBind};
    use super::*;

    #[test]
    fn a_receive_ends_in_time_and_hears_only_the_peer() -> io::Result<()> {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (peer, other) = (UdpSocket::bind(local(0))?, UdpSocket::bind(local(0))?);
        let socket = Net::system().patient_udp(UdpBind::at(local(0)), peer.local_addr()?)?;
        socket.set_patience(Duration::from_millis(20))?;
        let mut buffer = [0; 8];
        assert_eq!(socket.recv(&mut buffer)?, None);
        socket.send(b"here")?;
        let (_, at) = peer.recv_from(&mut buffer)?;
        other.send_to(b"no", at)?;
        peer.send_to(b"yes", at)?;
        assert_eq!((socket.recv(&mut buffer)?, &buffer[..3]), (Some(3), &b"yes"[..]));
        Ok(())
    }
}

//! The only sockets.
//!
//! Everything that speaks to the network asks a [`Net`] for its sockets. Today there is one kind, the operating system's;
//! the type is a handle so that an in-memory network can stand in for it without a caller changing.
//! [`http`] is the client on top of it.
//! Deliberately absent: name resolution anywhere else, and any socket that has no bound on the time a connect may take.

mod block;
pub mod http;
mod icmp6;
mod interface;
mod patient;
mod udp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpSocket;
pub use tokio::net::{TcpListener, TcpStream};

pub use block::Block;
pub use icmp6::Icmp6Socket;
pub use interface::Interface;
pub use patient::PatientUdp;
pub use udp::{Received, UdpBind, UdpSocket};

/// Where sockets come from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Net {
    _private: (),
}

impl Net {
    /// The operating system's network.
    pub fn system() -> Self {
        Net { _private: () }
    }

    /// Binds a UDP socket. Errors: the address is taken, or the port or device needs a capability.
    pub fn udp(&self, bind: UdpBind) -> io::Result<UdpSocket> {
        UdpSocket::bind(bind)
    }

    /// A UDP socket with one peer, for a thread that waits on it. Errors: as [`Net::udp`].
    pub fn patient_udp(&self, bind: UdpBind, peer: SocketAddr) -> io::Result<PatientUdp> {
        PatientUdp::new(bind.open()?, peer)
    }

    /// Connects within `within`; `TimedOut` after it. Sets TCP_NODELAY: all our protocols are request and answer.
    pub async fn connect(&self, to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        let stream = tokio::time::timeout(within, TcpStream::connect(to))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer from {to} within {within:?}")))??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// As [`Net::connect`], from a local address of the caller's choice. Errors: also that the address is not ours.
    /// [`Net::connect`] from the local address `from`, for who has several and is known by one.
    pub async fn connect_from(&self, from: IpAddr, to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(SocketAddr::new(from, 0))?;
        let stream = tokio::time::timeout(within, socket.connect(to))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer from {to} within {within:?}")))??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A raw ICMPv6 socket on an interface. Errors: `CAP_NET_RAW` is missing, or the interface has no IPv6.
    pub fn icmp6(&self, interface: &Interface) -> io::Result<Icmp6Socket> {
        Icmp6Socket::bind(interface)
    }

    /// Listens for TCP connections; port 0 picks a free one (ask the listener which).
    pub async fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(at).await
    }

    /// Whether an address is this machine's own, now.
    pub fn is_own_address(&self, address: IpAddr) -> bool {
        address.is_loopback() || interface::has_address(address)
    }

    /// The addresses of a host name or literal address, at most 16, within `within`.
    pub async fn resolve(&self, host: &str, port: u16, within: Duration) -> io::Result<Vec<SocketAddr>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        let found = tokio::time::timeout(within, tokio::net::lookup_host((bare, port))).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("the name {bare} did not resolve within {within:?}"))
        })??;
        let found: Vec<_> = found.take(16).collect();
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("the name {bare} has no address")));
        }
        Ok(found)
    }
}

//! The only sockets.
//!
//! Everything that speaks to the network asks a [`Net`] for its sockets. There are two kinds: the operating system's, and
//! those of a network in memory ([`memory`]), on which a simulated world runs without a caller knowing.
//! [`http`] is the client on top of it.
//! Deliberately absent: name resolution anywhere else, and any socket that has no bound on the time a connect may take.

mod block;
pub mod http;
mod icmp6;
mod interface;
pub mod memory;
mod patient;
mod tcp;
mod udp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use block::Block;
pub use icmp6::Icmp6Socket;
pub use interface::Interface;
pub use patient::PatientUdp;
pub use tcp::{TcpListener, TcpStream};
pub use udp::{Received, UdpBind, UdpSocket};

/// Addresses of a name that are looked at.
const MOST_ADDRESSES: usize = 16;

/// Where sockets come from. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Net(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    System,
    Memory(memory::Host),
}

impl Net {
    /// The operating system's network.
    pub fn system() -> Self {
        Net(Kind::System)
    }

    /// A network in memory, as one of its hosts.
    pub fn memory(host: memory::Host) -> Self {
        Net(Kind::Memory(host))
    }

    /// Binds a UDP socket. Errors: the address is taken, or the port or device needs a capability.
    pub fn udp(&self, bind: UdpBind) -> io::Result<UdpSocket> {
        match &self.0 {
            Kind::System => UdpSocket::bind(bind),
            Kind::Memory(host) => Ok(UdpSocket::memory(host.udp(bind.addr, bind.packet_info)?)),
        }
    }

    /// A UDP socket with one peer, for exchanges that are worth a thread. Errors: as [`Net::udp`].
    pub fn patient_udp(&self, bind: UdpBind, peer: SocketAddr) -> io::Result<PatientUdp> {
        match &self.0 {
            Kind::System => PatientUdp::new(bind.open()?, peer),
            Kind::Memory(host) => Ok(PatientUdp::memory(host.udp(bind.addr, false)?, peer)),
        }
    }

    /// Connects within `within`; `TimedOut` after it. Sets TCP_NODELAY: all our protocols are request and answer.
    pub async fn connect(&self, to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        self.connected(None, to, within).await
    }

    /// [`Net::connect`] from the local address `from`, for who has several and is known by one. Errors: also that the
    /// address is not ours.
    pub async fn connect_from(&self, from: IpAddr, to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        self.connected(Some(from), to, within).await
    }

    async fn connected(&self, from: Option<IpAddr>, to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        let stream = match &self.0 {
            Kind::System => TcpStream::system(from, to, within).await?,
            Kind::Memory(host) => TcpStream::memory(host, from, to, within).await?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A raw ICMPv6 socket on an interface. Errors: `CAP_NET_RAW` is missing, or the interface has no IPv6.
    pub fn icmp6(&self, interface: &Interface) -> io::Result<Icmp6Socket> {
        match &self.0 {
            Kind::System => Icmp6Socket::bind(interface),
            Kind::Memory(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Listens for TCP connections; port 0 picks a free one (ask the listener which).
    pub async fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        match &self.0 {
            Kind::System => TcpListener::system(at).await,
            Kind::Memory(host) => host.listen(at).await.map(TcpListener::memory),
        }
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
        let found: Vec<SocketAddr> = match &self.0 {
            Kind::Memory(host) => host.look_up(bare).into_iter().map(|ip| SocketAddr::new(ip, port)).collect(),
            Kind::System => {
                let asked = tokio::time::timeout(within, tokio::net::lookup_host((bare, port)));
                let late = |_| {
                    let text = format!("the name {bare} did not resolve within {within:?}");
                    io::Error::new(io::ErrorKind::TimedOut, text)
                };
                asked.await.map_err(late)??.take(MOST_ADDRESSES).collect()
            }
        };
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("the name {bare} has no address")));
        }
        Ok(found)
    }
}

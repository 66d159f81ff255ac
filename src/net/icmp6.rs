//! Raw ICMPv6 on one interface, for router solicitations and their answers. Needs `CAP_NET_RAW`.
//!
//! The kernel computes checksums and gives every ICMPv6 message to the socket; the caller picks those that it is for.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};

use socket2::{Domain, Protocol, Socket, Type};

use super::Interface;

/// Neighbour discovery is believed only with this hop limit, which no router lets through (RFC 4861 section 6.1).
const HOP_LIMIT: u32 = 255;
/// Where hosts look for routers.
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// A raw socket that hears what is sent to all routers of a link.
///
/// The runtime knows no raw sockets; its UDP socket is the thin wrapper of `recvfrom` and `sendto` that one needs.
#[derive(Debug)]
pub struct Icmp6Socket {
    inner: tokio::net::UdpSocket,
    interface: u32,
}

impl Icmp6Socket {
    pub(super) fn bind(interface: &Interface) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
        socket.bind_device(Some(interface.name.as_bytes()))?;
        socket.set_unicast_hops_v6(HOP_LIMIT)?;
        socket.join_multicast_v6(&ALL_ROUTERS, interface.index)?;
        socket.set_nonblocking(true)?;
        Ok(Icmp6Socket { inner: tokio::net::UdpSocket::from_std(socket.into())?, interface: interface.index })
    }

    /// Waits for a message: its length in `buffer`, from the ICMPv6 type on, and its sender.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<(usize, Ipv6Addr)> {
        match self.inner.recv_from(buffer).await? {
            (len, SocketAddr::V6(source)) => Ok((len, *source.ip())),
            (_, SocketAddr::V4(_)) => Err(io::Error::other("an ICMPv6 message from an IPv4 address")),
        }
    }

    /// Sends to a link-local neighbour.
    pub async fn send_to(&self, message: &[u8], neighbour: Ipv6Addr) -> io::Result<()> {
        let to = SocketAddrV6::new(neighbour, 0, 0, self.interface);
        self.inner.send_to(message, SocketAddr::V6(to)).await.map(drop)
    }
}

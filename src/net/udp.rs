//! UDP as servers on machines with several addresses need it: a datagram arrives with the local address and the
//! interface that it came in by (`IP_PKTINFO`, ip(7)), and an answer can leave from that very address.
//! TFTP clients and BMCs drop answers that come from another address than the one they asked.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd as _;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, sendmsg};
use tokio::io::Interest;

use super::memory;

/// How a UDP socket is to be bound.
#[derive(Clone, Debug)]
pub struct UdpBind {
    pub addr: SocketAddr,
    /// Receive and send through this interface only (`SO_BINDTODEVICE`; needs CAP_NET_RAW).
    pub device: Option<String>,
    /// May send to broadcast addresses.
    pub broadcast: bool,
    /// Ask for the local address and interface of each datagram. IPv4 only.
    pub packet_info: bool,
    /// Size of the receive buffer in bytes; the system's default if absent.
    pub receive_buffer_bytes: Option<usize>,
}

impl UdpBind {
    /// A plain socket at `addr`.
    pub fn at(addr: SocketAddr) -> Self {
        UdpBind { addr, device: None, broadcast: false, packet_info: false, receive_buffer_bytes: None }
    }

    /// The bound socket, which waits for nothing.
    pub(super) fn open(&self) -> io::Result<std::net::UdpSocket> {
        let domain = socket2::Domain::for_address(self.addr);
        let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
        if let Some(device) = &self.device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        socket.set_broadcast(self.broadcast)?;
        if let Some(bytes) = self.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if self.packet_info && self.addr.is_ipv4() {
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::Ipv4PacketInfo, &true)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&self.addr.into())?;
        Ok(socket.into())
    }
}

/// What a datagram came with.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Bytes written to the caller's buffer.
    pub len: usize,
    pub peer: SocketAddr,
    /// The address it was sent to; only with `packet_info`.
    pub local: Option<IpAddr>,
    /// The interface that it came in by; only with `packet_info`.
    pub interface: Option<u32>,
}

/// A bound UDP socket.
#[derive(Debug)]
pub struct UdpSocket(Kind);

#[derive(Debug)]
enum Kind {
    System(System),
    Memory(memory::Udp),
}

impl UdpSocket {
    pub(super) fn bind(bind: UdpBind) -> io::Result<Self> {
        let packet_info = bind.packet_info && bind.addr.is_ipv4();
        let inner = tokio::net::UdpSocket::from_std(bind.open()?)?;
        Ok(UdpSocket(Kind::System(System { inner, packet_info })))
    }

    pub(super) fn memory(socket: memory::Udp) -> Self {
        UdpSocket(Kind::Memory(socket))
    }

    /// The bound address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Kind::System(socket) => socket.inner.local_addr(),
            Kind::Memory(socket) => Ok(socket.local_addr()),
        }
    }

    /// Fixes the peer: datagrams from others are dropped by the kernel, and refusals (ICMP) surface as errors.
    pub async fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        match &self.0 {
            Kind::System(socket) => socket.inner.connect(peer).await,
            Kind::Memory(socket) => {
                socket.connect(peer);
                Ok(())
            }
        }
    }

    /// Sends to the connected peer.
    pub async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::System(socket) => socket.inner.send(bytes).await,
            Kind::Memory(socket) => socket.send(bytes, socket.peer()?, None),
        }
    }

    /// Waits for a datagram. One longer than `buffer` is cut.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        match &self.0 {
            Kind::System(socket) => socket.recv(buffer).await,
            Kind::Memory(socket) => socket.recv(buffer).await,
        }
    }

    /// Takes a datagram that is already there; `WouldBlock` if there is none.
    pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        match &self.0 {
            Kind::System(socket) => socket.try_recv(buffer),
            Kind::Memory(socket) => socket.try_recv(buffer),
        }
    }

    /// Sends to `peer`.
    pub async fn send_to(&self, bytes: &[u8], peer: SocketAddr) -> io::Result<usize> {
        match &self.0 {
            Kind::System(socket) => socket.inner.send_to(bytes, peer).await,
            Kind::Memory(socket) => socket.send(bytes, peer, None),
        }
    }

    /// Sends to `peer` from the local address `from` (one that [`Received::local`] gave).
    pub async fn send_from(&self, bytes: &[u8], peer: SocketAddr, from: IpAddr) -> io::Result<usize> {
        match &self.0 {
            Kind::System(socket) => socket.send_from(bytes, peer, from).await,
            Kind::Memory(socket) => socket.send(bytes, peer, Some(from)),
        }
    }
}

/// The operating system's.
#[derive(Debug)]
struct System {
    inner: tokio::net::UdpSocket,
    packet_info: bool,
}

impl System {
    async fn recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        if !self.packet_info {
            let (len, peer) = self.inner.recv_from(buffer).await?;
            return Ok(Received { len, peer, local: None, interface: None });
        }
        self.inner.async_io(Interest::READABLE, || self.recv_with_info(buffer)).await
    }

    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        if !self.packet_info {
            let (len, peer) = self.inner.try_recv_from(buffer)?;
            return Ok(Received { len, peer, local: None, interface: None });
        }
        self.inner.try_io(Interest::READABLE, || self.recv_with_info(buffer))
    }

    fn recv_with_info(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut iov = [IoSliceMut::new(buffer)];
        let mut space = nix::cmsg_space!(nix::libc::in_pktinfo);
        let message =
            recvmsg::<SockaddrIn>(self.inner.as_raw_fd(), &mut iov, Some(&mut space), MsgFlags::MSG_DONTWAIT)?;
        let peer = message.address.map(|a| SocketAddrV4::new(a.ip(), a.port()));
        let peer = peer.ok_or_else(|| io::Error::other("a datagram without a sender"))?;
        let mut received = Received { len: message.bytes, peer: peer.into(), local: None, interface: None };
        for control in message.cmsgs()? {
            if let ControlMessageOwned::Ipv4PacketInfo(info) = control {
                // ipi_addr is the destination in the header (255.255.255.255 for a broadcast), ipi_spec_dst the
                // address of ours that an answer should come from.
                received.local = Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr))));
                received.interface = u32::try_from(info.ipi_ifindex).ok();
            }
        }
        Ok(received)
    }

    async fn send_from(&self, bytes: &[u8], peer: SocketAddr, from: IpAddr) -> io::Result<usize> {
        let (SocketAddr::V4(to), IpAddr::V4(source)) = (peer, from) else {
            return self.inner.send_to(bytes, peer).await;
        };
        self.inner
            .async_io(Interest::WRITABLE, || {
                let info = nix::libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: nix::libc::in_addr { s_addr: u32::from(source).to_be() },
                    ipi_addr: nix::libc::in_addr { s_addr: 0 },
                };
                let to = SockaddrIn::from(to);
                let control = [ControlMessage::Ipv4PacketInfo(&info)];
                let iov = [IoSlice::new(bytes)];
                Ok(sendmsg(self.inner.as_raw_fd(), &iov, &control, MsgFlags::MSG_DONTWAIT, Some(&to))?)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_datagram_tells_which_of_our_addresses_it_was_sent_to() -> io::Result<()> {
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        let server = UdpSocket::bind(UdpBind { packet_info: true, ..UdpBind::at(any) })?;
        let client = UdpSocket::bind(UdpBind::at(SocketAddr::from(([127, 0, 0, 1], 0))))?;
        let port = server.local_addr()?.port();
        client.send_to(b"ask", SocketAddr::from(([127, 9, 9, 9], port))).await?;
        let mut buffer = [0; 16];
        let got = server.recv(&mut buffer).await?;
        assert_eq!(got.local, Some(IpAddr::from([127, 9, 9, 9])));
        server.send_from(b"answer", got.peer, IpAddr::from([127, 9, 9, 9])).await?;
        let back = client.recv(&mut buffer).await?;
        assert_eq!(back.peer, SocketAddr::from(([127, 9, 9, 9], port)));
        Ok(())
    }
}

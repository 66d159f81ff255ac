//! TCP connections and listeners, of the operating system or in memory.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpSocket;

use super::memory;

/// A socket that takes connections.
#[derive(Debug)]
pub struct TcpListener(Door);

#[derive(Debug)]
enum Door {
    System(tokio::net::TcpListener),
    Memory(memory::Listener),
}

impl TcpListener {
    pub(super) async fn system(at: SocketAddr) -> io::Result<Self> {
        tokio::net::TcpListener::bind(at).await.map(|listener| TcpListener(Door::System(listener)))
    }

    pub(super) fn memory(listener: memory::Listener) -> Self {
        TcpListener(Door::Memory(listener))
    }

    /// The bound address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Door::System(listener) => listener.local_addr(),
            Door::Memory(listener) => Ok(listener.local_addr()),
        }
    }

    /// The next connection and who made it.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.0 {
            Door::System(listener) => {
                listener.accept().await.map(|(stream, peer)| (TcpStream(Line::System(stream)), peer))
            }
            Door::Memory(listener) => {
                let stream = listener.accept().await;
                let peer = stream.peer_addr();
                Ok((TcpStream(Line::Memory(Box::new(stream))), peer))
            }
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct TcpStream(Line);

#[derive(Debug)]
enum Line {
    System(tokio::net::TcpStream),
    Memory(Box<memory::Stream>),
}

impl TcpStream {
    /// Connects, from an address of the caller's choice if it has one.
    pub(super) async fn system(from: Option<IpAddr>, to: SocketAddr, within: Duration) -> io::Result<Self> {
        let connecting = async {
            let Some(from) = from else { return tokio::net::TcpStream::connect(to).await };
            let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.bind(SocketAddr::new(from, 0))?;
            socket.connect(to).await
        };
        tokio::time::timeout(within, connecting)
            .await
            .map_err(|_| no_answer(to, within))?
            .map(|it| TcpStream(Line::System(it)))
    }

    pub(super) async fn memory(
        host: &memory::Host,
        from: Option<IpAddr>,
        to: SocketAddr,
        within: Duration,
    ) -> io::Result<Self> {
        let connected = tokio::time::timeout(within, host.connect(from, to)).await;
        connected.map_err(|_| no_answer(to, within))?.map(|it| TcpStream(Line::Memory(Box::new(it))))
    }

    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match &self.0 {
            Line::System(stream) => stream.set_nodelay(nodelay),
            Line::Memory(_) => Ok(()),
        }
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Line::System(stream) => stream.local_addr(),
            Line::Memory(stream) => Ok(stream.local_addr()),
        }
    }

    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Line::System(stream) => stream.peer_addr(),
            Line::Memory(stream) => Ok(stream.peer_addr()),
        }
    }
}

fn no_answer(to: SocketAddr, within: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer from {to} within {within:?}"))
}

impl AsyncRead for TcpStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Line::System(stream) => Pin::new(stream).poll_read(cx, buf),
            Line::Memory(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Line::System(stream) => Pin::new(stream).poll_write(cx, buf),
            Line::Memory(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Line::System(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Line::Memory(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.0 {
            Line::System(stream) => stream.is_write_vectored(),
            Line::Memory(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Line::System(stream) => Pin::new(stream).poll_flush(cx),
            Line::Memory(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Line::System(stream) => Pin::new(stream).poll_shutdown(cx),
            Line::Memory(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

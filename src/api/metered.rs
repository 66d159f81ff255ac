//! What a connection's table knows of it: bytes counted as they pass, and when an answer has left.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::{Meter, Place};
use super::fair::Share;

/// A connection whose bytes are counted.
pub struct Metered<S> {
    pub stream: S,
    pub meter: Arc<Meter>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.meter.read.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        read
    }
}

impl<S: AsyncWrite + Unpin> Metered<S> {
    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.meter.written.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The exchanges of one connection, numbered: an answer that leaves late says nothing about the request after it.
pub struct Exchanges {
    place: Place,
    current: AtomicU64,
}

impl Exchanges {
    pub fn new(place: Place) -> Arc<Self> {
        Arc::new(Exchanges { place, current: AtomicU64::new(0) })
    }

    /// A request has arrived.
    pub fn begin(self: &Arc<Self>) -> Going {
        let number = self.current.fetch_add(1, Ordering::Relaxed) + 1;
        self.place.busy();
        Going { exchanges: self.clone(), number }
    }
}

/// A request or its answer; when it is dropped the answer has left.
pub struct Going {
    exchanges: Arc<Exchanges>,
    number: u64,
}

impl Going {
    /// The answer is made.
    pub fn taking(&self) {
        self.exchanges.place.taking();
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        if self.exchanges.current.load(Ordering::Relaxed) == self.number {
            self.exchanges.place.idle();
        }
    }
}

/// Bytes of an answer, which hold their part of the memory until the last of them is with the kernel.
pub fn held(bytes: Bytes, going: Going, share: Option<Share>) -> Bytes {
    struct Owner {
        bytes: Bytes,
        _going: Going,
        _share: Option<Share>,
    }
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    if bytes.is_empty() {
        return bytes;
    }
    Bytes::from_owner(Owner { bytes, _going: going, _share: share })
}

/// A streamed answer on its way.
pub struct Leaving<B> {
    body: B,
    _going: Going,
}

impl<B> Leaving<B> {
    pub fn new(body: B, going: Going) -> Self {
        Leaving { body, _going: going }
    }
}

impl<B: Body + Unpin> Body for Leaving<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

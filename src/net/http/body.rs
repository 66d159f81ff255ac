//! The answer: its head, and its body piece by piece.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::Connection;
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper_util::rt::TokioIo;

use super::tls::Stream;
use super::{HttpError, Limits};

/// An answer whose body may still be on its way. Dropping it closes the connection.
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
    /// Polled beside the body, because nobody else does; `None` once it has ended.
    connection: Option<Connection<TokioIo<Stream>, Full<Bytes>>>,
    limits: Limits,
    received_bytes: u64,
}

impl Response {
    pub(super) fn new(
        answer: hyper::Response<Incoming>,
        connection: Option<Connection<TokioIo<Stream>, Full<Bytes>>>,
        limits: Limits,
    ) -> Self {
        let (head, body) = answer.into_parts();
        let (status, headers) = (head.status, head.headers);
        Response { status, headers, body, connection, limits, received_bytes: 0 }
    }

    /// Bytes that the peer announced, also in the answer to a HEAD.
    pub fn content_length(&self) -> Option<u64> {
        self.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// The next piece of the body, or `None` at its end. A body shorter than announced is [`HttpError::Lost`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        let idle = self.limits.idle;
        loop {
            let next = Next { body: Pin::new(&mut self.body), connection: &mut self.connection };
            let frame = tokio::time::timeout(idle, next).await.map_err(|_| HttpError::no_answer(idle))?;
            let Some(frame) = frame else { return Ok(None) };
            // Trailers carry nothing that we asked for.
            let Ok(bytes) = frame.map_err(HttpError::protocol)?.into_data() else { continue };
            self.received_bytes += bytes.len() as u64;
            if self.received_bytes > self.limits.body_bytes {
                return Err(HttpError::TooLarge { limit_bytes: self.limits.body_bytes });
            }
            return Ok(Some(bytes));
        }
    }

    /// The whole body, within the request's limit.
    pub async fn bytes(mut self) -> Result<Bytes, HttpError> {
        let mut pieces = Vec::new();
        while let Some(piece) = self.chunk().await? {
            pieces.extend_from_slice(&piece);
        }
        Ok(pieces.into())
    }
}

/// The next frame of the body, while the connection is driven.
struct Next<'a> {
    body: Pin<&'a mut Incoming>,
    connection: &'a mut Option<Connection<TokioIo<Stream>, Full<Bytes>>>,
}

impl Future for Next<'_> {
    type Output = Option<Result<hyper::body::Frame<Bytes>, hyper::Error>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(connection) = this.connection
            && Pin::new(connection).poll(context).is_ready()
        {
            // An error of the connection also reaches the body, which is where it is reported.
            *this.connection = None;
        }
        this.body.as_mut().poll_frame(context)
    }
}

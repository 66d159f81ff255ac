//! The HTTP server of both listeners: accepts, bounds, answers, stops.
//!
//! Connections are bounded in number and in how long a request's head may take; idle ones are closed by the same clock.
//! On cancellation no more are accepted, requests in progress are finished, and what is left after a while is dropped.
//! Deliberately absent: TLS (a reverse proxy's business so far) and HTTP/2.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Shared, dispatch};
use crate::net::{TcpListener, TcpStream};

/// Open connections; the next client waits in the kernel's queue.
const CONNECTIONS: usize = 1024;
/// How long a client may take for the head of a request, and how long it may idle between two.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// How long requests in progress may take to end when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// After a failed accept (no more file descriptors, say): trying at once would only spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// A body that may also be a stream: boot servers send large files.
pub type Body = UnsyncBoxBody<Bytes, std::io::Error>;
/// Answers what is not part of the public API on the provisioning listener: boot scripts, boot files, images.
pub type Fallback =
    Arc<dyn Fn(Request<Incoming>, SocketAddr) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> + Send + Sync>;

/// Which part of the API a listener serves.
#[derive(Clone)]
pub enum Listener {
    /// All of it, behind authentication.
    Admin,
    /// What machines need, without; the rest goes to the boot servers.
    Provisioning(Fallback),
}

/// A listener with what it serves.
pub struct Server {
    pub state: Shared,
    pub listener: Listener,
}

impl Server {
    /// Serves until cancelled, then ends what is in progress. A panic of a handler is passed on: it stops the process.
    pub async fn run(self, socket: TcpListener, stop: CancellationToken) {
        let this = Arc::new(self);
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    pass_on(ended);
                    continue;
                }
                accepted = accept(&socket, &places) => accepted,
            };
            match accepted {
                Ok((stream, peer, place)) => {
                    let connection = graceful.watch(connection(this.clone(), stream, peer));
                    connections.spawn(async move {
                        if let Err(error) = connection.await {
                            // Clients go away in the middle of things every day.
                            tracing::debug!(%peer, %error, "connection ended");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
        drop(socket);
        if tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still in progress and have been cut off");
        }
        connections.shutdown().await;
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        match &self.listener {
            Listener::Admin => dispatch::answer(&self.state, request, peer, false).await.map(boxed),
            Listener::Provisioning(fallback) => {
                if dispatch::is_public(request.method(), request.uri().path()) {
                    dispatch::answer(&self.state, request, peer, true).await.map(boxed)
                } else {
                    fallback(request, peer).await
                }
            }
        }
    }
}

fn boxed(body: Full<Bytes>) -> Body {
    body.map_err(|never| match never {}).boxed_unsync()
}

/// A place first, then a connection, so that what cannot be served waits outside.
async fn accept(
    socket: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = socket.accept().await?;
    // Answers are small and whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    Ok((stream, peer, place))
}

fn connection(
    server: Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
) -> hyper::server::conn::http1::Connection<
    TokioIo<TcpStream>,
    impl hyper::service::HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Send>,
> {
    let service = service_fn(move |request| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(server.answer(request, peer).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
}

fn pass_on(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

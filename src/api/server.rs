//! The HTTP server of both listeners: accepts, bounds, answers, stops.
//!
//! Connections are bounded in number, in what each may hold, and in how slow it may be (`connections`); requests in progress
//! by what they are (`admission`); answers that are not taken yet by the memory that they hold together.
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
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::admission::{ANSWER_BYTES, Class};
use super::connections::{LOOK_EVERY, Limits, Place, Table};
use super::fair::Share;
use super::metered::{Exchanges, Going, Leaving, Metered, held};
use super::{Fault, Shared, dispatch};
use crate::net::{TcpListener, TcpStream};

/// The head of a request, and what is read or written of a connection at once.
const HEAD_BYTES: usize = 32 << 10;
/// An answer that is smaller is not counted: the kernel takes it.
const SMALL_ANSWER: usize = 64 << 10;
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
    pub limits: Limits,
}

impl Server {
    /// Serves until cancelled, then ends what is in progress. A panic of a handler is passed on: it stops the process.
    pub async fn run(self, socket: TcpListener, stop: CancellationToken) {
        let clock = self.state.engine.environment().clock.clone();
        let table = Table::new(self.limits, clock.clone());
        let this = Arc::new(self);
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut look_at = clock.instant() + LOOK_EVERY;
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(look_at) => {
                    table.look();
                    look_at = clock.instant() + LOOK_EVERY;
                    continue;
                }
                Some(ended) = connections.join_next() => {
                    pass_on(ended);
                    continue;
                }
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    // Without a place it is closed by being dropped, which tells the client at once.
                    let Some(place) = table.enter(peer.ip()) else {
                        tracing::debug!(%peer, "a connection was refused: all others are in use");
                        continue;
                    };
                    // Answers are small and whole; waiting for more to send only delays them.
                    let _ = stream.set_nodelay(true);
                    let cut = place.cut.clone();
                    let connection = graceful.watch(connection(this.clone(), table.clone(), stream, peer, place));
                    connections.spawn(async move {
                        tokio::select! {
                            biased;
                            () = cut.cancelled() => {}
                            ended = connection => if let Err(error) = ended {
                                // Clients go away in the middle of things every day.
                                tracing::debug!(%peer, %error, "connection ended");
                            },
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    // No more files, perhaps.
                    table.spare_one();
                    clock.sleep(ACCEPT_AGAIN).await;
                }
            }
        }
        drop(socket);
        if tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still in progress and have been cut off");
        }
        connections.shutdown().await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        table: &Table,
        going: Going,
    ) -> Response<Body> {
        let public_only = match &self.listener {
            Listener::Admin => false,
            Listener::Provisioning(fallback) if !dispatch::is_public(request.method(), request.uri().path()) => {
                let place = self.state.admission.enter(Class::Machine, peer.ip()).await;
                let response = match place {
                    Ok(_place) => fallback(request, peer).await,
                    Err(busy) => dispatch::refuse(&self.state, &busy).map(whole),
                };
                going.taking();
                return response.map(|body| Leaving::new(body, going).boxed_unsync());
            }
            Listener::Provisioning(_) => true,
        };
        let mut response = dispatch::answer(&self.state, request, peer, public_only).await;
        let share = match response.body().len() {
            bytes if bytes <= SMALL_ANSWER => None,
            bytes => match self.room(bytes, peer, table).await {
                Ok(share) => Some(share),
                Err(secs) => {
                    let why = "The answers to others take all the memory that there is for them. Try again.";
                    response = dispatch::refuse(&self.state, &Fault::later(why, secs));
                    None
                }
            },
        };
        going.taking();
        response.map(|bytes| whole(held(bytes, going, share)))
    }

    /// Memory for a large answer: what is free, or what the client gives back who has been taking its own for longest. Errors:
    /// in how many seconds to come back.
    async fn room(&self, bytes: usize, peer: SocketAddr, table: &Table) -> Result<Share, u64> {
        let answers = &self.state.admission.answers;
        let bytes = bytes.min(ANSWER_BYTES);
        if let Some(share) = answers.try_enter(peer.ip(), bytes).await {
            return Ok(share);
        }
        table.cut_slowest();
        answers.enter(peer.ip(), bytes).await
    }
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

fn connection(
    server: Arc<Server>,
    table: Arc<Table>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
) -> hyper::server::conn::http1::Connection<
    TokioIo<Metered<TcpStream>>,
    impl hyper::service::HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Send>,
> {
    let meter = place.meter.clone();
    let exchanges = Exchanges::new(place);
    let service = service_fn(move |request| {
        let (server, table, going) = (server.clone(), table.clone(), exchanges.begin());
        // In a box, so that an idle connection does not hold the room that a request needs.
        Box::pin(async move { Ok::<_, Infallible>(server.answer(request, peer, &table, going).await) })
    });
    hyper::server::conn::http1::Builder::new()
        // The table sees to it, for all connections with one timer.
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(Metered { stream, meter }), service)
}

fn pass_on(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

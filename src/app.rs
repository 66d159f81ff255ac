//! The whole service, composed: the only place that knows everything.
//!
//! Every task belongs to one [`JoinSet`] and ends by one cancellation token. A task that ends early, or panics, ends the
//! service: a half-alive controller of machines is worse than none, and whoever supervises the process starts it again
//! from the store. Stopping is bounded in time, and needs no order, because every acknowledged change is in the store.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Settings;
use crate::net::Net;
use crate::random::Random;
use crate::store::{Options, Store};

/// How long requests and steps in progress may take to end once the service is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// A running service.
pub struct Service {
    /// The bound address of the admin API.
    pub admin: SocketAddr,
    /// The bound address of the listener for machines.
    pub provisioning: Option<SocketAddr>,
    pub store: Store,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Service {
    /// Opens the store and binds everything; returns once clients can connect. It ends when `stop` is cancelled.
    ///
    /// Errors name what could not be opened or bound, and what would help.
    pub async fn start(settings: Settings, stop: CancellationToken) -> anyhow::Result<Self> {
        let (clock, net, random) = (Clock::system(), Net::system(), Random::system());
        let store = open_store(settings.db.clone(), Options::new(clock, random)).await?;
        let listener = listen(&net, "the admin API", settings.listen).await?;
        let admin = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(hold(listener, stop.clone()));
        let mut provisioning = None;
        if let Some(settings) = &settings.provisioning {
            let listener = listen(&net, "the provisioning listener", settings.listen).await?;
            provisioning = Some(listener.local_addr()?);
            tasks.spawn(hold(listener, stop.clone()));
        }
        Ok(Service { admin, provisioning, store, stop, tasks })
    }

    /// A line for each way in, for a person.
    pub fn greeting(&self) -> Vec<String> {
        let mut lines = vec![format!("admin API     http://{}/", self.admin)];
        if let Some(address) = self.provisioning {
            lines.push(format!("provisioning  http://{address}/"));
        }
        lines.push(format!("store         {}", self.store.path().display()));
        lines
    }

    /// Runs until the token is cancelled, then ends within bounds. Errors: a task failed or panicked.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        if let Some(ended) = self.tasks.join_next().await {
            // Ended while nobody asked: the first reason is the one to tell.
            outcome = flatten(ended).and_then(|()| match self.stop.is_cancelled() {
                true => Ok(()),
                false => bail!("a part of the service ended by itself"),
            });
        }
        self.stop.cancel();
        let drained = tokio::time::timeout(STOP_WITHIN, async {
            while let Some(ended) = self.tasks.join_next().await {
                outcome = std::mem::replace(&mut outcome, Ok(())).and(flatten(ended));
            }
        });
        if drained.await.is_err() {
            tracing::warn!("{} parts did not end within {STOP_WITHIN:?} and were cut off", self.tasks.len());
            self.tasks.shutdown().await;
        }
        outcome
    }
}

fn flatten(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Result<()> {
    ended.context("a part of the service panicked")?
}

/// Placeholder for a front door that is not built yet: the address is taken, nobody answers.
async fn hold(listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
    stop.cancelled().await;
    drop(listener);
    Ok(())
}

async fn open_store(path: PathBuf, options: Options) -> anyhow::Result<Store> {
    let opened = tokio::task::spawn_blocking(move || Store::open(&path, options)).await;
    Ok(opened.context("opening the store panicked")??)
}

async fn listen(net: &Net, what: &str, at: SocketAddr) -> anyhow::Result<TcpListener> {
    net.listen(at).await.map_err(|error| explain(error, what, at))
}

/// What a failed bind means for whoever started the service.
fn explain(error: io::Error, what: &str, at: SocketAddr) -> anyhow::Error {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => "; something else listens there (another bessemer?)",
        io::ErrorKind::AddrNotAvailable => "; this machine has no such address",
        io::ErrorKind::PermissionDenied if at.port() < 1024 => {
            "; ports below 1024 need the capability CAP_NET_BIND_SERVICE (or root)"
        }
        io::ErrorKind::PermissionDenied => "; binding to an interface needs the capability CAP_NET_RAW (or root)",
        _ => "",
    };
    anyhow::Error::new(error).context(format!("cannot listen on {at} for {what}{help}"))
}

/// Runs the service for this process: until SIGTERM or SIGINT, and not a moment longer after a second one.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let panicked = stop_on_panic(stop.clone());
    let mut signals = JoinSet::new();
    signals.spawn(watch_signals(stop.clone())?);
    let service = Service::start(settings, stop.clone()).await?;
    let mut out = io::stdout().lock();
    for line in service.greeting() {
        // Nobody may be reading; that is no reason to stop serving.
        let _ = writeln!(out, "{line}");
    }
    drop(out);
    service.run().await?;
    if panicked.load(Ordering::Relaxed) {
        bail!("a part of the service panicked");
    }
    tracing::info!("stopped");
    Ok(())
}

/// A panic anywhere, also in a thread or task that somebody else joins, ends the service.
fn stop_on_panic(stop: CancellationToken) -> Arc<AtomicBool> {
    let panicked = Arc::new(AtomicBool::new(false));
    let (noted, print) = (panicked.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        noted.store(true, Ordering::Relaxed);
        stop.cancel();
    }));
    panicked
}

fn watch_signals(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot watch for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot watch for SIGINT")?;
    Ok(async move {
        for asked in 0.. {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            if asked > 0 {
                // What is acknowledged is in the store; nothing else is lost.
                std::process::exit(1);
            }
            tracing::info!("stopping; a second signal stops at once");
            stop.cancel();
        }
    })
}

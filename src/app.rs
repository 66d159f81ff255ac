//! The whole service, composed: the only place that knows everything.
//!
//! ```text
//!   settings ─► store ─► engine ─► admin API · provisioning listener · DHCP · TFTP     each a task of one JoinSet
//! ```
//! Every task belongs to one [`JoinSet`] and ends by one cancellation token. A task that ends early, or panics, ends the
//! service: a half-alive controller of machines is worse than none, and whoever supervises the process starts it again
//! from the store. Stopping is bounded in time, and needs no order, because every acknowledged change is in the store.

mod boot;
mod limits;
mod netboot;
mod parts;
mod process;
pub mod upkeep;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

pub use process::serve;

use crate::api::admission::Admission;
use crate::api::bodies::Bodies;
use crate::api::connections::Limits;
use crate::api::{self, Listener, Server};
use crate::blocking;
use crate::clock::Clock;
use crate::config::Settings;
use crate::driver::Environment;
use crate::engine::backups::Backups;
use crate::net::http::Reach;
use crate::net::{Net, TcpListener};
use crate::pxe::Bound;
use crate::pxe::loaders::Loaders;
use crate::random::Random;
use crate::service::hold;
use crate::store::{Options, Store, Witness};
use crate::trace::Trace;
use crate::{bmc, engine};

/// How long requests and steps in progress may take to end once the service is told to stop.
const STOP_WITHIN: Duration = Duration::from_secs(12);
/// How long the BMCs may take to be told that their sessions are over.
const CLOSE_SESSIONS_WITHIN: Duration = Duration::from_secs(2);

/// Where time, sockets and chance come from, and who watches the store, if the service lives in a simulated world.
#[derive(Clone)]
pub struct Seams {
    pub clock: Clock,
    pub net: Net,
    pub random: Random,
    /// Makes the store run its jobs where they are called.
    pub witness: Option<Arc<dyn Witness>>,
}

impl Seams {
    /// The operating system's.
    pub fn system() -> Self {
        Seams { clock: Clock::system(), net: Net::system(), random: Random::system(), witness: None }
    }
}

/// A running service.
pub struct Service {
    /// The bound address of the admin API.
    pub admin: SocketAddr,
    /// The bound address of the listener for machines.
    pub provisioning: Option<SocketAddr>,
    /// The bound addresses of DHCP and TFTP.
    pub boot: Option<Bound>,
    /// Why nothing is done to machines, if that is so.
    pub hold: Option<String>,
    pub store: Store,
    pub engine: engine::Handle,
    ipmi: bmc::ipmi::Pool,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

impl Service {
    /// Opens the store and binds everything; returns once clients can connect. It ends when `stop` is cancelled.
    ///
    /// Errors name what could not be opened or bound, and what would help.
    pub async fn start(settings: Settings, stop: CancellationToken) -> anyhow::Result<Self> {
        Self::start_in(Seams::system(), settings, stop).await
    }

    /// [`Service::start`] in another world than the operating system's.
    pub async fn start_in(seams: Seams, mut settings: Settings, stop: CancellationToken) -> anyhow::Result<Self> {
        let Seams { clock, net, random, witness } = seams;
        let host = parts::host(&settings);
        let limits = limits::raise();
        // Everything that can be refused is opened first; only then does anything begin to act.
        let admin = listen(&net, "the admin API", settings.listen).await?;
        let provisioning = match &mut settings.provisioning {
            Some(it) => {
                let socket = listen(&net, "the provisioning listener", it.listen).await?;
                it.url = it.url_at(socket.local_addr()?);
                Some(socket)
            }
            None => None,
        };
        let inline = witness.is_some();
        let backups = settings.backup.as_ref().map(|backup| backup.dir.clone());
        let options = Options { inline, witness, backups, ..Options::new(clock.clone(), random.clone()) };
        let store = open_store(settings.db.clone(), options).await?;

        let mut tasks = JoinSet::new();
        let seams = (net.clone(), clock.clone(), random.clone());
        let loaders = Loaders::new(&settings.boot_dir);
        let trace = Trace::new(clock.clone());
        let boot =
            netboot::start(&settings, seams, store.clone(), loaders.clone(), &mut tasks, &stop, trace.clone()).await?;
        let (admin_at, provisioning_at) = (admin.local_addr()?, provisioning.as_ref().map(TcpListener::local_addr));
        let provisioning_at = provisioning_at.transpose()?;
        let ours: Vec<SocketAddr> = provisioning_at.into_iter().chain([admin_at]).collect();
        let images = boot::images(&settings, &net, &clock, ours.clone()).await?;
        let mut env = Environment::new(clock.clone(), net, random.clone(), parts::driver(&settings));
        env.images = images.clone();
        env.reach = Reach::routed_and(vec![], ours);
        env.trace = trace.clone();
        let ipmi = env.ipmi.clone();
        let (rules, periods) = (parts::rules(&settings, &host), parts::periods(&settings));
        let (engine, work) = engine::start(store.clone(), env, rules, periods, stop.clone());
        let backups = Backups::new(parts::backups(&settings));
        if settings.backup.is_some() {
            let making = backups.clone().run(store.clone(), clock.clone(), random.clone(), stop.clone());
            tasks.spawn(async {
                making.await;
                Ok(())
            });
        }
        let state = Arc::new(api::State {
            store: store.for_clients(),
            engine: engine.clone(),
            random,
            settings: parts::api(&host, &clock),
            auth: parts::auth(&settings, &clock),
            bodies: Bodies::default(),
            admission: Admission::default(),
            backups,
        });
        tasks.spawn(async { work.await.context("the engine cannot go on") });
        tasks.spawn(front(state.clone(), Listener::Admin, limits.admin, admin, stop.clone()));
        if let Some(socket) = provisioning {
            let fallback = boot::fallback(&settings, loaders, &store, &clock, images, trace);
            tasks.spawn(front(state, Listener::Provisioning(fallback), limits.machines, socket, stop.clone()));
        }
        let hold = store.read(hold::of).await?;
        Ok(Service { admin: admin_at, provisioning: provisioning_at, boot, hold, store, engine, ipmi, stop, tasks })
    }

    /// A line for each way in, for a person.
    pub fn greeting(&self) -> Vec<String> {
        let mut lines = vec![format!("admin API     http://{}/", self.admin)];
        if let Some(address) = self.provisioning {
            lines.push(format!("provisioning  http://{address}/"));
        }
        if let Some(boot) = &self.boot {
            lines.push(format!("network boot  DHCP {}, TFTP {}", boot.dhcp, boot.tftp));
        }
        if let Some(why) = &self.hold {
            lines.push(format!("IN HOLD       {why}"));
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
        if tokio::time::timeout(CLOSE_SESSIONS_WITHIN, self.ipmi.shutdown()).await.is_err() {
            tracing::info!("some BMCs did not answer when their sessions were closed");
        }
        outcome
    }
}

fn flatten(ended: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    ended.context("a part of the service panicked")?
}

async fn front(
    state: api::Shared,
    listener: Listener,
    limits: Limits,
    socket: TcpListener,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    Server { state, listener, limits }.run(socket, stop).await;
    Ok(())
}

async fn open_store(path: PathBuf, options: Options) -> anyhow::Result<Store> {
    let opened = blocking::run(move || Store::open(&path, options)).await;
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

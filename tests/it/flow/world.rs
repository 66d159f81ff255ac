//! A store, an engine and nothing else: what a flow needs to be walked.

use std::time::Duration;

use bessemer::bmc::ipmi;
use bessemer::clock::Clock;
use bessemer::driver::{Environment, Settings};
use bessemer::engine::{self, Handle, Periods};
use bessemer::model::{InterfaceKind, Node, PowerTarget, State};
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::service::{Refusal, Rules, power, provision};
use bessemer::store::{Options, Store, nodes, work};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub struct World {
    pub handle: Handle,
    pub store: Store,
    stop: CancellationToken,
    engine: tokio::task::JoinHandle<()>,
    /// Dropped last: the file lives in it.
    pub dir: std::sync::Arc<tempfile::TempDir>,
}

pub type Tested = Result<(), Box<dyn std::error::Error>>;

impl World {
    pub async fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Self::at(std::sync::Arc::new(tempfile::tempdir()?)).await
    }

    /// On the store of an earlier world.
    pub async fn at(dir: std::sync::Arc<tempfile::TempDir>) -> Result<Self, Box<dyn std::error::Error>> {
        Self::tuned(dir, Rules::default(), Periods::default()).await
    }

    pub async fn tuned(
        dir: std::sync::Arc<tempfile::TempDir>,
        rules: Rules,
        periods: Periods,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let (clock, random) = (Clock::system(), Random::system());
        let store = Store::open(&dir.path().join("store.sqlite"), Options::new(clock.clone(), random.clone()))?;
        let mut env = Environment::new(clock.clone(), Net::system(), random.clone(), Settings::default());
        // BMCs that stumble are left alone for milliseconds, not for minutes.
        let rests = (Duration::from_millis(20), Duration::from_millis(200));
        let ipmi = ipmi::Settings { first_rest: rests.0, longest_rest: rests.1, ..ipmi::Settings::default() };
        env.ipmi = ipmi::Pool::new(Net::system(), clock, random, ipmi);
        let stop = CancellationToken::new();
        let rules = Rules { conductor: "here".to_owned(), ..rules };
        let (handle, engine) = engine::start(store.clone(), env, rules, periods, stop.clone());
        #[expect(clippy::disallowed_methods, reason = "a test owns its engine")]
        let engine = tokio::spawn(async move { engine.await.unwrap_or_else(|e| panic!("the engine failed: {e}")) });
        Ok(World { handle, store, stop, engine, dir })
    }

    /// Stops the engine and closes the store.
    pub async fn close(self) -> std::sync::Arc<tempfile::TempDir> {
        self.stop.cancel();
        let _ = self.engine.await;
        self.dir
    }

    /// A fake node in `enroll`.
    pub async fn enroll(&self) -> Result<Uuid, Refusal> {
        self.store
            .write(|tx| {
                let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
                let hardware = bessemer::driver::catalog::hardware_type("fake-hardware");
                for kind in InterfaceKind::ALL {
                    *node.interface_mut(kind) = hardware.and_then(|h| h.default(kind)).map(str::to_owned);
                }
                nodes::insert(tx, &node)?;
                Ok::<_, Refusal>(node.uuid)
            })
            .await
    }

    pub async fn ask(&self, node: Uuid, request: provision::Request) -> Result<(), Refusal> {
        self.handle.provision(node, request).await
    }

    pub async fn power(&self, node: Uuid, target: PowerTarget) -> Result<(), Refusal> {
        let rules = self.handle.rules().clone();
        self.handle.write_when_free(move |tx| power::request(tx, node, target, None, &rules)).await
    }

    pub async fn node(&self, node: Uuid) -> Result<Node, Refusal> {
        self.store.read(move |read| bessemer::service::flow::load(read, node)).await
    }

    /// Waits until the node is in `state` and nobody works on it.
    pub async fn settled(&self, node: Uuid, state: State) -> Result<Node, Box<dyn std::error::Error>> {
        let mut changed = self.store.work_changed();
        let deadline = tokio::time::sleep(Duration::from_secs(60));
        tokio::pin!(deadline);
        loop {
            changed.mark_unchanged();
            let now = self.node(node).await?;
            if now.provision_state == state && now.reservation.is_none() {
                return Ok(now);
            }
            tokio::select! {
                () = changed.changed() => {}
                () = &mut deadline => return Err(format!("still {} (wanted {state}): {:?}", now.provision_state, now.last_error).into()),
            }
        }
    }

    pub async fn walk(&self, node: Uuid, verb: &str, state: State) -> Result<Node, Box<dyn std::error::Error>> {
        self.ask(node, provision::Request::target(verb)).await?;
        self.settled(node, state).await
    }

    /// How many rows of work there are.
    pub async fn owed(&self) -> Result<usize, Refusal> {
        self.store.read(|read| Ok::<_, Refusal>(work::all(read)?.len())).await
    }
}

//! A whole service on a loopback port (store, engine, API), and a client that shares no code with it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bessemer::api::connections::Limits;
use bessemer::api::{self, auth::Auth};
use bessemer::clock::Clock;
use bessemer::driver::{Environment, environment};
use bessemer::engine::{self, Periods};
use bessemer::model::{Node, PowerState, State};
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::service::Rules;
use bessemer::store::{Options, Store, StoreError, nodes};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The newest version, which tests ask for unless they are about another.
pub const LATEST: &str = "latest";

/// A running service; it ends when this goes.
pub struct Service {
    pub address: SocketAddr,
    pub store: Store,
    /// What its requests are handled with.
    pub state: api::Shared,
    _tasks: JoinSet<()>,
    stop: Option<DropGuard>,
    _dir: tempfile::TempDir,
}

impl Service {
    pub async fn start() -> Outcome<Self> {
        Service::start_with(Auth::None).await
    }

    pub async fn start_with(auth: Auth) -> Outcome<Self> {
        Service::start_as(auth, api::Listener::Admin).await
    }

    pub async fn start_as(auth: Auth, listener: api::Listener) -> Outcome<Self> {
        Service::start_within(auth, listener, Limits::default()).await
    }

    pub async fn start_within(auth: Auth, listener: api::Listener, limits: Limits) -> Outcome<Self> {
        Service::start_all(tempfile::tempdir()?, auth, listener, limits).await
    }

    /// With a store that is there already, in the file `db`, or on a disk that the caller has prepared.
    pub async fn start_in(dir: tempfile::TempDir) -> Outcome<Self> {
        Service::start_all(dir, Auth::None, api::Listener::Admin, Limits::default()).await
    }

    async fn start_all(dir: tempfile::TempDir, auth: Auth, listener: api::Listener, limits: Limits) -> Outcome<Self> {
        let (clock, random, net) = (Clock::system(), Random::system(), Net::system());
        let store = Store::open(&dir.path().join("db"), Options::new(clock.clone(), random.clone()))?;
        let environment = Environment::new(clock, net.clone(), random.clone(), environment::Settings::default());
        let stop = CancellationToken::new();
        let periods = Periods { power_sync: Duration::ZERO, ..Periods::default() };
        let rules = Rules { conductor: "here".to_owned(), ..Rules::default() };
        let (engine, running) = engine::start(store.clone(), environment, rules, periods, stop.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = running.await {
                panic!("the engine failed: {error}");
            }
        });
        let state = Arc::new(api::State {
            store: store.for_clients(),
            engine,
            random,
            settings: api::Settings { conductor: "here".to_owned(), ..api::Settings::default() },
            auth,
            bodies: Default::default(),
            admission: Default::default(),
            backups: Default::default(),
        });
        // What a test does by hand to nodes is not undone as if an earlier process had done it.
        tokio::select! {
            biased;
            () = state.engine.recovered() => {}
            // With a damaged store it has ended.
            _ = tasks.join_next() => {}
        }
        let socket = net.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = socket.local_addr()?;
        let server = api::Server { state: state.clone(), listener, limits };
        tasks.spawn(server.run(socket, stop.clone()));
        Ok(Service { address, store, state, _tasks: tasks, stop: Some(stop.drop_guard()), _dir: dir })
    }

    /// Ends the service and moves its files to `to`.
    pub fn into_dir(self, to: &std::path::Path) -> Outcome {
        for entry in std::fs::read_dir(self._dir.path())? {
            let entry = entry?;
            std::fs::hard_link(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    }

    /// Tells the service to end; it does so by itself.
    pub fn stop(&mut self) {
        self.stop = None;
    }

    /// One request on a connection of its own.
    pub async fn call(&self, version: &str, method: &str, path: &str, body: Option<Value>) -> Outcome<Reply> {
        Client::new(self.address).call(version, method, path, body).await
    }

    pub async fn get(&self, path: &str) -> Outcome<Reply> {
        self.call(LATEST, "GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Outcome<Reply> {
        self.call(LATEST, "POST", path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Outcome<Reply> {
        self.call(LATEST, "PATCH", path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Outcome<Reply> {
        self.call(LATEST, "DELETE", path, None).await
    }

    /// Nodes of class `metal` that can be given away, as if they had gone through everything before.
    pub async fn free_nodes(&self, count: usize) -> Outcome<Vec<Uuid>> {
        let made = self.store.write(move |tx| {
            let mut made = Vec::new();
            for i in 0..count {
                let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
                node.name = Some(format!("node-{i}"));
                node.provision_state = State::Available;
                node.power_state = Some(PowerState::Off);
                node.resource_class = Some("metal".to_owned());
                nodes::insert(tx, &node)?;
                made.push(node.uuid);
            }
            Ok::<_, StoreError>(made)
        });
        Ok(made.await?)
    }

    /// Changes a node's row as somebody else's decision would.
    pub async fn change_node(&self, uuid: Uuid, change: fn(&mut Node)) -> Outcome {
        let changed = self.store.write(move |tx| {
            let Some(before) = nodes::find(tx, uuid)? else { return Ok(false) };
            let mut after = before.clone();
            change(&mut after);
            nodes::update(tx, &before, &after)
        });
        changed.await.map_err(|error: StoreError| error)?;
        Ok(())
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub json: Value,
}

impl Reply {
    /// What the error says, out of its double envelope.
    pub fn fault(&self) -> String {
        let inner = self.json["error_message"].as_str().unwrap_or_default();
        let inner: Value = serde_json::from_str(inner).unwrap_or_default();
        inner["faultstring"].as_str().or(inner["description"].as_str()).unwrap_or_default().to_owned()
    }

    /// The values of `key` in a list's objects.
    pub fn column(&self, list: &str, key: &str) -> Vec<Value> {
        self.json[list].as_array().into_iter().flatten().map(|item| item[key].clone()).collect()
    }
}

/// A keep-alive connection.
pub struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Client { address, stream: None }
    }

    pub async fn call(&mut self, version: &str, method: &str, path: &str, body: Option<Value>) -> Outcome<Reply> {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nX-OpenStack-Ironic-API-Version: {version}\r\n\
             Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(self.address).await?,
        };
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        let reply = read(&mut stream).await?;
        self.stream = Some(stream);
        Ok(reply)
    }
}

async fn read(stream: &mut TcpStream) -> Outcome<Reply> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err("the service closed the connection".into());
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec())?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().parse()?;
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(Ok(0), |length| length.parse())?;
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err("the service closed the connection in the middle of a body".into());
        }
    }
    let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? };
    Ok(Reply { status, headers, json })
}

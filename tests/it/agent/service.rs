//! The service as an agent sees it, in a few lines: version, lookup, heartbeat, inspection callback, images.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::driver::{Environment, Settings, Task};
use bessemer::image::ImageCache;
use bessemer::image::cache;
use bessemer::model::secret::Sealed;
use bessemer::model::{InterfaceKind, Node, Port};
use bessemer::net::Net;
use bessemer::net::http::Reach;
use bessemer::random::Random;
use bessemer::sim::agent::{Agent, Faults, Machine, Pace, World};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

pub type Tested<T = ()> = Result<T, Box<dyn std::error::Error>>;

pub const MAC: &str = "52:54:00:aa:bb:01";

/// What it was told.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub heartbeats: Vec<Value>,
    pub inspections: Vec<Value>,
    pub lookups: usize,
}

/// A service for one node.
pub struct Service {
    pub url: String,
    pub node: Uuid,
    pub token: String,
    heard: watch::Receiver<Heard>,
    _tasks: JoinSet<()>,
}

struct Inner {
    node: Uuid,
    token: String,
    heard: watch::Sender<Heard>,
    images: Mutex<Option<ImageCache>>,
}

impl Service {
    pub async fn start(images: Option<ImageCache>) -> Tested<Self> {
        let listener = Net::system().listen(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let random = Random::system();
        let (sender, heard) = watch::channel(Heard::default());
        let (node, token) = (random.uuid(), random.token());
        let inner = Arc::new(Inner { node, token: token.clone(), heard: sender, images: Mutex::new(images) });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let inner = inner.clone();
                connections.spawn(async move {
                    let service = hyper::service::service_fn(move |request| answer(inner.clone(), request));
                    let http = hyper::server::conn::http1::Builder::new();
                    drop(http.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Ok(Service { url, node, token, heard, _tasks: tasks })
    }

    /// Waits until what it heard satisfies `enough`.
    pub async fn heard(&mut self, enough: impl FnMut(&Heard) -> bool) -> Tested<Heard> {
        let heard = tokio::time::timeout(Duration::from_secs(60), self.heard.wait_for(enough)).await??;
        Ok(heard.clone())
    }
}

async fn answer(inner: Arc<Inner>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, answer) = match path.as_str() {
        "/" => (200, json!({"default_version": {"version": "1.115"}})),
        "/v1/lookup" => {
            let mut first = false;
            inner.heard.send_modify(|heard| {
                first = heard.lookups == 0;
                heard.lookups += 1;
            });
            let token = if first { inner.token.as_str() } else { "******" };
            (
                200,
                json!({"node": {"uuid": inner.node.to_string()}, "config": {"heartbeat_timeout": 300, "agent_token": token, "tls_min_version": "1.3"}}),
            )
        }
        "/v1/continue_inspection" => {
            inner.heard.send_modify(|heard| heard.inspections.push(body));
            (202, json!({"uuid": inner.node.to_string()}))
        }
        path if path.starts_with("/v1/heartbeat/") => {
            let known = body["agent_token"] == inner.token.as_str();
            if known {
                inner.heard.send_modify(|heard| heard.heartbeats.push(body));
            }
            (if known { 202 } else { 400 }, Value::Null)
        }
        path => return Ok(image(&inner, path.rsplit('/').next().unwrap_or_default())),
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    Ok(response)
}

fn image(inner: &Inner, name: &str) -> Response<Full<Bytes>> {
    let cache = inner.images.lock().ok().and_then(|cache| cache.clone());
    let mut bytes = vec![];
    if let Some(Ok(Some((mut file, _)))) = cache.map(|cache| cache.open(name))
        && std::io::Read::read_to_end(&mut file, &mut bytes).is_ok()
    {
        return Response::new(Full::new(Bytes::from(bytes)));
    }
    let mut missing = Response::new(Full::default());
    *missing.status_mut() = hyper::StatusCode::NOT_FOUND;
    missing
}

/// A node, its agent and the service between them.
pub struct Bench {
    pub service: Service,
    pub faults: Faults,
    pub agent: Agent,
    pub dir: tempfile::TempDir,
    pub env: Environment,
}

impl Bench {
    /// Boots an agent and waits for its first heartbeat.
    pub async fn new() -> Tested<Self> {
        Self::booted(None, "").await
    }

    /// With an image cache whose root is `images` in the bench's directory, and which may ask 127.0.0.1.
    pub async fn with_images() -> Tested<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::create_dir(dir.path().join("images"))?;
        Self::booted(Some(dir), "").await
    }

    async fn booted(images: Option<tempfile::TempDir>, arguments: &str) -> Tested<Self> {
        let (with_images, dir) = match images {
            Some(dir) => (true, dir),
            None => (false, tempfile::tempdir()?),
        };
        let (clock, net, random) = (Clock::system(), Net::system(), Random::system());
        let settings = Settings {
            agent_poll: Duration::from_millis(10),
            agent_power_off: Duration::from_millis(300),
            deploy_kernel: Some("/boot/kernel".into()),
            deploy_ramdisk: Some("/boot/ramdisk".into()),
            ..Settings::default()
        };
        let mut env = Environment::new(clock.clone(), net.clone(), random.clone(), settings.clone());
        if with_images {
            let mut cache = cache::Settings::new(dir.path().join("cache"), 64 << 20);
            cache.roots = vec![dir.path().join("images")];
            cache.reach = Reach::routed_and("127.0.0.1".parse().into_iter().collect(), vec![]);
            env = env.clone().with_images(ImageCache::start(cache, env.http.clone(), clock.clone()).await?);
        }
        let mut service = Service::start(env.images.clone()).await?;
        env.settings = Arc::new(Settings { provisioning_url: Some(service.url.clone()), ..settings });
        let mut machine = Machine::small(IpAddr::from([127, 0, 0, 1]), MAC, dir.path().join("disk"));
        (machine.port, machine.disk_bytes) = (0, 4 << 20);
        let pace = Pace {
            lookup_pause: Duration::from_millis(10),
            heartbeat_pause: Duration::from_millis(20),
            step: Duration::from_millis(20),
        };
        let (faults, world) = (Faults::default(), World { net, clock, random, pace });
        let command_line = format!("ipa-api-url={} BOOTIF=01-52-54-00-aa-bb-01 {arguments}", service.url);
        let agent = Agent::boot(machine, &command_line, world, faults.clone());
        service.heard(|heard| !heard.heartbeats.is_empty()).await?;
        Ok(Bench { service, faults, agent, dir, env })
    }

    pub fn disk(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    /// A task for the node, as the engine would make it after the heartbeat.
    pub fn task(&self) -> Tested<Task> {
        let heard = self.service.heard.borrow().heartbeats.last().cloned().ok_or("no heartbeat")?;
        let mut node = Node::new(self.service.node, "fake-hardware".into(), self.env.clock.now());
        for (kind, name) in [
            (InterfaceKind::Deploy, "direct"),
            (InterfaceKind::Boot, "ipxe"),
            (InterfaceKind::Inspect, "agent"),
            (InterfaceKind::Management, "noop"),
        ] {
            *node.interface_mut(kind) = Some(name.to_owned());
        }
        node.driver_internal_info.set("agent_url", heard["callback_url"].clone());
        node.driver_internal_info.set("agent_verify_ca", heard["agent_verify_ca"].clone());
        let port = Port::new(self.env.random.uuid(), node.uuid, MAC.into(), self.env.clock.now());
        let token = ("/agent_secret_token".to_owned(), Sealed::seal(self.service.token.clone().into()));
        let task = Task::new(node, vec![port], vec![], self.env.clone());
        Ok(task.with_secrets("driver_internal_info", vec![token]))
    }
}

/// Believes any certificate: for looking at a handshake.
pub fn whoever() -> Arc<dyn rustls::client::danger::ServerCertVerifier> {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};
    #[derive(Debug)]
    struct Whoever;
    impl ServerCertVerifier for Whoever {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
        }
    }
    Arc::new(Whoever)
}

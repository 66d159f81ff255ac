//! What machines fetch over HTTP from the provisioning listener: boot scripts, kernels and ramdisks, loaders, images.
//!
//! | path | what |
//! |---|---|
//! | `/boot.ipxe` | the script for a machine that knows only this server |
//! | `/boot/<mac>.ipxe` | what the machine with this card shall do now (several cards with commas) |
//! | `/boot/<node>/<key>/kernel`, `…/ramdisk` | the files of its plan, for whoever was told the plan's key |
//! | `/boot/loader/<name>` | a boot loader, for UEFI's HTTP boot |
//! | `/images/<node>/<key>/<name>` | the image that is being deployed there, for whoever was told the deploy's key |
//!
//! Nothing is generated into files: a script is rendered from the stored plan when it is asked for, so there is nothing to
//! clean up and nothing to get out of step. **A machine that is not being deployed is told to boot its disk**, at once and
//! in so many words. A plan is told only to the address that the machine has leased from us. Everything else is 404, quickly.
//!
//! The agent's API shares the listener and is not here: [`Handler::answer`] is called for what the API does not know.

pub mod file;
mod script;
mod watch;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tracing::{error, info, warn};
use uuid::Uuid;

use self::file::Content;
use super::loaders::Loaders;
use crate::blocking;
use crate::clock::Clock;
use crate::disk;
use crate::model::boot_plan::Boot;
use crate::service::boot::{self, Orders};
use crate::store::{Read, Store, StoreError, leases};
use crate::trace::{Kind, Trace};
use crate::wire::mac::Mac;

/// A body that may be a stream.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Opens an image by name: none if there is no such image. Blocking.
pub type OpenImage = Arc<dyn Fn(&str) -> io::Result<Option<(std::fs::File, u64)>> + Send + Sync>;

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";
const HELD: &str = "The service is in hold and deploys nothing now, booting from disk";

/// Answers requests. Cheap to clone.
#[derive(Clone)]
pub struct Handler(Arc<Inner>);

/// What a [`Handler`] is made of.
pub struct Inner {
    pub store: Store,
    pub clock: Clock,
    pub loaders: Loaders,
    /// Base URL of this listener as machines reach it, without a trailing slash.
    pub url: String,
    /// Kernels and ramdisks lie below one of these.
    pub roots: Vec<PathBuf>,
    pub open_image: OpenImage,
    /// Where it is noted what machines fetch.
    pub trace: Trace,
}

/// The machine that a script is for.
struct Machine {
    mac: Mac,
    orders: Orders,
    node: Option<Uuid>,
    /// The address that it has leased from us and still holds.
    address: Option<IpAddr>,
}

impl Handler {
    pub fn new(inner: Inner) -> Self {
        Handler(Arc::new(inner))
    }

    /// [`Handler::answer`] in the shape that the listener's server wants.
    pub fn answer_boxed<B: Send + 'static>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let handler = self.clone();
        let (parts, _) = request.into_parts();
        Box::pin(async move { handler.answer(&Request::from_parts(parts, ()), peer).await })
    }

    /// Answers a request; its body is not read.
    pub async fn answer<B>(&self, request: &Request<B>, peer: SocketAddr) -> Response<Body> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are served here\n".into());
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let path = request.uri().path();
        if path.starts_with("/images/") && self.is_held().await {
            return text(StatusCode::SERVICE_UNAVAILABLE, format!("{HELD}\n"));
        }
        let found = match path.split('/').skip(1).collect::<Vec<_>>()[..] {
            ["boot.ipxe"] => Ok(Some(script_content(script::entry(&self.0.url)))),
            ["boot", "loader", name] => Ok(self.0.loaders.get(name).await.ok().map(|b| (Content::Memory(b), BYTES))),
            ["boot", name] => self.script(name, peer.ip().to_canonical()).await,
            ["boot", node, key, what] => {
                let found = self.plan_file(node, key, what).await;
                self.note_plan_file(node, what, peer.ip().to_canonical(), &found);
                found
            }
            ["images", node, key, name] => self.image(node, key, name).await,
            _ => Ok(None),
        };
        match found {
            Ok(Some((content, kind))) => {
                let answer = file::answer(request.method(), request.headers(), content, kind);
                self.watched(request.method(), path, peer.ip().to_canonical(), answer)
            }
            Ok(None) => text(StatusCode::NOT_FOUND, "not found\n".into()),
            Err(error) => {
                error!(path, %peer, error = format!("{error:#}"), "request of a machine failed");
                text(StatusCode::INTERNAL_SERVER_ERROR, "something is wrong here; see the server's log\n".into())
            }
        }
    }

    async fn script(&self, name: &str, peer: IpAddr) -> anyhow::Result<Option<(Content, &'static str)>> {
        let Some(macs) = name.strip_suffix(".ipxe").and_then(macs) else { return Ok(None) };
        let now = self.0.clock.now();
        let machine = self.0.store.read(move |read| machine(read, &macs, now)).await?;
        let text = self.render(&machine, peer);
        Ok(Some(script_content(text)))
    }

    fn render(&self, machine: &Machine, peer: IpAddr) -> String {
        let mac = machine.mac;
        let (Orders::Network(plan), Some(node)) = (&machine.orders, machine.node) else {
            let why = match machine.orders {
                Orders::Held => HELD,
                _ => "Nothing is to be deployed here, booting from disk",
            };
            info!(%mac, %peer, why, "boot script: its disk");
            self.0.trace.card(mac, machine.node.is_some(), Kind::DiskScript, format!("asked by {peer}: {why}"));
            return script::disk(why);
        };
        if let Some(leased) = machine.address.filter(|leased| *leased != peer) {
            warn!(%mac, %node, %peer, %leased, "boot script refused: asked for from another address than the machine's");
            self.0.trace.card(mac, true, Kind::ScriptRefused, format!("{peer} asked, and the machine has {leased}"));
            return script::failure("This boot script is for the machine with that address");
        }
        match script::network(plan, node, mac, &self.0.url) {
            Some(text) => {
                info!(%mac, %node, %peer, "boot script: from the network");
                self.0.trace.held(mac, peer);
                self.0.trace.card(mac, true, Kind::Script, format!("asked by {peer}"));
                text
            }
            None => {
                let problem = plan.problem().unwrap_or_default();
                error!(%mac, %node, problem, "boot script cannot be written");
                self.0.trace.card(mac, true, Kind::ScriptImpossible, problem);
                script::failure("This machine has a boot plan that cannot be followed")
            }
        }
    }

    async fn plan_file(&self, node: &str, key: &str, what: &str) -> anyhow::Result<Option<(Content, &'static str)>> {
        let Ok(node) = node.parse::<Uuid>() else { return Ok(None) };
        let key = key.to_owned();
        let plan = self.0.store.read(move |read| boot::plan_by_key(read, node, &key)).await?;
        let file = match (plan.map(|plan| plan.boot), what) {
            (Some(Boot::Ramdisk { kernel, .. }), "kernel") => kernel,
            (Some(Boot::Ramdisk { ramdisk, .. }), "ramdisk") => ramdisk,
            (Some(Boot::Iso { iso }), "iso") => iso,
            _ => return Ok(None),
        };
        let inner = self.0.clone();
        blocking::run(move || {
            let path = Path::new(file.strip_prefix("file://").unwrap_or(&file));
            let (file, len) = disk::open_below(&inner.roots, path)?;
            Ok(Some((Content::File(file, len), BYTES)))
        })
        .await?
    }

    /// Whether no machine is to be given anything that it would write to its disk.
    async fn is_held(&self) -> bool {
        // If the store cannot say, it is better to give nothing.
        self.0.store.glance(boot::is_held).await.unwrap_or(true)
    }

    fn note_plan_file<T>(&self, node: &str, what: &str, peer: IpAddr, found: &anyhow::Result<Option<T>>) {
        let (Ok(node), trace) = (node.parse::<Uuid>(), &self.0.trace) else { return };
        match found {
            Ok(Some(_)) => trace.node(node, Kind::FileBegun, format!("{what}, by {peer}")),
            Ok(None) => trace.address(peer, Kind::OldPlan, what),
            Err(error) => trace.node(node, Kind::FileUnreadable, format!("{what}: {error:#}")),
        }
    }

    /// The answer, which notes whether the machine had all of it.
    fn watched(&self, method: &Method, path: &str, peer: IpAddr, answer: Response<Body>) -> Response<Body> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let (node, what, whole, broken) = match parts[..] {
            ["boot", "loader", name] => (None, name, Kind::LoaderByHttp, Kind::LoaderBroken),
            ["boot", node, _, "kernel"] => (node.parse::<Uuid>().ok(), "kernel", Kind::KernelSent, Kind::FileBroken),
            ["boot", node, _, "ramdisk"] => (node.parse::<Uuid>().ok(), "ramdisk", Kind::RamdiskSent, Kind::FileBroken),
            ["boot", node, _, "iso"] => (node.parse::<Uuid>().ok(), "ISO image", Kind::IsoSent, Kind::FileBroken),
            ["images", node, _, name] => (node.parse::<Uuid>().ok(), name, Kind::ImageSent, Kind::ImageBroken),
            _ => return answer,
        };
        // Parts of a file are fetched by whoever reads it as a disk; a question about it fetches nothing.
        if method != Method::GET || answer.status() != StatusCode::OK {
            return answer;
        }
        let (trace, what) = (self.0.trace.clone(), what.to_owned());
        answer.map(|body| {
            watch::watched(body, move |sent, promised| {
                let (kind, text) = match sent >= promised {
                    true => (whole, format!("{what}, {sent} bytes, by {peer}")),
                    false => (broken, format!("{what}, {sent} of {promised} bytes, by {peer}")),
                };
                match node {
                    Some(node) => trace.node(node, kind, text),
                    None => trace.address(peer, kind, text),
                }
            })
        })
    }

    async fn image(&self, node: &str, key: &str, name: &str) -> anyhow::Result<Option<(Content, &'static str)>> {
        let Ok(node) = node.parse::<Uuid>() else { return Ok(None) };
        let key = key.to_owned();
        let granted = self.0.store.read(move |read| boot::image_by_key(read, node, &key)).await?;
        let Some(name) = granted.filter(|granted| granted == name) else { return Ok(None) };
        let inner = self.0.clone();
        let opened = blocking::run(move || (inner.open_image)(&name)).await??;
        Ok(opened.map(|(file, len)| (Content::File(file, len), BYTES)))
    }
}

/// The cards in a script's name.
fn macs(name: &str) -> Option<Vec<Mac>> {
    let macs = name.split(',').filter(|part| !part.is_empty()).map(str::parse).collect::<Result<Vec<Mac>, _>>().ok()?;
    (1..=script::MOST_MACS).contains(&macs.len()).then_some(macs)
}

/// The machine behind several cards: that which has a plan, else the first.
fn machine(read: &Read, macs: &[Mac], now: crate::clock::Timestamp) -> Result<Machine, StoreError> {
    let mut first = None;
    for mac in macs {
        let text = mac.to_string();
        let orders = boot::orders(read, &text)?;
        let planned = matches!(orders, Orders::Network(_));
        if !planned && first.is_some() {
            continue;
        }
        let lease = leases::find(read, &text)?.filter(|lease| lease.expires_at > now);
        let node = boot::owner(read, &text)?.map(|owner| owner.node);
        let found = Machine { mac: *mac, orders, node, address: lease.map(|lease| IpAddr::V4(lease.address)) };
        if planned {
            return Ok(found);
        }
        first = Some(found);
    }
    Ok(first.unwrap_or(Machine { mac: Mac([0; 6]), orders: Orders::Stranger, node: None, address: None }))
}

fn script_content(text: String) -> (Content, &'static str) {
    (Content::Memory(Bytes::from(text)), TEXT)
}

fn text(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(file::whole(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}

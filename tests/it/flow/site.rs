//! A whole service and a rack of machines beside it, in this process: the real API, engine, boot servers and drivers, on
//! loopback addresses of their own. The service can be killed: its runtime goes, with whatever it was doing.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use bessemer::app;
use bessemer::clock::Clock;
use bessemer::config::{Settings, Typed};
use bessemer::model::{Node, Work};
use bessemer::net::{Net, UdpBind, http};
use bessemer::random::Random;
use bessemer::sim::bmc::{Personality, Seams};
use bessemer::sim::machine::{Doing, Machine, Pace};
use bessemer::sim::netboot::{self, Firmware};
use bessemer::sim::rack::{Plan, Rack};
use bessemer::sim::system;
use bessemer::store::{Store, StoreError, nodes, work};
use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How long anything may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(240);
/// The name that the instance's image carries, by which a machine shows what it runs.
pub const SYSTEM: &str = "instance";

pub struct Site {
    pub seams: Seams,
    pub rack: Rack,
    pub dir: tempfile::TempDir,
    pub image_sum: String,
    admin: SocketAddr,
    running: Option<Running>,
}

struct Running {
    runtime: Runtime,
    store: Store,
}

/// The networks that tests have taken.
static TAKEN: Mutex<BTreeSet<u8>> = Mutex::new(BTreeSet::new());

/// A machine whose firmware gives up only a minute after the server went silent: on a busy machine that means nothing sooner.
pub fn patient() -> Pace {
    let mut pace = Pace::default();
    (pace.boot.dhcp_tries, pace.boot.tftp_tries) = (12, 120);
    pace
}

impl Site {
    /// A site on 127.`net`.0.0/16 with machines that are off; the first boots by UEFI, the second by BIOS. `config` is
    /// added to the configuration. Each test takes a `net` of its own, so that all can run side by side.
    pub async fn new(net: u8, machines: u8, config: &str) -> Fallible<Self> {
        Self::on(tempfile::tempdir()?, net, machines, config).await
    }

    /// The same in a directory that the test has prepared.
    pub async fn on(dir: tempfile::TempDir, net: u8, machines: u8, config: &str) -> Fallible<Self> {
        // Two sites on one network would take each other's machines' addresses, now and then.
        if !TAKEN.lock().is_ok_and(|mut taken| taken.insert(net)) {
            return Err(format!("127.{net} is another test's").into());
        }
        let seams = Seams { net: Net::system(), clock: Clock::system(), random: Random::system() };
        let at = dir.path();
        std::fs::create_dir(at.join("boot"))?;
        for (loader, firmware) in [("undionly.kpxe", Firmware::Bios), ("snponly.efi", Firmware::Uefi)] {
            std::fs::write(at.join("boot").join(loader), netboot::loader(firmware))?;
        }
        std::fs::write(at.join("kernel"), system::image("filling", 10_000, &seams.random))?;
        std::fs::write(at.join("ramdisk"), system::image("filling", 20_000, &seams.random))?;
        let image = system::image(SYSTEM, 300_000, &seams.random);
        std::fs::write(at.join("image"), &image)?;
        let image_sum = Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect();
        let server = Ipv4Addr::new(127, net, 0, 1);
        let admin = seams.net.listen((Ipv4Addr::LOCALHOST, 0).into()).await?.local_addr()?;
        let provisioning = seams.net.listen((server, 0).into()).await?.local_addr()?;
        let udp =
            |at: Ipv4Addr| -> Fallible<SocketAddr> { Ok(seams.net.udp(UdpBind::at((at, 0).into()))?.local_addr()?) };
        let (dhcp, tftp, bmc) = (udp(server)?, udp(server)?, udp(Ipv4Addr::new(127, net, 2, 1))?);
        let shown = at.display();
        std::fs::write(
            at.join("bessemer.toml"),
            format!(
                "db = \"{shown}/store.sqlite\"\nlisten = \"{admin}\"\nautomated_clean = false\n\
                 [provisioning]\nlisten = \"{provisioning}\"\nurl = \"http://{provisioning}\"\n\
                 [dhcp]\nlisten = \"{dhcp}\"\npool = \"127.{net}.1.10-127.{net}.1.60\"\nnetmask = \"255.255.0.0\"\n\
                 [tftp]\nport = {}\n[boot]\ndir = \"{shown}/boot\"\n[images]\nroots = [\"{shown}\"]\n\
                 [power_sync]\ninterval_secs = 0\n{config}\n\
                 [deploy]\nkernel = \"{shown}/kernel\"\nramdisk = \"{shown}/ramdisk\"\n",
                tftp.port()
            ),
        )?;
        let plan = Plan {
            machines,
            bmc_net: [127, net, 2],
            bmc_port: bmc.port(),
            // A service that is killed leaves its sessions behind, here more in a minute than BMCs have room for.
            personality: Personality { max_sessions: 64, ..Personality::default() },
            mixed_firmware: true,
            dir: at.to_owned(),
            disk_bytes: 8 << 20,
            dhcp,
            tftp_port: tftp.port(),
            pace: patient(),
        };
        let rack = Rack::install(&seams, &plan)?;
        let mut site = Site { seams, rack, dir, image_sum, admin, running: None };
        site.start().await?;
        Ok(site)
    }

    /// Starts the service; one that was killed a moment ago may still be letting go of its store.
    pub async fn start(&mut self) -> Fallible {
        let typed = Typed::read(Some(&self.dir.path().join("bessemer.toml")), [], &[])?;
        let settings = Settings::from_typed(&typed)?;
        let mut tries = 0;
        loop {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            let settings = settings.clone();
            let (sender, started) = tokio::sync::oneshot::channel();
            runtime.spawn(async move {
                match app::Service::start(settings, CancellationToken::new()).await {
                    Ok(service) => {
                        let _ = sender.send(Ok(service.store.clone()));
                        let _ = service.run().await;
                    }
                    Err(error) => drop(sender.send(Err(format!("{error:#}")))),
                }
            });
            match started.await? {
                Ok(store) => {
                    self.running = Some(Running { runtime, store });
                    return Ok(());
                }
                Err(why) => {
                    runtime.shutdown_background();
                    tries += 1;
                    if tries > 200 {
                        return Err(why.into());
                    }
                    self.seams.clock.sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Kills the service where it stands.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }

    pub async fn restart(&mut self) -> Fallible {
        self.kill();
        self.start().await
    }

    pub fn store(&self) -> Fallible<&Store> {
        Ok(&self.running.as_ref().ok_or("the service does not run")?.store)
    }

    pub fn machine(&self, at: usize) -> &Machine {
        &self.rack.machines[at]
    }

    /// How often a machine was started.
    pub fn starts(&self, at: usize) -> u64 {
        self.machine(at).bmc.chassis().power().starts
    }

    /// Waits until a machine does what is wanted.
    pub async fn doing(&self, at: usize, wanted: impl Fn(&Doing) -> bool) -> Fallible<Doing> {
        let mut doing = self.machine(at).watch();
        let found = tokio::time::timeout(PATIENCE, doing.wait_for(|doing| wanted(doing))).await;
        match found {
            Ok(found) => Ok(found?.clone()),
            Err(_) => Err(format!("machine {at} still is {:?}", self.machine(at).doing()).into()),
        }
    }

    /// Waits until a machine runs the instance.
    pub async fn runs_instance(&self, at: usize) -> Fallible {
        self.doing(at, |doing| matches!(doing, Doing::System(system) if system.name == SYSTEM)).await.map(drop)
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Fallible<(u16, Value)> {
        let client = http::Client::new(self.seams.net.clone(), self.seams.clock.clone());
        let url = http::Url::parse(&format!("http://{}{path}", self.admin))?;
        let mut request = http::Request::new(method, url);
        if let Some(body) = body {
            request.body = body.to_string().into();
        }
        request.headers.insert("x-openstack-ironic-api-version", "latest".parse()?);
        let response = client.send(request).await?;
        let status = response.status.as_u16();
        let bytes = response.bytes().await?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    async fn must(&self, method: Method, path: &str, body: Option<Value>) -> Fallible<Value> {
        match self.call(method.clone(), path, body).await? {
            (200..=299, answer) => Ok(answer),
            (status, answer) => Err(format!("{method} {path}: {status} {answer}").into()),
        }
    }

    pub async fn node(&self, at: usize) -> Fallible<Value> {
        self.must(Method::GET, &format!("/v1/nodes/{}", self.machine(at).model.name), None).await
    }

    /// Asks for a verb; `more` are its arguments.
    pub async fn ask(&self, at: usize, target: &str, more: Value) -> Fallible<(u16, Value)> {
        let mut body = json!({"target": target});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let path = format!("/v1/nodes/{}/states/provision", self.machine(at).model.name);
        self.call(Method::PUT, &path, Some(body)).await
    }

    /// Asks for a verb and waits for the state that it leads to.
    pub async fn walk(&self, at: usize, target: &str, more: Value, state: &str) -> Fallible<Value> {
        let (status, answer) = self.ask(at, target, more).await?;
        if status != 202 {
            return Err(format!("{target}: {status} {answer}").into());
        }
        self.settled(at, state).await
    }

    /// Waits until a node is in `state` and nobody holds it.
    pub async fn settled(&self, at: usize, state: &str) -> Fallible<Value> {
        self.reach(at, &[state], true).await
    }

    /// Waits until a node is in one of `states`, held or not.
    pub async fn reach(&self, at: usize, states: &[&str], free: bool) -> Fallible<Value> {
        let mut changed = self.store()?.work_changed();
        let mut node = Value::Null;
        let looking = async {
            loop {
                changed.mark_unchanged();
                node = self.node(at).await?;
                let state = node["provision_state"].as_str().unwrap_or_default();
                if states.contains(&state) && (!free || node["reservation"].is_null()) {
                    return Fallible::Ok(());
                }
                // The deadline below ends this; a commit that touches no work is seen at the next look.
                let _ = tokio::time::timeout(Duration::from_millis(50), changed.changed()).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looking).await {
            Ok(Ok(())) => Ok(node),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(format!(
                "node {at} is {} and not {states:?}: {}; machine {:?}",
                node["provision_state"],
                node["last_error"],
                self.machine(at).doing()
            )
            .into()),
        }
    }

    pub async fn patch(&self, at: usize, changes: &[(&str, Value)]) -> Fallible<Value> {
        let patch: Vec<Value> =
            changes.iter().map(|(path, value)| json!({"op": "add", "path": path, "value": value})).collect();
        self.must(Method::PATCH, &format!("/v1/nodes/{}", self.machine(at).model.name), Some(patch.into())).await
    }

    /// Changes a node's row as somebody else's decision would.
    pub async fn change(&self, at: usize, change: impl Fn(&mut Node) + Send + Clone + 'static) -> Fallible {
        let name = self.machine(at).model.name.clone();
        let changed = self.store()?.write(move |tx| {
            let Some(before) = nodes::find_by_name(tx, &name)? else { return Ok(false) };
            let mut after = before.clone();
            change(&mut after);
            nodes::update(tx, &before, &after)
        });
        assert!(changed.await.map_err(|error: StoreError| error)?);
        Ok(())
    }

    /// The time that a node's work may wait is over.
    pub async fn expire(&self, at: usize) -> Fallible {
        let name = self.machine(at).model.name.clone();
        let expired = self.store()?.write(move |tx| {
            let node = nodes::find_by_name(tx, &name)?;
            let owed = node.map_or(Ok(None), |node| work::of_node(tx, node.uuid))?;
            owed.map_or(Ok(false), |owed| {
                work::update(tx, &owed, &Work { deadline_at: Some(tx.now()), ..owed.clone() })
            })
        });
        assert!(expired.await.map_err(|error: StoreError| error)?);
        Ok(())
    }

    /// A node for a machine, up to `available`. `more` are fields of the node.
    pub async fn enrol(&self, at: usize, more: Value) -> Fallible {
        let model = &self.machine(at).model;
        let mut node = json!({
            "name": model.name, "driver": "ipmi",
            "driver_info": {
                "ipmi_address": model.bmc.ip().to_string(), "ipmi_port": model.bmc.port(),
                "ipmi_username": "admin", "ipmi_password": "password",
            },
            "properties": {"capabilities": if model.uefi { "boot_mode:uefi" } else { "boot_mode:bios" }},
        });
        if let (Some(node), Value::Object(more)) = (node.as_object_mut(), more) {
            node.extend(more);
        }
        let mac = model.mac.map(|byte| format!("{byte:02x}")).join(":");
        let node = self.must(Method::POST, "/v1/nodes", Some(node)).await?;
        self.must(Method::POST, "/v1/ports", Some(json!({"node_uuid": node["uuid"], "address": mac}))).await?;
        self.walk(at, "manage", json!({}), "manageable").await?;
        self.walk(at, "provide", json!({}), "available").await.map(drop)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn image_fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("/instance_info/image_source", format!("file://{}", self.file("image").display()).into()),
            ("/instance_info/image_checksum", self.image_sum.clone().into()),
        ]
    }

    /// Deploys the image on a node that was enrolled, and waits until it runs.
    pub async fn deploy(&self, at: usize) -> Fallible {
        self.patch(at, &self.image_fields()).await?;
        self.walk(at, "active", json!({}), "active").await?;
        self.runs_instance(at).await
    }

    /// Walks a verb again and again from the same beginning; each time the service is killed at another point and
    /// started again, until there is no point left. `back` leads from `state` to the beginning. How many kills there were.
    pub async fn killed_everywhere(
        &mut self,
        at: usize,
        (verb, more, state): (&str, Value, &str),
        back: (&str, &str),
    ) -> Fallible<usize> {
        let mut seen: Vec<String> = Vec::new();
        loop {
            let (status, answer) = self.ask(at, verb, more.clone()).await?;
            if status != 202 {
                return Err(format!("{verb}: {status} {answer}").into());
            }
            let point = self.next_point(at, state, &seen).await?;
            let Some(point) = point else {
                self.settled(at, state).await?;
                return Ok(seen.len());
            };
            self.restart().await?;
            self.settled(at, state).await.map_err(|error| format!("killed at {point}: {error}"))?;
            seen.push(point);
            self.walk(at, back.0, json!({}), back.1).await?;
        }
    }

    /// Waits for a cursor that is not among `seen`; none if the walk ended before there was one.
    pub async fn next_point(&self, at: usize, end: &str, seen: &[String]) -> Fallible<Option<String>> {
        let store = self.store()?;
        let mut changed = store.work_changed();
        let walking = async {
            loop {
                changed.mark_unchanged();
                let rows = store.read(work::all).await?;
                let point = rows.first().map(|row| format!("{} {} {}", row.stage, row.step, row.phase));
                if let Some(point) = point.filter(|point| !seen.contains(point)) {
                    return Fallible::Ok(Some(point));
                }
                let node = self.node(at).await?;
                if node["provision_state"] == end && node["reservation"].is_null() {
                    return Ok(None);
                }
                let _ = tokio::time::timeout(Duration::from_millis(20), changed.changed()).await;
            }
        };
        tokio::time::timeout(PATIENCE, walking).await?
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill();
    }
}

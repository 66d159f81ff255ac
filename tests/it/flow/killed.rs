//! `kill -9` of the real program in the middle of things, again and again, with machines that live on.
//!
//! The rack is simulated in this process and goes on while the service is dead: machines boot, agents call and are not
//! heard, images are written. Whatever moment a kill hits, the next start must carry every node on to its end, or fail
//! it with its reason, and leave nothing held.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::net::{Net, UdpBind, http};
use bessemer::random::Random;
use bessemer::sim::bmc::{Personality, Seams};
use bessemer::sim::machine::Pace;
use bessemer::sim::netboot::{self, Firmware};
use bessemer::sim::rack::{Plan, Rack};
use bessemer::sim::system;
use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::world::Tested;

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// A network of this test's own, so that it can run beside the others.
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 83, 0, 1);
const BMC_NET: [u8; 3] = [127, 83, 2];
const MACHINES: u8 = 4;
/// Kills during the deploy and during the tearing down, each.
const KILLS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_reaches_its_end_however_often_the_service_is_killed() -> Tested {
    let seams = Seams { net: Net::system(), clock: Clock::system(), random: Random::system() };
    let dir = tempfile::tempdir()?;
    let site = Site::build(&seams, dir.path()).await?;
    let rack = Rack::install(&seams, &site.plan)?;
    // The moments differ from run to run; a failing run prints its seed.
    let seed = seams.random.below(u64::MAX);
    eprintln!("moments of the kills from seed {seed}");
    let moments = Random::seeded(seed);
    let mut service = site.serve().await?;

    for machine in &rack.machines {
        site.enrol(&machine.model).await?;
    }
    site.all_reach(&["manageable"]).await?;
    let mut alive: Vec<String> = rack.machines.iter().map(|machine| machine.model.name.clone()).collect();
    for (verb, good) in [("provide", "available"), ("active", "active"), ("deleted", "available")] {
        if verb == "active" {
            site.want_image(&alive).await?;
        }
        for name in &alive {
            site.insist(Method::PUT, &format!("/v1/nodes/{name}/states/provision"), json!({"target": verb})).await?;
        }
        for _ in 0..KILLS {
            site.seams.clock.sleep(Duration::from_millis(moments.below(600))).await;
            drop(service);
            service = site.serve().await?;
        }
        let nodes = site.all_reach(&[good, "deploy failed", "clean failed", "error"]).await.map_err(|error| {
            let doing: Vec<_> = rack.machines.iter().map(|machine| machine.doing()).collect();
            format!("after {verb}: {error}; {doing:?}")
        })?;
        for node in &nodes {
            let state = node["provision_state"].as_str().unwrap_or_default();
            let told = node["last_error"].as_str().is_some_and(|why| !why.is_empty());
            assert!(state == good || told, "{} is {state} and nobody says why (seed {seed})", node["name"]);
        }
        // A kill can cut a download in two, or leave firmware with a server that went silent: such a node has failed,
        // and said why (checked above). It takes no further part; somebody must have gone on.
        alive = nodes
            .iter()
            .filter(|node| node["provision_state"] == good)
            .filter_map(|node| node["name"].as_str().map(str::to_owned))
            .collect();
        assert!(!alive.is_empty(), "after {verb} nobody was left, seed {seed}: {}", summary(&nodes));
    }
    drop(service);
    rack.remove().await;
    Ok(())
}

/// The running program, killed (SIGKILL) when it is dropped, whatever the reason.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn summary(nodes: &[Value]) -> String {
    let one = |node: &Value| {
        let agent = &node["driver_internal_info"];
        let contact = [&agent["agent_url"], &agent["agent_secret_token"], &agent["agent_last_heartbeat"]];
        let (state, step) = (&node["provision_state"], &node["clean_step"]["step"]);
        format!("{} {state} {step} {} {} {contact:?}\n", node["name"], node["power_state"], node["last_error"])
    };
    nodes.iter().map(one).collect()
}

/// The service's configuration and a client of it.
struct Site {
    seams: Seams,
    plan: Plan,
    config: PathBuf,
    admin: SocketAddr,
    image: PathBuf,
    image_sum: String,
}

impl Site {
    async fn build(seams: &Seams, dir: &Path) -> Fallible<Self> {
        let filling = |bytes| system::image("filling", bytes, &seams.random);
        std::fs::create_dir(dir.join("boot"))?;
        for (loader, firmware) in [("undionly.kpxe", Firmware::Bios), ("snponly.efi", Firmware::Uefi)] {
            std::fs::write(dir.join("boot").join(loader), netboot::loader(firmware))?;
        }
        std::fs::write(dir.join("kernel"), filling(100_000))?;
        std::fs::write(dir.join("ramdisk"), filling(200_000))?;
        let image = system::image("survivor", 2 << 20, &seams.random);
        std::fs::write(dir.join("image"), &image)?;
        let image_sum = Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect();
        let admin = seams.net.listen((Ipv4Addr::LOCALHOST, 0).into()).await?.local_addr()?;
        let machines = seams.net.listen((SERVER, 0).into()).await?.local_addr()?;
        let udp =
            |at: Ipv4Addr| -> Fallible<SocketAddr> { Ok(seams.net.udp(UdpBind::at((at, 0).into()))?.local_addr()?) };
        let (dhcp, tftp) = (udp(SERVER)?, udp(SERVER)?);
        let bmc = udp(Ipv4Addr::new(BMC_NET[0], BMC_NET[1], BMC_NET[2], 1))?;
        let at = dir.display();
        let config = dir.join("bessemer.toml");
        std::fs::write(
            &config,
            format!(
                "db = \"{at}/store.sqlite\"\nlog = \"error\"\nlisten = \"{admin}\"\n\
                 [provisioning]\nlisten = \"{machines}\"\nurl = \"http://{machines}\"\n\
                 [dhcp]\nlisten = \"{dhcp}\"\npool = \"127.83.1.10-127.83.1.60\"\nnetmask = \"255.255.0.0\"\n\
                 [tftp]\nport = {}\n[boot]\ndir = \"{at}/boot\"\n[images]\nroots = [\"{at}\"]\n\
                 [timeouts]\nclean_callback_secs = 10\ndeploy_callback_secs = 10\n[deploy]\nkernel = \"{at}/kernel\"\nramdisk = \"{at}/ramdisk\"\n",
                tftp.port()
            ),
        )?;
        let plan = Plan {
            machines: MACHINES,
            bmc_net: BMC_NET,
            bmc_port: bmc.port(),
            personality: Personality::default(),
            mixed_firmware: true,
            dir: dir.to_owned(),
            disk_bytes: 8 << 20,
            dhcp,
            tftp_port: tftp.port(),
            pace: Pace::default(),
        };
        Ok(Site { seams: seams.clone(), plan, config, admin, image: dir.join("image"), image_sum })
    }

    /// Starts the program and waits for its first answer.
    async fn serve(&self) -> Fallible<Service> {
        let service = Command::new(env!("CARGO_BIN_EXE_bessemer"))
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .spawn()
            .map(Service)?;
        for _ in 0..500 {
            if self.call(Method::GET, "/v1", None).await.is_ok() {
                return Ok(service);
            }
            self.seams.clock.sleep(Duration::from_millis(20)).await;
        }
        Err("the service did not come up within 10 s".into())
    }

    async fn enrol(&self, model: &bessemer::sim::machine::Model) -> Fallible<()> {
        let node = json!({
            "name": model.name, "driver": "ipmi",
            "driver_info": {
                "ipmi_address": model.bmc.ip().to_string(), "ipmi_port": model.bmc.port(),
                "ipmi_username": "admin", "ipmi_password": "password",
            },
            "properties": {"capabilities": if model.uefi { "boot_mode:uefi" } else { "boot_mode:bios" }},
        });
        let node = self.call(Method::POST, "/v1/nodes", Some(node)).await?;
        let mac = model.mac.map(|byte| format!("{byte:02x}")).join(":");
        self.call(Method::POST, "/v1/ports", Some(json!({"node_uuid": node["uuid"], "address": mac}))).await?;
        let path = format!("/v1/nodes/{}/states/provision", model.name);
        self.call(Method::PUT, &path, Some(json!({"target": "manage"}))).await.map(drop)
    }

    async fn want_image(&self, names: &[String]) -> Fallible<()> {
        let fields =
            [("image_source", format!("file://{}", self.image.display())), ("image_checksum", self.image_sum.clone())];
        for name in names {
            let patch: Vec<Value> = fields
                .iter()
                .map(|(key, value)| json!({"op": "add", "path": format!("/instance_info/{key}"), "value": value}))
                .collect();
            self.insist(Method::PATCH, &format!("/v1/nodes/{name}"), patch.into()).await?;
        }
        Ok(())
    }

    /// Waits until every node is in one of `states` and nobody holds it.
    async fn all_reach(&self, states: &[&str]) -> Fallible<Vec<Value>> {
        let mut nodes = Vec::new();
        for _ in 0..1200 {
            let list = self.call(Method::GET, "/v1/nodes/detail", None).await?;
            nodes = list["nodes"].as_array().cloned().unwrap_or_default();
            let settled = |node: &Value| {
                states.contains(&node["provision_state"].as_str().unwrap_or_default()) && node["reservation"].is_null()
            };
            if nodes.iter().all(settled) {
                return Ok(nodes);
            }
            self.seams.clock.sleep(Duration::from_millis(50)).await;
        }
        Err(format!("not all of them got to {states:?}: {}", summary(&nodes)).into())
    }

    /// As any client does: a conflict is asked again.
    async fn insist(&self, method: Method, path: &str, body: Value) -> Fallible<Value> {
        for _ in 0..50 {
            match self.call(method.clone(), path, Some(body.clone())).await {
                Err(error) if error.to_string().contains("409") => {
                    self.seams.clock.sleep(Duration::from_millis(100)).await;
                }
                settled => return settled,
            }
        }
        Err(format!("{method} {path}: always 409").into())
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Fallible<Value> {
        let client = http::Client::new(self.seams.net.clone(), self.seams.clock.clone());
        let url = http::Url::parse(&format!("http://{}{path}", self.admin))?;
        let mut request = http::Request::new(method.clone(), url);
        if let Some(body) = body {
            request.body = body.to_string().into();
        }
        request.headers.insert("x-openstack-ironic-api-version", "latest".parse()?);
        let response = client.send(request).await?;
        let status = response.status;
        let bytes = response.bytes().await?;
        if !status.is_success() {
            return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&bytes)).into());
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}

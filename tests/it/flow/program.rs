//! The real program, started again and again on one store, beside machines in this process that live on while it is dead.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bessemer::net::{UdpBind, http};
use bessemer::sim::bmc::{Personality, Seams};
use bessemer::sim::machine::{Model, Pace};
use bessemer::sim::netboot::{self, Firmware};
use bessemer::sim::rack::Plan;
use bessemer::sim::system;
use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The running program, killed (SIGKILL) when it is dropped, whatever the reason.
pub struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn summary(nodes: &[Value]) -> String {
    let one = |node: &Value| {
        let agent = &node["driver_internal_info"];
        let contact = [&agent["agent_url"], &agent["agent_secret_token"], &agent["agent_last_heartbeat"]];
        let (state, step) = (&node["provision_state"], &node["clean_step"]["step"]);
        format!("{} {state} {step} {} {} {contact:?}\n", node["name"], node["power_state"], node["last_error"])
    };
    nodes.iter().map(one).collect()
}

/// The service's configuration and a client of it.
pub struct Site {
    pub seams: Seams,
    pub plan: Plan,
    config: PathBuf,
    admin: SocketAddr,
    image: PathBuf,
    image_sum: String,
}

/// What kind of site.
pub struct Wanted {
    /// It is 127.`net`.0.0/16: each test takes one of its own, so that it can run beside the others.
    pub net: u8,
    pub machines: u8,
    pub image_bytes: usize,
    /// How long an agent may take to call.
    pub callback_secs: u32,
}

impl Site {
    pub async fn build(seams: &Seams, dir: &Path, wanted: &Wanted) -> Fallible<Self> {
        let &Wanted { net, machines: count, image_bytes, callback_secs } = wanted;
        let server = Ipv4Addr::new(127, net, 0, 1);
        let filling = |bytes| system::image("filling", bytes, &seams.random);
        std::fs::create_dir(dir.join("boot"))?;
        for (loader, firmware) in [("undionly.kpxe", Firmware::Bios), ("snponly.efi", Firmware::Uefi)] {
            std::fs::write(dir.join("boot").join(loader), netboot::loader(firmware))?;
        }
        std::fs::write(dir.join("kernel"), filling(100_000))?;
        std::fs::write(dir.join("ramdisk"), filling(200_000))?;
        let image = system::image("survivor", image_bytes, &seams.random);
        std::fs::write(dir.join("image"), &image)?;
        let image_sum = Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect();
        let admin = seams.net.listen((Ipv4Addr::LOCALHOST, 0).into()).await?.local_addr()?;
        let machines = seams.net.listen((server, 0).into()).await?.local_addr()?;
        let udp =
            |at: Ipv4Addr| -> Fallible<SocketAddr> { Ok(seams.net.udp(UdpBind::at((at, 0).into()))?.local_addr()?) };
        let (dhcp, tftp) = (udp(server)?, udp(server)?);
        let bmc = udp(Ipv4Addr::new(127, net, 2, 1))?;
        let at = dir.display();
        let config = dir.join("bessemer.toml");
        std::fs::write(
            &config,
            format!(
                "db = \"{at}/store.sqlite\"\nlog = \"error\"\nlisten = \"{admin}\"\n\
                 [provisioning]\nlisten = \"{machines}\"\nurl = \"http://{machines}\"\n\
                 [dhcp]\nlisten = \"{dhcp}\"\npool = \"127.{net}.1.10-127.{net}.1.200\"\nnetmask = \"255.255.0.0\"\n\
                 [tftp]\nport = {}\n[boot]\ndir = \"{at}/boot\"\n[images]\nroots = [\"{at}\"]\n\
                 [timeouts]\nclean_callback_secs = {callback_secs}\ndeploy_callback_secs = {callback_secs}\n[deploy]\nkernel = \"{at}/kernel\"\nramdisk = \"{at}/ramdisk\"\n",
                tftp.port()
            ),
        )?;
        let plan = Plan {
            machines: count,
            bmc_net: [127, net, 2],
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

    pub fn db(&self) -> PathBuf {
        self.config.with_file_name("store.sqlite")
    }

    /// What a node is told before it is deployed.
    pub fn image_fields(&self) -> [(&'static str, String); 2] {
        [("image_source", format!("file://{}", self.image.display())), ("image_checksum", self.image_sum.clone())]
    }

    /// Starts the program and waits for its first answer.
    pub async fn serve(&self) -> Fallible<Service> {
        let service = Command::new(env!("CARGO_BIN_EXE_bessemer"))
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .spawn()
            .map(Service)?;
        for _ in 0..48_000 {
            if self.call(Method::GET, "/v1/nodes?limit=1", None).await.is_ok() {
                return Ok(service);
            }
            self.seams.clock.sleep(Duration::from_millis(5)).await;
        }
        Err("the service did not come up within four minutes".into())
    }

    pub async fn enrol(&self, model: &Model) -> Fallible<()> {
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

    pub async fn want_image(&self, names: &[String]) -> Fallible<()> {
        let fields = self.image_fields();
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
    pub async fn all_reach(&self, states: &[&str]) -> Fallible<Vec<Value>> {
        let mut nodes = Vec::new();
        for _ in 0..4800 {
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
    pub async fn insist(&self, method: Method, path: &str, body: Value) -> Fallible<Value> {
        for _ in 0..600 {
            match self.call(method.clone(), path, Some(body.clone())).await {
                Err(error) if error.to_string().contains("409") => {
                    self.seams.clock.sleep(Duration::from_millis(100)).await;
                }
                settled => return settled,
            }
        }
        Err(format!("{method} {path}: always 409").into())
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Fallible<Value> {
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

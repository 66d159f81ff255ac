//! Clients: each has a machine and wants this and that of it, patiently or not, over the API alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bessemer::net::{Net, http};
use bessemer::random::Random;
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::World;

/// What became of a request.
enum Told {
    Answer(u16, Value),
    /// Nobody was asked.
    Nobody,
    /// Somebody may have acted on it.
    Unknown,
}

struct Client {
    world: Arc<World>,
    http: http::Client,
    chance: Random,
}

impl Client {
    fn new(world: Arc<World>, salt: u64) -> Self {
        let net = Net::memory(world.network.host());
        let http = http::Client::new(net, world.clock.clone());
        let chance = world.chance(100 + salt);
        Client { world, http, chance }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Told {
        let at: SocketAddr = self.world.admin();
        let Ok(url) = http::Url::parse(&format!("http://{at}{path}")) else { return Told::Nobody };
        let mut request = http::Request::new(method, url);
        if let Some(body) = body {
            request.body = body.to_string().into();
        }
        request.headers.insert("x-openstack-ironic-api-version", hyper::header::HeaderValue::from_static("latest"));
        let answer = async {
            let response = self.http.send(request).await?;
            let status = response.status.as_u16();
            Ok::<_, http::HttpError>((status, response.bytes().await?))
        };
        match answer.await {
            Ok((status, bytes)) => {
                *self.world.book.open().answers.entry(status).or_default() += 1;
                let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                // A full disk is a reason; anything else that breaks is ours.
                let full = answer.to_string().contains("full");
                if status == 500 && !full {
                    self.world.book.breach(format!("{path} was answered 500: {answer}"));
                }
                Told::Answer(status, answer)
            }
            Err(error) if error.maybe_acted_on() => Told::Unknown,
            Err(_) => Told::Nobody,
        }
    }

    /// Asks until somebody answers; a change may then have been made twice, or not at all.
    async fn get(&self, path: &str) -> Option<(u16, Value)> {
        while !self.is_over() {
            if let Told::Answer(status, answer) = self.ask(Method::GET, path, None).await {
                return Some((status, answer));
            }
            self.pause(5).await;
        }
        None
    }

    fn is_over(&self) -> bool {
        self.world.calm.is_cancelled()
    }

    async fn pause(&self, secs: u64) {
        let pause = Duration::from_millis(100 + self.chance.below(secs * 1000));
        let _ = self.world.calm.run_until_cancelled(self.world.clock.sleep(pause)).await;
    }

    fn one_in(&self, n: u64) -> bool {
        self.chance.below(n) == 0
    }
}

/// The life of the owner of one machine.
pub async fn live(world: Arc<World>, at: usize) {
    let model = world.rack.machines[at].model.clone();
    let mut owner = Owner { name: model.name.clone(), at, client: Client::new(world.clone(), at as u64), uuid: None };
    owner.client.pause(30).await;
    for _ in 0..world.plan.acts * 3 {
        if owner.client.is_over() {
            return;
        }
        owner.act().await;
        let patience = if owner.client.one_in(4) { 30 } else { 900 };
        owner.wait(patience).await;
    }
}

struct Owner {
    name: String,
    at: usize,
    client: Client,
    uuid: Option<Uuid>,
}

impl Owner {
    fn path(&self, rest: &str) -> String {
        format!("/v1/nodes/{}{rest}", self.name)
    }

    async fn node(&self) -> Option<Value> {
        let (status, node) = self.client.get(&self.path("")).await?;
        (status == 200).then_some(node)
    }

    /// Waits until the node rests, for so long.
    async fn wait(&self, secs: u64) {
        let until = self.client.world.clock.instant() + Duration::from_secs(self.client.chance.below(secs));
        while !self.client.is_over() && self.client.world.clock.instant() < until {
            let Some(node) = self.node().await else { return };
            let state = node["provision_state"].as_str().unwrap_or_default();
            let rests = ["enroll", "manageable", "available", "active", "rescue"].contains(&state);
            if (rests || state.ends_with("failed")) && node["reservation"].is_null() {
                return;
            }
            self.client.pause(20).await;
        }
    }

    async fn act(&mut self) {
        let Some(node) = self.node().await else {
            if !self.client.is_over() {
                self.enrol().await;
            }
            return;
        };
        if node["maintenance"] == true && !self.client.one_in(4) {
            self.patch(json!([{"op": "replace", "path": "/maintenance", "value": false}])).await;
        }
        let state = node["provision_state"].as_str().unwrap_or_default().to_owned();
        let choices: &[&str] = match state.as_str() {
            "enroll" => &["manage"],
            "manageable" => &["provide", "provide", "provide", "clean", "inspect", "adopt", "power"],
            "available" => &["active", "active", "active", "manage", "power", "remove"],
            "active" => &["deleted", "deleted", "rebuild", "rescue", "power", "service", "device"],
            "rescue" => &["unrescue", "unrescue", "deleted", "power"],
            "deploy failed" => &["active", "deleted", "rebuild"],
            "clean failed" => &["manage"],
            "inspect failed" => &["manage", "inspect"],
            "adopt failed" => &["manage", "adopt"],
            "rescue failed" => &["rescue", "unrescue", "deleted"],
            "unrescue failed" => &["unrescue", "rescue", "deleted"],
            "service failed" => &["service", "rescue", "abort"],
            "wait call-back" => &["abort", "deleted", "power", "nothing"],
            "clean wait" | "inspect wait" | "rescue wait" | "service wait" => &["abort", "power", "nothing", "nothing"],
            "error" => &["deleted"],
            _ => &["nothing", "power", "deleted"],
        };
        let act = choices[self.client.chance.below(choices.len() as u64) as usize];
        match act {
            "nothing" => {}
            "power" => self.power().await,
            "remove" => self.remove(&node).await,
            "device" => self.device().await,
            verb => self.verb(verb).await,
        }
    }

    async fn enrol(&mut self) {
        let world = &self.client.world;
        let model = &world.rack.machines[self.at].model;
        let node = json!({
            "name": self.name, "driver": "ipmi", "resource_class": "baremetal",
            "driver_info": {
                "ipmi_address": model.bmc.ip().to_string(), "ipmi_port": model.bmc.port(),
                "ipmi_username": "admin", "ipmi_password": world.password,
            },
            "properties": {"capabilities": if model.uefi { "boot_mode:uefi" } else { "boot_mode:bios" }},
        });
        if let Told::Answer(201, node) = self.client.ask(Method::POST, "/v1/nodes", Some(node)).await {
            world.book.open().nodes.insert(self.name.clone());
            self.uuid = node["uuid"].as_str().and_then(|uuid| uuid.parse().ok());
        }
        let Some(node) = self.node().await else { return };
        let port = json!({"node_uuid": node["uuid"], "address": world.mac(self.at)});
        for _ in 0..5 {
            match self.client.ask(Method::POST, "/v1/ports", Some(port.clone())).await {
                Told::Answer(201 | 409, _) => return,
                _ => self.client.pause(5).await,
            }
        }
    }

    /// Deletes the node; it may come back under its name with the next act.
    async fn remove(&mut self, node: &Value) {
        {
            let mut book = self.client.world.book.open();
            book.nodes.remove(&self.name);
            book.asked(&self.name).undeployed = true;
        }
        let told = self.client.ask(Method::DELETE, &self.path(""), None).await;
        let mut book = self.client.world.book.open();
        match told {
            Told::Answer(204, _) => {
                book.deleted_nodes.extend(node["uuid"].as_str().and_then(|uuid| uuid.parse::<Uuid>().ok()));
            }
            Told::Answer(400..=499, _) | Told::Nobody => book.nodes.extend([self.name.clone()]),
            _ => {}
        }
    }

    async fn patch(&self, patch: Value) {
        let _ = self.client.ask(Method::PATCH, &self.path(""), Some(patch)).await;
    }

    async fn device(&self) {
        let body = json!({"boot_device": "disk", "persistent": true});
        let _ = self.client.ask(Method::PUT, &self.path("/management/boot_device"), Some(body)).await;
    }

    async fn power(&self) {
        let targets = ["power on", "power off", "rebooting", "soft power off"];
        let target = targets[self.client.chance.below(4) as usize];
        self.ask_for(false, &self.path("/states/power"), json!({"target": target})).await;
    }

    async fn verb(&self, verb: &str) {
        let mut body = json!({"target": verb});
        match verb {
            "active" | "rebuild" => {
                let world = &self.client.world;
                let image = format!("file://{}", world.dir.join("image").display());
                self.patch(json!([
                    {"op": "add", "path": "/instance_info/image_source", "value": image},
                    {"op": "add", "path": "/instance_info/image_checksum", "value": world.image_sum},
                ]))
                .await;
                if self.client.one_in(3) {
                    let secret = format!("drive-{}", self.client.chance.below(u64::MAX));
                    world.book.open().secrets.insert(secret.clone());
                    body["configdrive"] = json!({"user_data": format!("#cloud-config\npassword: {secret}\n")});
                }
            }
            "deleted" => self.client.world.book.open().asked(&self.name).undeployed = true,
            "rescue" => {
                let secret = format!("rescue-{}", self.client.chance.below(u64::MAX));
                self.client.world.book.open().secrets.insert(secret.clone());
                body["rescue_password"] = secret.into();
            }
            "clean" => body["clean_steps"] = json!([{"interface": "deploy", "step": "erase_devices_metadata"}]),
            "service" => body["service_steps"] = json!([{"interface": "deploy", "step": "burnin_cpu"}]),
            _ => {}
        }
        self.ask_for(true, &self.path("/states/provision"), body).await;
    }

    /// Asks for something that touches the machine, and notes that it did.
    async fn ask_for(&self, disk: bool, path: &str, body: Value) {
        let book = self.client.world.book.clone();
        {
            let mut book = book.open();
            let asked = book.asked(&self.name);
            asked.power_pending += 1;
            asked.disk_pending += u32::from(disk);
        }
        let told = self.client.ask(Method::PUT, path, Some(body)).await;
        let refused = matches!(told, Told::Answer(400..=499, _) | Told::Nobody);
        let mut book = book.open();
        let asked = book.asked(&self.name);
        asked.power_pending -= 1;
        asked.disk_pending -= u32::from(disk);
        if !refused {
            asked.power = true;
            asked.disk |= disk;
        }
    }
}

/// Somebody who wants machines by what they are, and gives them back.
pub async fn allocate(world: Arc<World>) {
    let client = Client::new(world.clone(), 1000);
    let mut held: Vec<Uuid> = Vec::new();
    for number in 0..world.plan.acts * 2 {
        client.pause(300).await;
        if client.is_over() {
            return;
        }
        if held.is_empty() || client.one_in(2) {
            let body = json!({"resource_class": "baremetal", "name": format!("allocation-{number}")});
            if let Told::Answer(201, made) = client.ask(Method::POST, "/v1/allocations", Some(body)).await
                && let Some(uuid) = made["uuid"].as_str().and_then(|uuid| uuid.parse().ok())
            {
                world.book.open().allocations.insert(uuid);
                held.push(uuid);
            }
            continue;
        }
        let uuid = held.swap_remove(client.chance.below(held.len() as u64) as usize);
        world.book.open().allocations.remove(&uuid);
        match client.ask(Method::DELETE, &format!("/v1/allocations/{uuid}"), None).await {
            Told::Answer(204, _) => world.book.open().deleted_allocations.push(uuid),
            Told::Answer(404, _) | Told::Unknown => {}
            _ => held.push(uuid),
        }
    }
}

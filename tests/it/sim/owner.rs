//! Whoever has a machine wants this and that of it, patiently or not. What is asked for in which state is a table.

use std::sync::Arc;
use std::time::Duration;

use bessemer::provision::Event;
use bessemer::provision::verbs::verb;
use bessemer::sim::bmc::Action;
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Ended, Kind};
use super::client::{Client, Told};
use super::world::World;

/// What an owner asks for, by the state of the node.
#[rustfmt::skip]
const ACTS: &[(&[&str], &[&str])] = &[
    (&["enroll"], &["manage", "manage", "manage", "mark", "traits"]),
    (&["manageable"], &["provide", "provide", "provide", "provide", "clean", "inspect", "adopt", "power", "traits", "remove"]),
    (&["available"], &["active", "active", "active", "active", "manage", "power", "remove", "mark"]),
    (&["active"], &["deleted", "deleted", "rebuild", "rescue", "rescue", "rescue", "power", "hand", "claim", "service", "device", "maintenance", "remove"]),
    (&["rescue"], &["unrescue", "unrescue", "deleted", "power"]),
    (&["deploy failed"], &["active", "deleted", "rebuild"]),
    (&["clean failed"], &["manage"]),
    (&["inspect failed"], &["manage", "inspect"]),
    (&["adopt failed"], &["manage", "adopt"]),
    (&["rescue failed"], &["rescue", "unrescue", "deleted"]),
    (&["unrescue failed"], &["unrescue", "rescue", "deleted"]),
    (&["service failed"], &["service", "rescue", "abort", "deleted"]),
    (&["wait call-back"], &["abort", "deleted", "power", "mark", "nothing", "nothing"]),
    (&["clean wait", "inspect wait", "rescue wait", "service wait"], &["abort", "power", "mark", "nothing", "nothing"]),
    (&["deploy hold", "clean hold"], &["unhold", "unhold", "abort", "power"]),
    (&["service hold"], &["unhold", "unhold", "abort", "power", "service"]),
    (&["error"], &["deleted"]),
];
/// In the states that end by themselves.
const MOVING: &[&str] = &["nothing", "power", "deleted", "mark"];
/// What somebody asks for who does not know what the node does.
#[rustfmt::skip]
const MEDDLING: &[&str] = &[
    "mark", "mark", "mark", "power", "maintenance", "maintenance", "device", "nmi", "vendor", "traits", "look", "look", "look",
    "abort", "active", "deleted", "rebuild", "rescue", "unrescue", "service", "clean", "inspect", "provide", "manage",
    "adopt", "unhold", "remove",
];
/// Where an owner's patience ends.
#[rustfmt::skip]
const RESTS: &[&str] =
    &["enroll", "manageable", "available", "active", "rescue", "error", "deploy hold", "clean hold", "service hold"];

/// Until what was asked for has surely been forgotten.
const BEFORE_THE_HAND: Duration = Duration::from_secs(15);

/// The life of the owner of one machine.
pub async fn live(world: Arc<World>, at: usize) {
    let mut owner = Owner::new(Client::new(world.clone(), at as u64), at, "owner");
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

/// Somebody who asks for anything at any time, of all machines.
pub async fn meddle(world: Arc<World>) {
    let machines = world.rack.machines.len();
    let owners = (0..machines).map(|at| Owner::new(Client::new(world.clone(), 500 + at as u64), at, "meddler"));
    let mut owners: Vec<Owner> = owners.collect();
    let client = Client::new(world.clone(), 999);
    for _ in 0..world.plan.meddling {
        client.pause(240).await;
        if client.is_over() {
            return;
        }
        let at = client.chance.below(machines as u64) as usize;
        let act = client.pick(MEDDLING);
        if let Some(node) = owners[at].node().await {
            owners[at].carry_out(act, &node).await;
        }
    }
}

struct Owner {
    name: String,
    at: usize,
    client: Client,
    /// Who it is, in the marks that it leaves.
    who: &'static str,
    marks: u64,
}

impl Owner {
    fn new(client: Client, at: usize, who: &'static str) -> Self {
        let name = client.world.rack.machines[at].model.name.clone();
        Owner { name, at, client, who, marks: 0 }
    }

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
            if (RESTS.contains(&state) || state.ends_with("failed")) && node["reservation"].is_null() {
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
        let state = node["provision_state"].as_str().unwrap_or_default();
        let acts = ACTS.iter().find(|(states, _)| states.contains(&state)).map_or(MOVING, |(_, acts)| *acts);
        self.carry_out(self.client.pick(acts), &node).await;
    }

    async fn carry_out(&mut self, act: &str, node: &Value) {
        match act {
            "nothing" => {}
            "mark" => self.mark(node).await,
            "power" => self.power().await,
            "remove" => self.remove(node).await,
            "maintenance" => self.maintenance().await,
            "hand" => self.by_hand().await,
            "claim" => self.claim().await,
            "device" => {
                let body = json!({"boot_device": "disk", "persistent": true});
                let _ = self.client.ask(Method::PUT, &self.path("/management/boot_device"), Some(body)).await;
            }
            "nmi" => {
                let _ = self.client.ask(Method::PUT, &self.path("/management/inject_nmi"), Some(json!({}))).await;
            }
            "vendor" => {
                let path = self.path("/vendor_passthru?method=send_raw");
                let _ = self.client.ask(Method::POST, &path, Some(json!({"raw_bytes": "0x06 0x01"}))).await;
            }
            "traits" => {
                let all = ["CUSTOM_A", "CUSTOM_RESET"];
                let traits = &all[self.client.chance.below(2) as usize..];
                let _ = self.client.ask(Method::PUT, &self.path("/traits"), Some(json!({"traits": traits}))).await;
            }
            "look" => {
                let paths =
                    ["/v1/nodes/detail", "/v1/ports/detail", "/v1/allocations", "/v1/runbooks", "/bessemer/v1/backups"];
                let own = ["/states", "/validate", "/history", "/management/boot_device", "/traits"];
                let path = match self.client.chance.below(3) {
                    0 => self.client.pick(&paths).to_owned(),
                    1 => self.path(self.client.pick(&own)),
                    _ => format!("/bessemer/v1/nodes/{}/why", self.name),
                };
                let _ = self.client.ask(Method::GET, &path, None).await;
            }
            verb => self.verb(verb).await,
        }
    }

    async fn enrol(&mut self) {
        let world = &self.client.world;
        let model = &world.rack.machines[self.at].model;
        let node = json!({
            "name": self.name, "driver": "ipmi", "rescue_interface": "agent", "resource_class": "baremetal",
            "driver_info": {
                "ipmi_address": model.bmc.ip().to_string(), "ipmi_port": model.bmc.port(),
                "ipmi_username": "admin", "ipmi_password": world.password,
            },
            "properties": {"capabilities": if model.uefi { "boot_mode:uefi" } else { "boot_mode:bios" }},
        });
        if let Told::Answer(201, node) = self.client.ask(Method::POST, "/v1/nodes", Some(node)).await {
            world.book.open().nodes.extend(uuid_of(&node));
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
        let Some(uuid) = uuid_of(node) else { return };
        let world = self.client.world.clone();
        if self.client.one_in(3) {
            // A node in maintenance may be removed whatever it is.
            let _ = self.client.ask(Method::PUT, &self.path("/maintenance"), Some(json!({}))).await;
        }
        world.book.open().doomed.entry(uuid).or_default().ask();
        let told = self.client.ask(Method::DELETE, &format!("/v1/nodes/{uuid}"), None).await;
        let (mut book, now) = (world.book.open(), world.clock.instant());
        book.doomed.entry(uuid).or_default().told(told.ended(), now);
        if told.ended() == Ended::Accepted {
            book.deleted_nodes.insert(uuid);
        }
    }

    async fn patch(&self, patch: Value) {
        let _ = self.client.ask(Method::PATCH, &self.path(""), Some(patch)).await;
    }

    /// Leaves a mark in the node's record, whatever else goes on with it.
    async fn mark(&mut self, node: &Value) {
        let Some(uuid) = uuid_of(node) else { return };
        self.marks += 1;
        let key = format!("{}-{}", self.who, self.marks);
        let patch = json!([{"op": "add", "path": format!("/extra/{key}"), "value": true}]);
        let told = self.client.ask(Method::PATCH, &format!("/v1/nodes/{uuid}"), Some(patch)).await;
        if told.ended() == Ended::Accepted {
            self.client.world.book.open().marks.insert((uuid, key));
        }
    }

    async fn maintenance(&self) {
        let path = self.path("/maintenance");
        let (method, body) = match self.client.one_in(2) {
            true => (Method::PUT, Some(json!({"reason": "somebody wanted it"}))),
            false => (Method::DELETE, None),
        };
        let _ = self.client.ask(method, &path, body).await;
    }

    async fn power(&self) {
        self.power_to(self.client.pick(&["power on", "power off", "rebooting", "soft power off", "soft rebooting"]))
            .await;
    }

    /// Has an allocation made for what is deployed already.
    async fn claim(&self) {
        let told = self.client.ask(Method::POST, "/v1/allocations", Some(json!({"node": self.name}))).await;
        if let Told::Answer(201, made) = told {
            self.client.world.book.open().allocations.extend(uuid_of(&made));
        }
    }

    /// Switches off by the service and on by hand, and looks at it for a while.
    async fn by_hand(&self) {
        self.power_to("power off").await;
        self.wait(300).await;
        let (world, machine) = (&self.client.world, &self.client.world.rack.machines[self.at]);
        world.clock.sleep(BEFORE_THE_HAND).await;
        world.touch(machine, Action::On);
        self.client.pause(240).await;
    }

    async fn power_to(&self, target: &str) {
        let kinds: &[Kind] = if target == "power on" { &[] } else { &[Kind::Down] };
        let body = json!({"target": target});
        let _ = self.client.ask_for(&self.name, kinds, &self.path("/states/power"), body).await;
    }

    async fn verb(&self, word: &str) {
        let (world, mut body) = (&self.client.world, json!({"target": word}));
        let Some(row) = verb(word) else { return };
        let (mut kinds, hold) = (vec![Kind::Verb(row.event)], self.client.one_in(5));
        let cleaned = world.plan.automated_clean && matches!(row.event, Event::Delete | Event::Provide);
        if cleaned || matches!(row.event, Event::Deploy | Event::Rebuild | Event::Clean) {
            kinds.push(Kind::Disk);
        }
        match word {
            "active" | "rebuild" => {
                let (path, sum) = &world.images[self.client.chance.below(world.images.len() as u64) as usize];
                let image = format!("file://{}", path.display());
                self.patch(json!([
                    {"op": "add", "path": "/instance_info/image_source", "value": image},
                    {"op": "add", "path": "/instance_info/image_checksum", "value": sum},
                ]))
                .await;
                if self.client.one_in(3) {
                    let secret = self.secret("drive");
                    body["configdrive"] = json!({"user_data": format!("#cloud-config\npassword: {secret}\n")});
                }
                if hold {
                    let step = json!({"interface": "deploy", "step": "hold", "priority": 85, "args": {}});
                    body["deploy_steps"] = json!([step]);
                }
            }
            "rescue" => {
                body["rescue_password"] = self.secret("rescue").into();
                // Whatever becomes of it, nobody else is to have the machine.
                if self.client.one_in(2) {
                    self.claim().await;
                }
            }
            "clean" => {
                let erase = json!({"interface": "deploy", "step": "erase_devices_metadata"});
                let own = |name: &str| json!({"interface": "deploy", "step": name});
                match self.client.chance.below(5) {
                    0 => body["runbook"] = "CUSTOM_RESET".into(),
                    1 => body["clean_steps"] = json!([own("hold"), erase]),
                    2 => body["clean_steps"] = json!([erase, own("reboot")]),
                    _ => body["clean_steps"] = json!([erase]),
                }
            }
            "service" => {
                let step = |name: &str| json!({"interface": "deploy", "step": name});
                body["service_steps"] =
                    if hold { json!([step("hold"), step("burnin_cpu")]) } else { json!([step("burnin_cpu")]) };
            }
            _ => {}
        }
        let _ = self.client.ask_for(&self.name, &kinds, &self.path("/states/provision"), body).await;
    }

    fn secret(&self, what: &str) -> String {
        let secret = format!("{what}-{}", self.client.chance.below(u64::MAX));
        self.client.world.book.open().secrets.insert(secret.clone());
        secret
    }
}

pub fn uuid_of(row: &Value) -> Option<Uuid> {
    row["uuid"].as_str()?.parse().ok()
}

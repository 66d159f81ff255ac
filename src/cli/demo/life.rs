//! The acts: every machine lives from enrolment to being cleaned for the next owner, all at the same time.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::api::Api;
use super::show::Screen;
use super::stage::{PATIENCE, SYSTEM, Stage};
use super::watcher::Watcher;
use crate::sim::bmc::Which;
use crate::sim::machine::{Doing, Machine};
use crate::sim::rack::Rack;

const GIB: u64 = 1 << 30;
const RESOURCE_CLASS: &str = "demo";
/// Percent of the packets that one unlucky BMC loses, each way.
const LOSS: u8 = 8;

/// What was proved, in sentences.
#[derive(Default)]
pub struct Report {
    pub lines: Vec<String>,
}

/// Who needs what; all acts are its methods.
pub struct Play<'a> {
    pub api: &'a Api,
    pub watcher: &'a Watcher,
    pub rack: &'a Rack,
    pub stage: &'a Stage,
    pub screen: &'a Screen,
}

/// A machine and who got it.
struct Owned<'a> {
    machine: &'a Machine,
    node: String,
    host: String,
}

impl<'a> Play<'a> {
    /// Plays all acts.
    pub async fn acts(&self) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let unlucky = self.rack.machines.last().context("a rack without machines")?;
        unlucky.bmc.misbehave(|faults| {
            (faults.lose_requests, faults.lose_answers) = (Which::Percent(LOSS), Which::Percent(LOSS));
        });
        self.screen.tell(&format!("the BMC of {} loses {LOSS} % of all packets, each way", unlucky.model.name));
        self.each("enrolled and verified over IPMI", |machine| self.enrol(machine)).await?;
        self.wrong_password(&mut report).await?;
        self.each("inspected by the agent", |machine| self.inspect(machine)).await?;
        self.each("cleaned and available", |machine| self.provide(machine)).await?;
        let owned = self.allocate(&mut report).await?;
        let began = self.stage.seams.clock.instant();
        self.each("deployed, and running the image", |machine| self.deploy(&owned, machine)).await?;
        let took = (self.stage.seams.clock.instant() - began).as_secs_f64();
        let (mib, count) = (self.stage.image_bytes >> 20, owned.len());
        report.lines.push(format!(
            "{count} images of {mib} MiB were downloaded, hashed, written and started, with their config drives, in {took:.1} s"
        ));
        self.each("taken back, cleaned and available again", |machine| self.undeploy(&owned, machine)).await?;
        self.summarise(&mut report);
        Ok(report)
    }

    /// Runs `act` for every machine at once and tells how long it took.
    async fn each<F>(&'a self, what: &str, act: impl Fn(&'a Machine) -> F) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<()>> + 'a,
    {
        let clock = &self.stage.seams.clock;
        let began = clock.instant();
        let mut acts: Vec<Act<'a>> = Vec::new();
        for machine in &self.rack.machines {
            let act = act(machine);
            acts.push(Box::pin(async move { act.await.with_context(|| machine.model.name.clone()) }));
        }
        all(acts).await?;
        let took = (clock.instant() - began).as_secs_f64();
        self.screen.tell(&format!("all {} {what}, {took:.1} s", self.rack.machines.len()));
        Ok(())
    }

    async fn enrol(&self, machine: &Machine) -> anyhow::Result<()> {
        let model = &machine.model;
        let node = json!({
            "name": model.name, "driver": "ipmi", "resource_class": RESOURCE_CLASS,
            "driver_info": {
                "ipmi_address": model.bmc.ip().to_string(), "ipmi_port": model.bmc.port(),
                "ipmi_username": "admin", "ipmi_password": "password",
            },
            "properties": {"capabilities": if model.uefi { "boot_mode:uefi" } else { "boot_mode:bios" }},
        });
        let node = self.api.post("/v1/nodes", node).await?;
        let mac = model.mac.map(|byte| format!("{byte:02x}")).join(":");
        self.api.post("/v1/ports", json!({"node_uuid": node["uuid"], "address": mac})).await?;
        self.verb(&model.name, json!({"target": "manage"})).await?;
        self.watcher.until(&model.name, "manageable", PATIENCE).await.map(drop)
    }

    /// What happens when the password is wrong: it is said, and said soon.
    async fn wrong_password(&self, report: &mut Report) -> anyhow::Result<()> {
        let model = &self.rack.machines.first().context("a rack without machines")?.model;
        let node = json!({
            "name": "wrong-password", "driver": "ipmi",
            "driver_info": {
                "ipmi_address": model.bmc.ip().to_string(), "ipmi_port": model.bmc.port(),
                "ipmi_username": "admin", "ipmi_password": "not this one",
            },
        });
        self.api.post("/v1/nodes", node).await?;
        let began = self.stage.seams.clock.instant();
        self.verb("wrong-password", json!({"target": "manage"})).await?;
        let error = self.watcher.until_error("wrong-password", PATIENCE).await?;
        let took = self.stage.seams.clock.instant() - began;
        self.api.delete("/v1/nodes/wrong-password").await?;
        ensure!(error.contains("password is wrong"), "a wrong password was called {error:?}");
        self.screen.tell(&format!("a node with a wrong password: {error}"));
        report.lines.push(format!("a wrong password was named as such after {took:.1?}"));
        Ok(())
    }

    async fn inspect(&self, machine: &Machine) -> anyhow::Result<()> {
        let name = &machine.model.name;
        self.verb(name, json!({"target": "inspect"})).await?;
        self.until_stable(name, "manageable", "inspect").await?;
        let inventory = self.api.get(&format!("/v1/nodes/{name}/inventory")).await?;
        let memory = inventory["inventory"]["memory"]["physical_mb"].as_u64();
        ensure!(memory.is_some_and(|mb| mb > 0 && mb << 20 < 1024 * GIB), "no memory in the inventory: {inventory}");
        Ok(())
    }

    async fn provide(&self, machine: &Machine) -> anyhow::Result<()> {
        self.verb(&machine.model.name, json!({"target": "provide"})).await?;
        self.watcher.until(&machine.model.name, "available", PATIENCE).await.map(drop)
    }

    /// As many allocations as machines; each finds one, and no two the same.
    async fn allocate(&self, report: &mut Report) -> anyhow::Result<Vec<Owned<'a>>> {
        let clock = &self.stage.seams.clock;
        let began = clock.instant();
        let mut owned: Vec<Owned<'a>> = Vec::new();
        for number in 1..=self.rack.machines.len() {
            let host = format!("web-{number}");
            self.api.post("/v1/allocations", json!({"name": host, "resource_class": RESOURCE_CLASS})).await?;
            let node = self.allocated(&host).await?;
            let found = self.api.get(&format!("/v1/nodes/{node}?fields=name")).await?;
            let machine = self.rack.machines.iter().find(|it| found["name"] == it.model.name.as_str());
            let machine = machine.context("an allocation found a machine that is not in the rack")?;
            ensure!(owned.iter().all(|other| other.node != node), "{host} was given a machine that has an owner");
            owned.push(Owned { machine, node, host });
        }
        let took = clock.instant() - began;
        self.screen.tell(&format!("{} allocations found a machine each, {took:.1?}", owned.len()));
        report.lines.push(format!("{} allocations found {} different machines", owned.len(), owned.len()));
        Ok(owned)
    }

    async fn allocated(&self, name: &str) -> anyhow::Result<String> {
        let clock = &self.stage.seams.clock;
        let deadline = clock.instant() + PATIENCE;
        loop {
            let found = self.api.get(&format!("/v1/allocations/{name}")).await?;
            match (found["state"].as_str(), found["node_uuid"].as_str()) {
                (Some("active"), Some(node)) => return Ok(node.to_owned()),
                (Some("error"), _) => anyhow::bail!("allocation {name} failed: {}", found["last_error"]),
                _ => ensure!(clock.instant() < deadline, "allocation {name} does not end: {found}"),
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
    }

    async fn deploy(&self, owned: &[Owned<'_>], machine: &Machine) -> anyhow::Result<()> {
        let Owned { node, host, .. } = of(owned, machine)?;
        let path = format!("/v1/nodes/{node}");
        self.api
            .patch(
                &path,
                &[
                    ("/instance_info/image_source", self.stage.image_url().into()),
                    ("/instance_info/image_os_hash_algo", "sha256".into()),
                    ("/instance_info/image_os_hash_value", self.stage.image_sum.clone().into()),
                ],
            )
            .await?;
        let config_drive = json!({
            "meta_data": {"hostname": host, "name": host},
            "user_data": format!("#cloud-config\nhostname: {host}\n"),
        });
        self.verb(node, json!({"target": "active", "configdrive": config_drive})).await?;
        let name = &machine.model.name;
        self.watcher.until(name, "active", PATIENCE).await?;
        let mut doing = machine.watch();
        let started = doing.wait_for(|doing| matches!(doing, Doing::System(_) | Doing::Stuck(_)));
        let started = tokio::time::timeout(PATIENCE, started).await.context("the image did not start")??.clone();
        let Doing::System(system) = started else { anyhow::bail!("the image does not start: {started:?}") };
        ensure!(system.name == SYSTEM, "another system runs: {}", system.name);
        let drive = system.config_drive.context("the system found no config drive")?;
        let marker = format!("hostname: {host}");
        let marked = drive.windows(marker.len()).any(|window| window == marker.as_bytes());
        ensure!(marked, "the config drive is not that of {host}");
        Ok(())
    }

    async fn undeploy(&self, owned: &[Owned<'_>], machine: &Machine) -> anyhow::Result<()> {
        let Owned { node, host, .. } = of(owned, machine)?;
        self.verb(node, json!({"target": "deleted"})).await?;
        self.watcher.until(&machine.model.name, "available", PATIENCE).await?;
        let erased = !crate::sim::system::is_bootable(&machine.model.disk).await;
        ensure!(erased, "the disk still holds the system of {host}");
        ensure!(
            self.api.get(&format!("/v1/allocations/{host}")).await.is_err(),
            "allocation {host} outlived its machine"
        );
        Ok(())
    }

    fn summarise(&self, report: &mut Report) {
        let machines = &self.rack.machines;
        let starts: u64 = machines.iter().map(|machine| machine.bmc.chassis().power().starts).sum();
        let commands: usize = machines.iter().map(|machine| machine.bmc.commands()).sum();
        report.lines.push(format!(
            "{starts} times a machine was started over IPMI (RMCP+, cipher suite 17, {commands} commands), \
             with {LOSS} % of one BMC's packets lost each way"
        ));
        report
            .lines
            .push("BIOS and UEFI machines booted by DHCP, TFTP and HTTP, each from the address it had leased".into());
        report.lines.push("every disk was erased before the next owner".into());
    }

    async fn verb(&self, node: &str, body: Value) -> anyhow::Result<()> {
        self.api.put(&format!("/v1/nodes/{node}/states/provision"), body).await.map(drop)
    }

    /// For a verb that ends in the state where it began: waits until it has left it first.
    async fn until_stable(&self, name: &str, state: &str, verb: &str) -> anyhow::Result<()> {
        self.watcher.until_left(name, state, PATIENCE).await.with_context(|| format!("{verb} did not begin"))?;
        self.watcher.until(name, state, PATIENCE).await.map(drop)
    }
}

fn of<'o, 'a>(owned: &'o [Owned<'a>], machine: &Machine) -> anyhow::Result<&'o Owned<'a>> {
    let found = owned.iter().find(|owned| owned.machine.model.name == machine.model.name);
    found.context("nobody has this machine")
}

type Act<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// Polls all until all are done; the first failure ends it. There are a few dozen at most, so each wake may poll all.
async fn all(mut acts: Vec<Act<'_>>) -> anyhow::Result<()> {
    std::future::poll_fn(|context| {
        let mut failed = None;
        acts.retain_mut(|act| match act.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(done) => {
                failed = failed.take().or(done.err());
                false
            }
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if acts.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}

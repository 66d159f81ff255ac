//! `kill -9` of the real program in the middle of things, again and again, with machines that live on.
//!
//! The rack is simulated in this process and goes on while the service is dead: machines boot, agents call and are not
//! heard, images are written. Whatever moment a kill hits, the next start must carry every node on to its end, or fail
//! it with its reason, and leave nothing held.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bessemer::clock::{Clock, Instant};
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::sim::bmc::Seams;
use bessemer::sim::machine::{Doing, Machine};
use bessemer::sim::rack::Rack;
use hyper::Method;
use serde_json::json;
use tokio::task::JoinSet;

use super::program::{Fallible, Site, Wanted, summary};

/// A network of this test's own, so that it can run beside the others.
const NET: u8 = 83;
const MACHINES: u8 = 4;
/// Kills during the deploy and during the tearing down, each.
const KILLS: u64 = 8;

/// Boots from the network in which a machine's firmware gave up: whose, from when, until when.
#[derive(Clone, Default)]
struct GivenUp(Arc<Mutex<Vec<(String, Instant, Instant)>>>);

impl GivenUp {
    /// Follows what a machine does, for as long as it is there.
    fn watch(&self, machine: &Machine, clock: &Clock) -> impl Future<Output = ()> + Send + 'static {
        let (name, mut doing, clock, this) = (machine.model.name.clone(), machine.watch(), clock.clone(), self.clone());
        async move {
            let mut began = clock.instant();
            loop {
                match &*doing.borrow_and_update() {
                    Doing::Off | Doing::SelfTest => began = clock.instant(),
                    Doing::Stuck(_) => this.all().push((name.clone(), began, clock.instant())),
                    _ => {}
                }
                if doing.changed().await.is_err() {
                    return;
                }
            }
        }
    }

    /// Whether a machine gave up while it booted from a server that died meanwhile.
    fn excuses(&self, name: &str, dead: &[(Instant, Instant)]) -> bool {
        let during = |from: &Instant, to: &Instant| dead.iter().any(|(died, back)| died <= to && from <= back);
        self.all().iter().any(|(it, from, to)| it == name && during(from, to))
    }

    fn all(&self) -> std::sync::MutexGuard<'_, Vec<(String, Instant, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_reaches_its_end_however_often_the_service_is_killed() -> Fallible {
    let seams = Seams { net: Net::system(), clock: Clock::system(), random: Random::system() };
    let dir = tempfile::tempdir()?;
    let mut site = Site::build(
        &seams,
        dir.path(),
        &Wanted { net: NET, machines: MACHINES, image_bytes: 2 << 20, callback_secs: 60 },
    )
    .await?;
    // Firmware that gave up asking for an address in a moment without a server would only wait for its timeout.
    site.plan.pace.boot.dhcp_tries = 60;
    let rack = Rack::install(&seams, &site.plan)?;
    // The moments differ from run to run; a failing run prints its seed.
    let seed = seams.random.below(u64::MAX);
    eprintln!("moments of the kills from seed {seed}");
    let moments = Random::seeded(seed);
    let mut service = site.serve().await?;
    let (given_up, mut watching, mut dead) = (GivenUp::default(), JoinSet::new(), Vec::new());
    for machine in &rack.machines {
        watching.spawn(given_up.watch(machine, &seams.clock));
    }

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
            let died = seams.clock.instant();
            drop(service);
            service = site.serve().await?;
            dead.push((died, seams.clock.instant()));
        }
        let nodes = site.all_reach(&[good, "deploy failed", "clean failed", "error"]).await.map_err(|error| {
            let doing: Vec<_> = rack.machines.iter().map(|machine| machine.doing()).collect();
            format!("after {verb}: {error}; {doing:?}")
        })?;
        for node in &nodes {
            let state = node["provision_state"].as_str().unwrap_or_default();
            let told = node["last_error"].as_str().is_some_and(|why| !why.is_empty());
            assert!(state == good || told, "{} is {state} and nobody says why (seed {seed})", node["name"]);
            // What we cut we do again: an image that was being fetched, too.
            let why = node["last_error"].as_str().unwrap_or_default();
            assert!(state == good || !why.contains("write_image"), "{} (seed {seed}): {why}", node["name"]);
            // Firmware that gives up on a server that died is nobody's fault, and the only one that is none.
            let name = node["name"].as_str().unwrap_or_default();
            let excused = state == good || given_up.excuses(name, &dead);
            assert!(excused, "{name} is {state} (seed {seed}): {why}; gave up: {:?}, dead: {dead:?}", given_up.all());
        }
        // Such a node takes no further part; somebody must have gone on.
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

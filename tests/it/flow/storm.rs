//! A hundred machines are deployed and torn down at once, by clients that note every answer, while the program is killed
//! (SIGKILL) at random moments. After each kill, everything that was acknowledged is in the store, and the store is whole;
//! in the end every node has come to rest, and says why if that is not where it was sent.
//!
//! `BESSEMER_KILLS=200 cargo test --test it flow::storm -- --nocapture` is the long run; it reports its figures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::sim::bmc::Seams;
use bessemer::sim::machine::Doing;
use bessemer::sim::rack::Rack;
use bessemer::store::check;
use hyper::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tokio::sync::{Mutex, RwLock};
use tokio::task::JoinSet;

use super::program::{Fallible, Site, Wanted, summary};

const NET: u8 = 84;
const MACHINES: u8 = 100;
const CLIENTS: usize = 10;
/// Kills in a short run.
const KILLS: u64 = 20;
/// A life of the program lasts up to this, in milliseconds, once it serves.
const LIFE_MS: u64 = 1200;
/// Where a node can be, after a verb that was accepted, until the next is: the way to its goal, and where that can fail.
const AFTER: [(&str, &[&str]); 2] = [
    ("deploying", &["deploying", "wait call-back", "active", "deploy failed"]),
    ("deleting", &["deleting", "error", "cleaning", "clean wait", "clean failed", "available"]),
];
/// Of the deploys that wait for their machine, one in so many is torn down.
const IMPATIENCE: u64 = 4;
/// States in which a node stays until a client asks for something.
const RESTING: [&str; 6] = ["available", "active", "deploy failed", "clean failed", "error", "manageable"];

/// What clients were told about one node.
#[derive(Default)]
struct Node {
    /// How often a verb was accepted, by the state that it leads to at once.
    accepted: BTreeMap<&'static str, u64>,
    /// The state that the verb leads to which was accepted last; none while one is under way, which may have happened.
    last: Option<&'static str>,
    /// The last mark that was accepted, and those that were asked for since and not answered: any of them may be there.
    mark: Option<String>,
    asked: Vec<String>,
}

#[derive(Default)]
struct Told {
    nodes: BTreeMap<String, Node>,
    allocations: BTreeSet<String>,
    /// A deletion that was asked for and not answered may have happened.
    doubtful: BTreeSet<String>,
}

struct Storm {
    site: Site,
    told: Mutex<Told>,
    /// Clients hold it while they ask; who counts what is in the store holds it alone.
    gate: RwLock<()>,
    calm: AtomicBool,
    answers: AtomicU64,
    random: Random,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_a_hundred_deploys_are_killed_again_and_again() -> Fallible {
    let kills = std::env::var("BESSEMER_KILLS").ok().map_or(Ok(KILLS), |it| it.parse())?;
    let seams = Seams { net: Net::system(), clock: Clock::system(), random: Random::system() };
    let dir = tempfile::tempdir()?;
    let wanted = Wanted { net: NET, machines: MACHINES, image_bytes: 100_000, callback_secs: 45 };
    let mut site = Site::build(&seams, dir.path(), &wanted).await?;
    // Firmware that gave up asking for an address in a moment without a server would only wait for its timeout.
    site.plan.pace.boot.dhcp_tries = 60;
    let rack = Rack::install(&seams, &site.plan)?;
    let seed = seams.random.below(u64::MAX);
    eprintln!("{kills} kills, moments from seed {seed}");
    let mut service = site.serve().await?;
    for machine in &rack.machines {
        site.enrol(&machine.model).await?;
    }
    site.all_reach(&["manageable"]).await?;
    let names: Vec<String> = rack.machines.iter().map(|machine| machine.model.name.clone()).collect();
    for name in &names {
        let path = format!("/v1/nodes/{name}/states/provision");
        site.insist(Method::PUT, &path, json!({"target": "provide"})).await?;
    }
    let told = Told { nodes: names.iter().map(|name| (name.clone(), Node::default())).collect(), ..Told::default() };
    let storm = Arc::new(Storm {
        site,
        told: Mutex::new(told),
        gate: RwLock::new(()),
        calm: AtomicBool::new(false),
        answers: AtomicU64::new(0),
        random: Random::seeded(seed),
    });
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let mine = names.iter().skip(client).step_by(CLIENTS).cloned().collect::<Vec<_>>();
        clients.spawn(client_of(storm.clone(), mine, client));
    }
    let (mut starts, mut checked) = (Vec::new(), 0);
    for kill in 0..kills {
        storm.site.seams.clock.sleep(Duration::from_millis(storm.random.below(LIFE_MS))).await;
        drop(service);
        // Requests that were under way end now; whoever has an answer writes it down before the gate closes.
        let alone = storm.gate.write().await;
        checked += storm.compare().await.map_err(|error| format!("after kill {kill}, seed {seed}: {error}"))?;
        let begun = storm.site.seams.clock.instant();
        service = storm.site.serve().await?;
        starts.push(storm.site.seams.clock.instant() - begun);
        drop(alone);
    }
    storm.calm.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    storm.rest(&rack).await.map_err(|error| format!("seed {seed}: {error}"))?;
    let alone = storm.gate.write().await;
    drop(service);
    storm.compare().await.map_err(|error| format!("at the end, seed {seed}: {error}"))?;
    drop(alone);
    starts.sort();
    let told = storm.told.lock().await;
    let of = |state| told.nodes.values().filter_map(|node| node.accepted.get(state)).sum::<u64>();
    eprintln!(
        "{kills} kills; {} answers of clients, {checked} comparisons with the store, none missing; {} deploys and {} tear-downs \
         accepted; until it served again: median {:?}, worst {:?}",
        storm.answers.load(Ordering::Relaxed),
        of("deploying"),
        of("deleting"),
        starts.get(starts.len() / 2),
        starts.last(),
    );
    assert!(of("deploying") > 0 && of("deleting") > 0, "nobody deployed, or tore down, anything");
    rack.remove().await;
    Ok(())
}

/// Sends its nodes round and round: deploy, tear down, and out of any failure.
async fn client_of(storm: Arc<Storm>, mine: Vec<String>, client: usize) {
    for round in 0.. {
        for name in &mine {
            if storm.calm.load(Ordering::Relaxed) {
                return;
            }
            // Errors are a dead or a busy service; what matters is what was answered well.
            if storm.step(name, round).await.is_err() {
                storm.site.seams.clock.sleep(Duration::from_millis(20)).await;
            }
        }
        let _ = storm.allocate(client, round).await;
    }
}

impl Storm {
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Fallible<Value> {
        let answer = self.site.call(method, path, body).await?;
        self.answers.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }

    /// One thing for a node that rests.
    async fn step(&self, name: &str, round: u64) -> Fallible {
        let _gate = self.gate.read().await;
        let path = format!("/v1/nodes/{name}");
        let node = self.ask(Method::GET, &path, None).await?;
        if node["maintenance"] == true {
            return self.ask(Method::DELETE, &format!("{path}/maintenance"), None).await.map(drop);
        }
        if !node["reservation"].is_null() {
            return Ok(());
        }
        let (verb, leads_to) = match node["provision_state"].as_str().unwrap_or_default() {
            "available" => ("active", "deploying"),
            "active" | "deploy failed" | "error" => ("deleted", "deleting"),
            "clean failed" => ("manage", "manageable"),
            "manageable" => ("provide", "cleaning"),
            "wait call-back" if self.random.below(IMPATIENCE) == 0 => ("deleted", "deleting"),
            _ => return Ok(()),
        };
        if verb == "active" {
            self.mark(name, &path, round).await?;
        }
        self.told.lock().await.nodes.entry(name.to_owned()).or_default().last = None;
        self.ask(Method::PUT, &format!("{path}/states/provision"), Some(json!({"target": verb}))).await?;
        let mut told = self.told.lock().await;
        let node = told.nodes.entry(name.to_owned()).or_default();
        *node.accepted.entry(leads_to).or_default() += 1;
        node.last = Some(leads_to);
        Ok(())
    }

    async fn mark(&self, name: &str, path: &str, round: u64) -> Fallible {
        let mark = format!("{name}-{round}");
        let fields = self.site.image_fields();
        let mut patch = vec![json!({"op": "add", "path": "/extra/mark", "value": mark})];
        patch.extend(
            fields.map(|(key, value)| json!({"op": "add", "path": format!("/instance_info/{key}"), "value": value})),
        );
        self.told.lock().await.nodes.entry(name.to_owned()).or_default().asked.push(mark.clone());
        self.ask(Method::PATCH, path, Some(patch.into())).await?;
        let mut told = self.told.lock().await;
        let node = told.nodes.entry(name.to_owned()).or_default();
        node.asked.clear();
        node.mark = Some(mark);
        Ok(())
    }

    /// An allocation that finds nothing, and the end of the one before.
    async fn allocate(&self, client: usize, round: u64) -> Fallible {
        let _gate = self.gate.read().await;
        let name = |round| format!("allocation-{client}-{round}");
        let body = json!({"name": name(round), "resource_class": "none-such"});
        self.ask(Method::POST, "/v1/allocations", Some(body)).await?;
        self.told.lock().await.allocations.insert(name(round));
        let Some(old) = round.checked_sub(3).map(name) else { return Ok(()) };
        self.told.lock().await.doubtful.insert(old.clone());
        self.ask(Method::DELETE, &format!("/v1/allocations/{old}"), None).await?;
        let mut told = self.told.lock().await;
        told.doubtful.remove(&old);
        told.allocations.remove(&old);
        Ok(())
    }

    /// Looks for everything that was acknowledged in the dead program's store. How many things.
    async fn compare(&self) -> Fallible<u64> {
        let told = self.told.lock().await;
        let report = check::check(&self.site.db());
        if let Some(finding) = report.findings.first() {
            return Err(format!("{finding} (and {} more)", report.findings.len() - 1).into());
        }
        let store = Dead::read(&self.site.db())?;
        let (mut compared, mut lost) = (0, Vec::new());
        for (name, node) in &told.nodes {
            for (state, accepted) in &node.accepted {
                compared += accepted;
                let there = store.transitions.get(&(name.clone(), (*state).to_owned())).copied().unwrap_or(0);
                if there < *accepted as i64 {
                    lost.push(format!("{name} was sent to {state} {accepted} times, the store knows {there}"));
                }
            }
            let state = store.states.get(name).map(String::as_str).unwrap_or_default();
            if let Some((verb, may)) = AFTER.iter().find(|(verb, _)| node.last == Some(verb)) {
                compared += 1;
                if !may.contains(&state) {
                    lost.push(format!("{name} was sent to {verb} last, and is {state}"));
                }
            }
            compared += u64::from(node.mark.is_some());
            let mark = store.marks.get(name);
            let known = mark.is_some_and(|mark| node.mark.as_ref() == Some(mark) || node.asked.contains(mark));
            if node.mark.is_some() && !known {
                lost.push(format!("{name} was marked {:?}, the store has {mark:?}", node.mark));
            }
        }
        for name in told.allocations.iter().filter(|name| !told.doubtful.contains(*name)) {
            compared += 1;
            if !store.allocations.contains(name) {
                lost.push(format!("{name} is gone"));
            }
        }
        // The ones that were deleted stay so: all that are there are known, or were never answered.
        if lost.is_empty() { Ok(compared) } else { Err(lost.join("; ").into()) }
    }

    /// Waits until every node rests, and looks whether it may.
    async fn rest(&self, rack: &Rack) -> Fallible {
        let nodes = self.site.all_reach(&RESTING).await?;
        for node in &nodes {
            let state = node["provision_state"].as_str().unwrap_or_default();
            let told = node["last_error"].as_str().is_some_and(|why| !why.is_empty());
            if (state.ends_with("failed") || state == "error") && !told {
                return Err(format!("it failed and nobody says why: {}", summary(std::slice::from_ref(node))).into());
            }
        }
        let active = |name: &str| nodes.iter().any(|it| it["name"] == name && it["provision_state"] == "active");
        for machine in rack.machines.iter().filter(|machine| active(&machine.model.name)) {
            let mut doing = machine.watch();
            let runs = doing.wait_for(|doing| matches!(doing, Doing::System(_)));
            if tokio::time::timeout(Duration::from_secs(30), runs).await.is_err() {
                return Err(format!("{} is active, the machine is {:?}", machine.model.name, machine.doing()).into());
            }
        }
        Ok(())
    }
}

/// What is in the store of a program that was killed.
struct Dead {
    /// How often a node, by name, has gone into a state.
    transitions: BTreeMap<(String, String), i64>,
    states: BTreeMap<String, String>,
    marks: BTreeMap<String, String>,
    allocations: BTreeSet<String>,
}

impl Dead {
    /// Reads only: the program's next start finds the files as they are.
    #[expect(clippy::disallowed_methods, reason = "looks at what is in the file")]
    fn read(path: &Path) -> Fallible<Self> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let transitions = "SELECT n.name, substr(e.text, instr(e.text, ' -> ') + 4), count(*) FROM events e
                           JOIN nodes n ON n.uuid = e.node_uuid WHERE e.kind = 'transition' GROUP BY 1, 2";
        let mut found = BTreeMap::new();
        let mut statement = connection.prepare(transitions)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for row in rows {
            let (name, to, count): (String, String, i64) = row?;
            let to = to.split(" (").next().unwrap_or_default().to_owned();
            *found.entry((name, to)).or_default() += count;
        }
        let marks =
            "SELECT name, json_extract(extra, '$.mark') FROM nodes WHERE json_extract(extra, '$.mark') IS NOT NULL";
        let marks = connection
            .prepare(marks)?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let states = connection
            .prepare("SELECT name, provision_state FROM nodes")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let allocations = connection.prepare("SELECT name FROM allocations WHERE name IS NOT NULL")?;
        let allocations = { allocations }.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(Dead { transitions: found, states, marks, allocations })
    }
}

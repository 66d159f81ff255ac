//! A store that was restored: its machines have gone on since, and nothing is done to them until somebody says so.

use bessemer::clock::Clock;
use bessemer::sim::bmc::Action;
use bessemer::sim::machine::Doing;
use bessemer::store::{Store, StoreError, backup, hold, restore};
use hyper::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::site::{Fallible, Site};

const CHASSIS: u8 = 0x00;
const CHASSIS_CONTROL: u8 = 0x02;
const SET_BOOT_OPTIONS: u8 = 0x08;

/// What can be seen at a machine of what a service does to it.
fn touched(site: &Site, at: usize) -> Fallible<(usize, usize, Vec<u8>)> {
    let machine = site.machine(at);
    let asked = |cmd| machine.bmc.times_asked(CHASSIS, cmd);
    let disk = std::fs::read(&machine.model.disk).unwrap_or_default();
    Ok((asked(CHASSIS_CONTROL), asked(SET_BOOT_OPTIONS), disk))
}

/// Puts the backup in the place of the store of a service that was killed a moment ago.
async fn put_back(site: &Site) -> Fallible {
    let (saved, store) = (site.file("saved"), site.file("store.sqlite"));
    for _ in 0..4800 {
        match restore::restore(&saved, &store, &Clock::system(), CancellationToken::new(), &mut |_| {}) {
            Ok(_) => return Ok(()),
            Err(error) if error.to_string().contains("in use") => {
                site.seams.clock.sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err("the store was never let go".into())
}

fn fault(answer: &Value) -> String {
    answer["error_message"].as_str().unwrap_or_default().to_owned()
}

/// Asks for everything that would touch the machine, and reboots it behind the service's back.
async fn holds(site: &Site, at: usize) -> Fallible {
    let name = site.machine(at).model.name.clone();
    let before = touched(site, at)?;
    let node = format!("/v1/nodes/{name}");
    for (method, path, body) in [
        (Method::PUT, format!("{node}/states/provision"), json!({"target": "abort"})),
        (Method::PUT, format!("{node}/states/power"), json!({"target": "power off"})),
        (Method::PUT, format!("{node}/states/power"), json!({"target": "rebooting"})),
        (Method::PUT, format!("{node}/management/boot_device"), json!({"boot_device": "pxe"})),
        (Method::PUT, format!("{node}/management/inject_nmi"), json!({})),
        (Method::POST, format!("{node}/vendor_passthru?method=bmc_reset"), json!({"warm": true})),
        (Method::POST, "/v1/allocations".to_owned(), json!({"resource_class": "metal", "name": "a"})),
    ] {
        let (status, answer) = site.call(method.clone(), &path, Some(body)).await?;
        assert!(status == 503 && fault(&answer).contains("in hold"), "{method} {path}: {status} {answer}");
        assert!(fault(&answer).contains("bessemer release"), "{answer}");
    }
    // What is only written down goes on, and what is can be read.
    let (status, answer) = site.call(Method::POST, "/v1/chassis", Some(json!({"description": "seen"}))).await?;
    assert_eq!(status, 201, "{answer}");
    let (status, answer) = site.call(Method::GET, &format!("{node}/management/boot_device"), None).await?;
    assert_eq!(status, 200, "{answer}");

    // Somebody presses the button. Its record would have it boot the ramdisk.
    let machine = site.machine(at);
    machine.bmc.chassis().act(Action::Off);
    site.doing(at, |doing| *doing == Doing::Off).await?;
    machine.bmc.chassis().act(Action::On);
    site.runs_instance(at).await?;
    assert!(touched(site, at)? == before, "the machine was touched");
    Ok(())
}

/// Waits until the node's record has something of its agent.
pub(super) async fn tells(site: &Site, what: &str) -> Fallible<Value> {
    let looking = async {
        loop {
            let node = site.node(0).await?;
            if node["driver_internal_info"][what].is_string() {
                return Fallible::Ok(node);
            }
            site.seams.clock.sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), looking).await?
}

async fn document(site: &Site) -> Fallible<Value> {
    Ok(site.call(Method::GET, "/bessemer/v1/hold", None).await?.1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_does_nothing_to_machines_until_it_is_released() -> Fallible {
    let mut site = Site::new(141, 1, "").await?;
    site.enrol(0, json!({"resource_class": "metal"})).await?;
    // The backup is of the middle of a deploy, when the machine was just being started.
    site.patch(0, &site.image_fields()).await?;
    let (status, answer) = site.ask(0, "active", json!({})).await?;
    assert_eq!(status, 202, "{answer}");
    site.reach(0, &["deploying", "wait call-back"], false).await?;
    let (from, to, clock) = (site.file("store.sqlite"), site.file("saved"), Clock::system());
    let job = backup::Job { from: &from, to: &to, replace: false, stop: CancellationToken::new() };
    backup::copy(&job, &clock, backup::mark(&clock), &mut |_| {})?;
    // The deploy ends, and somebody uses the machine.
    site.settled(0, "active").await?;
    site.runs_instance(0).await?;

    // The work is given up: the machine goes on as it is.
    site.kill();
    put_back(&site).await?;
    site.start().await?;
    let shown = document(&site).await?;
    assert!(shown["held"] == true && shown["owed"] == 1, "{shown}");
    assert_eq!(shown["work"][0]["flow"], "deploy", "{shown}");
    assert!(shown["backup_taken_at"].is_string() && shown["why"].as_str().is_some_and(|why| why.contains("saved")));
    holds(&site, 0).await?;
    site.restart().await?;
    holds(&site, 0).await?;
    assert_eq!(document(&site).await?["owed"], 1, "the work waits as it stood");
    let before = touched(&site, 0)?;
    let (status, done) = site.call(Method::DELETE, "/bessemer/v1/hold?abandon_work=true", None).await?;
    assert!(status == 200 && done == json!({"was_held": true, "goes_on": 0, "abandoned": 1}), "{status} {done}");
    let node = site.settled(0, "deploy failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("released from hold")), "{node}");
    assert_eq!(document(&site).await?["held"], false);
    site.runs_instance(0).await?;
    assert!(touched(&site, 0)? == before, "the machine was touched");
    let (status, done) = site.call(Method::DELETE, "/bessemer/v1/hold", None).await?;
    assert!(status == 200 && done["was_held"] == false, "a second release does nothing: {status} {done}");

    // The work goes on: the machine is deployed again.
    site.kill();
    put_back(&site).await?;
    site.start().await?;
    holds(&site, 0).await?;
    let (status, done) = site.call(Method::DELETE, "/bessemer/v1/hold", None).await?;
    assert!(status == 200 && done["goes_on"] == 1, "{status} {done}");
    let node = site.settled(0, "active").await?;
    assert!(node["last_error"].is_null(), "{node}");
    site.runs_instance(0).await
}

/// Kills the service, and makes its store one in which every wait is long over. Does something more to it.
pub(super) async fn age(
    site: &mut Site,
    also: impl Fn(&bessemer::store::Tx) -> Result<(), StoreError> + Send + 'static,
) -> Fallible {
    site.kill();
    let store = loop {
        let options = bessemer::store::Options::new(Clock::system(), bessemer::random::Random::system());
        match Store::open(&site.file("store.sqlite"), options) {
            Ok(store) => break store,
            Err(_) => site.seams.clock.sleep(std::time::Duration::from_millis(50)).await,
        }
    };
    let aged = store.write(move |tx| {
        for row in bessemer::store::work::all(tx)? {
            let long_ago = Some(bessemer::clock::from_micros(1_000_000));
            let old = bessemer::model::Work { deadline_at: long_ago, due_at: long_ago, ..row.clone() };
            bessemer::store::work::update(tx, &row, &old)?;
        }
        also(tx)
    });
    Ok(aged.await?)
}

/// A machine that was deployed when the store was copied waits for its agent's call, and its time is long over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_times_out_in_hold_and_agents_that_call_are_written_down_and_left_alone() -> Fallible {
    let mut site = Site::new(142, 1, "").await?;
    site.enrol(0, json!({})).await?;
    site.patch(0, &site.image_fields()).await?;
    // Its agent boots, and is not believed for the time being.
    site.machine(0).agent_faults.set(|knobs| knobs.wrong_token = true);
    assert_eq!(site.ask(0, "active", json!({})).await?.0, 202);
    site.reach(0, &["wait call-back"], true).await?;
    tells(&site, "agent_secret_token").await?;
    age(&mut site, |tx| {
        // As a copy of hours ago has it.
        let held = bessemer::model::Hold { since: bessemer::clock::micros(tx.now()), taken: None, file: None };
        hold::put(tx, &held)
    })
    .await?;
    site.start().await?;
    // The agent calls, and is believed; nothing is asked of it.
    site.machine(0).agent_faults.set(|knobs| knobs.wrong_token = false);
    let node = tells(&site, "agent_url").await?;
    assert_eq!(node["provision_state"], "wait call-back", "{node}");
    assert!(
        std::fs::read(&site.machine(0).model.disk).unwrap_or_default().iter().all(|byte| *byte == 0),
        "it was written to"
    );
    let (status, done) = site.call(Method::DELETE, "/bessemer/v1/hold", None).await?;
    assert!(status == 200 && done["goes_on"] == 1, "{status} {done}");
    site.settled(0, "active").await?;
    site.runs_instance(0).await
}

/// Wherever a flow stood when the store was copied, giving it up leaves a node that a client can go on with.
#[tokio::test]
async fn every_flow_can_be_given_up_wherever_it_stands() -> Fallible {
    use bessemer::model::{Allocation, AllocationState, FlowName, Node, Phase, PowerState, Stage, Work};
    use bessemer::provision::flows::FLOWS;
    use bessemer::service::{Rules, hold as service};
    use bessemer::store::blobs::{self, BlobKind};
    use bessemer::store::{Options, StoreError, allocations, nodes, work};

    let dir = tempfile::tempdir()?;
    let store =
        Store::open(&dir.path().join("store"), Options::new(Clock::system(), bessemer::random::Random::system()))?;
    let mut places = vec![];
    for flow in FLOWS {
        for stage in [Stage::Prepare, Stage::Step, Stage::Finish] {
            places.push((flow.name, flow.running, stage, Phase::Ready));
            places.push((flow.name, flow.running, stage, Phase::Begun));
            places.extend(flow.waiting.map(|state| (flow.name, state, stage, Phase::Waiting)));
            places.extend(flow.holding.map(|state| (flow.name, state, stage, Phase::Held)));
        }
        places.push((flow.name, flow.failed, Stage::Unwind, Phase::Begun));
    }
    places.push((FlowName::Power, bessemer::model::State::Active, Stage::Prepare, Phase::Begun));
    let made = store.write(move |tx| {
        let hold = bessemer::model::Hold { since: 0, taken: Some(0), file: None };
        hold::put(tx, &hold)?;
        for (flow, state, stage, phase) in &places {
            let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
            node.provision_state = *state;
            node.target_provision_state = state.goal();
            node.target_power_state = (*flow == FlowName::Power).then_some(PowerState::Off);
            node.instance_info.set("image_source", "file:///image");
            nodes::insert(tx, &node)?;
            blobs::put(tx, node.uuid, BlobKind::BootPlan, b"{}")?;
            blobs::put(tx, node.uuid, BlobKind::ConfigDrive, b"secret")?;
            let mut owed = Work::for_node(*flow, node.uuid, tx.now());
            (owed.stage, owed.phase, owed.attempt) = (*stage, *phase, 1);
            work::insert(tx, &owed)?;
        }
        let allocation = Allocation {
            id: 0,
            uuid: tx.uuid(),
            name: None,
            state: AllocationState::Allocating,
            resource_class: Some("metal".to_owned()),
            traits: Default::default(),
            candidate_nodes: Default::default(),
            node_uuid: None,
            owner: None,
            extra: Default::default(),
            last_error: None,
            replaced_traits: None,
            created_at: tx.now(),
            updated_at: None,
        };
        allocations::insert(tx, &allocation)?;
        let mut owed = Work::for_node(FlowName::Allocate, tx.uuid(), tx.now());
        (owed.node_uuid, owed.allocation_uuid) = (None, Some(allocation.uuid));
        work::insert(tx, &owed)?;
        Ok::<_, StoreError>(places.len())
    });
    let count = made.await?;
    let report = store.read(service::report).await?;
    assert!(report.owed == count + 1 && report.work.iter().all(|row| !row.on_release.is_empty()), "{report:?}");
    let done = store.write(|tx| service::release(tx, true, &Rules::default())).await?;
    assert_eq!((done.was_held, done.abandoned, done.goes_on), (true, count + 1, 0));
    let (all, left, asked) = store
        .read(|read| {
            let plans = nodes::all(read)?.into_iter().map(|node| {
                let has = |kind| blobs::exists(read, node.uuid, kind);
                Ok((has(BlobKind::BootPlan)?, has(BlobKind::ConfigDrive)?, node))
            });
            Ok::<_, StoreError>((
                plans.collect::<Result<Vec<_>, StoreError>>()?,
                work::all(read)?,
                allocations::all(read)?,
            ))
        })
        .await?;
    assert!(left.is_empty(), "{left:?}");
    let told = format!(
        "Failed to process allocation {}: The work was given up when the restored store was released from hold. \
         Next: create the allocation again.",
        asked[0].uuid
    );
    assert_eq!((asked[0].state, asked[0].last_error.as_ref()), (AllocationState::Error, Some(&told)));
    for (plan, drive, node) in &all {
        let state = node.provision_state;
        assert!(state.is_stable() || state.is_failed(), "{state} is on its way, and nobody works on it");
        assert!(node.reservation.is_none() && node.target_power_state.is_none(), "{node:?}");
        assert!(!plan || state == bessemer::model::State::Active, "{state}: it would still boot its ramdisk");
        // What was to be deleted is gone, but for the machine.
        let deleted = node.last_error.is_some() && state == bessemer::model::State::Error;
        assert_eq!((*drive, node.instance_info.map().is_empty()), (!deleted, deleted), "{state}: its instance");
    }
    Ok(())
}

/// Others look before; the decision has the last word, since a hold may begin between.
#[tokio::test]
async fn each_decision_that_leads_to_a_machine_is_refused_in_its_own_transaction() -> Fallible {
    use bessemer::model::{Node, PowerTarget, State};
    use bessemer::service::{Refusal, Rules, inspection, power, provision, whereabouts::Peer};
    use bessemer::store::{Options, nodes};

    let dir = tempfile::tempdir()?;
    let store =
        Store::open(&dir.path().join("store"), Options::new(Clock::system(), bessemer::random::Random::system()))?;
    let decided = store.write(|tx| {
        hold::put(tx, &bessemer::model::Hold { since: 0, taken: None, file: None })?;
        let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
        node.provision_state = State::Manageable;
        nodes::insert(tx, &node)?;
        let (uuid, rules, peer) = (node.uuid, Rules::default(), Peer::new(std::net::Ipv4Addr::LOCALHOST.into()));
        Ok::<_, StoreError>([
            ("power", power::request(tx, uuid, PowerTarget::On, None, &rules)),
            ("provision", provision::request(tx, uuid, &provision::Request::target("inspect"), &rules)),
            ("report", inspection::continue_inspection(tx, &inspection::Report::default(), peer, &rules).map(drop)),
        ])
    });
    for (what, refused) in decided.await? {
        assert!(matches!(refused, Err(Refusal::Busy(_))), "{what}: {refused:?}");
    }
    Ok(())
}

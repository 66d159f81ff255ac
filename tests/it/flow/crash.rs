//! The process dies at every point of every flow, and the next one carries on.
//!
//! A row of work is put into the store as a dead process would have left it, at each stage, step and phase; then an
//! engine is started on it.

use bessemer::model::{FlowName, Node, Phase, Stage, State, Work};
use bessemer::service::Refusal;
use bessemer::store::{nodes, work};

use super::hold;
use super::site::{Fallible, Site};
use super::world::{Tested, World};

/// The flow, the state that it was in, and where it should end.
const FLOWS: &[(FlowName, State, State)] = &[
    (FlowName::Verify, State::Verifying, State::Manageable),
    (FlowName::Clean, State::Cleaning, State::Available),
    (FlowName::Deploy, State::Deploying, State::Active),
    (FlowName::Inspect, State::Inspecting, State::Manageable),
    (FlowName::Adopt, State::Adopting, State::Active),
    (FlowName::Delete, State::Deleting, State::Available),
];

#[tokio::test]
async fn every_flow_goes_on_from_every_point_at_which_the_process_can_die() -> Tested {
    let mut world = World::new().await?;
    for &(flow, during, after) in FLOWS {
        for stage in [Stage::Prepare, Stage::Step, Stage::Finish] {
            for phase in [Phase::Ready, Phase::Begun] {
                let node = world.enroll().await?;
                let dir = world.close().await;
                world = leave_behind(dir.clone(), node, flow, during, stage, phase).await?;
                let settled = world.settled(node, after).await.map_err(|e| format!("{flow} {stage} {phase}: {e}"))?;
                assert_eq!(settled.reservation, None, "{flow} {stage} {phase}");
                assert_eq!(world.owed().await?, 0, "{flow} {stage} {phase}");
            }
        }
    }
    Ok(())
}

/// Writes what a process that died there would have left, with no engine running, then starts one.
async fn leave_behind(
    dir: std::sync::Arc<tempfile::TempDir>,
    uuid: uuid::Uuid,
    flow: FlowName,
    during: State,
    stage: Stage,
    phase: Phase,
) -> Result<World, Box<dyn std::error::Error>> {
    use bessemer::store::blobs::{self, BlobKind};
    let clock = bessemer::clock::Clock::system();
    let options = bessemer::store::Options::new(clock, bessemer::random::Random::system());
    let store = bessemer::store::Store::open(&dir.path().join("store.sqlite"), options)?;
    store
        .write(move |tx| {
            let before = bessemer::service::flow::load(tx, uuid)?;
            let node = Node {
                provision_state: during,
                target_provision_state: during.goal(),
                reservation: Some("here".to_owned()),
                ..before.clone()
            };
            nodes::update(tx, &before, &node)?;
            let mut owed = Work::for_node(flow, uuid, tx.now());
            (owed.stage, owed.phase) = (stage, phase);
            owed.attempt = i64::from(phase == Phase::Begun);
            if flow == FlowName::Deploy && stage == Stage::Step {
                let step =
                    serde_json::json!([{"interface": "deploy", "step": "deploy", "priority": 100, "source": "driver"}]);
                blobs::put_json(tx, uuid, BlobKind::Steps, &step)?;
            }
            if flow != FlowName::Deploy && stage == Stage::Step && phase == Phase::Begun {
                // A flow without steps never begins one; it stood before its end.
                owed.phase = Phase::Ready;
            }
            work::insert(tx, &owed)?;
            Ok::<_, Refusal>(())
        })
        .await?;
    drop(store);
    World::at(dir).await
}

#[tokio::test]
async fn a_call_that_died_with_the_process_leaves_no_reservation() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    world
        .store
        .write(move |tx| {
            let before = bessemer::service::flow::load(tx, node)?;
            nodes::update(tx, &before, &Node { reservation: Some("here".to_owned()), ..before.clone() })?;
            Ok::<_, Refusal>(())
        })
        .await?;
    let world = World::at(world.close().await).await?;
    world.settled(node, State::Enroll).await?;
    Ok(())
}

/// A service that was down for hours finds waits that ended meanwhile. Their agents could call nobody: they may still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_nobody_could_hear_may_call_before_its_node_is_failed() -> Fallible {
    let mut site = Site::new(143, 1, "").await?;
    site.enrol(0, serde_json::json!({})).await?;
    site.patch(0, &site.image_fields()).await?;
    // It boots, and is not believed for the time being.
    site.machine(0).agent_faults.set(|knobs| knobs.wrong_token = true);
    assert_eq!(site.ask(0, "active", serde_json::json!({})).await?.0, 202);
    site.reach(0, &["wait call-back"], true).await?;
    hold::tells(&site, "agent_secret_token").await?;
    hold::age(&mut site, |_| Ok(())).await?;
    site.start().await?;
    site.machine(0).agent_faults.set(|knobs| knobs.wrong_token = false);
    let node = site.settled(0, "active").await?;
    assert!(node["last_error"].is_null(), "{node}");
    site.runs_instance(0).await
}

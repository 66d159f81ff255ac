//! The state machine against Ironic's: every state with every target, compared with what a real Ironic answered.

use bessemer::model::{FlowName, Node, Phase, PowerState, Stage, State, Work};
use bessemer::provision::FLOWS;
use bessemer::service::provision::flow_of;
use bessemer::store::{StoreError, nodes, work};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

use super::service::{LATEST, Outcome, Service};

const RECORDED: &str = include_str!("state_verbs.tsv");

/// Where this service answers otherwise, and why: state, target, its status, where the node rests.
const DIFFERENCES: &[(&str, &str, u16, &str, &str)] = &[
    // Events that end a flow are called like verbs. Ironic takes them for such if nobody holds the node, which in these
    // states only happens after a crash, and then skips the cleaning that is owed.
    ("cleaning", "manage", 400, "", "the end of a flow is no verb"),
    ("deleting", "clean", 400, "", "the end of a flow is no verb"),
    // The fake inspection cannot be aborted in Ironic, so it could never leave this state but by its timeout.
    ("inspect wait", "abort", 202, "inspect failed", "every wait can be aborted"),
    // Ironic's row had no steps, which trips it up; here the held flow has come to its end.
    ("service hold", "unhold", 202, "active", "a held flow goes on where it stood"),
];

/// A node in a state as it would be there: with the work that waits or is held in it.
async fn put(service: &Service, uuid: Uuid, state: State) -> Outcome {
    let stored = service.store.write(move |tx| {
        nodes::delete(tx, uuid)?;
        let mut node = Node::new(uuid, "fake-hardware".to_owned(), tx.now());
        node.provision_state = state;
        node.power_state = Some(PowerState::Off);
        node.instance_info = json!({"image_source": "http://127.0.0.1/i.img", "image_checksum": "a".repeat(64)}).into();
        nodes::insert(tx, &node)?;
        let row = FLOWS.iter().find(|row| row.waiting == Some(state) || row.holding == Some(state));
        if let Some(row) = row {
            let phase = if row.holding == Some(state) { Phase::Held } else { Phase::Waiting };
            let owed = Work::for_node(row.name, uuid, tx.now());
            work::insert(tx, &Work { stage: Stage::Step, phase, ..owed })?;
        }
        Ok::<_, StoreError>(())
    });
    Ok(stored.await?)
}

/// The state in which the node comes to rest: the wanted one, or where it is when patience ends.
async fn rests(service: &Service, uuid: Uuid, wanted: &str) -> Outcome<String> {
    let mut changed = service.store.work_changed();
    let node = || async { Outcome::Ok(service.get(&format!("/v1/nodes/{uuid}")).await?.json) };
    let looking = async {
        loop {
            changed.mark_unchanged();
            let node = node().await?;
            if node["reservation"].is_null() && node["provision_state"] == wanted {
                return Outcome::Ok(());
            }
            // A commit that touches no work is seen at the next look.
            let _ = tokio::time::timeout(Duration::from_millis(20), changed.changed()).await;
        }
    };
    if let Ok(found) = tokio::time::timeout(Duration::from_secs(60), looking).await {
        found?;
    }
    Ok(node().await?["provision_state"].as_str().unwrap_or_default().to_owned())
}

fn body(target: &str) -> Value {
    let steps = json!([{"interface": "bios", "step": "factory_reset"}]);
    match target {
        "(empty)" => json!({"target": ""}),
        "(null)" => json!({"target": null}),
        "clean" => json!({"target": target, "clean_steps": steps}),
        "service" => json!({"target": target, "service_steps": steps}),
        "rescue" => json!({"target": target, "rescue_password": "pw"}),
        target => json!({"target": target}),
    }
}

#[tokio::test]
async fn every_state_answers_every_target_as_ironic_does() -> Outcome {
    let service = Service::start().await?;
    let uuid = Uuid::try_parse("bbbb0001-0000-4000-8000-000000000001")?;
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for line in RECORDED.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().unwrap_or_default();
        let (state, target, status, rest) = (cell(), cell(), cell().parse::<u16>()?, cell());
        let difference = DIFFERENCES.iter().find(|it| (it.0, it.1) == (state, target));
        let wanted = difference.map_or((status, rest), |it| (it.2, it.3));
        put(&service, uuid, State::parse(state).ok_or("no such state")?).await?;
        let path = format!("/v1/nodes/{uuid}/states/provision");
        let reply = service.call(LATEST, "PUT", &path, Some(body(target))).await?;
        let rested = if reply.status == 202 { rests(&service, uuid, wanted.1).await? } else { String::new() };
        if (reply.status, rested.as_str()) != wanted {
            wrong.push(format!("{state} {target}: wanted {wanted:?}, got {} {rested} {}", reply.status, reply.fault()));
        }
        seen += 1;
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(seen, State::ALL.len() * 24, "every state with every target");
    Ok(())
}

#[test]
fn every_waiting_and_held_state_belongs_to_a_flow() {
    for state in State::ALL.iter().filter(|state| state.awaits_agent()) {
        assert_ne!(flow_of(*state), None, "{state}");
    }
    assert_eq!(flow_of(State::ServiceHold), Some(FlowName::Service));
}

//! The agent reports what it found: `POST /v1/continue_inspection`.

pub mod actions;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::agent::{self, Found, Lookup};
use super::whereabouts::{self, Peer};
use super::{Refusal, Refused, Rules, flow, hold};
use crate::clock::without_zone;
use crate::model::secret::MASK;
use crate::model::{FlowName, Node, Phase, Stage, State};
use crate::provision::Event;
use crate::store::blobs::{self, BlobKind};
use crate::store::{Tx, nodes, work};

/// What was posted, and what of it says whose report it is.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// `inventory` and everything else, as posted.
    pub data: Map<String, Value>,
    pub node_uuid: Option<Uuid>,
    /// MAC addresses in the inventory, canonical form.
    pub addresses: Vec<String>,
    /// Whether the sender will see the whole answer. A token that it does not see must not be made: it is handed out once.
    pub takes_token: bool,
}

const NOBODY: &str = "No node that waits for an inspection fits this report.";

/// Takes the report in: the data is kept, and the engine owes the node the rest of the inspection. The answer is that of
/// a lookup, so that an agent that stays has its token.
pub fn continue_inspection(tx: &Tx, report: &Report, peer: Peer, rules: &Rules) -> Refused<Found> {
    hold::refuse(tx)?;
    let asked = Lookup { addresses: report.addresses.clone(), node_uuid: report.node_uuid };
    let before = agent::find(tx, &asked)?
        .filter(|node| expects_report(node, &report.addresses, tx))
        .ok_or_else(|| Refusal::not_found(NOBODY))?;
    if whereabouts::is_impostor(tx, &before, peer, &rules.agents)? {
        return Err(Refusal::not_found(NOBODY));
    }
    let owed = work::of_node(tx, before.uuid)?.filter(|work| work.flow == FlowName::Inspect);
    // A change of power that rides on the wait goes first: nobody would carry it out once nothing waits any more.
    if before.reservation.is_some() || owed.as_ref().is_some_and(|work| work.has_power_change()) {
        return Err(Refusal::locked(&before));
    }
    let Some(owed) = owed else { return Err(Refusal::not_found(NOBODY)) };
    blobs::put_json(tx, before.uuid, BlobKind::InspectionData, &report.data)?;
    // The answer shows the node as it was when it was found.
    let found = match report.takes_token {
        true => agent::lookup(tx, &Lookup { addresses: Vec::new(), node_uuid: Some(before.uuid) }, peer, rules)?,
        false => Found { node: before.clone(), token: MASK.to_owned() },
    };
    let before = flow::load(tx, before.uuid)?;
    let mut node = before.clone();
    node.driver_internal_info.set("agent_last_heartbeat", without_zone(tx.now()));
    flow::fire(tx, &mut node, Event::Resume)?;
    node.reservation = Some(rules.conductor.clone());
    nodes::update(tx, &before, &node)?;
    let mut next = owed.clone();
    next.stage = Stage::Finish;
    next.phase = Phase::Ready;
    next.attempt = 0;
    next.why = None;
    // The report is what was waited for; nobody looks again before it is gone through.
    next.due_at = None;
    next.deadline_at = None;
    work::update(tx, &owed, &next)?;
    Ok(found)
}

/// Only a waiting node takes a report; one that was named by UUID must own one of the addresses, if it has any ports.
/// A quick machine reports while its BMC is still being asked whether it is on: that is soon over, and the node waits.
fn expects_report(node: &Node, addresses: &[String], tx: &Tx) -> bool {
    let soon = node.provision_state == State::Inspecting && node.reservation.is_some();
    if node.provision_state != State::InspectWait && !soon {
        return false;
    }
    let Ok(ports) = crate::store::ports::of_node(tx, node.uuid) else { return false };
    ports.is_empty() || ports.iter().any(|port| addresses.contains(&port.address))
}

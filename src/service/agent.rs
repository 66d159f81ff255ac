//! The agent asks who it is, and says that it is alive.
//!
//! Both write only columns that belong to the agent's contact (see ARCHITECTURE.md), so neither needs the node's
//! reservation: a heartbeat is never refused because somebody works on the node.

mod refusal;

pub use refusal::{Door, refusal};
use serde_json::Value;
use uuid::Uuid;

use super::whereabouts::{self, Peer};
use super::{Refusal, Refused, Rules, flow};
use crate::clock::{micros, without_zone};
use crate::model::secret::{MASK, Sealed};
use crate::model::{Node, Phase, State};
use crate::provision::flows;
use crate::store::{Read, Tx, nodes, ports, secrets, work};

/// What the agent knows of itself.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// MAC addresses, canonical form; those that are none have been dropped.
    pub addresses: Vec<String>,
    pub node_uuid: Option<Uuid>,
}

/// What it is told.
#[derive(Debug)]
pub struct Found {
    pub node: Node,
    /// The token, once; `******` if it was handed out before.
    pub token: String,
}

/// The node behind a lookup, and a token if it has none yet. Everything that does not fit is one and the same 404:
/// strangers learn nothing.
///
/// A token is handed out once, because whoever holds it is believed. The exception is one that an earlier process of
/// ours handed out and that was never used: its answer died with that process, and the agent would wait for ever.
pub fn lookup(tx: &Tx, asked: &Lookup, peer: Peer, rules: &Rules) -> Refused<Found> {
    let Some(before) = find(tx, asked)?.filter(|node| answers_lookup(node, rules) && !node.is_restarting()) else {
        return Err(Refusal::not_found("Not Found"));
    };
    if whereabouts::is_impostor(tx, &before, peer, &rules.agents)? {
        return Err(Refusal::not_found("Not Found"));
    }
    if secret_of(tx, &before, TOKEN)?.is_some() && !was_lost(tx, &before, rules)? {
        return Ok(Found { node: before, token: MASK.to_owned() });
    }
    let token = tx.token();
    secrets::put(tx, before.uuid, COLUMN, TOKEN, &Sealed::seal(token.clone().into()))?;
    secrets::put(tx, before.uuid, COLUMN, HANDED_OUT, &Sealed::seal(micros(tx.now()).into()))?;
    let mut node = before.clone();
    node.driver_internal_info.set("agent_secret_token", MASK);
    nodes::update(tx, &before, &node)?;
    Ok(Found { node, token })
}

const COLUMN: &str = "driver_internal_info";
const TOKEN: &str = "/agent_secret_token";
/// When the token was handed out. Not a secret, but nobody's business either.
const HANDED_OUT: &str = "/agent_token_handed_out_at";

/// Whether the stored token may never have reached an agent.
fn was_lost(read: &Read, node: &Node, rules: &Rules) -> Refused<bool> {
    let used = node.driver_internal_info.get("agent_url").is_some();
    let at = secret_of(read, node, HANDED_OUT)?.and_then(|at| at.as_i64());
    Ok(!used && at.is_some_and(|at| at < micros(rules.started_at)))
}

/// Whether a ramdisk of ours may be running: in these states, and with fast track also while the node rests.
fn answers_lookup(node: &Node, rules: &Rules) -> bool {
    use State::*;
    let working = matches!(
        node.provision_state,
        Deploying | DeployWait | Cleaning | CleanWait | Inspecting | InspectWait | Rescuing | RescueWait | ServiceWait
    );
    let resting = matches!(node.provision_state, Enroll | Manageable | Available | Servicing | ServiceHold);
    working || (resting && node.fast_track(rules.fast_track))
}

/// By UUID if one is given, else the one node that owns any of the addresses.
pub fn find(read: &Read, asked: &Lookup) -> Refused<Option<Node>> {
    if let Some(uuid) = asked.node_uuid {
        return Ok(nodes::find(read, uuid)?);
    }
    let mut owner: Option<Uuid> = None;
    for address in &asked.addresses {
        if let Some(port) = ports::find_by_address(read, address)? {
            if owner.is_some_and(|owner| owner != port.node_uuid) {
                return Ok(None);
            }
            owner = Some(port.node_uuid);
        }
    }
    match owner {
        Some(uuid) => Ok(nodes::find(read, uuid)?),
        None => Ok(None),
    }
}

fn secret_of(read: &Read, node: &Node, pointer: &str) -> Refused<Option<Value>> {
    let found = secrets::of_column(read, node.uuid, COLUMN)?;
    Ok(found.into_iter().find(|(at, _)| at == pointer).map(|(_, sealed)| sealed.open().clone()))
}

/// What a heartbeat says.
#[derive(Clone, Debug, Default)]
pub struct Heartbeat {
    pub node: Uuid,
    pub callback_url: String,
    pub token: Option<String>,
    pub version: Option<String>,
    /// The agent's certificate, PEM.
    pub verify_ca: Option<String>,
    pub status: Option<String>,
    pub status_message: Option<String>,
}

/// Records the contact and, if a flow waits for the agent, tells the engine to look.
pub fn heartbeat(tx: &Tx, beat: &Heartbeat, peer: Peer, rules: &Rules) -> Refused<()> {
    let before = flow::load(tx, beat.node)?;
    check(tx, &before, beat, peer, rules)?;
    let mut node = before.clone();
    let now = tx.now();
    let info = &mut node.driver_internal_info;
    info.set("agent_url", beat.callback_url.as_str());
    if let Some(version) = &beat.version {
        info.set("agent_version", version.as_str());
    }
    if let Some(certificate) = &beat.verify_ca {
        info.set("agent_verify_ca", certificate.as_str());
    }
    info.set("agent_last_heartbeat", without_zone(now));
    // A node in maintenance is left alone: its contact is recorded, and nothing follows from it.
    if node.provision_state.awaits_agent() && !node.maintenance {
        node.provision_updated_at = Some(now);
    }
    nodes::update(tx, &before, &node)?;
    if node.maintenance {
        return Ok(());
    }
    if let Some(owed) = work::of_node(tx, node.uuid)?
        && owed.phase != Phase::Held
    {
        let mut told = owed.clone();
        told.heartbeat = true;
        if owed.phase == Phase::Waiting && flows::flow(owed.flow).is_some_and(|row| row.put_off) {
            told.deadline_at = flow::deadline(tx, owed.flow, rules);
        }
        work::update(tx, &owed, &told)?;
    }
    Ok(())
}

fn check(read: &Read, node: &Node, beat: &Heartbeat, peer: Peer, rules: &Rules) -> Refused<()> {
    let url = &beat.callback_url;
    if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Refusal::invalid("callback_url: expected an http or https URL"));
    }
    if beat.version.is_none() && beat.status.is_none() {
        return Err(Refusal::invalid("agent_version: expected the agent's version"));
    }
    // The token is what tells our ramdisk from anybody else on the network; without one nothing is believed.
    let stored = secret_of(read, node, TOKEN)?;
    let same = match (&stored, &beat.token) {
        (Some(Value::String(stored)), Some(sent)) => constant_time_eq(stored.as_bytes(), sent.as_bytes()),
        _ => false,
    };
    if !same {
        return Err(Refusal::invalid("agent_token: missing, or not the one that lookup handed out"));
    }
    match node.driver_internal_info.text("agent_url") {
        // It was found to be good when it was new.
        Some(known) if known == *url => {}
        Some(_) => return Err(Refusal::invalid("callback_url: differs from the one of earlier heartbeats")),
        None => whereabouts::check(read, node, url, peer, &rules.agents)?,
    }
    if let (Some(known), Some(sent)) = (node.driver_internal_info.text("agent_verify_ca"), &beat.verify_ca)
        && known != *sent
    {
        return Err(Refusal::invalid("agent_verify_ca: differs from the one of earlier heartbeats"));
    }
    Ok(())
}

/// Compares without telling by its time where two secrets part.
fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

/// Everything that was known of an agent is void: the machine was switched off. The secret goes with it.
pub fn forget(tx: &Tx, node: &mut Node) -> Refused<()> {
    for key in ["agent_url", "agent_verify_ca", "agent_secret_token"] {
        node.driver_internal_info.remove(key);
    }
    secrets::remove(tx, node.uuid, COLUMN, TOKEN)?;
    secrets::remove(tx, node.uuid, COLUMN, HANDED_OUT)?;
    Ok(())
}

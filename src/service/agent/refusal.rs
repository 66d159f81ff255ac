//! Why a lookup or a report was refused: for the node's admin, since whoever asked is told nothing.

use uuid::Uuid;

use super::{Lookup, answers_lookup, find};
use crate::clock::Timestamp;
use crate::model::{Node, State};
use crate::service::whereabouts::{self, Peer};
use crate::service::{Refused, Rules};
use crate::store::{Read, ports};

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Lookup,
    Report,
}

/// Whose node it is about, if any, and the reason that applies, a sentence without its end.
pub fn refusal(
    read: &Read,
    door: Door,
    asked: &Lookup,
    peer: Peer,
    now: Timestamp,
    rules: &Rules,
) -> Refused<(Option<Uuid>, String)> {
    let cards = asked.addresses.join(", ");
    if let Some(node) = find(read, asked)? {
        return Ok((Some(node.uuid), of_node(read, door, &node, asked, peer, now, rules)?));
    }
    if let Some(uuid) = asked.node_uuid {
        return Ok((None, format!("there is no node {uuid}")));
    }
    for address in &asked.addresses {
        if let Some(port) = ports::find_by_address(read, address)? {
            return Ok((Some(port.node_uuid), format!("its cards ({cards}) are ports of more than one node")));
        }
    }
    Ok((None, format!("no port has any of its cards ({cards})")))
}

fn of_node(
    read: &Read,
    door: Door,
    node: &Node,
    asked: &Lookup,
    peer: Peer,
    now: Timestamp,
    rules: &Rules,
) -> Refused<String> {
    let state = node.provision_state;
    let expected = match door {
        Door::Lookup => answers_lookup(node, rules),
        Door::Report => matches!(state, State::InspectWait | State::Inspecting),
    };
    if !expected {
        let who = if door == Door::Lookup { "agent" } else { "report" };
        return Ok(format!("no {who} is expected while the node is \"{state}\""));
    }
    if door == Door::Lookup && node.is_restarting() {
        return Ok(
            "this service is switching the machine off or restarting it, so it was the ramdisk of before".to_owned()
        );
    }
    let known: Vec<String> = ports::of_node(read, node.uuid)?.into_iter().map(|port| port.address).collect();
    if door == Door::Report && !known.is_empty() && !known.iter().any(|card| asked.addresses.contains(card)) {
        let (named, known) = (asked.addresses.join(", "), known.join(", "));
        return Ok(format!("it is of a machine with the cards {named}, and the node's ports are {known}"));
    }
    if let Some(why) = whereabouts::impostor(read, node, peer, &rules.agents, now)? {
        return Ok(why);
    }
    Ok(format!("it came a moment too early or too late; the node is \"{state}\" now"))
}

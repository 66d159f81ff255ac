//! Why an allocation waits or has no node: which nodes there are, and what speaks against each.

use serde_json::{Value, json};

use super::waits::sentence;
use super::{Verdict, long, next};
use crate::clock::Timestamp;
use crate::model::{Allocation, AllocationState, Node, State};
use crate::service::allocations::texts;
use crate::service::{Refused, allocations};
use crate::store::{Read, nodes, work};

/// Nodes that are spoken of.
const SHOWN: usize = 10;

/// What speaks against giving a node to an allocation now: a row each, the first that applies.
struct Obstacle {
    when: fn(&Node, &Allocation) -> bool,
    tell: fn(&Node, &Allocation) -> String,
}

#[rustfmt::skip]
const OBSTACLES: &[Obstacle] = &[
    Obstacle { when: |n, a| n.allocation_uuid == Some(a.uuid), tell: |_, _| "is its node".to_owned() },
    Obstacle { when: |n, a| n.resource_class != a.resource_class, tell: |n, _| format!("is of the resource class {}", n.resource_class.as_deref().unwrap_or("(none)")) },
    Obstacle { when: |n, _| n.parent_node.is_some(), tell: |_, _| "is part of another node".to_owned() },
    Obstacle { when: |n, _| n.instance_uuid.is_some(), tell: |n, _| format!("is given to {}", n.instance_uuid.unwrap_or_default()) },
    Obstacle { when: |n, _| n.maintenance, tell: |n, _| format!("is in maintenance{}", n.maintenance_reason.as_ref().map(|it| format!(": {it}")).unwrap_or_default()) },
    Obstacle { when: |n, _| n.provision_state != State::Available, tell: |n, _| format!("is \"{}\", not \"available\"", n.provision_state) },
    Obstacle { when: |n, _| n.power_state.is_none(), tell: |_, _| "is available, but its power state is not known; mend the access to its BMC".to_owned() },
    Obstacle { when: |n, a| !missing(n, a).is_empty(), tell: |n, a| format!("lacks the traits {}", missing(n, a).join(", ")) },
    Obstacle { when: |n, a| a.owner.is_some() && n.owner != a.owner && n.lessee != a.owner, tell: |_, a| format!("is neither owned nor leased by {}", a.owner.as_deref().unwrap_or_default()) },
    Obstacle { when: |n, _| n.reservation.is_some(), tell: |n, _| format!("fits, and is held by {}", n.reservation.as_deref().unwrap_or_default()) },
    Obstacle { when: |_, _| true, tell: |_, _| "fits now".to_owned() },
];

fn missing(node: &Node, allocation: &Allocation) -> Vec<String> {
    let has: Vec<String> = texts(&node.traits).collect();
    texts(&allocation.traits).filter(|name| !has.contains(name)).collect()
}

fn speaks_against(node: &Node, allocation: &Allocation) -> String {
    let row = OBSTACLES.iter().find(|row| (row.when)(node, allocation));
    let name = node.name.clone().unwrap_or_else(|| node.uuid.to_string());
    format!("{name} {}", row.map(|row| (row.tell)(node, allocation)).unwrap_or_default())
}

/// The document of an allocation, in the form of a node's.
pub fn json(read: &Read, ident: &str, now: Timestamp, trace_since: Option<Timestamp>) -> Refused<Value> {
    let allocation = allocations::find(read, ident)?;
    let owed = work::of_allocation(read, allocation.uuid)?;
    let named: Vec<uuid::Uuid> = texts(&allocation.candidate_nodes).filter_map(|it| it.parse().ok()).collect();
    let mut looked_at = Vec::new();
    for uuid in named.iter().take(SHOWN) {
        looked_at.extend(nodes::find(read, *uuid)?);
    }
    if named.is_empty() {
        looked_at = nodes::of_class(read, allocation.resource_class.as_deref().unwrap_or_default(), SHOWN)?;
    }
    let against: Vec<String> = looked_at.iter().map(|node| speaks_against(node, &allocation)).collect();
    let class = allocation.resource_class.as_deref().unwrap_or("(none)");
    let nodes = match against.is_empty() {
        true => format!("No node is of the resource class {class}."),
        false => format!("Nodes: {}.", against.join("; ")),
    };
    let (verdict, why, we, you) = match allocation.state {
        AllocationState::Active => (Verdict::AtRest, "It has its node.".to_owned(), "", Vec::new()),
        AllocationState::Allocating => {
            let waited = owed.as_ref().map(|work| long(now.duration_since(work.created_at)));
            let why = format!(
                "It waits{} for a node that fits. {nodes}",
                waited.map(|it| format!(" since {it}")).unwrap_or_default()
            );
            (Verdict::Waiting, why, "tries again each second, and when a node is released", Vec::new())
        }
        AllocationState::Error => {
            let why =
                format!("{} {nodes}", sentence(next::cause(allocation.last_error.as_deref().unwrap_or_default())));
            let you = vec![
                "Make a node fit (baremetal node provide, set --resource-class, add trait).".to_owned(),
                format!("It is not tried again: baremetal allocation delete {}, and create it anew.", allocation.uuid),
            ];
            (Verdict::Failed, why, "", you)
        }
    };
    let until = owed.as_ref().and_then(|work| work.deadline_at);
    let then = until.map(|_| next::at_deadline(crate::model::FlowName::Allocate));
    let since = owed.as_ref().map_or(allocation.updated_at.unwrap_or(allocation.created_at), |work| work.since);
    Ok(json!({
        "node": allocation.node_uuid.map(|uuid| uuid.to_string()), "name": allocation.name, "card": null,
        "allocation": allocation.uuid.to_string(),
        "state": allocation.state.as_str(), "target_state": null, "power": null, "maintenance": false, "locked_by": null,
        "verdict": verdict.as_str(), "trouble": verdict == Verdict::Failed,
        "doing": "finding a node", "waiting_for": owed.and_then(|work| work.why), "why": why, "rule": "allocation",
        "since": since.to_string(), "until": until.map(|at| at.to_string()), "then": then,
        "next": {"we": we, "you": you},
        "last": [],
        "bmc": null, "now": now.to_string(), "trace_since": trace_since.map(|at| at.to_string()),
    }))
}

//! A card that no port has.

use serde_json::{Value, json};

use super::{Verdict, event};
use crate::clock::Timestamp;
use crate::trace::{Subject, Trace};
use crate::wire::mac::Mac;

/// What was seen of it, in the form of a node's document; none if nothing was.
pub fn json(card: Mac, trace: &Trace, now: Timestamp) -> Option<Value> {
    let seen = trace.of(&[Subject::Card(card)]);
    let (first, last) = (seen.first()?, seen.last()?);
    let asked: u32 = seen.iter().map(|seen| seen.count).sum();
    let why = format!(
        "No port has the card {card}, so it is not answered. It was seen {asked} times: {}",
        last.kind.row().meaning
    );
    let you = [
        format!("If it is a machine of yours: baremetal port create --node NODE {card}"),
        "If it is none: dhcp.unknown says whether such cards get an address.".to_owned(),
    ];
    Some(json!({
        "node": null, "name": null, "card": card.to_string(), "allocation": null,
        "state": null, "target_state": null, "power": null, "maintenance": false, "locked_by": null,
        "verdict": Verdict::Stuck.as_str(), "trouble": true,
        "doing": "it is nobody's", "waiting_for": null, "why": why, "rule": "unknown card",
        "since": seen.iter().map(|seen| seen.first).min().unwrap_or(first.first).to_string(), "until": null, "then": null,
        "next": {"we": "keeps silent to it", "you": you},
        "last": seen.iter().rev().map(event).collect::<Vec<_>>(),
        "bmc": null, "now": now.to_string(),
        "trace_since": trace.since().map(|at| at.to_string()),
    }))
}

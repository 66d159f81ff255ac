//! Writing down what happens, in the transaction in which it happens.

use crate::clock::micros;
use crate::model::{EventKind, EventRecord, Node};
use crate::provision::Change;
use crate::store::{StoreError, Tx, events};

/// A transition of `node`, which has been applied already; `left_at` is when it entered the state that it left.
pub fn transition(tx: &Tx, node: &Node, change: Change, left_at: Option<jiff::Timestamp>) -> Result<(), StoreError> {
    let mut event = blank(tx, node, EventKind::Transition);
    event.event_type = "provisioning".to_owned();
    event.text = format!("{} -> {} ({})", change.from, change.to, change.event);
    event.duration_ms = left_at.map(|at| (micros(event.at) - micros(at)) / 1000);
    events::insert(tx, &event)?;
    Ok(())
}

/// Something went wrong; `text` is what `last_error` says.
pub fn failure(tx: &Tx, node: &Node, event_type: &str, text: &str) -> Result<(), StoreError> {
    let mut event = blank(tx, node, EventKind::Failure);
    event.severity = "ERROR".to_owned();
    event.event_type = event_type.to_owned();
    event.text = text.to_owned();
    events::insert(tx, &event)?;
    Ok(())
}

/// A change of power that was asked for or noticed.
pub fn power(tx: &Tx, node: &Node, text: &str) -> Result<(), StoreError> {
    let mut event = blank(tx, node, EventKind::Power);
    event.event_type = "power".to_owned();
    event.text = text.to_owned();
    events::insert(tx, &event)?;
    Ok(())
}

/// The node was given to somebody, or taken back.
pub fn allocation(tx: &Tx, node: &Node, text: &str) -> Result<(), StoreError> {
    let mut event = blank(tx, node, EventKind::Allocation);
    event.event_type = "allocation".to_owned();
    event.text = text.to_owned();
    events::insert(tx, &event)?;
    Ok(())
}

fn blank(tx: &Tx, node: &Node, kind: EventKind) -> EventRecord {
    EventRecord {
        id: 0,
        uuid: tx.uuid(),
        node_uuid: Some(node.uuid),
        at: tx.now(),
        kind,
        severity: "INFO".to_owned(),
        event_type: String::new(),
        text: String::new(),
        user: None,
        state: Some(node.provision_state),
        target_state: node.target_provision_state,
        duration_ms: None,
    }
}

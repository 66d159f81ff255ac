//! Moving a node through its table, from a decision or from the engine: the only callers of `machine::apply`.

use serde_json::{Map, Value};

use super::{Refused, Rules, journal, why};
use crate::model::{FlowName, Node, Object, State, Work};
use crate::provision::machine::{self, NoSuchTransition};
use crate::provision::{Event, flows};
use crate::store::{StoreError, Tx, work};

/// Applies an event to `node` and writes it down. The caller stores the node.
pub fn fire(tx: &Tx, node: &mut Node, event: Event) -> Result<(), StoreError> {
    // Only manual cleaning (and its waiting and failing) ends elsewhere than its states say.
    let carry = node.target_provision_state == Some(State::Manageable)
        && matches!(node.provision_state, State::Cleaning | State::CleanWait | State::CleanHold);
    let entered = node.provision_updated_at;
    let change = machine::apply(node, event, carry, tx.now()).map_err(impossible)?;
    tracing::info!(node = %node.uuid, from = %change.from, to = %change.to, on = %change.event, "transition");
    journal::transition(tx, node, change, entered)
}

/// The engine or a decision asked for a transition that the table does not have: a mistake of ours, kept out of the row.
fn impossible(error: NoSuchTransition) -> StoreError {
    StoreError::Broken(anyhow::Error::new(error))
}

/// Reserves `node` and puts new work in the place of whatever was owed to it.
pub fn start(tx: &Tx, node: &mut Node, flow: FlowName, args: Object, rules: &Rules) -> Result<(), StoreError> {
    if let Some(old) = work::of_node(tx, node.uuid)? {
        work::delete(tx, old.id)?;
        // A power change that rode on it goes with it.
        if flow != FlowName::Power {
            node.target_power_state = None;
        }
    }
    node.reservation = Some(rules.conductor.clone());
    let mut new = Work::for_node(flow, node.uuid, tx.now());
    new.args = args;
    work::insert(tx, &new)?;
    Ok(())
}

/// Fails the running flow of `node`: state, `last_error`, event. The caller decides what is cleaned up after it.
pub fn fail(tx: &Tx, node: &mut Node, flow: FlowName, why: &str) -> Result<(), StoreError> {
    fire(tx, node, Event::Fail)?;
    let told = why::with_next(why, why::after(flow, Event::Fail));
    journal::failure(tx, node, event_type(flow), &told)?;
    node.last_error = Some(told);
    forget_step(node, flow);
    Ok(())
}

/// The step that clients see is no longer being done.
pub fn forget_step(node: &mut Node, flow: FlowName) {
    if let Some(column) = step_column(node, flow) {
        *column = Object::default();
    }
}

/// The column in which clients see the step that a flow is at.
pub fn step_column(node: &mut Node, flow: FlowName) -> Option<&mut Object> {
    match flow {
        FlowName::Deploy => Some(&mut node.deploy_step),
        FlowName::Clean => Some(&mut node.clean_step),
        FlowName::Service => Some(&mut node.service_step),
        _ => None,
    }
}

/// How Ironic's history classes the trouble of a flow.
pub fn event_type(flow: FlowName) -> &'static str {
    match flow {
        FlowName::Deploy => "deploying",
        FlowName::Clean => "cleaning",
        FlowName::Service => "servicing",
        FlowName::Inspect => "introspection",
        FlowName::Rescue | FlowName::Unrescue => "rescue",
        FlowName::Adopt => "adoption",
        FlowName::Verify => "verify",
        FlowName::Delete => "unprovision",
        FlowName::Power => "power",
        FlowName::Allocate | FlowName::Passthru => "provisioning",
    }
}

/// The deadline of a wait that begins now.
pub fn deadline(tx: &Tx, flow: FlowName, rules: &Rules) -> Option<jiff::Timestamp> {
    let bound = rules.timeouts.of(flows::flow(flow)?.timeout?)?;
    tx.now().checked_add(bound).ok()
}

/// Arguments of work, from key and value pairs.
pub fn args<const N: usize>(pairs: [(&str, Value); N]) -> Object {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
}

/// Convenience for decisions that look a node up and refuse if it is gone.
pub fn load(read: &crate::store::Read, uuid: uuid::Uuid) -> Refused<Node> {
    crate::store::nodes::find(read, uuid)?
        .ok_or_else(|| super::Refusal::not_found(format!("Node {uuid} could not be found.")))
}

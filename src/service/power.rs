//! A client asks for power.

use std::time::Duration;

use uuid::Uuid;

use super::{Refusal, Refused, Rules, flow, hold};
use crate::model::{FlowName, Node, PowerTarget, State};
use crate::store::{Tx, nodes};

/// What can be said against a request before the hardware is asked.
pub fn precheck(node: &Node, target: PowerTarget, timeout: Option<Duration>) -> Refused<()> {
    if timeout.is_some_and(|timeout| timeout < Duration::from_secs(1)) {
        return Err(Refusal::invalid("timeout: expected a whole number of seconds, 1 or more"));
    }
    if matches!(node.provision_state, State::Cleaning | State::CleanWait) {
        return Err(Refusal::not_in_state(node, target.as_str(), node.provision_state.as_str()));
    }
    if node.disable_power_off && matches!(target, PowerTarget::Off | PowerTarget::SoftOff) {
        return Err(Refusal::conflict(format!(
            "Failed to set node power state to {target}: powering off is disabled for node {}.",
            node.uuid
        )));
    }
    Ok(())
}

/// Reserves the node and owes it a power change.
pub fn request(tx: &Tx, uuid: Uuid, target: PowerTarget, timeout: Option<Duration>, rules: &Rules) -> Refused<()> {
    let before = flow::load(tx, uuid)?;
    precheck(&before, target, timeout)?;
    hold::refuse(tx)?;
    if before.reservation.is_some() {
        return Err(Refusal::locked(&before));
    }
    // A flow that waits for its agent keeps its work row, and there is one row per node; Ironic lets a client pull the
    // plug then, and so do we: the change rides on the waiting row.
    if let Some(waiting) = crate::store::work::of_node(tx, uuid)? {
        let mut after = waiting.clone();
        after.args.set("power", target.as_str());
        after.args.set("power_timeout_secs", timeout.map(|t| t.as_secs()));
        after.due_at = Some(tx.now());
        crate::store::work::update(tx, &waiting, &after)?;
        let mut node = before.clone();
        node.target_power_state = Some(target.result());
        node.forget_error();
        nodes::update(tx, &before, &node)?;
        return Ok(());
    }
    let mut node = before.clone();
    node.target_power_state = Some(target.result());
    node.forget_error();
    node.power_epoch += 1;
    let args = flow::args([
        ("power", target.as_str().into()),
        ("power_timeout_secs", timeout.map(|timeout| timeout.as_secs()).into()),
    ]);
    flow::start(tx, &mut node, FlowName::Power, args, rules)?;
    nodes::update(tx, &before, &node)?;
    Ok(())
}

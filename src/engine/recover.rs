//! The first thing after a start: make the store say only what is true.
//!
//! Flows are not failed here, as Ironic does: their rows are still there, and the walks pick them up where the cursor
//! stands. What is repaired is what only the dead process knew about.

use std::time::Duration;

use uuid::Uuid;

use super::Engine;
use crate::clock::Timestamp;
use crate::model::{FlowName, Phase, State, Work};
use crate::service::provision::flow_of;
use crate::service::why::with_next;
use crate::service::{Rules, flow, rescue};
use crate::store::{StoreError, Tx, nodes, work};

pub async fn recover(engine: &Engine) -> Result<(), StoreError> {
    let moving: Vec<State> = State::ALL.iter().copied().filter(|state| is_moving(*state)).collect();
    // In hold it was done already, and since then calls of this process may have come and gone.
    let first = !engine.recovered.is_cancelled();
    let (rules, call) = (engine.rules.clone(), engine.env.settings.heartbeat_timeout);
    let (released, failed) = engine
        .store
        .write(move |tx| {
            let released = if first { nodes::release_orphans(tx)? } else { 0 };
            let mut failed = 0;
            // Not all nodes: how long a start takes depends on what was going on, not on how many machines there are.
            for uuid in nodes::unsettled(tx, &moving)? {
                failed += match mend(tx, uuid, &rules, call) {
                    // It stays as it is, and keeps nobody else from going on.
                    Err(error) if error.is_of_one_row() => 0,
                    mended => usize::from(mended?),
                };
            }
            Ok::<_, StoreError>((released, failed))
        })
        .await?;
    if released + failed > 0 {
        tracing::info!(released, failed, "repaired what the last run left behind");
    }
    Ok(())
}

/// In such a state something is owed.
fn is_moving(state: State) -> bool {
    !state.is_stable() && !state.is_failed()
}

/// Until when an agent that called in vain while nobody was there has called again: once between two heartbeats, or in the whole
/// time of its wait if that is shorter.
fn heard_by(tx: &Tx, waiting: &Work, rules: &Rules, call: Duration) -> Option<Timestamp> {
    let call = tx.now().checked_add(call).ok()?;
    Some(flow::deadline(tx, waiting.flow, rules).map_or(call, |whole| whole.min(call)))
}

/// A node without work can neither be on its way somewhere nor expect a power change.
fn mend(tx: &Tx, uuid: Uuid, rules: &Rules, call: Duration) -> Result<bool, StoreError> {
    let Some(before) = nodes::find(tx, uuid)? else { return Ok(false) };
    let owed = work::of_node(tx, before.uuid)?;
    // Whoever called while nobody listened, or whose call was taken in and not acted on, is asked now.
    if let Some(riding) = owed.as_ref().filter(|work| matches!(work.phase, Phase::Waiting | Phase::Held))
        && riding.has_power_change()
    {
        // The last process may have died in the middle of it.
        work::update(tx, riding, &Work { due_at: Some(tx.now()), ..riding.clone() })?;
    } else if let Some(waiting) = owed.as_ref().filter(|work| work.phase == Phase::Waiting) {
        let called = before.driver_internal_info.text("agent_url").is_some();
        let deadline_at = waiting.deadline_at.map(|at| at.max(heard_by(tx, waiting, rules, call).unwrap_or(at)));
        work::update(tx, waiting, &Work { heartbeat: called || waiting.heartbeat, deadline_at, ..waiting.clone() })?;
    }
    let mut node = before.clone();
    // A piece that is walked again says so again.
    node.set_restarting(false);
    let power_owed = owed.as_ref().is_some_and(|work| work.flow == FlowName::Power || work.has_power_change());
    if node.target_power_state.is_some() && !power_owed {
        node.target_power_state = None;
        let why = "The power change was given up when the service stopped.";
        node.last_error = Some(with_next(why, "look at the power, and set it again if it is not as it should be."));
    }
    let on_its_way = is_moving(node.provision_state);
    let walking = owed.as_ref().is_some_and(|work| work.flow != FlowName::Power);
    let mut failed = false;
    if on_its_way && !walking {
        let name = flow_of(node.provision_state).unwrap_or(FlowName::Clean);
        // The hold states have no `fail`; they are left, and a client can abort them.
        if crate::provision::machine::next(node.provision_state, crate::provision::Event::Fail).is_some() {
            flow::fail(tx, &mut node, name, "The service lost track of this node when it stopped.")?;
            if name == FlowName::Rescue {
                rescue::forget(tx, &mut node)?;
            }
            failed = true;
        }
    }
    if node.provision_state == State::Enroll && owed.is_none() {
        node.target_provision_state = None;
    }
    nodes::update(tx, &before, &node)?;
    Ok(failed)
}

//! Look-ups in the tables, and the one function that moves a node from state to state.

use jiff::Timestamp;

use super::table::{Event, TRANSITIONS};
use crate::model::{Node, State};

/// The state after `event`, if that can happen in `state`.
pub fn next(state: State, event: Event) -> Option<State> {
    TRANSITIONS.iter().find(|row| row.from == state && row.on == event).map(|row| row.to)
}

/// A transition that took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub from: State,
    pub to: State,
    pub event: Event,
}

/// The event cannot happen in the node's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event \"{event}\" does not exist in state \"{state}\"")]
pub struct NoSuchTransition {
    pub state: State,
    pub event: Event,
}

/// Moves `node` by `event`: state, target, `provision_updated_at` and the inspection times.
///
/// `carry` keeps the present target instead of the new state's own (manual cleaning carries `manageable` through all
/// its states). A stable state never has a target.
pub fn apply(node: &mut Node, event: Event, carry: bool, now: Timestamp) -> Result<Change, NoSuchTransition> {
    let from = node.provision_state;
    let to = next(from, event).ok_or(NoSuchTransition { state: from, event })?;
    let target = if carry && !to.is_stable() { node.target_provision_state.or(to.goal()) } else { to.goal() };
    node.provision_state = to;
    node.target_provision_state = target;
    node.provision_updated_at = Some(now);
    match to {
        State::Inspecting if from != State::InspectWait => {
            node.inspection_started_at = Some(now);
            node.inspection_finished_at = None;
        }
        State::Manageable if matches!(from, State::Inspecting | State::InspectWait) => {
            node.inspection_finished_at = Some(now);
            node.inspection_started_at = None;
        }
        State::InspectFailed => node.inspection_started_at = None,
        _ => {}
    }
    Ok(Change { from, to, event })
}

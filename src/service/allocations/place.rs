//! Giving an allocation its node, at once or when one becomes free.

use std::time::Duration;

use uuid::Uuid;

use super::choose::{Choice, choose};
use crate::model::{Allocation, AllocationState, FlowName, Node, Object, Phase, Stage, WaitFor, Work};
use crate::provision::Event;
use crate::service::why::{after, with_next};
use crate::service::{Refused, journal};
use crate::store::{StoreError, Tx, allocations, nodes, work};

/// How long an allocation waits for a reserved node, as in Ironic: three rounds, one second apart.
const PATIENCE: Duration = Duration::from_secs(3);
/// A node that is released makes the waiting due at once; this is the net below.
const ROUND: Duration = Duration::from_secs(1);

/// What became of an allocation that waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is active, in error, or gone: nothing more is owed.
    Settled,
    /// It waits on; its work row says until when.
    Waiting,
}

/// Tries again to place an allocation that waits. The engine calls this when its work is due.
pub fn attempt(tx: &Tx, uuid: Uuid) -> Refused<Attempt> {
    match allocations::find(tx, uuid)? {
        Some(allocation) if allocation.state == AllocationState::Allocating => Ok(place(tx, &allocation)?),
        Some(allocation) => {
            settled(tx, &allocation)?;
            Ok(Attempt::Settled)
        }
        // Deleted meanwhile, and its work with it: there is nothing to leave a trace on.
        None => Ok(Attempt::Settled),
    }
}

/// Finds a node for `allocation`, which is `allocating`, and gives it to it in this transaction.
pub fn place(tx: &Tx, allocation: &Allocation) -> Result<Attempt, StoreError> {
    if let Some(node) = nodes::find_by_instance(tx, allocation.uuid)? {
        fail(tx, allocation, &format!("its UUID is the instance UUID of node {} already.", node.uuid))?;
        return Ok(Attempt::Settled);
    }
    match choose(tx, allocation)? {
        Choice::Take(node) => {
            assign(tx, allocation, &node)?;
        }
        Choice::Nothing(why) => fail(tx, allocation, &why)?,
        Choice::Busy(count) => return wait(tx, allocation, count),
    }
    Ok(Attempt::Settled)
}

/// Joins the two: nothing else makes an allocation active. The allocation as it is then.
pub fn assign(tx: &Tx, allocation: &Allocation, node: &Node) -> Result<Allocation, StoreError> {
    let mut given = node.clone();
    given.allocation_uuid = Some(allocation.uuid);
    given.instance_uuid = Some(allocation.uuid);
    let replaced = given.instance_info.get("traits");
    given.instance_info.set("traits", allocation.traits.value());
    nodes::update(tx, node, &given)?;
    let active = Allocation {
        state: AllocationState::Active,
        node_uuid: Some(node.uuid),
        last_error: None,
        replaced_traits: replaced.map(|traits| traits.to_string()),
        updated_at: Some(tx.now()),
        ..allocation.clone()
    };
    allocations::update(tx, allocation, &active)?;
    journal::allocation(tx, &given, &format!("allocated to {}", allocation.uuid))?;
    settled(tx, allocation)?;
    Ok(active)
}

/// Ends the waiting of an allocation without a node.
pub fn give_up(tx: &Tx, uuid: Uuid, why: &str) -> Result<(), StoreError> {
    match allocations::find(tx, uuid)? {
        Some(allocation) if allocation.state == AllocationState::Allocating => end(tx, &allocation, why, Event::Abort),
        Some(allocation) => settled(tx, &allocation),
        None => Ok(()),
    }
}

fn fail(tx: &Tx, allocation: &Allocation, why: &str) -> Result<(), StoreError> {
    end(tx, allocation, why, Event::Fail)
}

fn end(tx: &Tx, allocation: &Allocation, why: &str, event: Event) -> Result<(), StoreError> {
    let failed = Allocation {
        state: AllocationState::Error,
        last_error: Some(with_next(
            &format!("Failed to process allocation {}: {why}", allocation.uuid),
            after(FlowName::Allocate, event),
        )),
        node_uuid: None,
        ..allocation.clone()
    };
    allocations::update(tx, allocation, &failed)?;
    settled(tx, allocation)
}

/// Keeps, or makes, the work row that says when to try again and when to give up.
fn wait(tx: &Tx, allocation: &Allocation, count: usize) -> Result<Attempt, StoreError> {
    let now = tx.now();
    let later = |wait: Duration| now.checked_add(wait).unwrap_or(now);
    match work::of_allocation(tx, allocation.uuid)? {
        Some(owed) if owed.deadline_at.is_none_or(|deadline| deadline <= now) => {
            fail(tx, allocation, &format!("could not reserve any of {count} suitable nodes."))?;
            return Ok(Attempt::Settled);
        }
        Some(owed) => {
            let next = Work { due_at: Some(later(ROUND)), attempt: owed.attempt + 1, ..owed.clone() };
            work::update(tx, &owed, &next)?;
        }
        None => {
            work::insert(
                tx,
                &Work {
                    id: 0,
                    flow: FlowName::Allocate,
                    node_uuid: None,
                    allocation_uuid: Some(allocation.uuid),
                    stage: Stage::Step,
                    step: 0,
                    phase: Phase::Waiting,
                    attempt: 1,
                    args: Object::default(),
                    why: Some(WaitFor::BusyNodes.with(count.to_string()).to_string()),
                    since: now,
                    due_at: Some(later(ROUND)),
                    deadline_at: Some(later(PATIENCE)),
                    heartbeat: false,
                    abort_requested: false,
                    created_at: now,
                },
            )?;
        }
    }
    Ok(Attempt::Waiting)
}

/// Nothing more is owed to it.
fn settled(tx: &Tx, allocation: &Allocation) -> Result<(), StoreError> {
    if let Some(owed) = work::of_allocation(tx, allocation.uuid)? {
        work::delete(tx, owed.id)?;
    }
    Ok(())
}

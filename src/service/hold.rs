//! A store in hold, and how it gets out of it.
//!
//! A store that was restored may be old: machines that it believes to be free may be in use, and work that it believes to be
//! owed may have been done. So as long as it is in hold nothing is done to machines: every decision that would lead there is
//! refused here, the engine claims no work, and machines that boot are told to boot their disks. What an agent says is
//! written down, and has no consequence. Records can be read and changed, and power is read, so that a person can see
//! what is and mend what is not so.
//!
//! Work goes on, or is given up, when a person releases the store.

use uuid::Uuid;

use super::{Refusal, Refused, Rules, agent, allocations, flow, instance, journal, rescue};
use crate::model::{Fault, FlowName, Hold, Node, Phase, Stage, Work};
use crate::provision::Event;
use crate::provision::machine::next;
use crate::store::blobs::{self, BlobKind};
use crate::store::{Read, StoreError, Tx, hold, nodes, work};

/// Rows of work, and of nodes, that a report has at most.
const MOST: usize = 500;

/// Refuses what would touch a machine, or give one away, while the store is in hold.
pub fn refuse(read: &Read) -> Refused<()> {
    if !hold::exists(read)? {
        return Ok(());
    }
    match hold::find(read)? {
        Some(hold) => Err(Refusal::Busy(sentence(&hold))),
        None => Ok(()),
    }
}

/// The same as a sentence; none if the store is not in hold.
pub fn of(read: &Read) -> Result<Option<String>, StoreError> {
    Ok(hold::find(read)?.as_ref().map(sentence))
}

/// What everybody is told who asks for more than can be had now.
pub fn sentence(hold: &Hold) -> String {
    format!(
        "The service is in hold, because {}: no machine is powered, cleaned, deployed or given away. \"bessemer hold\" shows \
         what waits, \"bessemer release\" (DELETE /bessemer/v1/hold) ends it.",
        hold.because()
    )
}

/// Whether the store is in hold, and what would happen if it no longer were.
#[derive(Debug)]
pub struct Report {
    pub hold: Option<Hold>,
    /// The oldest work that is owed.
    pub work: Vec<Pending>,
    /// How much is owed in all.
    pub owed: usize,
    /// Nodes that are free and whose machines are on, by name: somebody may be using them.
    pub suspects: Vec<String>,
    pub suspected: usize,
}

/// Work that is owed, in words.
#[derive(Debug)]
pub struct Pending {
    pub flow: FlowName,
    /// Of the node, or of the allocation if it has none.
    pub uuid: Option<Uuid>,
    pub name: Option<String>,
    /// The node's provision state.
    pub state: Option<String>,
    /// How far it has come.
    pub stands: String,
    /// What comes next.
    pub on_release: String,
}

pub fn report(read: &Read) -> Refused<Report> {
    let (rows, owed) = work::oldest(read, MOST)?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let node = match row.node_uuid {
            Some(uuid) => match nodes::find(read, uuid) {
                // The others are shown all the same.
                Err(error) if error.is_of_one_row() => None,
                found => found?,
            },
            None => None,
        };
        shown.push(Pending {
            flow: row.flow,
            uuid: row.node_uuid.or(row.allocation_uuid),
            name: node.as_ref().and_then(|node| node.name.clone()),
            state: node.map(|node| node.provision_state.as_str().to_owned()),
            stands: stands(&row),
            on_release: on_release(&row),
        });
    }
    let (suspects, suspected) = nodes::free_but_on(read, MOST)?;
    Ok(Report { hold: hold::find(read)?, work: shown, owed, suspects, suspected })
}

fn stands(row: &Work) -> String {
    let stage = match row.stage {
        Stage::Prepare => "at its beginning".to_owned(),
        Stage::Step => format!("at step {}", row.step + 1),
        Stage::Finish => "at its end".to_owned(),
        Stage::Unwind => "failed, being cleaned up".to_owned(),
    };
    match row.phase {
        Phase::Ready => format!("{stage}, which has not begun"),
        Phase::Begun => format!("{stage}, which has begun"),
        Phase::Waiting => format!("{stage}, waiting for {}", row.why.as_deref().unwrap_or("the agent")),
        Phase::Held => format!("{stage}, held until a client says unhold"),
    }
}

fn on_release(row: &Work) -> String {
    let power = row.args.text("power").map(|target| format!("the machine's power is changed: {target}"));
    if let Some(power) = power {
        return power;
    }
    match (row.phase, row.stage, row.flow) {
        (_, _, FlowName::Allocate) => "it is given a free node, if there is one",
        (Phase::Held, ..) => "nothing, until a client says unhold",
        (Phase::Waiting, ..) => "it goes on when the machine's agent calls, and fails if none does in time",
        (_, Stage::Unwind, _) => "what it left on the machine is taken down; the machine may be switched off",
        (.., FlowName::Deploy) => "the machine boots the ramdisk, and its disk is written",
        (.., FlowName::Clean) => "the machine boots the ramdisk, and its disks may be erased",
        (.., FlowName::Delete) => "the machine is switched off, its instance is forgotten, and it is cleaned",
        (.., FlowName::Service) => "the machine boots the ramdisk, and the steps that were asked for are done",
        (.., FlowName::Inspect) => "the machine boots the ramdisk, and is inspected",
        (.., FlowName::Rescue) => "the machine boots the rescue ramdisk",
        (.., FlowName::Unrescue) => "the machine boots its disk again",
        (.., FlowName::Adopt | FlowName::Verify) => "its BMC is asked",
        (.., FlowName::Power | FlowName::Passthru) => "it goes on",
    }
    .to_owned()
}

/// What a release did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// Whether the store was in hold at all; if not, nothing was done.
    pub was_held: bool,
    /// How much work goes on, and how much was given up.
    pub goes_on: usize,
    pub abandoned: usize,
}

/// Ends the hold. Work goes on where it stands, and what waits has its whole time again; or, if it is to be abandoned, its
/// nodes go where a failure leads, and nothing is done to their machines.
pub fn release(tx: &Tx, abandon: bool, rules: &Rules) -> Refused<Released> {
    let mut done = Released { was_held: hold::delete(tx)?, goes_on: 0, abandoned: 0 };
    if !done.was_held {
        return Ok(done);
    }
    for owed in work::all(tx)? {
        if abandon {
            match give_up(tx, &owed, "The work was given up when the restored store was released from hold.") {
                // What it is owed to cannot be read, so nothing can be done with it.
                Err(Refusal::Store(error)) if error.is_of_one_row() => continue,
                given_up => given_up?,
            }
            done.abandoned += 1;
        } else {
            if owed.deadline_at.is_some() && owed.node_uuid.is_some() {
                let again = Work { deadline_at: flow::deadline(tx, owed.flow, rules), ..owed.clone() };
                work::update(tx, &owed, &again)?;
            }
            done.goes_on += 1;
        }
    }
    Ok(done)
}

/// Ends a piece of work in the store alone. The machine is as it is; what it would boot from the network is forgotten.
fn give_up(tx: &Tx, owed: &Work, why: &str) -> Refused<()> {
    let Some(uuid) = owed.node_uuid else {
        if let Some(allocation) = owed.allocation_uuid {
            allocations::give_up(tx, allocation, why)?;
        }
        work::delete(tx, owed.id)?;
        return Ok(());
    };
    let before = flow::load(tx, uuid)?;
    let mut node = before.clone();
    if node.target_power_state.take().is_some() {
        node.last_error = Some(why.to_owned());
    }
    if owed.flow != FlowName::Power {
        if owed.stage != Stage::Unwind {
            fail(tx, &mut node, owed, why)?;
        }
        for kind in
            [BlobKind::Steps, BlobKind::AskedSteps, BlobKind::InspectionData, BlobKind::BootPlan, BlobKind::ImageGrant]
        {
            blobs::delete(tx, uuid, kind)?;
        }
        agent::forget(tx, &mut node)?;
    }
    work::delete(tx, owed.id)?;
    node.reservation = None;
    nodes::update(tx, &before, &node)?;
    Ok(())
}

/// The state that the flow's failure leads to. A state that a step holds has no failure, but it can be aborted.
fn fail(tx: &Tx, node: &mut Node, owed: &Work, why: &str) -> Refused<()> {
    let event = [Event::Fail, Event::Abort].into_iter().find(|event| next(node.provision_state, *event).is_some());
    if let Some(event) = event {
        flow::fire(tx, node, event)?;
        flow::forget_step(node, owed.flow);
    }
    node.last_error = Some(why.to_owned());
    journal::failure(tx, node, flow::event_type(owed.flow), why)?;
    let begun_a_step = owed.stage == Stage::Step && owed.attempt > 0;
    match owed.flow {
        FlowName::Clean if begun_a_step => node.set_fault(Fault::Clean, why.to_owned()),
        FlowName::Service if begun_a_step => node.set_fault(Fault::Service, why.to_owned()),
        FlowName::Adopt => node.power_state = None,
        FlowName::Rescue => rescue::forget(tx, node)?,
        // Its owner has given it up, whether the machine runs on or not.
        FlowName::Delete => instance::wipe(tx, node)?,
        _ => {}
    }
    Ok(())
}

//! What came of a piece of work, written down: the machine's changes, the node's state, the cursor and the event, all in
//! one transaction.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::claim::{Act, Piece};
use super::delta::Delta;
use super::lists::{How, Offer};
use super::{Engine, flows};
use crate::driver::{Driver, DriverError, Outcome};
use crate::model::{Fault, FlowName, Node, Object, Phase, Stage, State, Step, Wait, WaitFor, Work};
use crate::provision::asked::AskedStep;
use crate::provision::{Event, flows as rows};
use crate::service::why::{after, with_next};
use crate::service::{Refused, Rules, agent, flow, instance, journal, provision};
use crate::store::blobs::{self, BlobKind};
use crate::store::{Tx, nodes, work};

/// How long an agent that works on something may stay silent before it is asked. Its own heartbeats come every few
/// minutes, and the one that it sends at the end of a step can be lost.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// How often in a flow an agent that called may turn out unreachable.
const OUT_OF_REACH: u64 = 10;

/// Everything that the transaction needs, so that it can be run again.
struct Settled {
    id: i64,
    act: Act,
    outcome: Result<Outcome, DriverError>,
    delta: Delta,
    args: Object,
    /// What the driver offers, for when the list is made.
    offer: Offer,
    agent_steps: Option<Vec<Step>>,
    has_agent: bool,
    has_finish: bool,
}

/// Writes the outcome down. Whether the walk goes on at once.
pub async fn settle(engine: &Engine, mut piece: Piece, outcome: Result<Outcome, DriverError>) -> Refused<bool> {
    let driver = Driver::of(&piece.task.node).ok();
    let name = piece.work.flow;
    let settled = Arc::new(Settled {
        id: piece.work.id,
        act: piece.act,
        outcome,
        offer: driver.map(|driver| Offer::of_driver(name, &piece.task, driver)).unwrap_or_default(),
        has_agent: driver.is_some_and(|driver| driver.deploy.has_agent(name)),
        has_finish: flows::has_finish(name, &piece.task),
        agent_steps: piece.task.agent_steps.take(),
        args: piece.task.args.clone(),
        delta: Delta::of(&mut piece.task),
    });
    let rules = engine.rules.clone();
    engine.insist(move |tx| settled.write(tx, &rules)).await
}

impl Settled {
    fn write(&self, tx: &Tx, rules: &Rules) -> Refused<bool> {
        // Deleted meanwhile: whoever did that has settled everything.
        let Some(owed) = work::find(tx, self.id)? else { return Ok(false) };
        let (before, mut node) = self.delta.merged(tx)?;
        // However the piece ended, it no longer switches anything.
        node.set_restarting(false);
        let mut next = owed.clone();
        next.args = self.args.clone();
        let more = match &self.outcome {
            _ if self.act == Act::Power => self.after_power(tx, &mut next, &mut node)?,
            Err(error) if self.out_of_reach(error, &mut next) => {
                // The flow goes on waiting as it did, and its time runs on: a beginning of its own with a deadline that is
                // older would be taken for a wait that began after the clock was set.
                let (since, deadline) = (owed.since, owed.deadline_at);
                let after = self.wait(tx, &mut next, &mut node, &WaitFor::OutOfReach.with(error.to_string()), rules)?;
                (next.since, next.deadline_at) = (since, deadline);
                after
            }
            Err(error) => self.failed(tx, &next, &mut node, &error.to_string(), rules)?,
            Ok(Outcome::Fail { why }) => self.failed(tx, &next, &mut node, why, rules)?,
            Ok(Outcome::Done) => self.done(tx, &mut next, &mut node, rules)?,
            Ok(Outcome::Wait { why }) => self.wait(tx, &mut next, &mut node, why, rules)?,
            Ok(Outcome::Hold) => hold(tx, &mut next, &mut node)?,
        };
        // The row may have been replaced by a failure's unwinding or a deletion's cleaning, or be done with.
        if more != After::Gone {
            work::update(tx, &owed, &next)?;
        }
        nodes::update(tx, &before, &node)?;
        Ok(more == After::Goes)
    }

    /// Whether we could only not reach an agent that called a moment ago. A cable is bumped, a switch restarts: that is
    /// no reason to give a machine up, until it has happened too often.
    fn out_of_reach(&self, error: &DriverError, next: &mut Work) -> bool {
        if !error.is_transient() || !matches!(self.act, Act::Resume(_) | Act::ResumePrepare) {
            return false;
        }
        let times = next.args.get("out_of_reach").and_then(|times| times.as_u64()).unwrap_or(0) + 1;
        next.args.set("out_of_reach", times);
        times < OUT_OF_REACH
    }

    fn done(&self, tx: &Tx, next: &mut Work, node: &mut Node, rules: &Rules) -> Refused<After> {
        if next.abort_requested && node.provision_state.awaits_agent() {
            let why = provision::aborted(node.provision_state, next.flow);
            provision::unwind(tx, node, next.flow, Event::Abort, &why, rules)?;
            return Ok(After::Gone);
        }
        if matches!(self.act, Act::Resume(_) | Act::ResumePrepare) && node.provision_state.awaits_agent() {
            flow::fire(tx, node, Event::Resume)?;
        }
        match &self.act {
            Act::Unwind => {
                if is_aborted_service(next, node) {
                    flow::fire(tx, node, Event::Abort)?;
                }
                return finished(tx, next, node);
            }
            Act::Finish => return self.complete(tx, next, node, rules),
            Act::Prepare | Act::ResumePrepare => {
                if let Err(why) = self.make_list(tx, next, &[], rules)? {
                    return self.failed(tx, next, node, &why, rules);
                }
                next.stage = Stage::Step;
                next.step = 0;
            }
            Act::Run(_) | Act::Resume(_) | Act::Lost(_) => {
                if self.agent_steps.is_some() {
                    let steps = list(tx, node)?;
                    let so_far = usize::try_from(next.step + 1).unwrap_or(0).min(steps.len());
                    if let Err(why) = self.make_list(tx, next, &steps[..so_far], rules)? {
                        return self.failed(tx, next, node, &why, rules);
                    }
                }
                next.step += 1;
            }
            Act::Power => {}
        }
        next.phase = Phase::Ready;
        next.attempt = 0;
        next.why = None;
        let left = list(tx, node)?.len() as i64 - next.step;
        if left <= 0 {
            flow::forget_step(node, next.flow);
            if !self.has_finish {
                return self.complete(tx, next, node, rules);
            }
            next.stage = Stage::Finish;
        }
        Ok(After::Goes)
    }

    /// Makes the step list, or makes it anew behind the steps that are `done`, now that the agent has told its own.
    fn make_list(&self, tx: &Tx, next: &mut Work, done: &[Step], rules: &Rules) -> Refused<Result<(), String>> {
        let Some(uuid) = next.node_uuid else { return Ok(Ok(())) };
        let asked = asked_steps(tx, uuid)?;
        let how = How {
            in_order: next.flow == FlowName::Service || next.args.get("manual").is_some(),
            complete: self.agent_steps.is_some() || !self.has_agent || next.args.get("bare").is_some(),
            without_ramdisk: next.args.get("disable_ramdisk") == Some(Value::Bool(true)),
        };
        let made = match next.args.get("skip") {
            Some(_) => Ok(Vec::new()),
            None => self.offer.list(self.agent_steps.as_deref().unwrap_or_default(), &asked, how),
        };
        let mut list = match made {
            Ok(list) => list,
            Err(why) => return Ok(Err(why)),
        };
        if next.flow == FlowName::Clean && !how.in_order {
            list.retain(|step| !rules.disallowed.clean.contains(&step.name()));
        }
        if how.in_order {
            // The client may have asked for a step more than once.
            list.drain(..done.len().min(list.len()));
        } else {
            list.retain(|step| !done.iter().any(|d| d.interface == step.interface && d.step == step.step));
        }
        let list: Vec<Step> = done.iter().cloned().chain(list).collect();
        blobs::put_json(tx, uuid, BlobKind::Steps, &list)?;
        if self.agent_steps.is_some() {
            next.args.set("agent_steps_known", true);
        }
        Ok(Ok(()))
    }

    fn wait(&self, tx: &Tx, next: &mut Work, node: &mut Node, why: &Wait, rules: &Rules) -> Refused<After> {
        // Somebody who is waited for may have called while we worked; the flag is in the row and stays.
        if !node.provision_state.awaits_agent() && rows::flow(next.flow).is_some_and(|row| row.waiting.is_some()) {
            flow::fire(tx, node, Event::Wait)?;
        }
        if let (Some(_), Act::Resume(_)) = (&self.agent_steps, &self.act) {
            let steps = list(tx, node)?;
            let so_far = usize::try_from(next.step + 1).unwrap_or(0).min(steps.len());
            if let Err(why) = self.make_list(tx, next, &steps[..so_far], rules)? {
                return self.failed(tx, next, node, &why, rules);
            }
        }
        // A look in between does not make it another wait.
        let (why, waits) = (Some(why.to_string()), next.phase == Phase::Waiting);
        if !waits || rows::flow(next.flow).is_some_and(|row| row.put_off) {
            if !waits || next.why != why {
                next.since = tx.now();
            }
            next.deadline_at = flow::deadline(tx, next.flow, rules);
        }
        next.phase = Phase::Waiting;
        next.why = why;
        next.due_at = tx.now().checked_add(LOOK_AGAIN).ok();
        node.reservation = None;
        tx.wake();
        Ok(After::Stays)
    }

    /// The flow has reached its end: the last event, and what goes with it.
    fn complete(&self, tx: &Tx, owed: &Work, node: &mut Node, rules: &Rules) -> Refused<After> {
        blobs::delete(tx, node.uuid, BlobKind::Steps)?;
        match owed.flow {
            FlowName::Delete => {
                instance::wipe(tx, node)?;
                flow::fire(tx, node, Event::Clean)?;
                flow::start(tx, node, FlowName::Clean, Object::default(), rules)?;
                return Ok(After::Gone);
            }
            FlowName::Clean => {
                let to_manageable = node.target_provision_state == Some(State::Manageable) || node.retired;
                flow::fire(tx, node, if to_manageable { Event::Manage } else { Event::Done })?;
                if owed.args.get("skip").is_none() {
                    node.driver_internal_info.set("clean_steps", Value::Null);
                }
            }
            FlowName::Deploy => {
                flow::fire(tx, node, Event::Done)?;
                node.driver_internal_info.set("deploy_steps", Value::Null);
            }
            FlowName::Service => {
                flow::fire(tx, node, Event::Done)?;
                node.driver_internal_info.set("service_steps", Value::Null);
            }
            FlowName::Inspect => {
                blobs::delete(tx, node.uuid, BlobKind::InspectionData)?;
                flow::fire(tx, node, Event::Done)?;
            }
            _ => flow::fire(tx, node, Event::Done)?,
        }
        // With fast track the ramdisk goes on running, and is used for what comes next.
        let keeps = matches!(owed.flow, FlowName::Clean | FlowName::Inspect) && node.fast_track(rules.fast_track);
        if !keeps && (flows::has_unwind(owed.flow) || owed.flow == FlowName::Unrescue) {
            agent::forget(tx, node)?;
        }
        finished(tx, owed, node)
    }

    fn failed(&self, tx: &Tx, owed: &Work, node: &mut Node, why: &str, rules: &Rules) -> Refused<After> {
        tracing::warn!(node = %node.uuid, flow = %owed.flow, %why, "the flow failed");
        if self.act == Act::Unwind {
            match owed.flow {
                FlowName::Rescue => node.set_fault(Fault::RescueAbort, why.to_owned()),
                FlowName::Service => node.set_fault(Fault::Service, why.to_owned()),
                _ => {}
            }
            return finished(tx, owed, node);
        }
        let begun_a_step = owed.stage == Stage::Step && owed.attempt > 0;
        match owed.flow {
            FlowName::Clean if begun_a_step => node.set_fault(Fault::Clean, why.to_owned()),
            FlowName::Service if begun_a_step => node.set_fault(Fault::Service, why.to_owned()),
            FlowName::Adopt => node.power_state = None,
            // What the instance was is gone whatever the machine says; only the machine itself may still be on.
            FlowName::Delete => instance::wipe(tx, node)?,
            _ => {}
        }
        if flows::has_unwind(owed.flow) {
            provision::unwind(tx, node, owed.flow, Event::Fail, why, rules)?;
            return Ok(After::Gone);
        }
        flow::fail(tx, node, owed.flow, why)?;
        finished(tx, owed, node)
    }

    /// A power change is over, well or badly. The flow that it rode on waits on.
    fn after_power(&self, tx: &Tx, next: &mut Work, node: &mut Node) -> Refused<After> {
        node.target_power_state = None;
        match &self.outcome {
            Err(error) => {
                let why = format!("Failed to change power state: {error}");
                let told = with_next(&why, after(FlowName::Power, Event::Fail));
                journal::failure(tx, node, "power", &told)?;
                node.last_error = Some(told);
            }
            Ok(_) => {
                node.forget_error();
                let state = node.power_state.map_or("unknown", |state| state.as_str());
                journal::power(tx, node, &format!("power is now \"{state}\""))?;
            }
        }
        if next.flow == FlowName::Power {
            return finished(tx, next, node);
        }
        next.args.remove("power");
        next.args.remove("power_timeout_secs");
        node.reservation = None;
        Ok(After::Stays)
    }
}

/// How the walk stands after a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// The same row has more to do, now.
    Goes,
    /// The row stays and waits.
    Stays,
    /// The row is gone, or another has taken its place.
    Gone,
}

/// Whether the instance of an aborted service runs again, so that the node may say so.
fn is_aborted_service(owed: &Work, node: &Node) -> bool {
    let aborted = owed.args.get("aborted") == Some(Value::Bool(true));
    owed.flow == FlowName::Service && aborted && node.provision_state == State::ServiceFailed
}

fn hold(tx: &Tx, next: &mut Work, node: &mut Node) -> Refused<After> {
    flow::fire(tx, node, Event::Hold)?;
    next.phase = Phase::Held;
    next.why = Some(WaitFor::Unhold.as_str().to_owned());
    next.since = tx.now();
    node.reservation = None;
    Ok(After::Stays)
}

/// Nothing more is owed; the node is given back.
fn finished(tx: &Tx, owed: &Work, node: &mut Node) -> Refused<After> {
    work::delete(tx, owed.id)?;
    blobs::delete(tx, node.uuid, BlobKind::AskedSteps)?;
    node.reservation = None;
    node.target_power_state = None;
    Ok(After::Gone)
}

fn list(tx: &Tx, node: &Node) -> Refused<Vec<Step>> {
    Ok(blobs::load_json(tx, node.uuid, BlobKind::Steps)?.unwrap_or_default())
}

/// What the client asked for when the flow began.
fn asked_steps(tx: &Tx, node: Uuid) -> Refused<Vec<AskedStep>> {
    Ok(blobs::load_json(tx, node, BlobKind::AskedSteps)?.unwrap_or_default())
}

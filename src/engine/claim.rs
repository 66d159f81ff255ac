//! Which piece of a flow is to be done now, decided and written down before it is done.

use std::sync::Arc;

use super::Engine;
use super::delta;
use super::family::Kin;
use crate::driver::Task;
use crate::model::{Fault, FlowName, Node, Phase, Stage, Step, Work};
use crate::provision::Event;
use crate::service::why::{self, Sight};
use crate::service::{Refusal, Refused, Rules, flow, provision, steps};
use crate::store::blobs::{self, BlobKind};
use crate::store::{Tx, hold, nodes, work};

/// One piece of work for a driver.
pub struct Piece {
    pub work: Work,
    pub task: Task,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Prepare,
    /// Begin a step.
    Run(Step),
    /// A step waits for the agent, which has called; or it had begun when the process died.
    Resume(Step),
    /// The agent called while `prepare` waited for it.
    ResumePrepare,
    /// A step of which nobody knows how far it came before the process died, and which must not be repeated.
    Lost(Step),
    Finish,
    Unwind,
    /// Power that a client asked for while the flow waits.
    Power,
}

/// What was decided in the transaction: the row as it is now and what to do for it, or nothing.
type Claimed = Option<(Work, Act)>;

/// Decides and commits what is next for a row. `None`: nothing, or not now.
///
/// `interrupted` says that this process has not walked the row before: a phase `begun` was left by one that died.
pub async fn claim(engine: &Engine, id: i64, interrupted: bool) -> Refused<Option<Piece>> {
    let (rules, sight) = (engine.rules.clone(), engine.sight());
    let claimed = engine
        .store
        .write(move |tx| {
            // The last word: whatever woke the walk, nothing begins while the store is in hold.
            if hold::exists(tx)? {
                return Ok(None);
            }
            let Some(owed) = work::find(tx, id)? else { return Ok(None) };
            let Some(uuid) = owed.node_uuid else { return Ok(None) };
            let before = flow::load(tx, uuid)?;
            let mut node = before.clone();
            let claimed = decide(tx, owed, &mut node, (&rules, &sight), interrupted)?;
            nodes::update(tx, &before, &node)?;
            Ok::<Claimed, Refusal>(claimed)
        })
        .await?;
    let Some((owed, act)) = claimed else { return Ok(None) };
    let env = engine.env.clone();
    let Some(uuid) = owed.node_uuid else { return Ok(None) };
    let flow = owed.flow;
    let built = engine
        .store
        .read(move |read| {
            let Some(mut task) = delta::build(read, uuid, &env)? else { return Ok(None) };
            match flow {
                FlowName::Deploy => {
                    task.known_inventory = blobs::load_json(read, uuid, BlobKind::Inventory)?;
                }
                FlowName::Clean | FlowName::Service => {
                    task.asked = blobs::load_json(read, uuid, BlobKind::AskedSteps)?.unwrap_or_default();
                }
                FlowName::Inspect => {
                    task.inspection_data = blobs::load_json(read, uuid, BlobKind::InspectionData)?;
                    task.known_inventory = blobs::load_json(read, uuid, BlobKind::Inventory)?;
                }
                _ => {}
            }
            Ok::<_, Refusal>(Some(task))
        })
        .await?;
    Ok(built.map(|task| {
        let task = task.with_checkpoint(Arc::new(delta::Saver(engine.clone())));
        let mut task = task.with_family(Arc::new(Kin(engine.clone())));
        if flow == FlowName::Deploy {
            task.look_for_drive_in(Arc::new(delta::Drives(engine.clone())));
        }
        task.flow = Some(flow);
        task.args = owed.args.clone();
        Piece { work: owed, task, act }
    }))
}

fn decide(tx: &Tx, owed: Work, node: &mut Node, means: (&Rules, &Sight), interrupted: bool) -> Refused<Claimed> {
    match owed.phase {
        Phase::Held => held(tx, owed, node, means.0),
        Phase::Waiting => wake(tx, owed, node, means),
        Phase::Ready => begin(tx, owed, node),
        Phase::Begun if interrupted => pick_up(tx, owed),
        Phase::Begun => begin(tx, owed, node),
    }
}

/// Held work moves on when a client says so; until then power may be switched.
fn held(tx: &Tx, owed: Work, node: &mut Node, rules: &Rules) -> Refused<Claimed> {
    if node.reservation.is_some() {
        return Ok(None);
    }
    if owed.has_power_change() {
        return switch(tx, owed, node, rules).map(Some);
    }
    work::update(tx, &owed, &Work { due_at: None, ..owed.clone() })?;
    Ok(None)
}

fn switch(tx: &Tx, owed: Work, node: &mut Node, rules: &Rules) -> Refused<(Work, Act)> {
    node.reservation = Some(rules.conductor.clone());
    node.power_epoch += 1;
    let next = Work { due_at: None, ..owed.clone() };
    work::update(tx, &owed, &next)?;
    Ok((next, Act::Power))
}

/// Waiting work: has the agent called, has the time run out, did a client ask for power?
fn wake(tx: &Tx, owed: Work, node: &mut Node, (rules, sight): (&Rules, &Sight)) -> Refused<Claimed> {
    if node.reservation.is_some() {
        // Whoever has it wakes us when it is given back.
        return Ok(None);
    }
    if owed.has_power_change() {
        return switch(tx, owed, node, rules).map(Some);
    }
    let mut next = owed.clone();
    if node.maintenance {
        // A person looks after it; neither heartbeats nor time move it on.
        next.deadline_at = flow::deadline(tx, owed.flow, rules);
        next.due_at = None;
        next.heartbeat = false;
        work::update(tx, &owed, &next)?;
        return Ok(None);
    }
    if owed.abort_requested && owed.attempt == 0 {
        let why = provision::aborted(node.provision_state, owed.flow);
        provision::unwind(tx, node, owed.flow, Event::Abort, &why, rules)?;
        return Ok(None);
    }
    // Its newest call may have been lost with an earlier process, or on the wire: a known agent is looked up now and then.
    let overdue = owed.due_at.is_some_and(|at| at <= tx.now()) && node.driver_internal_info.text("agent_url").is_some();
    if owed.heartbeat || overdue {
        node.reservation = Some(rules.conductor.clone());
        next.heartbeat = false;
        next.due_at = None;
        if owed.stage == Stage::Step && owed.attempt == 0 {
            // It waited for the machine to come (back) up, not for a step.
            next.phase = Phase::Ready;
            work::update(tx, &owed, &next)?;
            flow::fire(tx, node, Event::Resume)?;
            return begin(tx, next, node);
        }
        work::update(tx, &owed, &next)?;
        let act = match owed.stage {
            Stage::Prepare => Act::ResumePrepare,
            Stage::Step => Act::Resume(step_of(tx, &owed)?),
            Stage::Finish | Stage::Unwind => Act::Finish,
        };
        return Ok(Some((next, act)));
    }
    if owed.deadline_at.is_some_and(|at| at <= tx.now()) {
        let why = timed_out(tx, &owed, node, sight)?;
        let harmed = owed.stage == Stage::Step && owed.attempt > 0;
        match owed.flow {
            FlowName::Clean if harmed => node.set_fault(Fault::Clean, why.clone()),
            FlowName::Service if harmed => node.set_fault(Fault::Service, why.clone()),
            _ => {}
        }
        provision::unwind(tx, node, owed.flow, Event::Fail, &why, rules)?;
    } else if owed.due_at.is_some() {
        next.due_at = None;
        work::update(tx, &owed, &next)?;
    }
    Ok(None)
}

/// Whom nobody heard, and how far the machine came.
fn timed_out(tx: &Tx, owed: &Work, node: &Node, sight: &Sight) -> Refused<String> {
    let waited = owed.why.as_deref().unwrap_or("the agent");
    let found = why::diagnosis(&why::gather(tx, node.uuid, sight, tx.now())?);
    Ok(format!("Timeout reached while waiting for {waited} in state \"{}\". {found}", node.provision_state))
}

/// Writes down that the present stage or step has begun, and shows the step to clients.
fn begin(tx: &Tx, owed: Work, node: &mut Node) -> Refused<Claimed> {
    let mut next = owed.clone();
    let mut act = match owed.stage {
        Stage::Prepare => Act::Prepare,
        Stage::Finish => Act::Finish,
        Stage::Unwind => Act::Unwind,
        Stage::Step => {
            let steps: Vec<Step> = blobs::load_json(tx, node.uuid, BlobKind::Steps)?.unwrap_or_default();
            match usize::try_from(owed.step).ok().and_then(|at| steps.get(at)) {
                Some(step) => Act::Run(step.clone()),
                None => Act::Finish,
            }
        }
    };
    if let Act::Run(step) = &act {
        show(node, owed.flow, step);
    } else if act == Act::Finish {
        next.stage = Stage::Finish;
        flow::forget_step(node, owed.flow);
    }
    if owed.flow == FlowName::Power {
        act = Act::Power;
    }
    next.phase = Phase::Begun;
    next.attempt += 1;
    next.why = None;
    next.since = tx.now();
    next.deadline_at = None;
    next.heartbeat = false;
    work::update(tx, &owed, &next)?;
    Ok(Some((next, act)))
}

/// A row that somebody began and did not end: the process died in between.
fn pick_up(tx: &Tx, owed: Work) -> Refused<Claimed> {
    let act = match owed.stage {
        Stage::Prepare if owed.flow == FlowName::Power => Act::Power,
        Stage::Prepare => Act::Prepare,
        Stage::Finish => Act::Finish,
        Stage::Unwind => Act::Unwind,
        // Which of the three applies is for the interface to say; the walk asks it.
        Stage::Step => Act::Lost(step_of(tx, &owed)?),
    };
    Ok(Some((owed, act)))
}

fn step_of(tx: &Tx, owed: &Work) -> Refused<Step> {
    let node = owed.node_uuid.unwrap_or_default();
    let steps: Vec<Step> = blobs::load_json(tx, node, BlobKind::Steps)?.unwrap_or_default();
    let at = usize::try_from(owed.step).unwrap_or(usize::MAX);
    steps.into_iter().nth(at).ok_or_else(|| {
        Refusal::Store(crate::store::StoreError::Broken(anyhow::anyhow!(
            "the step list of node {node} has no step {}",
            owed.step
        )))
    })
}

/// The step in the column that clients read, with Ironic's keys.
fn show(node: &mut Node, name: FlowName, step: &Step) {
    // Passwords in them are nobody's business.
    let args = steps::masked(&step.args.clone().into());
    let shown = serde_json::json!({
        "interface": step.interface.as_str(), "step": step.step, "args": args, "priority": step.priority,
        "abortable": step.abortable, "requires_ramdisk": step.requires_ramdisk,
    });
    if let Some(column) = flow::step_column(node, name) {
        *column = shown.into();
    }
}

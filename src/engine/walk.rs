//! One row of work, piece by piece, until it waits, is held, fails or is done.

use std::time::Duration;

use super::claim::{Act, Piece, claim};
use super::{Engine, family, flows, inspection, settle};
use crate::driver::{Driver, DriverError, OnCrash, Outcome};
use crate::model::{FlowName, Phase, Step, StepSource, Work};
use crate::service::{Refusal, allocations, hold};
use crate::store::work;
use crate::trace::Kind;

/// How soon work is looked at again whose node, or what belongs to it, cannot be read.
const UNREADABLE_AGAIN: Duration = Duration::from_secs(10);

/// Walks a row as far as it goes; whether it went any way at all. Errors are logged here, once; the row stays, and is
/// tried again.
pub async fn walk(engine: &Engine, id: i64) -> bool {
    let mut interrupted = true;
    loop {
        if engine.stop.is_cancelled() {
            return true;
        }
        match advance(engine, id, interrupted).await {
            Ok(Advance::Further) => interrupted = false,
            Ok(Advance::Ended) => return true,
            Ok(Advance::Nothing) => return !interrupted,
            Err(Refusal::NotFound(_)) => return true,
            Err(Refusal::Store(error)) if error.may_pass() => {
                // The store says so itself, once for all.
                tracing::debug!(work = id, %error, "work waits for the store");
                engine.breathe().await;
                return true;
            }
            Err(Refusal::Store(error)) if error.is_of_one_row() => {
                // So is this, and a person has to put the row right; the others are not held up.
                tracing::debug!(work = id, %error, "work waits for a row that can be read");
                engine.env.clock.sleep(engine.env.random.jitter(UNREADABLE_AGAIN)).await;
                return true;
            }
            Err(error) => {
                tracing::error!(work = id, error = ?error, "work could not be carried on; it is tried again");
                engine.env.clock.sleep(engine.env.random.jitter(Duration::from_secs(1))).await;
                return true;
            }
        }
    }
}

/// What one piece of work led to.
enum Advance {
    /// The row may have more to do, now.
    Further,
    /// It waits, or is gone.
    Ended,
    /// Nothing could be done for it.
    Nothing,
}

async fn advance(engine: &Engine, id: i64, interrupted: bool) -> Result<Advance, Refusal> {
    let found = engine.store.read(move |read| work::find(read, id)).await?;
    let Some(owed) = found else { return Ok(Advance::Ended) };
    if owed.flow == FlowName::Allocate {
        return allocate(engine, owed).await;
    }
    let left_behind = interrupted && owed.phase == Phase::Begun;
    let Some(mut piece) = claim(engine, id, left_behind).await? else { return Ok(Advance::Nothing) };
    note_begin(engine, &piece);
    let outcome = carry_out(engine, &mut piece, left_behind).await;
    let cut_off = matches!(outcome, Err(DriverError::Stopping(_)));
    if cut_off || engine.stop.is_cancelled() && outcome.as_ref().is_err_and(DriverError::is_transient) {
        // Our own stop cut it off, which says nothing about the machine: the next start takes it up.
        return Ok(Advance::Ended);
    }
    note_end(engine, &piece, &outcome);
    let further = settle::settle(engine, piece, outcome).await?;
    Ok(if further { Advance::Further } else { Advance::Ended })
}

async fn allocate(engine: &Engine, owed: Work) -> Result<Advance, Refusal> {
    let Some(uuid) = owed.allocation_uuid else { return Ok(Advance::Nothing) };
    let attempt = engine.store.write(move |tx| {
        hold::refuse(tx)?;
        allocations::attempt(tx, uuid)
    });
    attempt.await?;
    Ok(Advance::Ended)
}

/// What became of a piece, before it is written down.
type Ended = Result<Outcome, DriverError>;

async fn carry_out(engine: &Engine, piece: &mut Piece, left_behind: bool) -> Ended {
    let driver = Driver::of(&piece.task.node)?;
    let flow = piece.work.flow;
    tracing::debug!(node = %piece.task.node.uuid, flow = %flow, act = ?short(&piece.act), "begins");
    match piece.act.clone() {
        Act::Prepare => flows::prepare(flow, &mut piece.task, driver, left_behind).await,
        Act::ResumePrepare => flows::resume_prepare(flow, &mut piece.task, driver).await,
        Act::Run(step) => run(engine, &step, piece, driver).await,
        Act::Resume(step) => resume(&step, piece, driver).await,
        Act::Lost(step) => match on_crash(&step, driver) {
            OnCrash::Repeat => run(engine, &step, piece, driver).await,
            OnCrash::Ask => driver.interface(step.interface).resume_step(&mut piece.task, &step).await,
            OnCrash::Fail => Ok(Outcome::Fail {
                why: format!(
                    "The service was interrupted during step {}. Nobody can tell how far it came, so it is not repeated.",
                    step.name()
                ),
            }),
        },
        Act::Finish => finish(engine, piece, driver).await,
        Act::Unwind => flows::unwind(flow, &mut piece.task, driver).await,
        Act::Power => flows::power(&mut piece.task, driver, left_behind).await,
    }
}

async fn finish(engine: &Engine, piece: &mut Piece, driver: Driver) -> Ended {
    let outcome = flows::finish(piece.work.flow, &mut piece.task, driver).await?;
    if piece.work.flow == FlowName::Inspect {
        inspection::apply_rules(engine, &mut piece.task).await?;
    }
    Ok(outcome)
}

/// Which children a step had reached when the process died is not known.
fn on_crash(step: &Step, driver: Driver) -> OnCrash {
    match step.children {
        Some(_) => OnCrash::Fail,
        None if step.source == StepSource::Reserved => OnCrash::Repeat,
        None => driver.interface(step.interface).on_crash(step),
    }
}

async fn run(engine: &Engine, step: &Step, piece: &mut Piece, driver: Driver) -> Ended {
    if step.children.is_some() {
        return family::run_step(engine, piece.task.node.uuid, piece.work.flow, step).await;
    }
    match step.source {
        StepSource::Reserved => flows::reserved(step, &mut piece.task, driver).await,
        // The deploy interface speaks to the agent, whichever interface the agent's step is filed under.
        StepSource::Agent => driver.deploy.run_step(&mut piece.task, step).await,
        StepSource::Driver => driver.interface(step.interface).run_step(&mut piece.task, step).await,
    }
}

async fn resume(step: &Step, piece: &mut Piece, driver: Driver) -> Ended {
    flows::fetch_agent_steps(piece.work.flow, &mut piece.task, driver).await?;
    match step.source {
        StepSource::Reserved => Ok(Outcome::Done),
        StepSource::Agent => driver.deploy.resume_step(&mut piece.task, step).await,
        StepSource::Driver => driver.interface(step.interface).resume_step(&mut piece.task, step).await,
    }
}

fn short(act: &Act) -> String {
    match act {
        Act::Prepare | Act::ResumePrepare => "preparation".to_owned(),
        Act::Run(step) | Act::Resume(step) | Act::Lost(step) => format!("step {}", step.name()),
        Act::Finish => "the end".to_owned(),
        Act::Unwind => "cleaning up".to_owned(),
        Act::Power => "power change".to_owned(),
    }
}

/// A look at what was begun before is no beginning.
fn note_begin(engine: &Engine, piece: &Piece) {
    if !matches!(piece.act, Act::Resume(_) | Act::ResumePrepare) {
        let text = format!("{}: {}", piece.work.flow, short(&piece.act));
        engine.env.trace.node(piece.task.node.uuid, Kind::Began, text);
    }
}

fn note_end(engine: &Engine, piece: &Piece, outcome: &Ended) {
    let what = format!("{}: {}", piece.work.flow, short(&piece.act));
    let (kind, text) = match outcome {
        Ok(Outcome::Done) => (Kind::Ended, what),
        Ok(Outcome::Wait { why }) => (Kind::Waits, format!("{what} waits for {why}")),
        Ok(Outcome::Hold) => (Kind::Waits, format!("{what} is held")),
        Ok(Outcome::Fail { why }) => (Kind::Failed, format!("{what}: {why}")),
        Err(error) => (Kind::Failed, format!("{what}: {error}")),
    };
    engine.env.trace.node(piece.task.node.uuid, kind, text);
}

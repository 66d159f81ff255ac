//! What the BMCs say about power, read again and again.
//!
//! Reading never reserves a node and never gets in a client's way: what was read is recorded only if nobody works on the
//! node and no power action has happened since (`power_epoch`). The recorded state follows the machine; forcing the
//! machine to the recorded state is a setting, off by default, and never switches off a node that is in use.
//!
//! A BMC that stumbles is read less and less often: the client of its protocol refuses to ask it, and such a reading counts
//! for nothing here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Engine, delta};
use crate::driver::{Driver, DriverError, Environment, Task};
use crate::model::{Fault, FlowName, Node, PowerState, PowerTarget, State};
use crate::service::why::with_next;
use crate::service::{Refusal, Refused, flow, journal};
use crate::store::{Read, StoreError, Tx, hold, nodes, work};
use crate::trace::Kind;

/// How long one reading may take before it counts as failed. Longer than a BMC's client takes to give up, so that it is
/// the client that says what was wrong, and takes note of it.
const READING: Duration = Duration::from_secs(40);

/// Runs until the engine stops.
pub async fn run(engine: Engine) {
    let mut failures: HashMap<Uuid, u32> = HashMap::new();
    // Whoever restored a store wants to see the machines as they are before it is released.
    let mut at_once = engine.store.read(hold::exists).await.unwrap_or(false);
    loop {
        let pause = engine.env.random.jitter(engine.periods.power_sync / 10);
        let pause = if std::mem::take(&mut at_once) {
            Duration::ZERO
        } else {
            engine.periods.power_sync.saturating_sub(pause / 2)
        };
        tokio::select! {
            biased;
            () = engine.stop.cancelled() => return,
            () = engine.env.clock.sleep(pause) => {}
        }
        if let Err(error) = round(&engine, &mut failures).await {
            tracing::warn!(?error, "power could not be synchronised this time");
        }
    }
}

/// Whether a node's power is read at all.
fn is_read(node: &Node) -> bool {
    let healing = node.maintenance && node.fault == Some(Fault::Power);
    let excluded = matches!(
        node.provision_state,
        State::Enroll | State::DeployWait | State::CleanWait | State::AdoptFailed | State::Verifying
    );
    (healing || !node.maintenance) && node.reservation.is_none() && node.target_power_state.is_none() && !excluded
}

/// Nodes whose tasks are in memory at once.
const PART: usize = 200;

async fn round(engine: &Engine, failures: &mut HashMap<Uuid, u32>) -> Result<(), StoreError> {
    let places = Arc::new(Semaphore::new(engine.periods.power_sync_at_once.max(1)));
    let mut readings = tokio::task::JoinSet::new();
    let (mut seen, mut last) = (HashSet::new(), Some(0));
    while let Some(after) = last {
        let env = engine.env.clone();
        let tasks;
        (tasks, last) = engine.store.read(move |read| part(read, after, &env)).await?;
        for task in tasks {
            seen.insert(task.node.uuid);
            let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
            readings.spawn(async move {
                let reading = read_power(&task).await;
                drop(place);
                (task, reading)
            });
            while let Some(done) = readings.try_join_next() {
                take_in(engine, failures, done).await;
            }
        }
    }
    while let Some(done) = readings.join_next().await {
        take_in(engine, failures, done).await;
    }
    failures.retain(|uuid, _| seen.contains(uuid));
    Ok(())
}

/// Tasks for the next nodes whose power can be read, and the last of the nodes looked at; none if there are no more.
fn part(read: &Read, after: i64, env: &Environment) -> Result<(Vec<Task>, Option<i64>), StoreError> {
    let (page, last) = nodes::after(read, after, PART)?;
    let mut tasks = Vec::new();
    for node in page.into_iter().filter(is_read) {
        if Driver::of(&node).is_ok_and(|driver| driver.power.can_sync()) {
            match delta::build(read, node.uuid, env) {
                // The power of the others is read all the same.
                Err(error) if error.is_of_one_row() => {}
                built => tasks.extend(built?.map(Task::in_background)),
            }
        }
    }
    Ok((tasks, last))
}

type Reading = Result<Option<PowerState>, DriverError>;

async fn read_power(task: &Task) -> Reading {
    let driver = Driver::of(&task.node)?;
    match tokio::time::timeout(READING, driver.power.state(task)).await {
        Ok(reading) => reading,
        Err(_) => Err(DriverError::TimedOut(format!("the BMC did not tell its power within {} s", READING.as_secs()))),
    }
}

async fn take_in(
    engine: &Engine,
    failures: &mut HashMap<Uuid, u32>,
    done: Result<(Task, Reading), tokio::task::JoinError>,
) {
    let Ok((task, reading)) = done else { return };
    let uuid = task.node.uuid;
    let failed = match &reading {
        // Nobody asked, so nothing is known.
        Err(DriverError::LeftAlone(why)) => return tracing::debug!(node = %uuid, why, "power not read"),
        Ok(Some(PowerState::Error)) | Err(_) => {
            let count = failures.entry(uuid).or_default();
            *count = count.saturating_add(1);
            *count
        }
        Ok(_) => 0,
    };
    let after_failures = failed == 0 && failures.remove(&uuid).is_some();
    if after_failures {
        engine.env.trace.node(uuid, Kind::BmcAnswers, "");
    }
    let news = News {
        epoch: task.node.power_epoch,
        first_failure: failed == 1,
        after_failures,
        give_up: failed >= engine.periods.power_sync_failures.max(1),
        force: engine.periods.force_power_state,
    };
    let rules = engine.rules.clone();
    let written = engine.store.write(move |tx| record(tx, uuid, reading.clone(), news, &rules)).await;
    if let Err(error) = written {
        tracing::warn!(node = %uuid, ?error, "a power reading was not recorded");
    }
}

/// What is known about a reading beside what was read.
#[derive(Clone, Copy)]
struct News {
    /// The node's power epoch when it was asked.
    epoch: i64,
    first_failure: bool,
    /// It was read, which had failed before.
    after_failures: bool,
    /// It has failed so often that the node is at fault.
    give_up: bool,
    force: bool,
}

/// Records a reading, unless it is stale.
fn record(tx: &Tx, uuid: Uuid, reading: Reading, news: News, rules: &crate::service::Rules) -> Refused<()> {
    let Some(before) = nodes::find(tx, uuid)? else { return Ok(()) };
    // In hold a person wants to know what is; nothing follows from it.
    let held = hold::exists(tx)?;
    let news = News { force: news.force && !held, give_up: news.give_up && !held, ..news };
    if !is_read(&before) || before.power_epoch != news.epoch {
        return Ok(());
    }
    let mut node = before.clone();
    match reading {
        Ok(Some(state)) if state != PowerState::Error => {
            if node.fault == Some(Fault::Power) {
                // What was written down then is true no more.
                if node.last_error == node.maintenance_reason {
                    node.last_error = None;
                }
                node.clear_maintenance();
                journal::power(tx, &node, "power can be read again; maintenance is over")?;
            } else if news.after_failures {
                journal::power(tx, &node, "power can be read again")?;
            }
            if news.force && may_force(tx, &node, state)? {
                let target = if node.power_state == Some(PowerState::On) { PowerTarget::On } else { PowerTarget::Off };
                let args = flow::args([("power", target.as_str().into())]);
                node.target_power_state = Some(target.result());
                node.power_epoch += 1;
                flow::start(tx, &mut node, FlowName::Power, args, rules)?;
            } else if node.power_state != Some(state) {
                let was = node.power_state.map_or("unknown", |state| state.as_str());
                journal::power(tx, &node, &format!("power was \"{was}\", the BMC says \"{state}\""))?;
                node.power_state = Some(state);
            }
        }
        Err(error) if !news.give_up && news.first_failure => {
            let text = format!("power could not be read: {error}. It is read less often until the BMC answers");
            journal::power(tx, &node, &text)?;
        }
        _ if !news.give_up => {}
        Ok(_) => fault(tx, &mut node, "the BMC cannot tell the power state")?,
        Err(error) => fault(tx, &mut node, &error.to_string())?,
    }
    nodes::update(tx, &before, &node).map_err(Refusal::from)?;
    Ok(())
}

fn fault(tx: &Tx, node: &mut Node, why: &str) -> Refused<()> {
    if node.fault == Some(Fault::Power) {
        return Ok(());
    }
    let text = format!("During sync_power_state, the power of the node could not be read: {why}");
    let text = with_next(&text, "mend the access to the BMC; maintenance ends by itself when it answers.");
    node.power_state = None;
    // Why a node failed is worth more than that its BMC is silent, which the reason of its maintenance says.
    if !(node.provision_state.is_failed() && node.last_error.is_some()) {
        node.last_error = Some(text.clone());
    }
    node.set_fault(Fault::Power, text.clone());
    Ok(journal::failure(tx, node, "monitoring", &text)?)
}

/// Only a node that is not in use, differs from its record, and has nothing else to do.
fn may_force(tx: &Tx, node: &Node, state: PowerState) -> Refused<bool> {
    let differs = node.power_state.is_some_and(|recorded| recorded != state);
    let would_switch_off = node.power_state == Some(PowerState::Off);
    let in_use = matches!(node.provision_state, State::Active | State::Rescue);
    let allowed = !(would_switch_off && (in_use || node.disable_power_off));
    Ok(differs && allowed && work::of_node(tx, node.uuid)?.is_none())
}

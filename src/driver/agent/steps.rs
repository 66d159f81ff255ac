//! Steps that the agent carries out: which it offers, sending one, and looking at how it stands.

use std::time::Duration;

use serde_json::{Map, Value};

use super::document::{execute, execute_params, kind, node_and_ports, question};
use super::progress::last;
use super::{AgentClient, Progress, Started, drive, raid};
use crate::driver::traits::RamdiskFor;
use crate::driver::{Driver, DriverError, Outcome, Task};
use crate::model::{FlowName, InterfaceKind, PowerTarget, Step, StepSource, WaitFor};
use crate::wire::ipa;

/// How long the agent may look at its hardware before it says which steps it has.
const OFFER: Duration = Duration::from_secs(180);
/// How often a step is sent to an agent that forgot it or cannot be reached, before the flow fails.
const PATIENCE: u64 = 5;

/// Keys of the work's arguments: which step was sent and accepted; for which one the machine is being rebooted; how often
/// it was tried in vain.
const SENT: &str = "agent_step_sent";
const REBOOTED: &str = "agent_rebooted_after";
const TRIES: &str = "agent_step_tries";
/// The agent's command that ended the step before.
const OVER: &str = "agent_step_over";
/// In which life of the service it was sent, and how often its transfer was cut by the end of one.
const SENT_IN: &str = "agent_step_sent_in";
const CUT: &str = "agent_step_cut";
/// How often an image whose transfer the service's own end has cut is sent again. Each needs a start of the service.
const CUTS: u64 = 20;

/// Asks for the steps of a flow and remembers the hardware managers' version.
pub async fn offered(task: &mut Task, flow: FlowName) -> Result<Vec<Step>, DriverError> {
    let client = AgentClient::of(task).await?;
    let command = question(flow);
    let answer = client.call(&command, node_and_ports(task), OFFER).await?;
    let list: ipa::StepList = serde_json::from_value(answer.unwrap_or_default())
        .map_err(|_| DriverError::Refused(format!("the agent's answer to {command} is no list of steps")))?;
    task.node.driver_internal_info.set("hardware_manager_version", list.hardware_manager_version.clone());
    let offered = list.flatten().into_iter().filter_map(|step| ours(task, flow, step));
    // RAID that is somebody else's is not the agent's to change.
    Ok(offered.filter(|step| step.interface != InterfaceKind::Raid || raid::is_agents(task)).collect())
}

/// The agent's step as the engine keeps it; none if its interface is unknown.
fn ours(task: &Task, flow: FlowName, step: ipa::Step) -> Option<Step> {
    let configured = task.env.settings.clean_step_priorities.iter().find(|(name, _)| *name == step.step);
    let priority = match configured {
        Some((_, priority)) if flow == FlowName::Clean => *priority,
        _ => step.priority.max(0),
    };
    Some(Step {
        interface: InterfaceKind::parse(&step.interface)?,
        step: step.step,
        args: Map::new(),
        priority,
        abortable: step.abortable.unwrap_or(false),
        requires_ramdisk: step.requires_ramdisk.unwrap_or(true),
        reboot_requested: step.reboot_requested.unwrap_or(false),
        source: StepSource::Agent,
        children: None,
    })
}

/// Sends a step. `args` takes the place of its own.
pub async fn send(
    task: &mut Task,
    flow: FlowName,
    step: &Step,
    args: Option<Map<String, Value>>,
) -> Result<Outcome, DriverError> {
    let given = if step.source == StepSource::Agent { drive::given(task).await? } else { None };
    let (drive, _room) = given.unzip();
    let started = match AgentClient::of(task).await {
        Ok(client) => client.start(&execute(flow), execute_params(task, flow, step, args, drive)?).await,
        Err(error) => Err(error),
    };
    match started {
        Ok(Started::Accepted(_)) => {
            task.args.set(SENT, step.name());
            task.args.set(SENT_IN, &*task.env.life);
            Ok(Outcome::wait(WaitFor::StepEnd.with(step.name())))
        }
        // Not marked as sent: the next look sends it, once the agent is done with the other command, or is back.
        Ok(Started::Busy) => Ok(Outcome::wait(WaitFor::EarlierCommand)),
        Err(error) if error.is_transient() && try_again(task) => Ok(bear_with(&error)),
        Err(error) => Err(error),
    }
}

/// How a step stands, and what follows. `again` says that it is to be sent (again).
pub enum Look {
    Settled(Outcome),
    /// With the agent's result.
    Done(Option<Value>),
    Again,
}

/// Looks at the agent's list. Unreachable agents are borne with for a while: they will call again.
pub async fn look(task: &mut Task, flow: FlowName, step: &Step) -> Result<Look, DriverError> {
    let listed = match AgentClient::of(task).await {
        Ok(client) => client.commands().await,
        Err(error) => Err(error),
    };
    let commands = match listed {
        Ok(commands) => commands,
        Err(error) if error.is_transient() && try_again(task) => {
            return Ok(Look::Settled(bear_with(&error)));
        }
        Err(error) => return Err(error),
    };
    let sent = task.args.text(SENT).as_deref() == Some(&step.name());
    let wait = || Look::Settled(Outcome::wait(WaitFor::StepEnd.with(step.name())));
    let over = task.args.text(OVER);
    Ok(match Progress::of(&commands, flow, step, over.as_deref()) {
        Progress::Running => wait(),
        // What it writes begins anew with the disk's first byte, so that doing it again does no harm.
        Progress::Failed { why, transfer: true } if step.source == StepSource::Driver && was_cut(task) => {
            tracing::info!(node = %task.node.uuid, %why, "the service was away while its image was fetched; it is written again");
            Look::Again
        }
        Progress::Failed { why, .. } => {
            Look::Settled(Outcome::Fail { why: format!("Step {} failed: {why}", step.name()) })
        }
        Progress::Succeeded => {
            forget(task);
            task.args.set(OVER, last(&commands, flow).map(|command| command.id.clone()));
            Look::Done(result_of(&commands, flow))
        }
        Progress::Fresh if task.args.text(REBOOTED).as_deref() == Some(&step.name()) => {
            forget(task);
            Look::Settled(Outcome::Done)
        }
        Progress::VersionMismatch if try_again(task) => {
            task.agent_steps = Some(offered(task, flow).await?);
            Look::Again
        }
        Progress::VersionMismatch => failed(step, "the agent's hardware managers keep changing"),
        Progress::Fresh | Progress::Elsewhere if !sent => Look::Again,
        // It knew of the step and does not any more: the machine or the agent was restarted by somebody else.
        Progress::Fresh if try_again(task) => Look::Again,
        Progress::Fresh => failed(step, "the agent keeps forgetting it: something restarts the machine"),
        Progress::Elsewhere => wait(),
    })
}

/// What the last step to succeed gave back.
fn result_of(commands: &[ipa::CommandResult], flow: FlowName) -> Option<Value> {
    let last = commands.iter().rev().find(|command| command.is(&execute(flow)))?;
    last.command_result.as_ref()?.get(format!("{}_result", kind(flow))).cloned()
}

/// An agent that cannot be reached now calls again if it lives; if not, the flow's deadline ends the wait.
fn bear_with(error: &DriverError) -> Outcome {
    Outcome::wait(WaitFor::NextHeartbeat.with(format!("({error})")))
}

fn failed(step: &Step, why: &str) -> Look {
    Look::Settled(Outcome::Fail { why: format!("Step {} failed: {why}.", step.name()) })
}

/// Counts a try in vain; whether there may be another.
fn try_again(task: &mut Task) -> bool {
    let tries = task.args.get(TRIES).and_then(|tries| tries.as_u64()).unwrap_or(0) + 1;
    task.args.set(TRIES, tries);
    tries <= PATIENCE
}

/// Whether the process that should have served the agent is not the one that now looks, so that the agent cannot be blamed.
/// What fails again in one life of the service fails for good.
fn was_cut(task: &mut Task) -> bool {
    if task.args.text(SENT_IN).as_deref() == Some(&task.env.life) {
        return false;
    }
    let cut = task.args.get(CUT).and_then(|cut| cut.as_u64()).unwrap_or(0) + 1;
    task.args.set(CUT, cut);
    cut <= CUTS
}

/// The step is over: nothing of it may be taken for the next one's.
fn forget(task: &mut Task) {
    for key in [SENT, REBOOTED, TRIES, SENT_IN, CUT] {
        task.args.remove(key);
    }
}

/// A step of the agent's own: look, send if need be, reboot if it asks for it.
pub async fn resume(task: &mut Task, flow: FlowName, step: &Step) -> Result<Outcome, DriverError> {
    match look(task, flow, step).await? {
        Look::Settled(outcome) => Ok(outcome),
        Look::Again => send(task, flow, step, None).await,
        Look::Done(result) => {
            raid::took(task, step, result.as_ref())?;
            if !step.reboot_requested {
                return Ok(Outcome::Done);
            }
            let driver = Driver::of(&task.node)?;
            driver.boot.prepare_ramdisk(task, RamdiskFor::Agent).await?;
            driver.set_power(task, PowerTarget::Reboot, None).await?;
            task.args.set(REBOOTED, step.name());
            Ok(Outcome::wait(WaitFor::Return.with(step.name())))
        }
    }
}

//! Steps that the agent carries out: asking which it has, ordering one, and looking how it stands.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::client::{Agent, Sent, node_document, params, port_documents};
use crate::driver::{DriverError, Outcome, Task};
use crate::model::{FlowName, InterfaceKind, Step, StepSource};
use crate::wire::ipa::{CommandResult, CommandStatus, StepList};

/// Scanning the hardware for steps may take the agent this long.
const LISTING: Duration = Duration::from_secs(120);
/// How long the agent may take to accept an order that it then works on by itself.
const ORDERING: Duration = Duration::from_secs(60);
/// How often a step is ordered again after the agent was found restarted.
const RESTARTS: u64 = 3;

/// The agent's words for a flow: its extension, and the noun in its commands.
fn words(flow: FlowName) -> Option<&'static str> {
    match flow {
        FlowName::Deploy => Some("deploy"),
        FlowName::Clean => Some("clean"),
        FlowName::Service => Some("service"),
        _ => None,
    }
}

fn flow_word(task: &Task) -> Result<&'static str, DriverError> {
    task.flow.and_then(words).ok_or_else(|| DriverError::unsupported("the agent has no steps for this"))
}

/// The steps that the agent offers to a flow.
pub async fn offered(task: &mut Task, flow: FlowName) -> Result<Option<Vec<Step>>, DriverError> {
    let Some(word) = words(flow) else { return Ok(None) };
    let Some(agent) = Agent::of(task).await? else { return Ok(None) };
    let name = format!("{word}.get_{word}_steps");
    let asked = params([("node", node_document(task)), ("ports", port_documents(task))]);
    let result = match agent.command(&name, asked, true, LISTING).await? {
        Sent::Result(result) if result.command_status == CommandStatus::Succeeded => result,
        Sent::Result(result) => {
            return Err(DriverError::Refused(format!("The agent could not list its steps: {}", result.failure())));
        }
        Sent::Busy => return Err(DriverError::Refused("The agent is busy and did not list its steps.".to_owned())),
    };
    let list: StepList = serde_json::from_value(result.command_result.unwrap_or_default())
        .map_err(|error| DriverError::Refused(format!("The agent's steps cannot be read: {error}")))?;
    let priorities = task.env.settings.clean_step_priorities.clone();
    let steps = list.flatten().into_iter().filter_map(|step| of_agent(step, flow, &priorities)).collect();
    task.node.driver_internal_info.set("hardware_manager_version", list.hardware_manager_version);
    Ok(Some(steps))
}

fn of_agent(step: crate::wire::ipa::Step, flow: FlowName, priorities: &[(String, i64)]) -> Option<Step> {
    let configured = priorities.iter().find(|(name, _)| flow == FlowName::Clean && *name == step.step);
    Some(Step {
        interface: InterfaceKind::parse(&step.interface)?,
        priority: configured.map_or(step.priority, |(_, priority)| *priority),
        args: step.args.unwrap_or_default(),
        abortable: step.abortable.unwrap_or(false),
        requires_ramdisk: step.requires_ramdisk.unwrap_or(true),
        reboot_requested: step.reboot_requested.unwrap_or(false),
        source: StepSource::Agent,
        step: step.step,
    })
}

/// Orders a step with the given arguments. If the agent is not there (the machine restarts), its heartbeat is awaited.
pub async fn order(task: &mut Task, step: &Step, args: Map<String, Value>) -> Result<Outcome, DriverError> {
    let word = flow_word(task)?;
    let Some(agent) = Agent::of(task).await? else {
        return Ok(Outcome::wait(format!("the agent, to begin step {}", step.name())));
    };
    let name = format!("{word}.execute_{word}_step");
    let version = task.node.driver_internal_info.get("hardware_manager_version").unwrap_or_else(|| json!({}));
    let document = json!({
        "step": step.step, "interface": step.interface.as_str(), "priority": step.priority, "args": args,
        "abortable": step.abortable, "reboot_requested": step.reboot_requested, "requires_ramdisk": step.requires_ramdisk,
    });
    let asked = params([
        ("step", document),
        ("node", node_document(task)),
        ("ports", port_documents(task)),
        (&format!("{word}_version"), version),
    ]);
    match agent.command(&name, asked, false, ORDERING).await? {
        Sent::Busy => Ok(working(step)),
        Sent::Result(result) => judge(task, step, &result).await,
    }
}

fn working(step: &Step) -> Outcome {
    Outcome::wait(format!("the agent to finish step {}", step.name()))
}

/// How a step that was ordered stands.
#[derive(Debug)]
pub enum Standing {
    Settled(Outcome),
    /// The agent has started since and knows nothing of it.
    Forgotten,
}

/// Looks for the step in the agent's command list.
pub async fn look(task: &mut Task, step: &Step) -> Result<Standing, DriverError> {
    let word = flow_word(task)?;
    let Some(agent) = Agent::of(task).await? else {
        return Ok(Standing::Settled(Outcome::wait(format!("the agent, to tell of step {}", step.name()))));
    };
    let commands = agent.commands().await?;
    let listing = format!("get_{word}_steps");
    let Some(last) = commands.iter().rev().find(|command| !command.is(&listing)) else {
        return forgotten(task, step);
    };
    if !last.is(&format!("execute_{word}_step")) {
        // It is at something else; its next heartbeat will tell.
        return Ok(Standing::Settled(working(step)));
    }
    let last = last.clone();
    let other = last.step().and_then(|it| it.get("step")).and_then(Value::as_str).is_some_and(|it| it != step.step);
    if last.command_status == CommandStatus::Succeeded && other {
        // The end of an earlier step: the order for this one never arrived.
        return forgotten(task, step);
    }
    judge(task, step, &last).await.map(Standing::Settled)
}

/// An agent that restarts again and again is not given the same step for ever.
fn forgotten(task: &mut Task, step: &Step) -> Result<Standing, DriverError> {
    let restarts = task.args.get("restarts").and_then(|n| n.as_u64()).unwrap_or(0) + 1;
    task.args.set("restarts", restarts);
    if restarts > RESTARTS {
        let why = format!("The agent restarted {restarts} times and never finished step {}.", step.name());
        return Ok(Standing::Settled(Outcome::Fail { why }));
    }
    Ok(Standing::Forgotten)
}

async fn judge(task: &mut Task, step: &Step, result: &CommandResult) -> Result<Outcome, DriverError> {
    match result.command_status {
        CommandStatus::Running => Ok(working(step)),
        CommandStatus::Succeeded => {
            task.args.remove("restarts");
            if step.reboot_requested {
                let driver = crate::driver::Driver::of(&task.node)?;
                driver.boot.prepare_ramdisk(task, crate::driver::traits::RamdiskFor::Agent).await?;
                driver.set_power(task, crate::model::PowerTarget::Reboot, None).await?;
            }
            Ok(Outcome::Done)
        }
        CommandStatus::VersionMismatch => Ok(Outcome::Fail {
            why: format!("The agent's hardware managers changed while step {} was due; begin again.", step.name()),
        }),
        CommandStatus::Failed | CommandStatus::Unknown => {
            Ok(Outcome::Fail { why: format!("Agent returned error for step {}: {}", step.name(), result.failure()) })
        }
    }
}

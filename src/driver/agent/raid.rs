//! The RAID interface `agent`: software RAID, made by the agent.
//!
//! The agent reads what is wanted from the node that it is shown, and says in the step's result what it has made.

use serde_json::Value;

use super::{AgentClient, steps};
use crate::driver::traits::{Argument, CreateRaid, Done};
use crate::driver::{DriverError, Interface, OnCrash, Outcome, Raid, Task, raid};
use crate::model::{FlowName, Step};

pub struct AgentRaid;

/// Where the agent looks for what it is to make, before it looks at the node's own target.
const TARGET: &str = "target_raid_config";

impl Interface for AgentRaid {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move { raid::validate(self, task) })
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        raid::steps(flow)
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        raid::arguments(step)
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move { raid::run_step(self, task, step).await })
    }

    fn resume_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            let flow = flow(task);
            match steps::look(task, flow, step).await? {
                steps::Look::Settled(outcome) => Ok(outcome),
                steps::Look::Again => raid::run_step(self, task, step).await,
                steps::Look::Done if step.step == "delete_configuration" => {
                    raid::deleted(task);
                    Ok(Outcome::Done)
                }
                steps::Look::Done => {
                    let made = made(task, step).await?;
                    task.node.driver_internal_info.remove(TARGET);
                    raid::done(task, made);
                    Ok(Outcome::Done)
                }
            }
        })
    }

    fn on_crash(&self, _step: &Step) -> OnCrash {
        OnCrash::Ask
    }
}

impl Raid for AgentRaid {
    fn create<'a>(&'a self, task: &'a mut Task, what: CreateRaid) -> Done<'a, Outcome> {
        Box::pin(async move {
            let disks = raid::wanted(task, what)?;
            task.node.driver_internal_info.set(TARGET, serde_json::json!({"logical_disks": disks}));
            let flow = flow(task);
            let name = if flow == FlowName::Clean { "create_configuration" } else { "apply_configuration" };
            let mut step = Step::of_driver(crate::model::InterfaceKind::Raid, name, 0);
            if flow != FlowName::Clean {
                step.args.insert("raid_config".to_owned(), task.node.target_raid_config.value());
                step.args.insert("delete_existing".to_owned(), what.delete_existing.into());
            }
            steps::send(task, flow, &step, None).await
        })
    }

    fn delete<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            let flow = flow(task);
            let step = Step::of_driver(crate::model::InterfaceKind::Raid, "delete_configuration", 0);
            steps::send(task, flow, &step, None).await
        })
    }
}

fn flow(task: &Task) -> FlowName {
    task.flow.unwrap_or(FlowName::Clean)
}

/// What the agent says that it has made.
async fn made(task: &Task, step: &Step) -> Result<Vec<Value>, DriverError> {
    let commands = AgentClient::of(task).await?.commands().await?;
    let ours = commands.iter().rev().find(|command| command.step().is_some_and(|it| it["step"] == step.step.as_str()));
    let result = ours
        .and_then(|command| command.command_result.as_ref())
        .and_then(|result| ["clean_result", "deploy_result", "service_result"].iter().find_map(|key| result.get(*key)));
    match result.and_then(|result| result.get("logical_disks")) {
        Some(Value::Array(disks)) => Ok(disks.clone()),
        _ => Err(DriverError::Refused(format!("the agent's result of step {} has no logical_disks", step.name()))),
    }
}

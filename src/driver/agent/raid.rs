//! The RAID interface `agent`: software RAID, made by the agent's own steps.
//!
//! The agent reads what is wanted from the node that it is shown (`document`), and says in the step's result what it has
//! made. Steps that are its alone (cleaning's, asked for in a service) leave the same behind as ours.

use serde_json::{Map, Value, json};

use super::steps;
use crate::driver::traits::{Argument, CreateRaid, Done};
use crate::driver::{Driver, DriverError, Interface, OnCrash, Outcome, Raid, Task, raid};
use crate::model::{FlowName, InterfaceKind, Step};

pub struct AgentRaid;

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
        Box::pin(async move {
            if let Some(config) = step.args.get("raid_config") {
                let config = config.as_object().cloned().unwrap_or_default();
                self.check(task, &config)?;
            }
            let flow = flow(task);
            steps::send(task, flow, step, None).await
        })
    }

    fn resume_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            let flow = flow(task);
            match steps::look(task, flow, step).await? {
                steps::Look::Settled(outcome) => Ok(outcome),
                steps::Look::Again => self.run_step(task, step).await,
                steps::Look::Done(result) => {
                    took(task, step, result.as_ref())?;
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
            let mut step = Step::of_driver(InterfaceKind::Raid, "create_configuration", 0);
            let args = json!({"create_root_volume": what.root, "create_nonroot_volumes": what.others});
            step.args = args.as_object().cloned().unwrap_or_default();
            let flow = flow(task);
            steps::send(task, flow, &step, None).await
        })
    }

    fn delete<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            let step = Step::of_driver(InterfaceKind::Raid, "delete_configuration", 0);
            let flow = flow(task);
            steps::send(task, flow, &step, None).await
        })
    }

    fn is_agents(&self) -> bool {
        true
    }
}

fn flow(task: &Task) -> FlowName {
    task.flow.unwrap_or(FlowName::Clean)
}

/// Whether the node leaves its RAID to the agent; if not, the agent's RAID steps are nobody's.
pub fn is_agents(task: &Task) -> bool {
    Driver::of(&task.node).is_ok_and(|driver| driver.raid.is_agents())
}

/// The wanted configuration that a step is to be told, if it is one that makes it: without the volumes that the client
/// leaves out for now. Errors: there is none, or nothing is left of it.
pub fn wanted(task: &Task, step: &Step) -> Result<Option<Value>, DriverError> {
    if (step.interface, step.step.as_str()) != (InterfaceKind::Raid, "create_configuration") {
        return Ok(None);
    }
    let yes = |key: &str| step.args.get(key).and_then(Value::as_bool).unwrap_or(true);
    let (root, others) = (yes("create_root_volume"), yes("create_nonroot_volumes"));
    let disks = raid::wanted(task, CreateRaid { root, others, delete_existing: yes("delete_existing") })?;
    Ok(Some(json!({"logical_disks": disks})))
}

/// The arguments that the agent's own step takes: it reads the rest from the node.
pub fn arguments(step: &Step) -> Map<String, Value> {
    let known = |name: &str| match step.step.as_str() {
        "apply_configuration" => ["raid_config", "delete_existing"].contains(&name),
        _ => false,
    };
    step.args.iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Whether any disk of the node is made of software, or is to be.
pub fn is_software(task: &Task) -> bool {
    [&task.node.target_raid_config, &task.node.raid_config].into_iter().any(|config| {
        let disks = config.get("logical_disks");
        disks
            .as_ref()
            .and_then(Value::as_array)
            .is_some_and(|disks| disks.iter().any(|it| it["controller"] == "software"))
    })
}

/// What a finished step has changed. Errors: the agent's result is none.
pub fn took(task: &mut Task, step: &Step, result: Option<&Value>) -> Result<(), DriverError> {
    if step.interface != InterfaceKind::Raid {
        return Ok(());
    }
    match step.step.as_str() {
        "delete_configuration" => raid::deleted(task),
        "create_configuration" | "apply_configuration" => match result.and_then(|made| made.get("logical_disks")) {
            Some(Value::Array(disks)) => raid::done(task, disks.clone()),
            _ => return Err(DriverError::Refused(format!("the agent did not say what {} made", step.name()))),
        },
        _ => {}
    }
    Ok(())
}

//! The rescue interface `agent`: the ramdisk, with a password of the owner's, until the instance is booted again.
//!
//! | step | what it does | after a crash |
//! |---|---|---|
//! | finalize | the agent writes the hashed password and ends itself | ask the agent |
//!
//! The agent answers `finalize_rescue` and is gone, so a lost answer cannot be asked for. Then the ramdisk, which keeps
//! nothing, is booted again: that is slow and always right, where taking silence for success would lock the owner out.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::AgentClient;
use super::machine::{end_ramdisk, restart};
use crate::driver::traits::{Done, RamdiskFor};
use crate::driver::{Driver, DriverError, Interface, OnCrash, Outcome, Rescue, Task};
use crate::model::{FlowName, InterfaceKind, PowerTarget, Step, WaitFor};
use crate::wire::ipa::CommandStatus;

pub struct AgentRescue;

const FINALIZE: &str = "rescue.finalize_rescue";
/// How long the agent may take for it.
const WITHIN: Duration = Duration::from_secs(60);
/// How often the ramdisk is booted anew because nobody knows whether the password arrived.
const BOOTS: u64 = 3;
/// Key of the work's arguments: how often it was.
const BOOTED: &str = "rescue_boots";

impl Interface for AgentRescue {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            driver.boot.validate_rescue(task).await?;
            let stored = task.node.instance_info.text("rescue_password");
            let given = task.args.get("rescue_password_given").is_some();
            if !given && stored.is_none_or(|text| text.trim().is_empty()) {
                return Err(DriverError::misconfigured(
                    "instance_info/rescue_password: missing; rescuing needs one that is not blank",
                ));
            }
            Ok(())
        })
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        match flow {
            FlowName::Rescue => vec![Step::of_driver(InterfaceKind::Rescue, "finalize", 100)],
            _ => vec![],
        }
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, _step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(finalize(task))
    }

    fn resume_step<'a>(&'a self, task: &'a mut Task, _step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            let listed = match AgentClient::of(task).await {
                Ok(client) => client.commands().await,
                Err(error) => Err(error),
            };
            let last = match listed {
                Ok(list) => list.into_iter().rev().find(|command| command.is(FINALIZE)),
                Err(error) if error.is_transient() => return again(task, &error).await,
                Err(error) => return Err(error),
            };
            match last {
                None => finalize(task).await,
                Some(last) => Ok(match last.command_status {
                    CommandStatus::Succeeded => has_it(task),
                    CommandStatus::Running => Outcome::wait(WaitFor::RescuePassword),
                    _ => Outcome::Fail { why: format!("the agent failed in {FINALIZE}: {}", last.failure()) },
                }),
            }
        })
    }

    fn on_crash(&self, _step: &Step) -> OnCrash {
        OnCrash::Ask
    }
}

async fn finalize(task: &mut Task) -> Result<Outcome, DriverError> {
    let hash = task.secret("instance_info", "/hashed_rescue_password").and_then(Value::as_str);
    let hash = hash.ok_or_else(|| {
        DriverError::misconfigured("instance_info/hashed_rescue_password: it was removed while the machine booted")
    })?;
    let params = json!({"rescue_password": hash, "hashed": true});
    let params: Map<String, Value> = params.as_object().cloned().unwrap_or_default();
    let called = match AgentClient::of(task).await {
        Ok(client) => client.call(FINALIZE, params, WITHIN).await,
        Err(error) => Err(error),
    };
    match called {
        Ok(_) => Ok(has_it(task)),
        Err(error) if error.is_transient() => again(task, &error).await,
        Err(error) => Err(error),
    }
}

/// The machine knows the password, and nobody else needs to.
fn has_it(task: &mut Task) -> Outcome {
    task.changes.forget_rescue_password = true;
    Outcome::Done
}

/// Nobody knows how far the agent came: a fresh one is told.
async fn again(task: &mut Task, error: &DriverError) -> Result<Outcome, DriverError> {
    let boots = task.args.get(BOOTED).and_then(|boots| boots.as_u64()).unwrap_or(0) + 1;
    task.args.set(BOOTED, boots);
    if boots >= BOOTS {
        return Err(error.clone());
    }
    tracing::info!(node = %task.node.uuid, %error, "the rescue ramdisk is booted again");
    boot(task).await
}

async fn boot(task: &mut Task) -> Result<Outcome, DriverError> {
    let driver = Driver::of(&task.node)?;
    driver.boot.prepare_ramdisk(task, RamdiskFor::Rescue).await?;
    restart(task).await?;
    Ok(Outcome::wait(WaitFor::RescueHeartbeat))
}

impl Rescue for AgentRescue {
    fn rescue<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            Driver::of(&task.node)?.boot.clean_up_instance(task).await?;
            boot(task).await
        })
    }

    fn unrescue<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            if !task.node.disable_power_off {
                driver.set_power(task, PowerTarget::Off, None).await?;
            }
            driver.boot.clean_up_ramdisk(task).await?;
            driver.boot.prepare_instance(task).await?;
            let target = if task.node.disable_power_off { PowerTarget::Reboot } else { PowerTarget::On };
            driver.set_power(task, target, None).await.map(drop)
        })
    }

    fn clean_up<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            task.changes.forget_rescue_password = true;
            Driver::of(&task.node)?.boot.clean_up_ramdisk(task).await
        })
    }

    fn unwind<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            self.clean_up(task).await?;
            if task.node.disable_power_off { Ok(()) } else { end_ramdisk(task).await }
        })
    }
}

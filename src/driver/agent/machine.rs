//! The machine's power, as the agent's flows need it: started, restarted, and switched off by the agent itself if it can.
//!
//! A machine that may not be switched off (`disable_power_off`) is restarted instead.

use std::time::Duration;

use serde_json::Map;

use super::{AgentClient, Started, image};
use crate::driver::{Driver, DriverError, Outcome, Task};
use crate::model::{PowerState, PowerTarget};
use crate::wire::ipa::CommandStatus;

/// How long a machine may stay on after its agent has gone.
const AGENT_GONE: Duration = Duration::from_secs(5);
/// How long syncing the disks may take.
const SYNC: Duration = Duration::from_secs(60);

/// Starts the machine from the beginning, whatever it does now.
pub async fn restart(task: &mut Task) -> Result<(), DriverError> {
    Driver::of(&task.node)?.set_power(task, PowerTarget::Reboot, None).await.map(drop)
}

/// Starts the machine that was switched off; one that may not be switched off still runs the ramdisk.
pub async fn start(task: &mut Task) -> Result<(), DriverError> {
    let target = if task.node.disable_power_off { PowerTarget::Reboot } else { PowerTarget::On };
    Driver::of(&task.node)?.set_power(task, target, None).await.map(drop)
}

/// Asks the agent to shut down, which syncs the disk, and has the BMC do it if the agent does not in time.
pub async fn tear_down_agent(task: &mut Task) -> Result<Outcome, DriverError> {
    image::release(task);
    let driver = Driver::of(&task.node)?;
    if task.node.disable_power_off {
        // The reboot that follows is the only way to end the ramdisk; what was written must be on the disk by then.
        AgentClient::of(task).await?.call("standby.sync", Map::new(), SYNC).await?;
        return Ok(Outcome::Done);
    }
    match AgentClient::of(task).await {
        Ok(client) => match client.start("standby.power_off", Map::new()).await {
            Ok(Started::Accepted(sent)) => wait_for_off(task, driver, &client, &sent.id).await,
            Ok(Started::Busy) => {}
            // Off before it could answer, perhaps by an earlier attempt of ours.
            Err(error) => tracing::info!(node = %task.node.uuid, %error, "the agent did not take the power-off"),
        },
        Err(error) => tracing::info!(node = %task.node.uuid, %error, "no agent to ask for the power-off"),
    }
    driver.set_power(task, PowerTarget::Off, None).await?;
    Ok(Outcome::Done)
}

/// Waits until the machine is off, or until nothing more can be expected of the agent.
async fn wait_for_off(task: &Task, driver: Driver, agent: &AgentClient, command: &str) {
    let settings = &task.env.settings;
    let off = async {
        // Ramdisks are off within a second or so, or busy syncing for many.
        let mut pause = settings.agent_poll / 10;
        // A BMC that does not answer now is asked again; what matters is decided by the power-off that follows.
        while !matches!(driver.power.state(task).await, Ok(Some(PowerState::Off))) {
            task.env.clock.sleep(pause).await;
            pause = (pause * 2).min(settings.agent_poll);
        }
        "the machine is off"
    };
    let given_up = async {
        loop {
            task.env.clock.sleep(settings.agent_poll).await;
            match agent.commands().await {
                Ok(list) => match list.iter().find(|it| it.id == command).map(|it| &it.command_status) {
                    Some(CommandStatus::Running | CommandStatus::Succeeded) => {}
                    Some(_) => return "the agent failed to switch the machine off",
                    None => return "the agent was restarted",
                },
                Err(error) if error.is_transient() => {
                    // Its disks are synced by the time that it is gone; what is left is the kernel's way down.
                    task.env.clock.sleep(AGENT_GONE).await;
                    return "the agent is gone and the machine is still on";
                }
                Err(_) => return "the agent does not know us any more",
            }
        }
    };
    let ended = async {
        tokio::select! { biased; why = off => why, why = given_up => why }
    };
    let why = tokio::time::timeout(settings.agent_power_off, ended).await.unwrap_or("the agent took too long");
    tracing::debug!(node = %task.node.uuid, why, "waited for the agent to switch its machine off");
}

/// Ends the ramdisk: off, or a reboot where that is not allowed.
pub async fn end_ramdisk(task: &mut Task) -> Result<(), DriverError> {
    let target = if task.node.disable_power_off { PowerTarget::Reboot } else { PowerTarget::Off };
    Driver::of(&task.node)?.set_power(task, target, None).await.map(drop)
}

pub async fn power_off(task: &mut Task) -> Result<(), DriverError> {
    let driver = Driver::of(&task.node)?;
    if task.node.disable_power_off {
        return Ok(());
    }
    driver.set_power(task, PowerTarget::Off, None).await.map(drop)
}

//! `direct`: the agent writes a whole-disk image that it gets over HTTP.
//!
//! ```text
//!   100 deploy               boot the ramdisk, wait for the agent
//!    80 write_image          the agent writes image and config drive
//!    60 prepare_instance_boot  boot entry (UEFI), boot device disk
//!    40 tear_down_agent      the agent switches the machine off
//!    30 switch_to_tenant_network   nothing, with one network
//!    20 boot_instance        on
//! ```
//! Each may be begun again after a crash: booting, writing and switching off end where they would have ended.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::client::{Agent, Sent};
use super::image;
use super::steps::{self, Standing};
use crate::driver::boot_mode::{self, BootMode};
use crate::driver::traits::{Done, RamdiskFor};
use crate::driver::{Deploy, Driver, DriverError, Interface, OnCrash, Outcome, Task};
use crate::model::{FlowName, InterfaceKind, PowerState, PowerTarget, Step, StepSource};
use crate::wire::ipa::CommandStatus;

pub struct Direct;

/// How long a machine may take to switch off once its agent was asked to.
const POWERING_OFF: Duration = Duration::from_secs(30);
const BOOTLOADER: Duration = Duration::from_secs(600);
const QUESTION: Duration = Duration::from_secs(60);

const STEPS: &[(&str, i64)] = &[
    ("deploy", 100),
    ("write_image", 80),
    ("prepare_instance_boot", 60),
    ("tear_down_agent", 40),
    ("switch_to_tenant_network", 30),
    ("boot_instance", 20),
];

impl Interface for Direct {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            Driver::of(&task.node)?.boot.validate(task).await?;
            image::source(task)?;
            image::cache(task)?;
            Ok(())
        })
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        if flow != FlowName::Deploy {
            return Vec::new();
        }
        let step = |&(name, priority): &(&str, i64)| Step {
            interface: InterfaceKind::Deploy,
            step: name.to_owned(),
            args: Map::new(),
            priority,
            abortable: true,
            requires_ramdisk: true,
            reboot_requested: false,
            source: StepSource::Driver,
        };
        STEPS.iter().map(step).collect()
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            if step.source == StepSource::Agent {
                return steps::order(task, step, step.args.clone()).await;
            }
            let driver = Driver::of(&task.node)?;
            match step.step.as_str() {
                "deploy" => boot_ramdisk(task, driver).await,
                "write_image" => {
                    let args = image::arguments(task).await?;
                    steps::order(task, step, args).await
                }
                "prepare_instance_boot" => prepare_instance_boot(task, driver).await,
                "tear_down_agent" => tear_down_agent(task, driver).await,
                "boot_instance" => {
                    driver.set_power(task, PowerTarget::On, None).await?;
                    Ok(Outcome::Done)
                }
                _ => Ok(Outcome::Done),
            }
        })
    }

    fn resume_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            let by_agent = step.source == StepSource::Agent || step.step == "write_image";
            if !by_agent {
                // The ramdisk is up: that was all that was waited for.
                return match Agent::of(task).await? {
                    Some(_) => Ok(Outcome::Done),
                    None => Ok(Outcome::wait("the agent's first heartbeat")),
                };
            }
            match steps::look(task, step).await? {
                Standing::Settled(outcome) => Ok(outcome),
                Standing::Forgotten => self.run_step(task, step).await,
            }
        })
    }

    fn on_crash(&self, step: &Step) -> OnCrash {
        match step.source {
            StepSource::Agent => OnCrash::Ask,
            _ if step.step == "write_image" => OnCrash::Ask,
            _ => OnCrash::Repeat,
        }
    }
}

impl Deploy for Direct {
    fn has_agent(&self) -> bool {
        true
    }

    fn prepare<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            self.validate(task).await?;
            // The image comes while the machine boots, and what is wrong with its address shows before it does.
            image::cache(task)?.prefetch(&image::source(task)?, &image::holder(task)).await?;
            task.node.driver_internal_info.set("is_whole_disk_image", true);
            Ok(())
        })
    }

    fn unwind<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            release_image(task);
            if !task.node.disable_power_off {
                Driver::of(&task.node)?.set_power(task, PowerTarget::Off, None).await?;
            }
            Ok(())
        })
    }

    fn tear_down<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            release_image(task);
            driver.boot.clean_up_instance(task).await?;
            if !task.node.disable_power_off {
                driver.set_power(task, PowerTarget::Off, None).await?;
            }
            Ok(())
        })
    }

    fn prepare_cleaning<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            boot_ramdisk(task, driver).await
        })
    }

    fn tear_down_cleaning<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            driver.boot.clean_up_ramdisk(task).await?;
            let target = if task.node.disable_power_off { PowerTarget::Reboot } else { PowerTarget::Off };
            driver.set_power(task, target, None).await?;
            Ok(())
        })
    }

    fn agent_steps<'a>(&'a self, task: &'a mut Task, flow: FlowName) -> Done<'a, Option<Vec<Step>>> {
        Box::pin(steps::offered(task, flow))
    }
}

/// Switches the machine off and on into the ramdisk.
pub async fn boot_ramdisk(task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    driver.boot.prepare_ramdisk(task, RamdiskFor::Agent).await?;
    driver.set_power(task, PowerTarget::Reboot, None).await?;
    Ok(Outcome::wait("the agent's first heartbeat"))
}

fn release_image(task: &Task) {
    if let Ok(cache) = image::cache(task) {
        cache.release(&image::holder(task));
    }
}

/// Makes the firmware find what was written. The boot entry of UEFI is made by the agent, which sees the disk.
async fn prepare_instance_boot(task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    release_image(task);
    if boot_mode::of(&task.node)? == BootMode::Uefi
        && let Some(why) = install_bootloader(task).await?
    {
        return Ok(Outcome::Fail { why });
    }
    driver.boot.prepare_instance(task).await?;
    Ok(Outcome::Done)
}

/// Why it failed, if it did.
async fn install_bootloader(task: &Task) -> Result<Option<String>, DriverError> {
    let agent = Agent::of(task).await?.ok_or_else(|| DriverError::Unreachable("The agent is gone.".to_owned()))?;
    let uuids = match agent.command("standby.get_partition_uuids", json!({}), true, QUESTION).await? {
        Sent::Result(result) if result.command_status == CommandStatus::Succeeded => result.command_result,
        Sent::Result(result) => return Ok(Some(result.failure())),
        Sent::Busy => None,
    };
    let uuid = |key: &str| uuids.as_ref().and_then(|uuids| uuids.get(key)).cloned().unwrap_or(Value::Null);
    let asked = json!({
        "root_uuid": uuid("root uuid"),
        "efi_system_part_uuid": uuid("efi system partition uuid"),
        "prep_boot_part_uuid": uuid("PReP Boot partition uuid"),
        "target_boot_mode": "uefi",
    });
    let name = "image.install_bootloader";
    let done = match agent.command(name, asked, false, QUESTION).await? {
        Sent::Result(result) if result.command_status != CommandStatus::Running => *result,
        _ => agent.until_done(name, BOOTLOADER).await?,
    };
    let failed = done.command_status != CommandStatus::Succeeded;
    Ok(failed.then(|| format!("Failed to install a bootloader: {}", done.failure())))
}

/// The agent shuts its machine down, so that disks are written out; the BMC's plug is for one that does not.
async fn tear_down_agent(task: &mut Task, driver: Driver) -> Result<Outcome, DriverError> {
    if task.node.disable_power_off {
        return Ok(Outcome::Done);
    }
    if let Some(agent) = Agent::of(task).await? {
        // A machine that goes off at once may not answer any more.
        let _ = agent.command("standby.power_off", json!({}), false, Duration::from_secs(10)).await;
        let deadline = task.env.clock.instant() + POWERING_OFF;
        while task.env.clock.instant() < deadline {
            if driver.power.state(task).await? == Some(PowerState::Off) {
                break;
            }
            task.env.clock.sleep(Duration::from_millis(500)).await;
        }
    }
    driver.set_power(task, PowerTarget::Off, None).await?;
    Ok(Outcome::Done)
}

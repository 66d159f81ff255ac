//! The inspect interface `agent`: the ramdisk reports what it finds.

use serde_json::{Map, Value};

use super::machine::end_ramdisk;
use super::{fast_track, hooks};
use crate::driver::traits::{Done, RamdiskFor};
use crate::driver::{BootDevice, Driver, DriverError, Inspect, Interface, Outcome, Task};
use crate::model::{PowerTarget, WaitFor};

pub struct AgentInspect;

impl Interface for AgentInspect {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            let managed = Driver::of(&task.node)?.boot.validate_inspection(task).await;
            if task.env.settings.inspection.require_managed_boot { managed } else { Ok(()) }
        })
    }
}

impl Inspect for AgentInspect {
    fn inspect<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            let managed = driver.boot.validate_inspection(task).await;
            task.node.driver_internal_info.set(MANAGED, managed.is_ok());
            match managed {
                Ok(()) => driver.boot.prepare_ramdisk(task, RamdiskFor::Inspection).await?,
                Err(error) if task.env.settings.inspection.require_managed_boot => return Err(error),
                // Somebody else's boot server has the ramdisk; all that can be done is to have the machine ask for it.
                Err(error) => {
                    tracing::info!(node = %task.node.uuid, %error, "the inspection is booted by somebody else");
                    if driver.management.supported_boot_devices(task).contains(&BootDevice::Pxe) {
                        driver.management.set_boot_device(task, BootDevice::Pxe, false).await?;
                    }
                }
            }
            driver.set_power(task, PowerTarget::Reboot, None).await?;
            Ok(Outcome::wait(WaitFor::Report))
        })
    }

    fn continue_inspection<'a>(&'a self, task: &'a mut Task, data: &'a Map<String, Value>) -> Done<'a> {
        Box::pin(async move {
            let refused = hooks::run(task, data);
            // Whatever the report was worth, the ramdisk has done its part.
            match refused {
                Ok(()) => leave(task).await,
                Err(error) => end(task).await.and(Err(error)),
            }
        })
    }

    fn unwind<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move { end(task).await })
    }
}

/// Whether the inspection's ramdisk is booted by us, for those who look.
const MANAGED: &str = "inspector_manage_boot";

/// Nothing boots the ramdisk any more, and it does not go on running.
async fn end(task: &mut Task) -> Result<(), DriverError> {
    if task.node.driver_internal_info.remove(MANAGED) != Some(Value::Bool(false)) {
        Driver::of(&task.node)?.boot.clean_up_ramdisk(task).await?;
    }
    if task.env.settings.inspection.power_off { end_ramdisk(task).await } else { Ok(()) }
}

/// After a good inspection a ramdisk that may be used for what comes next goes on running.
async fn leave(task: &mut Task) -> Result<(), DriverError> {
    if fast_track::wanted(task) {
        task.node.driver_internal_info.remove(MANAGED);
        return Ok(());
    }
    end(task).await
}

//! The inspect interface `agent`: the ramdisk reports what it finds.

use serde_json::{Map, Value};

use super::machine::end_ramdisk;
use super::{fast_track, hooks};
use crate::driver::traits::{Done, RamdiskFor};
use crate::driver::{BootDevice, Driver, DriverError, Inspect, Interface, Outcome, Task};
use crate::model::PowerTarget;

pub struct AgentInspect;

impl Interface for AgentInspect {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        // A machine that we cannot boot may be booted by somebody else: see `inspect`.
        Box::pin(async move { Driver::of(&task.node).map(drop) })
    }
}

impl Inspect for AgentInspect {
    fn inspect<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            match driver.boot.validate_inspection(task).await {
                Ok(()) => driver.boot.prepare_ramdisk(task, RamdiskFor::Inspection).await?,
                // The machine asks the network all the same; whoever serves unknown machines there may answer.
                Err(DriverError::Misconfigured(why)) => {
                    tracing::info!(node = %task.node.uuid, %why, "the inspection is left to another boot server");
                    if driver.management.supported_boot_devices(task).contains(&BootDevice::Pxe) {
                        driver.management.set_boot_device(task, BootDevice::Pxe, false).await?;
                    }
                }
                Err(error) => return Err(error),
            }
            driver.set_power(task, PowerTarget::Reboot, None).await?;
            Ok(Outcome::wait("the agent's inspection report"))
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

/// Nothing boots the ramdisk any more, and it does not go on running.
async fn end(task: &mut Task) -> Result<(), DriverError> {
    Driver::of(&task.node)?.boot.clean_up_ramdisk(task).await?;
    end_ramdisk(task).await
}

/// After a good inspection a ramdisk that may be used for what comes next goes on running.
async fn leave(task: &mut Task) -> Result<(), DriverError> {
    if fast_track::wanted(task) { Ok(()) } else { end(task).await }
}

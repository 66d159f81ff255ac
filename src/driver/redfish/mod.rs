//! The `redfish` interfaces: which keys they need, what they offer, and whether a node has it right.
//!
//! **The protocol is not spoken yet.** What would have to ask the BMC answers `Unsupported` and says so, so that nobody
//! waits for a machine that nobody has called; periodic reading leaves such nodes alone for the same reason. What can be
//! judged without the BMC (`driver_info`, arguments of vendor methods, RAID documents) is judged as in Ironic.

mod info;
mod management;
mod settings;
mod vendor;

use std::time::Duration;

pub use management::RedfishManagement;
pub use settings::{RedfishBios, RedfishFirmware, RedfishRaid};
pub use vendor::RedfishVendor;

use super::traits::{Done, RamdiskFor};
use super::{Boot, DriverError, Inspect, Interface, Outcome, Power, Property, Task};
use crate::model::{PowerState, PowerTarget};

/// The answer of everything that would speak to the BMC.
fn not_built<T>(task: &Task, what: &str) -> Result<T, DriverError> {
    let driver = &task.node.driver;
    Err(DriverError::unsupported(format!("Driver {driver} cannot {what} over Redfish: that is not built yet.")))
}

/// All of them need the same keys.
fn validate<'a>(task: &'a Task) -> Done<'a> {
    Box::pin(async move { info::check(&task.driver_info()) })
}

pub struct RedfishPower;

impl Interface for RedfishPower {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }
}

impl Power for RedfishPower {
    fn state<'a>(&'a self, task: &'a Task) -> Done<'a, Option<PowerState>> {
        Box::pin(async move { not_built(task, "read the power state") })
    }

    fn set<'a>(&'a self, task: &'a mut Task, _target: PowerTarget, _within: Option<Duration>) -> Done<'a, PowerState> {
        Box::pin(async move { not_built(task, "change the power") })
    }

    fn can_sync(&self) -> bool {
        false
    }
}

/// `redfish-virtual-media`: the BMC plays the ramdisk's image to the machine.
pub struct RedfishVirtualMedia;

const BOOT_PROPERTIES: &[Property] = &[
    Property {
        name: "deploy_kernel",
        text: "URL or path of the kernel with the agent. Required unless deploy_iso is there or one is configured.",
    },
    Property {
        name: "deploy_ramdisk",
        text: "URL or path of the ramdisk with the agent. Required unless deploy_iso is there or one is configured.",
    },
    Property { name: "deploy_iso", text: "URL or path of a bootable image with the agent. Optional." },
    Property {
        name: "kernel_append_params",
        text: "Additional kernel parameters for the ramdisk; \"%default%\" stands for the configured ones. Optional.",
    },
];

impl Interface for RedfishVirtualMedia {
    fn properties(&self) -> &'static [Property] {
        BOOT_PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            info::check(&task.driver_info())?;
            let named = |key: &str| task.node.driver_info.text(key).is_some_and(|text| !text.is_empty());
            let settings = &task.env.settings;
            let kernel = named("deploy_kernel") || settings.deploy_kernel.is_some();
            let ramdisk = named("deploy_ramdisk") || settings.deploy_ramdisk.is_some();
            if named("deploy_iso") || (kernel && ramdisk) {
                return Ok(());
            }
            Err(DriverError::misconfigured(
                "driver_info/deploy_kernel, deploy_ramdisk: missing; expected both, or deploy_iso",
            ))
        })
    }
}

impl Boot for RedfishVirtualMedia {
    fn prepare_ramdisk<'a>(&'a self, task: &'a mut Task, _why: RamdiskFor) -> Done<'a> {
        Box::pin(async move { not_built(task, "boot from virtual media") })
    }

    fn clean_up_ramdisk<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        // Nothing was put in, so nothing is taken out: a failed flow ends.
        Box::pin(async { Ok(()) })
    }

    fn prepare_instance<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move { not_built(task, "set the boot device") })
    }

    fn clean_up_instance<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }
}

pub struct RedfishInspect;

impl Interface for RedfishInspect {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }
}

impl Inspect for RedfishInspect {
    fn inspect<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move { not_built(task, "inspect the machine") })
    }
}

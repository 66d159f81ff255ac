//! Interfaces that do nothing: `noop` ones accept and ignore, `no-*` ones refuse.

use serde_json::{Map, Value};

use super::traits::{CreateRaid, CurrentBoot, Done, FirmwareUpdate};
use super::{
    Bios, BootDevice, Console, Deploy, DriverError, Firmware, Inspect, Interface, Management, Network, Outcome, Raid,
    Rescue, Storage, Task, Vendor,
};
use crate::model::{BiosSetting, FirmwareComponent, FlowName, InterfaceKind, Step};

/// `noop`: there is nothing to do, and that is fine.
pub struct Noop;

impl Interface for Noop {}
impl Network for Noop {}
impl Storage for Noop {}

impl Management for Noop {
    fn supported_boot_devices(&self, _task: &Task) -> &'static [BootDevice] {
        &[BootDevice::Pxe, BootDevice::Disk]
    }

    fn boot_device<'a>(&'a self, _task: &'a Task) -> Done<'a, CurrentBoot> {
        Box::pin(async { Ok(CurrentBoot { device: Some(BootDevice::Pxe), persistent: Some(true) }) })
    }

    fn set_boot_device<'a>(&'a self, task: &'a mut Task, device: BootDevice, _persistent: bool) -> Done<'a> {
        Box::pin(async move {
            if self.supported_boot_devices(task).contains(&device) {
                return Ok(());
            }
            Err(DriverError::misconfigured(format!(
                "boot_device: {device} is not supported, expected one of: pxe, disk"
            )))
        })
    }
}

/// Deploy `noop`: whoever owns the machine has put its system there.
pub struct NoopDeploy;

impl Interface for NoopDeploy {
    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        match flow {
            FlowName::Deploy => vec![Step::of_driver(InterfaceKind::Deploy, "deploy", 100)],
            _ => vec![],
        }
    }

    fn run_step<'a>(&'a self, _task: &'a mut Task, _step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }
}

impl Deploy for NoopDeploy {}

/// `no-<kind>`: the machine has no such thing, and validation says so.
pub struct Absent(pub &'static str);

impl Absent {
    fn refuse<T>(&self, task: &Task) -> Result<T, DriverError> {
        Err(DriverError::lacks(task, self.0))
    }
}

impl Interface for Absent {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move { self.refuse(task) })
    }
}

impl Vendor for Absent {}

impl Inspect for Absent {
    fn inspect<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move { self.refuse(task) })
    }
}

impl Raid for Absent {
    fn check(&self, task: &Task, _config: &Map<String, Value>) -> Result<(), DriverError> {
        self.refuse(task)
    }

    fn create<'a>(&'a self, task: &'a mut Task, _what: CreateRaid) -> Done<'a, Outcome> {
        Box::pin(async move { self.refuse(task) })
    }

    fn delete<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move { self.refuse(task) })
    }
}

impl Bios for Absent {
    /// Looked for at every cleaning; there is none to be found, which is no mistake.
    fn read<'a>(&'a self, _task: &'a Task) -> Done<'a, Option<Vec<BiosSetting>>> {
        Box::pin(async { Ok(None) })
    }

    fn apply<'a>(&'a self, task: &'a mut Task, _settings: Vec<BiosSetting>) -> Done<'a, Outcome> {
        Box::pin(async move { self.refuse(task) })
    }

    fn factory_reset<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move { self.refuse(task) })
    }
}

impl Firmware for Absent {
    fn read<'a>(&'a self, _task: &'a Task) -> Done<'a, Option<Vec<FirmwareComponent>>> {
        Box::pin(async { Ok(None) })
    }

    fn update<'a>(&'a self, task: &'a mut Task, _updates: Vec<FirmwareUpdate>) -> Done<'a, Outcome> {
        Box::pin(async move { self.refuse(task) })
    }
}

impl Console for Absent {
    fn start<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move { self.refuse(task) })
    }

    fn stop<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move { self.refuse(task) })
    }

    fn info<'a>(&'a self, task: &'a Task) -> Done<'a, Value> {
        Box::pin(async move { self.refuse(task) })
    }
}

impl Rescue for Absent {
    fn rescue<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move { self.refuse(task) })
    }

    fn unrescue<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move { self.refuse(task) })
    }

    /// A node whose interface was changed while it was rescued is still torn down.
    fn clean_up<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }
}

//! Interfaces that do nothing: `noop` ones accept and ignore, `no-*` ones refuse.

use super::traits::{CurrentBoot, Done};
use super::{BootDevice, Deploy, DriverError, Inspect, Interface, Management, Network, Outcome, Task, Vendor};

/// `noop`: there is nothing to do, and that is fine.
pub struct Noop;

impl Interface for Noop {}
impl Network for Noop {}
impl Deploy for Noop {}

impl Management for Noop {
    fn supported_boot_devices(&self, _task: &Task) -> &'static [BootDevice] {
        &[BootDevice::Pxe, BootDevice::Disk]
    }

    fn boot_device<'a>(&'a self, _task: &'a Task) -> Done<'a, CurrentBoot> {
        Box::pin(async { Ok(CurrentBoot { device: Some(BootDevice::Pxe), persistent: Some(true) }) })
    }

    fn set_boot_device<'a>(&'a self, _task: &'a mut Task, _device: BootDevice, _persistent: bool) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }
}

/// `no-<kind>`: the machine has no such thing, and validation says so.
pub struct Absent(pub &'static str);

impl Interface for Absent {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            Err(DriverError::unsupported(format!(
                "driver {} does not support {} (disabled or not implemented)",
                task.node.driver, self.0
            )))
        })
    }
}

impl Vendor for Absent {}

impl Inspect for Absent {
    fn inspect<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            self.validate(task).await?;
            Ok(Outcome::Done)
        })
    }
}

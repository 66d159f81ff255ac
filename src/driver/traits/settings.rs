//! The interfaces for what is set up on a machine rather than done with it: RAID, BIOS, firmware, console, storage.

use serde_json::{Map, Value};

use super::{Done, Interface, Outcome, Property};
use crate::driver::{DriverError, Task, raid};
use crate::model::{BiosSetting, FirmwareComponent};

/// Which of the wanted logical disks are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateRaid {
    pub root: bool,
    pub others: bool,
    /// Whether what is there is removed first.
    pub delete_existing: bool,
}

/// The node's `target_raid_config` says what is wanted; an implementation leaves in `raid_config` what is there
/// ([`raid::done`]). [`raid::steps`] and [`raid::run_step`] make steps of the two methods.
pub trait Raid: Interface {
    /// What a logical disk may say.
    fn logical_disk_properties(&self) -> &'static [Property] {
        raid::DISK_PROPERTIES
    }

    /// Whether this hardware can be set up like that. `config` is not empty.
    fn check(&self, _task: &Task, config: &Map<String, Value>) -> Result<(), DriverError> {
        raid::check(config)
    }

    fn create<'a>(&'a self, task: &'a mut Task, what: CreateRaid) -> Done<'a, Outcome>;
    fn delete<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome>;

    /// Whether the agent's own RAID steps are this interface's.
    fn is_agents(&self) -> bool {
        false
    }
}

/// The settings of a machine's firmware. What an implementation reads or writes, it leaves in [`Task::changes`], where
/// clients see it next. [`crate::driver::bios`] makes steps of the methods.
pub trait Bios: Interface {
    /// All settings as they are now; `None` leaves what is known as it is.
    fn read<'a>(&'a self, task: &'a Task) -> Done<'a, Option<Vec<BiosSetting>>>;
    fn apply<'a>(&'a self, task: &'a mut Task, settings: Vec<BiosSetting>) -> Done<'a, Outcome>;
    fn factory_reset<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome>;
}

/// One firmware to install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareUpdate {
    /// `bios`, `bmc` or `nic:…`.
    pub component: String,
    pub url: String,
    /// Seconds to leave the machine alone afterwards.
    pub wait: Option<u64>,
}

/// The firmware of a machine's parts. [`crate::driver::firmware`] makes a step of `update`.
pub trait Firmware: Interface {
    /// What is installed; `None` leaves what is known as it is.
    fn read<'a>(&'a self, task: &'a Task) -> Done<'a, Option<Vec<FirmwareComponent>>>;
    fn update<'a>(&'a self, task: &'a mut Task, updates: Vec<FirmwareUpdate>) -> Done<'a, Outcome>;
}

/// A machine's console on a TCP port or a web page.
pub trait Console: Interface {
    fn start<'a>(&'a self, task: &'a mut Task) -> Done<'a>;
    fn stop<'a>(&'a self, task: &'a mut Task) -> Done<'a>;
    /// Where it is, as clients are shown it: `{"type": …, "url": …}`.
    fn info<'a>(&'a self, task: &'a Task) -> Done<'a, Value>;
}

/// Volumes that a machine boots from or works with.
pub trait Storage: Interface {
    /// Makes the node's volumes reachable for the machine, before it is deployed.
    fn attach<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    fn detach<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Whether the image goes to a disk of the machine; not if it boots from a volume.
    fn writes_image(&self, _task: &Task) -> bool {
        true
    }
}

//! Management: what a BMC does beside power.
//!
//! What every BMC has is a method of [`Management`]; what only some have is a trait of its own, and `None` says that this
//! one has it not, so that the refusal is written in one place.

use serde_json::Value;

use super::{Done, Interface};
use crate::driver::boot_mode::BootMode;
use crate::driver::{DriverError, Task};
use crate::model::record::words;

words! {
    /// What a machine can boot from.
    pub enum BootDevice {
        Pxe = "pxe",
        Disk = "disk",
        Cdrom = "cdrom",
        Bios = "bios",
        Safe = "safe",
        Wanboot = "wanboot",
        UefiHttp = "uefihttp",
        IscsiBoot = "iscsiboot",
        Floppy = "floppy",
        UsbDisk = "usbdisk",
    }
}

/// A boot device and whether it outlasts one boot; unknown parts are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurrentBoot {
    pub device: Option<BootDevice>,
    pub persistent: Option<bool>,
}

pub trait Management: Interface {
    fn supported_boot_devices(&self, task: &Task) -> &'static [BootDevice];
    fn boot_device<'a>(&'a self, task: &'a Task) -> Done<'a, CurrentBoot>;
    fn set_boot_device<'a>(&'a self, task: &'a mut Task, device: BootDevice, persistent: bool) -> Done<'a>;

    /// Readings by sensor type, then by sensor name.
    fn sensors<'a>(&'a self, task: &'a Task) -> Done<'a, Value> {
        Box::pin(async move { Err(DriverError::lacks(task, "get_sensors_data")) })
    }

    fn inject_nmi<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move { Err(DriverError::lacks(task, "inject_nmi")) })
    }

    /// The maker of the machine, lower case, if the BMC tells: some need other boot flags.
    fn detect_vendor<'a>(&'a self, _task: &'a Task) -> Done<'a, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    /// The addresses of the machine's network cards, if the BMC tells.
    fn mac_addresses<'a>(&'a self, task: &'a Task) -> Done<'a, Vec<String>> {
        Box::pin(async move { Err(DriverError::lacks(task, "get_mac_addresses")) })
    }

    fn boot_modes(&self) -> Option<&dyn BootModes> {
        None
    }

    fn indicators(&self) -> Option<&dyn Indicators> {
        None
    }

    fn virtual_media(&self) -> Option<&dyn VirtualMedia> {
        None
    }
}

/// Firmware whose boot mode and secure boot can be switched from outside.
pub trait BootModes: Send + Sync {
    /// What it boots in; `None` if it cannot tell.
    fn boot_mode<'a>(&'a self, task: &'a Task) -> Done<'a, Option<BootMode>>;
    /// Ends when the machine's firmware has taken it on, which may need a restart of the machine.
    fn set_boot_mode<'a>(&'a self, task: &'a mut Task, mode: BootMode) -> Done<'a>;
    fn secure_boot<'a>(&'a self, task: &'a Task) -> Done<'a, Option<bool>>;
    fn set_secure_boot<'a>(&'a self, task: &'a mut Task, on: bool) -> Done<'a>;
}

/// A light on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// The part that it stands on: `chassis`, `system`, `disk`, `power` or `nic`.
    pub component: String,
    pub name: String,
    pub readonly: bool,
    /// The states that it can be in: `on`, `off`, `blinking`, `unknown`.
    pub states: &'static [&'static str],
}

/// A machine whose lights can be seen, and perhaps switched.
pub trait Indicators: Send + Sync {
    fn list<'a>(&'a self, task: &'a Task) -> Done<'a, Vec<Indicator>>;
    /// `component` and `name` as the client wrote them.
    fn state<'a>(&'a self, task: &'a Task, component: &'a str, name: &'a str) -> Done<'a, String>;
    fn set<'a>(&'a self, task: &'a mut Task, component: &'a str, name: &'a str, state: &'a str) -> Done<'a>;
}

words! {
    /// A drive that a BMC plays to its machine.
    pub enum VirtualMediaDevice {
        Cdrom = "cdrom",
        Disk = "disk",
        Floppy = "floppy",
    }
}

/// A BMC that can put an image into such a drive.
pub trait VirtualMedia: Send + Sync {
    /// What is in the drives, as clients are shown it: `media_types`, `inserted`, `image`.
    fn devices<'a>(&'a self, task: &'a Task) -> Done<'a, Vec<Value>>;
    fn attach<'a>(&'a self, task: &'a mut Task, device: VirtualMediaDevice, image_url: &'a str) -> Done<'a>;
    /// Empties these drives.
    fn detach<'a>(&'a self, task: &'a mut Task, devices: &'a [VirtualMediaDevice]) -> Done<'a>;
}

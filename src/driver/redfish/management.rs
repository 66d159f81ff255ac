//! Management over Redfish: what it offers. See the head of [`super`].

use serde_json::Value;

use super::{info, not_built, validate};
use crate::driver::boot_mode::BootMode;
use crate::driver::traits::{BootModes, CurrentBoot, Done, Indicator, Indicators, VirtualMedia, VirtualMediaDevice};
use crate::driver::{BootDevice, Interface, Management, Property, Task};

pub struct RedfishManagement;

const DEVICES: &[BootDevice] =
    &[BootDevice::Pxe, BootDevice::Disk, BootDevice::Cdrom, BootDevice::Bios, BootDevice::UefiHttp];

impl Interface for RedfishManagement {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }
}

impl Management for RedfishManagement {
    fn supported_boot_devices(&self, _task: &Task) -> &'static [BootDevice] {
        DEVICES
    }

    fn boot_device<'a>(&'a self, task: &'a Task) -> Done<'a, CurrentBoot> {
        Box::pin(async move { not_built(task, "read the boot device") })
    }

    fn set_boot_device<'a>(&'a self, task: &'a mut Task, _device: BootDevice, _persistent: bool) -> Done<'a> {
        Box::pin(async move { not_built(task, "set the boot device") })
    }

    fn sensors<'a>(&'a self, task: &'a Task) -> Done<'a, Value> {
        Box::pin(async move { not_built(task, "read sensors") })
    }

    fn inject_nmi<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move { not_built(task, "inject an NMI") })
    }

    fn detect_vendor<'a>(&'a self, task: &'a Task) -> Done<'a, Option<String>> {
        Box::pin(async move { not_built(task, "detect the vendor") })
    }

    fn mac_addresses<'a>(&'a self, task: &'a Task) -> Done<'a, Vec<String>> {
        Box::pin(async move { not_built(task, "list network cards") })
    }

    fn boot_modes(&self) -> Option<&dyn BootModes> {
        Some(self)
    }

    fn indicators(&self) -> Option<&dyn Indicators> {
        Some(self)
    }

    fn virtual_media(&self) -> Option<&dyn VirtualMedia> {
        Some(self)
    }
}

impl BootModes for RedfishManagement {
    fn boot_mode<'a>(&'a self, task: &'a Task) -> Done<'a, Option<BootMode>> {
        Box::pin(async move { not_built(task, "read the boot mode") })
    }

    fn set_boot_mode<'a>(&'a self, task: &'a mut Task, _mode: BootMode) -> Done<'a> {
        Box::pin(async move { not_built(task, "set the boot mode") })
    }

    fn secure_boot<'a>(&'a self, task: &'a Task) -> Done<'a, Option<bool>> {
        Box::pin(async move { not_built(task, "read secure boot") })
    }

    fn set_secure_boot<'a>(&'a self, task: &'a mut Task, _on: bool) -> Done<'a> {
        Box::pin(async move { not_built(task, "switch secure boot") })
    }
}

impl Indicators for RedfishManagement {
    fn list<'a>(&'a self, task: &'a Task) -> Done<'a, Vec<Indicator>> {
        Box::pin(async move { not_built(task, "list indicators") })
    }

    fn state<'a>(&'a self, task: &'a Task, _component: &'a str, _name: &'a str) -> Done<'a, String> {
        Box::pin(async move { not_built(task, "read indicators") })
    }

    fn set<'a>(&'a self, task: &'a mut Task, _component: &'a str, _name: &'a str, _state: &'a str) -> Done<'a> {
        Box::pin(async move { not_built(task, "switch indicators") })
    }
}

impl VirtualMedia for RedfishManagement {
    fn devices<'a>(&'a self, task: &'a Task) -> Done<'a, Vec<Value>> {
        Box::pin(async move { not_built(task, "list virtual media") })
    }

    fn attach<'a>(&'a self, task: &'a mut Task, _device: VirtualMediaDevice, _image_url: &'a str) -> Done<'a> {
        Box::pin(async move { not_built(task, "attach virtual media") })
    }

    fn detach<'a>(&'a self, task: &'a mut Task, _devices: &'a [VirtualMediaDevice]) -> Done<'a> {
        Box::pin(async move { not_built(task, "detach virtual media") })
    }
}

//! Management of a machine that is not there: it boots from the network, and two lights shine.

use crate::driver::traits::{CurrentBoot, Done, Indicator, Indicators};
use crate::driver::{BootDevice, DriverError, Interface, Management, Task};

pub struct FakeManagement;

impl Interface for FakeManagement {}

impl Management for FakeManagement {
    fn supported_boot_devices(&self, _task: &Task) -> &'static [BootDevice] {
        &[BootDevice::Pxe]
    }

    fn boot_device<'a>(&'a self, _task: &'a Task) -> Done<'a, CurrentBoot> {
        Box::pin(async { Ok(CurrentBoot { device: Some(BootDevice::Pxe), persistent: Some(false) }) })
    }

    fn set_boot_device<'a>(&'a self, task: &'a mut Task, device: BootDevice, _persistent: bool) -> Done<'a> {
        Box::pin(async move {
            if self.supported_boot_devices(task).contains(&device) {
                return Ok(());
            }
            Err(DriverError::misconfigured(format!("boot_device: {device} is not supported, expected one of: pxe")))
        })
    }

    fn indicators(&self) -> Option<&dyn Indicators> {
        Some(self)
    }
}

fn lights() -> Vec<Indicator> {
    let light = |component: &str, name: &str, readonly, states| Indicator {
        component: component.to_owned(),
        name: name.to_owned(),
        readonly,
        states,
    };
    vec![light("chassis", "led-0", true, &["off", "on"]), light("system", "led", false, &["blinking", "off", "on"])]
}

impl Indicators for FakeManagement {
    fn list<'a>(&'a self, _task: &'a Task) -> Done<'a, Vec<Indicator>> {
        Box::pin(async { Ok(lights()) })
    }

    fn state<'a>(&'a self, _task: &'a Task, component: &'a str, name: &'a str) -> Done<'a, String> {
        Box::pin(async move {
            let on_it: Vec<_> = lights().into_iter().filter(|light| light.component == component).collect();
            if on_it.is_empty() {
                return Err(DriverError::misconfigured(format!("Invalid component {component} specified.")));
            }
            if !on_it.iter().any(|light| light.name == name) {
                return Err(DriverError::misconfigured(format!("Invalid indicator {name} specified.")));
            }
            Ok("on".to_owned())
        })
    }

    fn set<'a>(&'a self, task: &'a mut Task, _component: &'a str, _name: &'a str, _state: &'a str) -> Done<'a> {
        Box::pin(async move { Err(DriverError::lacks(task, "set_indicator_state")) })
    }
}

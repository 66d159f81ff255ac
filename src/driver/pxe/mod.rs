//! Network boot: what the machine is to be told when it asks, and the boot device that makes it ask.
//!
//! Nothing is written to files. The interface fills in the node's stored plan, and the boot servers render that plan when
//! the machine comes; a plan that is taken away is taken away at once.

mod arguments;

use serde_json::Value;

use super::traits::{Done, RamdiskFor};
use super::{Boot, BootDevice, Driver, DriverError, Interface, Property, Task};
use crate::model::BootPlan;
use crate::model::boot_plan;

/// `ipxe`: firmware's network boot, then iPXE and HTTP.
pub struct Ipxe;

const PROPERTIES: &[Property] = &[
    Property {
        name: "deploy_kernel",
        text: "URL or path (file:// or http://) of the kernel with the agent. Required unless one is configured.",
    },
    Property {
        name: "deploy_ramdisk",
        text: "URL or path of the ramdisk with the agent. Required unless one is configured.",
    },
    Property {
        name: "rescue_kernel",
        text: "URL or path of the kernel to rescue with. Required for rescuing unless one is configured.",
    },
    Property {
        name: "rescue_ramdisk",
        text: "URL or path of the ramdisk to rescue with. Required for rescuing unless one is configured.",
    },
    Property {
        name: "kernel_append_params",
        text: "Additional kernel parameters for the ramdisk; \"%default%\" stands for the configured ones. Optional.",
    },
    Property {
        name: "force_persistent_boot_device",
        text: "Default, Always or Never: whether the boot device is set persistently. Optional.",
    },
];

/// Where the agent's kernel and ramdisk are.
struct Ramdisk {
    kernel: String,
    ramdisk: String,
}

impl Ramdisk {
    fn of(task: &Task, why: RamdiskFor) -> Result<Self, DriverError> {
        if why == RamdiskFor::Rescue {
            return Self::for_rescue(task);
        }
        let info = task.driver_info();
        let one = |key: &str, configured: &Option<String>| {
            let named = info.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
            named.or_else(|| configured.clone()).ok_or_else(|| {
                DriverError::misconfigured(format!(
                    "driver_info/{key}: missing; give the node one, or set deploy.{} in the configuration",
                    key.trim_start_matches("deploy_")
                ))
            })
        };
        let settings = &task.env.settings;
        Ok(Ramdisk {
            kernel: one("deploy_kernel", &settings.deploy_kernel)?,
            ramdisk: one("deploy_ramdisk", &settings.deploy_ramdisk)?,
        })
    }

    /// The node's own, else the configured one; the configured deploy ramdisk will do, as it is usually the same.
    fn for_rescue(task: &Task) -> Result<Self, DriverError> {
        let info = task.driver_info();
        let settings = &task.env.settings;
        let one = |key: &str, configured: [&Option<String>; 2]| {
            let named = info.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
            named.or_else(|| configured.into_iter().flatten().next().cloned()).ok_or_else(|| {
                DriverError::misconfigured(format!(
                    "driver_info/{key}: missing; give the node one, or set deploy.{key} in the configuration"
                ))
            })
        };
        Ok(Ramdisk {
            kernel: one("rescue_kernel", [&settings.rescue_kernel, &settings.deploy_kernel])?,
            ramdisk: one("rescue_ramdisk", [&settings.rescue_ramdisk, &settings.deploy_ramdisk])?,
        })
    }
}

/// What a node boots that has its instance not on the disk: `boot_iso`, or `kernel` and `ramdisk`. Errors name the field.
pub fn instance(task: &Task) -> Result<boot_plan::Boot, DriverError> {
    let info = task.instance_info();
    let text = |key: &str| info.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    if let Some(iso) = text("boot_iso") {
        if text("image_source").is_some() {
            return Err(DriverError::misconfigured(
                "instance_info/boot_iso: expected it or image_source, but not both",
            ));
        }
        return Ok(boot_plan::Boot::Iso { iso });
    }
    let missing = |key: &str| {
        DriverError::misconfigured(format!(
            "instance_info/{key}: missing; a ramdisk deployment needs boot_iso, or kernel and ramdisk"
        ))
    };
    let (kernel, ramdisk) =
        (text("kernel").ok_or_else(|| missing("kernel"))?, text("ramdisk").ok_or_else(|| missing("ramdisk"))?);
    Ok(boot_plan::Boot::Ramdisk { kernel, ramdisk, arguments: arguments::of_instance(task)? })
}

/// Whether the node's instance is booted from the network each time.
fn boots_from_network(task: &Task) -> bool {
    Driver::of(&task.node).is_ok_and(|driver| driver.deploy.boots_from_network())
}

/// The base URL under which machines reach us.
pub fn provisioning_url(task: &Task) -> Result<&str, DriverError> {
    task.env.settings.provisioning_url.as_deref().ok_or_else(|| {
        DriverError::misconfigured("provisioning.listen: not configured, so no machine can be booted from the network")
    })
}

impl Interface for Ipxe {
    fn properties(&self) -> &'static [Property] {
        PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            if !task.ports.iter().any(|port| port.pxe_enabled) {
                return Err(DriverError::misconfigured(format!(
                    "Node {} does not have any port that may boot from the network (pxe_enabled); create one with the \
                     MAC address of its NIC",
                    task.node.uuid
                )));
            }
            // What is deployed without an agent needs the agent's ramdisk for cleaning only, and is told so then.
            if !boots_from_network(task) {
                Ramdisk::of(task, RamdiskFor::Agent)?;
            }
            provisioning_url(task)?;
            super::boot_mode::of(&task.node)?;
            arguments::appended(task)?;
            Ok(())
        })
    }
}

impl Boot for Ipxe {
    fn prepare_ramdisk<'a>(&'a self, task: &'a mut Task, why: RamdiskFor) -> Done<'a> {
        Box::pin(async move {
            self.validate(task).await?;
            let files = Ramdisk::of(task, why)?;
            let arguments = arguments::line(task, why)?;
            plan(task, boot_plan::Boot::Ramdisk { kernel: files.kernel, ramdisk: files.ramdisk, arguments });
            set_boot_device(task, BootDevice::Pxe, false).await
        })
    }

    fn clean_up_ramdisk<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            task.changes.boot_plan = Some(None);
            Ok(())
        })
    }

    fn prepare_instance<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            if boots_from_network(task) {
                let boot = instance(task)?;
                plan(task, boot);
                return set_boot_device(task, BootDevice::Pxe, true).await;
            }
            // Firmware that asks the network first whatever it is told still gets an answer: boot your disk.
            plan(task, boot_plan::Boot::Disk);
            // Lenovo's UEFI loses its own boot entry when it is told to boot the disk.
            let lenovo =
                task.node.properties.text("vendor").is_some_and(|vendor| vendor.eq_ignore_ascii_case("lenovo"));
            if lenovo && super::boot_mode::of(&task.node)? == super::boot_mode::BootMode::Uefi {
                return Ok(());
            }
            set_boot_device(task, BootDevice::Disk, true).await
        })
    }

    fn clean_up_instance<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        self.clean_up_ramdisk(task)
    }

    fn validate_rescue<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            self.validate(task).await?;
            Ramdisk::of(task, RamdiskFor::Rescue).map(drop)
        })
    }

    fn can_boot_instances(&self) -> bool {
        true
    }
}

/// Puts a plan in place. An equal one keeps its key, so that a machine that is booting when a step is repeated goes on.
fn plan(task: &mut Task, boot: boot_plan::Boot) {
    if task.boot_plan().is_none_or(|plan| plan.boot != boot) {
        task.changes.boot_plan = Some(Some(BootPlan { boot, key: task.env.random.token() }));
    }
}

/// Sets the boot device, as persistently as the node's owner wants. A BMC that cannot is no reason to stop: the
/// machine may ask the network anyway, and if it does not, the wait for the agent says so.
async fn set_boot_device(task: &mut Task, device: BootDevice, persistent: bool) -> Result<(), DriverError> {
    let persistent = match task.node.driver_info.text("force_persistent_boot_device").as_deref() {
        Some(word) if word.eq_ignore_ascii_case("always") => true,
        Some(word) if word.eq_ignore_ascii_case("never") => false,
        _ => persistent,
    };
    let driver = Driver::of(&task.node)?;
    if !driver.management.supported_boot_devices(task).contains(&device) {
        return Ok(());
    }
    match driver.management.set_boot_device(task, device, persistent).await {
        Err(DriverError::Unsupported(why)) => {
            tracing::warn!(node = %task.node.uuid, %device, %why, "the boot device was not set");
            Ok(())
        }
        other => other,
    }
}

//! Management over IPMI: boot devices, sensors, NMI, who made the machine.

use serde_json::{Value, json};

use super::{Connection, info, sensors, validate};
use crate::bmc::ipmi::{self, PowerControl};
use crate::driver::boot_mode::{self, BootMode};
use crate::driver::traits::{CurrentBoot, Done};
use crate::driver::{BootDevice, DriverError, Interface, Management, Property, Task};

pub struct IpmiManagement;

const DEVICES: &[BootDevice] =
    &[BootDevice::Pxe, BootDevice::Disk, BootDevice::Cdrom, BootDevice::Bios, BootDevice::Safe];

/// Keys of `driver_internal_info` under which a forced device waits for the next power on.
const STORED_DEVICE: &str = "persistent_boot_device";
const NEXT_ONLY: &str = "is_next_boot_persistent";

impl Interface for IpmiManagement {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }
}

impl Management for IpmiManagement {
    fn supported_boot_devices(&self, _task: &Task) -> &'static [BootDevice] {
        DEVICES
    }

    fn boot_device<'a>(&'a self, task: &'a Task) -> Done<'a, CurrentBoot> {
        Box::pin(async move {
            let connection = Connection::of(task)?;
            let stored = task.node.driver_internal_info.text(STORED_DEVICE);
            if connection.info.force_boot_device
                && let Some(device) = stored.as_deref().and_then(BootDevice::parse)
            {
                return Ok(CurrentBoot { device: Some(device), persistent: Some(true) });
            }
            let now = connection.bmc.boot_override().await.map_err(|error| connection.error(error))?;
            let device = now.device.map(|device| match device {
                ipmi::BootDevice::Pxe => BootDevice::Pxe,
                ipmi::BootDevice::Disk => BootDevice::Disk,
                ipmi::BootDevice::Safe => BootDevice::Safe,
                ipmi::BootDevice::Cdrom => BootDevice::Cdrom,
                ipmi::BootDevice::Bios => BootDevice::Bios,
            });
            Ok(CurrentBoot { device, persistent: Some(now.persistent) })
        })
    }

    fn set_boot_device<'a>(&'a self, task: &'a mut Task, device: BootDevice, persistent: bool) -> Done<'a> {
        Box::pin(async move {
            let connection = Connection::of(task)?;
            let (wanted, device_name) = (device, device.as_str());
            let device = on_the_wire(device).ok_or_else(|| {
                let expected = DEVICES.iter().map(|device| device.as_str()).collect::<Vec<_>>().join(", ");
                DriverError::misconfigured(format!(
                    "boot_device: {device_name} is not supported, expected one of: {expected}"
                ))
            })?;
            let mut persistent = persistent;
            if connection.info.force_boot_device {
                // Kept here and set before each power on, so that a BMC which cannot keep it need not.
                let internal = &mut task.node.driver_internal_info;
                internal.set(NEXT_ONLY, persistent);
                if persistent {
                    internal.set(STORED_DEVICE, device_name);
                }
                persistent = false;
            }
            task.next_boot = Some(wanted).filter(|_| !persistent);
            set(&connection, task, device, persistent).await
        })
    }

    fn sensors<'a>(&'a self, task: &'a Task) -> Done<'a, Value> {
        Box::pin(async move {
            let connection = Connection::of(task)?;
            let readings = connection.bmc.clone().polling().sensors().await;
            Ok(sensors::by_type(&readings.map_err(|error| connection.error(error))?))
        })
    }

    fn inject_nmi<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            let connection = Connection::of(task)?;
            let done = connection.bmc.power_control(PowerControl::DiagnosticInterrupt).await;
            done.map_err(|error| connection.error(error))
        })
    }

    fn detect_vendor<'a>(&'a self, task: &'a Task) -> Done<'a, Option<String>> {
        Box::pin(async move {
            let connection = Connection::of(task)?;
            let id = connection.bmc.device_id().await.map_err(|error| connection.error(error))?;
            Ok(ipmi::vendor_name(id.manufacturer_id).map(str::to_owned))
        })
    }
}

fn on_the_wire(device: BootDevice) -> Option<ipmi::BootDevice> {
    Some(match device {
        BootDevice::Pxe => ipmi::BootDevice::Pxe,
        BootDevice::Disk => ipmi::BootDevice::Disk,
        BootDevice::Cdrom => ipmi::BootDevice::Cdrom,
        BootDevice::Bios => ipmi::BootDevice::Bios,
        BootDevice::Safe => ipmi::BootDevice::Safe,
        _ => return None,
    })
}

async fn set(
    connection: &Connection,
    task: &Task,
    device: ipmi::BootDevice,
    persistent: bool,
) -> Result<(), DriverError> {
    let efi = boot_mode::of(&task.node)? == BootMode::Uefi;
    let supermicro =
        task.node.properties.text("vendor").is_some_and(|vendor| vendor.eq_ignore_ascii_case("supermicro"));
    if connection.info.disable_boot_timeout {
        // BMCs that do not know the parameter get along without: a minute is enough for most machines.
        if let Err(error) = connection.bmc.disable_boot_timeout().await
            && error.is_worth_retrying()
        {
            return Err(connection.error(error));
        }
    }
    let done = connection.bmc.set_boot_device(device, persistent, efi, supermicro).await;
    done.map_err(|error| connection.error(error))
}

/// Sets what was set for just the next boot once more, now that the machine is off. A machine that was starting may have
/// taken it for the boot that was cut off, and would go to its disk now.
pub(super) async fn once_more(connection: &Connection, task: &mut Task) -> Result<(), DriverError> {
    match task.next_boot.take().and_then(on_the_wire) {
        Some(device) => set(connection, task, device, false).await,
        None => Ok(()),
    }
}

/// With `ipmi_force_boot_device`: sets the stored device, unless one was set for just this boot.
pub(super) async fn before_power_on(connection: &Connection, task: &mut Task) -> Result<(), DriverError> {
    if !connection.info.force_boot_device {
        return Ok(());
    }
    if task.node.driver_internal_info.get(NEXT_ONLY) == Some(json!(false)) {
        task.node.driver_internal_info.remove(NEXT_ONLY);
        return Ok(());
    }
    let stored = task.node.driver_internal_info.text(STORED_DEVICE);
    match stored.as_deref().and_then(BootDevice::parse).and_then(on_the_wire) {
        Some(device) => set(connection, task, device, false).await,
        None => Ok(()),
    }
}

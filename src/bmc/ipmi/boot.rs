//! System boot options (IPMI 2.0 sections 28.12 and 28.13): which device the firmware starts from next.

use super::device::{Ask, Bmc};
use super::error::IpmiError;

const NETFN_CHASSIS: u8 = 0x00;
const CMD_SET: u8 = 0x08;
const CMD_GET: u8 = 0x09;
/// Parameter 3: when the BMC forgets the flags by itself.
const VALID_BIT_CLEARING: u8 = 3;
/// "Do not forget them if no power command follows within 60 s." Machines with slow firmware need longer than that.
const KEEP_AFTER_60_S: u8 = 0x08;
/// Parameter 5: the flags themselves.
const BOOT_FLAGS: u8 = 5;
const VALID: u8 = 0x80;
const PERSISTENT: u8 = 0x40;
const EFI: u8 = 0x20;

/// What to start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootDevice {
    Pxe,
    Disk,
    /// The disk, in the operating system's safe mode.
    Safe,
    Cdrom,
    /// The firmware's set-up.
    Bios,
}

impl BootDevice {
    const ALL: [(BootDevice, u8); 5] = [
        (BootDevice::Pxe, 0x04),
        (BootDevice::Disk, 0x08),
        (BootDevice::Safe, 0x0c),
        (BootDevice::Cdrom, 0x14),
        (BootDevice::Bios, 0x18),
    ];
    /// What SuperMicro's firmware takes for the disk under UEFI.
    const SUPERMICRO_UEFI_DISK: u8 = 0x24;

    fn selector(self) -> u8 {
        Self::ALL.iter().find(|(device, _)| *device == self).map_or(0, |(_, selector)| *selector)
    }

    fn from_selector(selector: u8) -> Option<Self> {
        match selector & 0x3c {
            Self::SUPERMICRO_UEFI_DISK => Some(BootDevice::Disk),
            other => Self::ALL.iter().find(|(_, selector)| *selector == other).map(|(device, _)| *device),
        }
    }
}

/// What the next start, or all starts, are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootOverride {
    /// Nothing: the firmware's own order, or a device that we have no name for.
    pub device: Option<BootDevice>,
    /// Whether the BMC says that the flags count. Some never say so, and some say so no longer once they have been
    /// followed but keep the rest, which is why the device is reported either way.
    pub valid: bool,
    pub persistent: bool,
    pub efi: bool,
}

impl Bmc {
    /// Stops the BMC from forgetting the boot flags after 60 seconds.
    pub async fn disable_boot_timeout(&self) -> Result<(), IpmiError> {
        self.ask(Ask::new(NETFN_CHASSIS, CMD_SET, &[VALID_BIT_CLEARING, KEEP_AFTER_60_S])).await.map(drop)
    }

    /// Sets the device for the next start, or for all. `supermicro`: use their own number for the disk under UEFI.
    pub async fn set_boot_device(
        &self,
        device: BootDevice,
        persistent: bool,
        efi: bool,
        supermicro: bool,
    ) -> Result<(), IpmiError> {
        let flags = VALID | if persistent { PERSISTENT } else { 0 } | if efi { EFI } else { 0 };
        let selector = match device {
            BootDevice::Disk if efi && supermicro => BootDevice::SUPERMICRO_UEFI_DISK,
            other => other.selector(),
        };
        let data = [BOOT_FLAGS, flags, selector, 0, 0, 0];
        self.ask(Ask::order(NETFN_CHASSIS, CMD_SET, &data)).await.map(drop)
    }

    /// The device that is set now.
    pub async fn boot_override(&self) -> Result<BootOverride, IpmiError> {
        let data = self.ask(Ask::new(NETFN_CHASSIS, CMD_GET, &[BOOT_FLAGS, 0, 0])).await?;
        // Parameter version, parameter number, flags, device, and three bytes of no interest.
        let [_, number, flags, device, ..] = data[..] else {
            return Err(self.garbled("Get System Boot Options"));
        };
        if number & 0x7f != BOOT_FLAGS {
            return Err(self.garbled("Get System Boot Options"));
        }
        Ok(BootOverride {
            device: BootDevice::from_selector(device),
            valid: flags & VALID != 0,
            persistent: flags & PERSISTENT != 0,
            efi: flags & EFI != 0,
        })
    }
}

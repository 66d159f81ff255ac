//! The machine that the ramdisk runs on.

use std::net::IpAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::wire::ipa::{self, Inventory};

/// A network interface.
#[derive(Clone, Debug)]
pub struct Nic {
    pub name: String,
    /// Lower case, with colons.
    pub mac: String,
}

/// What the agent finds around itself.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The leased address: the API binds it, and what the agent asks comes from it.
    pub address: IpAddr,
    /// Port of the API: [`ipa::AGENT_PORT`], or 0 for any.
    pub port: u16,
    pub nics: Vec<Nic>,
    /// A file that stands for the only disk. It is made if it is not there.
    pub disk: PathBuf,
    pub disk_bytes: u64,
    pub uefi: bool,
    pub memory_mb: u64,
    pub cpus: u64,
    /// `x86_64`, `aarch64`.
    pub architecture: String,
    pub serial: String,
    /// What the machine's own BMC says of its address.
    pub bmc_address: Option<String>,
}

impl Machine {
    /// A small machine with one interface.
    pub fn small(address: IpAddr, mac: &str, disk: PathBuf) -> Self {
        Machine {
            address,
            port: ipa::AGENT_PORT,
            nics: vec![Nic { name: "eth0".into(), mac: mac.into() }],
            disk,
            disk_bytes: 64 << 20,
            uefi: true,
            memory_mb: 4096,
            cpus: 2,
            architecture: "x86_64".into(),
            serial: format!("SIM-{}", mac.replace(':', "").to_uppercase()),
            bmc_address: None,
        }
    }

    /// The inventory, with the address on the interface that booted.
    pub(super) fn inventory(&self, boot_mac: Option<&str>) -> Inventory {
        let boot_mac = boot_mac.or_else(|| self.nics.first().map(|nic| nic.mac.as_str()));
        let interfaces = self.nics.iter().map(|nic| ipa::Interface {
            name: nic.name.clone(),
            mac_address: Some(nic.mac.clone()),
            ipv4_address: (boot_mac == Some(nic.mac.as_str())).then(|| self.address.to_string()),
            has_carrier: Some(boot_mac == Some(nic.mac.as_str())),
            vendor: Some("0x1af4".into()),
            product: Some("0x1000".into()),
            speed_mbps: Some(10_000),
            ..Default::default()
        });
        let disk = ipa::Disk {
            name: "/dev/sda".into(),
            model: Some("SIMULATED".into()),
            size: Some(self.disk_bytes),
            rotational: Some(false),
            wwn: None,
            serial: Some(format!("{}-D0", self.serial)),
        };
        Inventory {
            interfaces: interfaces.collect(),
            disks: vec![disk],
            cpu: Some(ipa::Cpu {
                model_name: Some("Simulated".into()),
                count: Some(self.cpus),
                architecture: Some(self.architecture.clone()),
            }),
            memory: Some(ipa::Memory { total: Some(self.memory_mb << 20), physical_mb: Some(self.memory_mb) }),
            bmc_address: Some(self.bmc_address.clone().unwrap_or_else(|| "0.0.0.0".into())),
            bmc_v6address: Some("::/0".into()),
            system_vendor: Some(ipa::SystemVendor {
                product_name: Some("Simulated machine".into()),
                serial_number: Some(self.serial.clone()),
                manufacturer: Some("Bessemer".into()),
            }),
            boot: Some(ipa::Boot {
                current_boot_mode: Some(if self.uefi { "uefi" } else { "bios" }.into()),
                pxe_interface: boot_mac.map(str::to_owned),
            }),
            hostname: Some("localhost".into()),
        }
    }

    /// What else an inspection reports.
    pub(super) fn plugin_data(&self) -> Value {
        json!({
            "root_disk": {"name": "/dev/sda", "size": self.disk_bytes},
            "configuration": {"collectors": ["default", "logs"], "managers": [{"name": "generic_hardware_manager", "version": "1.2"}]},
        })
    }
}

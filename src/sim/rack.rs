//! Many machines, alike but for their numbers.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::bmc::{Personality, Seams};
use super::machine::{Machine, Model, Pace};

/// How a rack is filled.
#[derive(Clone)]
pub struct Plan {
    pub machines: u8,
    /// The BMCs listen on this network's addresses from `.1` on, all at the same port.
    pub bmc_net: [u8; 3],
    pub bmc_port: u16,
    pub personality: Personality,
    /// Every second machine boots through BIOS rather than UEFI.
    pub mixed_firmware: bool,
    /// Where the disks are kept.
    pub dir: PathBuf,
    pub disk_bytes: u64,
    pub dhcp: SocketAddr,
    pub tftp_port: u16,
    pub pace: Pace,
}

impl Plan {
    fn model(&self, number: u8) -> Model {
        let [a, b, c] = self.bmc_net;
        let name = format!("rack-{number}");
        Model {
            // Locally administered, and 53:49:4d is "SIM".
            mac: [0x52, 0x53, 0x49, 0x4d, c, number],
            bmc: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(a, b, c, number)), self.bmc_port),
            personality: self.personality.clone(),
            uefi: !self.mixed_firmware || number % 2 == 1,
            disk: self.dir.join(format!("{name}.disk")),
            disk_bytes: self.disk_bytes,
            dhcp: self.dhcp,
            tftp_port: self.tftp_port,
            pace: self.pace,
            name,
        }
    }
}

/// A rack; the machines end when it is dropped.
pub struct Rack {
    pub machines: Vec<Machine>,
}

impl Rack {
    /// Installs all machines, switched off. Errors: a BMC's address cannot be bound.
    pub fn install(seams: &Seams, plan: &Plan) -> io::Result<Self> {
        let machines = (1..=plan.machines).map(|number| Machine::install(seams.clone(), plan.model(number)));
        Ok(Rack { machines: machines.collect::<io::Result<_>>()? })
    }

    /// Takes all machines out, one after the other.
    pub async fn remove(self) {
        for machine in self.machines {
            machine.remove().await;
        }
    }
}

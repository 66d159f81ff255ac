//! A machine's firmware and boot loader, in software: from power on to the kernel that it would start.
//!
//! ```text
//!   firmware: DHCP ─► TFTP (or HTTP): loader ─► iPXE: DHCP again ─► HTTP: script ─► interpreted ─► kernel, ramdisk
//! ```
//! It really asks over sockets, with the frames that a client sends, and from the address that it leased: on loopback
//! the 127.0.0.0/8 are all there to be bound. It has no boot loader to run, so [`loader`] stands for one, different for each
//! firmware as real ones are; what the loader then does is what iPXE does, command by command. [`Faults`] makes it misbehave.
//!
//! DHCP goes through another codec than the product's, so that the two do not merely agree with themselves.
//! Deliberately absent: IPv6, DNS, menus, and commands that no boot script of ours has a use for.

mod dhcp;
mod fetch;
mod script;
mod tftp;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Clock;
use crate::net::Net;
use crate::random::Random;
use crate::wire::mac::Mac;

/// What is soldered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    Bios,
    /// UEFI, booting by PXE.
    Uefi,
    /// UEFI, booting by HTTP.
    UefiHttp,
}

impl Firmware {
    /// Its architecture as option 93 has it (RFC 4578 and its registry).
    const fn architecture(self) -> u16 {
        match self {
            Firmware::Bios => 0,
            Firmware::Uefi => 7,
            Firmware::UefiHttp => 16,
        }
    }

    /// What iPXE calls the platform.
    const fn platform(self) -> &'static str {
        match self {
            Firmware::Bios => "pcbios",
            Firmware::Uefi | Firmware::UefiHttp => "efi",
        }
    }
}

/// The bytes that stand for a boot loader of this firmware: what a test or demonstration puts into the boot directory.
pub fn loader(firmware: Firmware) -> Vec<u8> {
    let mut bytes = format!("simulated iPXE for {}\n", firmware.platform()).into_bytes();
    // About as large as the real ones, so that a transfer is one of many blocks.
    bytes.resize(70_001, b'.');
    bytes
}

/// The machine, as far as booting goes.
#[derive(Clone, Debug)]
pub struct Machine {
    pub mac: Mac,
    /// The system's UUID, which firmware sends as option 97.
    pub uuid: [u8; 16],
    pub firmware: Firmware,
}

/// How fast it lives. The default is about what firmware and iPXE do.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Until a DHCP message is repeated; doubles each time.
    pub dhcp_retry: Duration,
    pub dhcp_tries: u32,
    /// How long iPXE waits for a proxy DHCP server unless it was told that there is none.
    pub proxy_wait: Duration,
    /// Until a TFTP packet is repeated.
    pub tftp_retry: Duration,
    /// Repetitions without an answer before a ROM gives up.
    pub tftp_tries: u32,
    /// What a script calls a second.
    pub second: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            dhcp_retry: Duration::from_secs(1),
            dhcp_tries: 4,
            proxy_wait: Duration::from_secs(3),
            tftp_retry: Duration::from_secs(1),
            tftp_tries: 6,
            second: Duration::from_secs(1),
        }
    }
}

/// Where the machine stands, and the seams that it lives on.
#[derive(Clone)]
pub struct World {
    pub net: Net,
    pub clock: Clock,
    pub random: Random,
    pub pace: Pace,
    /// The DHCP server's address, which stands for the broadcast of a real network.
    pub dhcp: SocketAddr,
    pub tftp_port: u16,
}

/// How a machine misbehaves.
#[derive(Clone, Debug, Default)]
pub struct Knobs {
    /// Of the datagrams that it sends or should receive, one in so many is lost; 0: none.
    pub lose_one_in: u64,
    /// Says to be of this architecture, whatever it is.
    pub architecture: Option<u16>,
    /// Takes this long before each of its stages.
    pub slow: Duration,
    /// Hangs for ever before this stage, as dying hardware does.
    pub hang_before: Option<StageKind>,
}

/// Knobs that can be turned while the machine runs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Knobs>>);

impl Faults {
    /// Turns knobs: `faults.set(|knobs| knobs.lose_one_in = 5)`.
    pub fn set(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn knobs(&self) -> Knobs {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageKind {
    FirmwareDhcp,
    Loader,
    IpxeDhcp,
    Script,
    Kernel,
    Ramdisk,
}

/// What has happened, for whoever shows progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A lease of the firmware's.
    Leased(Ipv4Addr),
    /// A loader was fetched: its name or URL, and its size.
    Loaded(String, usize),
    /// iPXE has its lease and its orders.
    Ordered(String),
    /// A file was fetched by a script.
    Fetched(String, usize),
    /// What a script says.
    Said(String),
}

/// What the machine does in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Starts this kernel.
    Kernel(Kernel),
    /// Boots this image as if it were on a disk.
    Iso(Bytes),
    /// Boots its disk: it was told to, or its firmware goes on to it.
    Disk,
    Reboot,
    PowerOff,
}

/// A kernel as it would be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    pub bytes: Bytes,
    /// The ramdisk's bytes; empty if there is none.
    pub ramdisk: Bytes,
    pub command_line: String,
}

/// A finished boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booted {
    /// The address that the machine leased, and keeps.
    pub address: Ipv4Addr,
    pub outcome: Outcome,
}

/// Why network boot failed. Firmware would go on to its disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stage}: {why}")]
pub struct BootError {
    pub stage: &'static str,
    pub why: String,
}

impl BootError {
    /// Nobody was there to send the loader, or no longer: the next try may find somebody.
    pub fn is_silence(&self) -> bool {
        self.stage == tftp::STAGE && self.why == tftp::SILENCE
    }

    fn new(stage: &'static str, why: impl std::fmt::Display) -> Self {
        BootError { stage, why: why.to_string() }
    }
}

/// Powers on, and boots from the network. `told` hears of each stage as it is passed.
pub async fn boot(
    machine: &Machine,
    world: &World,
    faults: &Faults,
    told: &(dyn Fn(Stage) + Send + Sync),
) -> Result<Booted, BootError> {
    let boot = Boot { machine, world, faults, told };
    boot.reach(StageKind::FirmwareDhcp).await;
    let offer = boot.dhcp(dhcp::Program::Firmware).await?;
    told(Stage::Leased(offer.address));
    boot.reach(StageKind::Loader).await;
    let loader = boot.load(&offer).await?;
    told(Stage::Loaded(offer.file.clone(), loader.len()));
    boot.run_loader(&loader)?;

    boot.reach(StageKind::IpxeDhcp).await;
    let offer = boot.dhcp(dhcp::Program::Ipxe).await?;
    if !offer.no_proxy_dhcp {
        world.clock.sleep(world.pace.proxy_wait).await;
    }
    told(Stage::Ordered(offer.file.clone()));
    let outcome = script::Ipxe::new(&boot, offer.address).autoboot(&offer.file).await?;
    Ok(Booted { address: offer.address, outcome })
}

/// One boot, and what its stages share.
struct Boot<'a> {
    machine: &'a Machine,
    world: &'a World,
    faults: &'a Faults,
    told: &'a (dyn Fn(Stage) + Send + Sync),
}

impl Boot<'_> {
    /// Before each stage: takes its time, or hangs.
    async fn reach(&self, stage: StageKind) {
        let knobs = self.faults.knobs();
        if knobs.hang_before == Some(stage) {
            std::future::pending::<()>().await;
        }
        if !knobs.slow.is_zero() {
            self.world.clock.sleep(knobs.slow).await;
        }
    }

    /// Whether this datagram is lost.
    fn loses(&self) -> bool {
        let one_in = self.faults.knobs().lose_one_in;
        one_in > 0 && self.world.random.below(one_in) == 0
    }

    async fn load(&self, offer: &dhcp::Offer) -> Result<Bytes, BootError> {
        if offer.file.is_empty() {
            return Err(BootError::new("firmware", "no boot file name received"));
        }
        if self.machine.firmware == Firmware::UefiHttp {
            return fetch::get(self.world, offer.address, &offer.file)
                .await
                .map_err(|why| BootError::new("HTTP boot", why));
        }
        let server = SocketAddr::from((offer.next_server, self.world.tftp_port));
        tftp::get(self, offer.address, server, &offer.file).await
    }

    /// Firmware runs only what was made for it.
    fn run_loader(&self, bytes: &[u8]) -> Result<(), BootError> {
        if bytes == loader(self.machine.firmware) {
            return Ok(());
        }
        Err(BootError::new("firmware", "what was loaded is no boot loader for this firmware"))
    }
}

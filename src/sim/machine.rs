//! A whole machine: BMC, firmware, network boot, ramdisk, and the system on its disk.
//!
//! One task lives its life. When the power comes (or a reset), the firmware takes the boot override from the BMC, tests
//! itself, and starts from the network or the disk; whatever runs then goes on until it ends by itself or the power
//! does something. Pulling the plug drops everything at whatever point it was, as it does.
//!
//! [`Doing`] is what somebody standing beside the machine would see.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::agent::{self, Agent, End};
use super::bmc::{Action, BootFlags, Chassis, Personality, Power, Seams, SimBmc};
use super::netboot::{self, Booted, Firmware, Outcome};
use super::system::{self, System};
use crate::wire::mac::Mac;

/// How often firmware asks the network again that had begun to send the loader and went silent, as when the service was
/// killed in the middle of it.
const AGAIN: u32 = 3;

/// What kind of machine it is.
#[derive(Clone)]
pub struct Model {
    pub name: String,
    pub mac: [u8; 6],
    pub bmc: SocketAddr,
    pub personality: Personality,
    pub uefi: bool,
    /// A file that stands for the only disk; made when something is written.
    pub disk: PathBuf,
    pub disk_bytes: u64,
    /// Where DHCP is asked, as a client.
    pub dhcp: SocketAddr,
    pub tftp_port: u16,
    pub pace: Pace,
}

/// How fast the machine lives.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From power on to the first byte of boot.
    pub self_test: Duration,
    /// How long the system on the disk takes to shut down.
    pub shutdown: Duration,
    pub boot: netboot::Pace,
    pub agent: agent::Pace,
}

impl Default for Pace {
    /// In a hurry: a real server's self-test alone takes minutes.
    fn default() -> Self {
        Pace {
            self_test: Duration::from_millis(200),
            shutdown: Duration::from_millis(150),
            boot: netboot::Pace {
                dhcp_retry: Duration::from_millis(250),
                dhcp_tries: 6,
                proxy_wait: Duration::from_millis(150),
                tftp_retry: Duration::from_millis(500),
                // As long as a real one all in all, because the server is no faster for being asked often.
                tftp_tries: 24,
                second: Duration::from_millis(50),
            },
            agent: agent::Pace {
                lookup_pause: Duration::from_millis(100),
                heartbeat_pause: Duration::from_millis(50),
                step: Duration::from_millis(300),
            },
        }
    }
}

/// What the machine does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    #[default]
    Off,
    SelfTest,
    /// Boots from the network.
    Network,
    /// The ramdisk with the agent runs, at this address.
    Ramdisk(IpAddr),
    /// The ramdisk runs and its agent is gone: whoever has the password of this hash may log in.
    Rescue(String),
    /// A kernel that is no agent's runs, with this command line.
    Netbooted(String),
    /// The system on the disk runs, or that of an ISO image.
    System(System),
    /// Nothing will happen until somebody touches the power.
    Stuck(String),
}

/// A machine in a rack; it ends when this is dropped.
pub struct Machine {
    pub model: Model,
    pub bmc: SimBmc,
    /// Misbehaviour of its ramdisk, over all its boots.
    pub agent_faults: agent::Faults,
    /// Misbehaviour of its firmware and boot loader.
    pub boot_faults: netboot::Faults,
    doing: watch::Receiver<Doing>,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl Machine {
    /// Puts the machine into the rack and connects its BMC; it is off. Errors: the BMC's address cannot be bound.
    pub fn install(seams: Seams, model: Model) -> io::Result<Self> {
        let chassis = Chassis::new(seams.clock.clone());
        let bmc = SimBmc::start(seams.clone(), model.bmc, model.personality.clone(), chassis.clone())?;
        let (agent_faults, boot_faults) = (agent::Faults::default(), netboot::Faults::default());
        let (doing, seen) = watch::channel(Doing::Off);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let life = Life {
            seams,
            model: model.clone(),
            chassis,
            agent_faults: agent_faults.clone(),
            boot_faults: boot_faults.clone(),
            doing,
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(life.live()));
        Ok(Machine { model, bmc, agent_faults, boot_faults, doing: seen, tasks, stop: stop.drop_guard() })
    }

    /// What it does now.
    pub fn doing(&self) -> Doing {
        self.doing.borrow().clone()
    }

    /// Follows what it does; may miss something short.
    pub fn watch(&self) -> watch::Receiver<Doing> {
        self.doing.clone()
    }

    /// Takes the machine out of the rack; waits until its sockets are closed.
    pub async fn remove(self) {
        drop(self.stop);
        self.tasks.close();
        self.tasks.wait().await;
        self.bmc.stop().await;
    }
}

struct Life {
    seams: Seams,
    model: Model,
    chassis: Chassis,
    agent_faults: agent::Faults,
    boot_faults: netboot::Faults,
    doing: watch::Sender<Doing>,
}

/// What the machine does when something that ran has ended by itself.
enum Next {
    Off,
    Restart,
    /// Shows this and waits for the power.
    Stay(Doing),
}

impl Life {
    async fn live(self) {
        let mut power = self.chassis.watch();
        loop {
            self.show(Doing::Off);
            let Ok(now) = power.wait_for(|power| power.on).await.map(|now| *now) else { return };
            let next = tokio::select! {
                biased;
                // Whoever pulls the plug wins over what ends at the same moment.
                _ = power.wait_for(|power| !power.on || power.starts != now.starts) => continue,
                next = self.run(now) => next,
            };
            match next {
                Next::Off => self.chassis.act(Action::Off),
                Next::Restart => self.chassis.act(Action::Reset),
                Next::Stay(doing) => {
                    self.show(doing);
                    let _ = power.wait_for(|power| !power.on || power.starts != now.starts).await;
                }
            }
        }
    }

    fn show(&self, doing: Doing) {
        self.doing.send_if_modified(|shown| std::mem::replace(shown, doing.clone()) != doing);
    }

    /// From the first instruction on.
    async fn run(&self, power: Power) -> Next {
        self.show(Doing::SelfTest);
        self.seams.clock.sleep(self.model.pace.self_test).await;
        let from_network = match self.chassis.take_boot() {
            Some(BootFlags { device: 1, .. }) => true,
            Some(BootFlags { device: 2 | 3 | 9, .. }) => false,
            Some(BootFlags { device, .. }) => {
                return Next::Stay(Doing::Stuck(format!("boot device {device} is empty")));
            }
            // The firmware's own order.
            None => !system::is_bootable(&self.model.disk).await,
        };
        if !from_network {
            return self.start_from_disk(power).await;
        }
        self.show(Doing::Network);
        let told = |stage| tracing::debug!(machine = self.model.name, ?stage, "network boot");
        let mut booted = netboot::boot(&self.firmware(), &self.world(), &self.boot_faults, &told).await;
        for _ in 0..AGAIN {
            if !booted.as_ref().is_err_and(netboot::BootError::is_silence) {
                break;
            }
            booted = netboot::boot(&self.firmware(), &self.world(), &self.boot_faults, &told).await;
        }
        match booted {
            Ok(Booted { address, outcome }) => match outcome {
                Outcome::Kernel(kernel) if !kernel.command_line.contains("ipa-") => {
                    self.run_until_button(power, Doing::Netbooted(kernel.command_line)).await
                }
                Outcome::Iso(iso) => match system::start_bytes(&iso) {
                    Ok(system) => self.run_until_button(power, Doing::System(system)).await,
                    Err(why) => Next::Stay(Doing::Stuck(why)),
                },
                Outcome::Kernel(kernel) => self.run_ramdisk(IpAddr::V4(address), &kernel.command_line).await,
                Outcome::Disk => self.start_from_disk(power).await,
                Outcome::Reboot => Next::Restart,
                Outcome::PowerOff => Next::Off,
            },
            Err(why) => Next::Stay(Doing::Stuck(why.to_string())),
        }
    }

    fn firmware(&self) -> netboot::Machine {
        let mac = self.model.mac;
        let mut uuid = [0x5b; 16];
        uuid[10..].copy_from_slice(&mac);
        let firmware = if self.model.uefi { Firmware::Uefi } else { Firmware::Bios };
        netboot::Machine { mac: Mac(mac), uuid, firmware }
    }

    fn world(&self) -> netboot::World {
        let Seams { net, clock, random } = self.seams.clone();
        let Model { dhcp, tftp_port, .. } = self.model;
        netboot::World { net, clock, random, pace: self.model.pace.boot, dhcp, tftp_port }
    }

    async fn run_ramdisk(&self, address: IpAddr, command_line: &str) -> Next {
        tracing::debug!(machine = self.model.name, command_line, "the ramdisk starts");
        self.show(Doing::Ramdisk(address));
        let Model { disk, disk_bytes, uefi, bmc, .. } = self.model.clone();
        let mac = self.model.mac.map(|byte| format!("{byte:02x}")).join(":");
        let bmc_address = Some(bmc.ip().to_string());
        let machine = agent::Machine { disk_bytes, uefi, bmc_address, ..agent::Machine::small(address, &mac, disk) };
        let world = agent::World {
            net: self.seams.net.clone(),
            clock: self.seams.clock.clone(),
            random: self.seams.random.clone(),
            pace: self.model.pace.agent,
        };
        let mut ramdisk = Agent::boot(machine, command_line, world, self.agent_faults.clone());
        let button = self.button_pressed();
        let end = tokio::select! {
            biased;
            end = ramdisk.end() => end,
            () = button => End::PowerOff,
        };
        ramdisk.stop().await;
        match end {
            End::PowerOff => Next::Off,
            End::Reboot => Next::Restart,
            End::Rescued(hash) => Next::Stay(Doing::Rescue(hash)),
            End::Locked(why) => Next::Stay(Doing::Stuck(why)),
        }
    }

    async fn start_from_disk(&self, power: Power) -> Next {
        match system::start(&self.model.disk).await {
            Ok(system) => self.run_until_button(power, Doing::System(system)).await,
            Err(why) => Next::Stay(Doing::Stuck(why)),
        }
    }

    /// Runs something that shuts down when the button is pressed.
    async fn run_until_button(&self, power: Power, doing: Doing) -> Next {
        self.show(doing);
        if self.chassis.power().button == power.button {
            self.button_pressed().await;
        }
        Next::Off
    }

    /// Somebody pressed the button, and what runs has shut down.
    async fn button_pressed(&self) {
        let mut power = self.chassis.watch();
        let before = power.borrow().button;
        if power.wait_for(|power| power.button != before).await.is_err() {
            return std::future::pending().await;
        }
        self.seams.clock.sleep(self.model.pace.shutdown).await;
    }
}

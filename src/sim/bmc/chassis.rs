//! The machine as its BMC sees it: power, and what it was told to boot from.
//!
//! Whoever plays the machine watches [`Chassis::watch`]: `on` is whether current flows, `starts` counts the times that
//! the firmware began anew (a reset is one without `on` ever changing). At each start it takes the boot override, as
//! firmware does, which consumes one that was for a single boot.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::{Clock, Instant};

/// After so long without a power command a BMC forgets boot flags, unless told not to (parameter 3).
const FLAGS_EXPIRE: Duration = Duration::from_secs(60);
/// Of parameter 3: do not forget them for want of a power command.
const KEEP_WITHOUT_COMMAND: u8 = 0x08;

/// What the machine's power does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Power {
    pub on: bool,
    /// How often the firmware has begun.
    pub starts: u64,
    /// How often the power button was pressed for a soft shutdown.
    pub button: u64,
    /// How often a diagnostic interrupt was raised.
    pub interrupts: u64,
}

/// A change of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    On,
    Off,
    /// Off and on.
    Cycle,
    Reset,
    /// A short press of the button; what it does is up to the operating system.
    Button,
    Interrupt,
}

/// What a machine is told to boot from, in its own numbers (IPMI 2.0 table 28-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootFlags {
    /// Bits 5 to 2 of the second data byte: 1 network, 2 disk, 3 disk safely, 5 CD, 6 set-up.
    pub device: u8,
    pub persistent: bool,
    pub efi: bool,
}

/// Cheap to clone; all clones are the same machine.
#[derive(Clone)]
pub struct Chassis(Arc<Inner>);

struct Inner {
    clock: Clock,
    power: watch::Sender<Power>,
    boot: Mutex<Boot>,
    downs: AtomicU64,
    ordered_at: Mutex<Option<Instant>>,
}

/// The raw boot parameters, kept as bytes so that a reader gets back what was written.
#[derive(Default)]
struct Boot {
    flags: [u8; 5],
    /// Parameter 3.
    clearing: u8,
    expires_at: Option<Instant>,
}

impl Chassis {
    /// A machine that is off and told nothing.
    pub fn new(clock: Clock) -> Self {
        Chassis(Arc::new(Inner {
            clock,
            power: watch::Sender::default(),
            boot: Mutex::default(),
            downs: AtomicU64::new(0),
            ordered_at: Mutex::default(),
        }))
    }

    pub fn power(&self) -> Power {
        *self.0.power.borrow()
    }

    /// Follows the power; never misses the last state, may miss one in between.
    pub fn watch(&self) -> watch::Receiver<Power> {
        self.0.power.subscribe()
    }

    /// Changes the power, by BMC, by hand or by the operating system that shuts down.
    pub fn act(&self, action: Action) {
        self.0.power.send_if_modified(|power| {
            let before = *power;
            match action {
                Action::On if !power.on => (power.on, power.starts) = (true, power.starts + 1),
                Action::Off => power.on = false,
                Action::Cycle | Action::Reset if power.on => power.starts += 1,
                Action::Button if power.on => power.button += 1,
                Action::Interrupt if power.on => power.interrupts += 1,
                Action::On | Action::Cycle | Action::Reset | Action::Button | Action::Interrupt => {}
            }
            *power != before
        });
    }

    /// What the firmware finds when it starts. Flags for one boot are gone afterwards.
    pub fn take_boot(&self) -> Option<BootFlags> {
        let mut boot = self.boot();
        let found = boot.read()?;
        if !found.persistent {
            boot.flags = [0; 5];
        }
        Some(found)
    }

    /// What is set now, without consuming it.
    pub fn boot_flags(&self) -> Option<BootFlags> {
        self.boot().read()
    }

    /// Loses what it was told to boot from, as some controllers do when they restart.
    pub fn forget_boot(&self) {
        self.boot().flags = [0; 5];
    }

    /// The raw five bytes of parameter 5.
    pub(super) fn raw_flags(&self) -> [u8; 5] {
        self.boot().flags
    }

    pub(super) fn set_raw_flags(&self, flags: [u8; 5]) {
        let mut boot = self.boot();
        boot.flags = flags;
        let keeps = boot.clearing & KEEP_WITHOUT_COMMAND != 0;
        boot.expires_at = (!keeps).then(|| self.0.clock.instant() + FLAGS_EXPIRE);
    }

    pub(super) fn clearing(&self) -> u8 {
        self.boot().clearing
    }

    pub(super) fn set_clearing(&self, clearing: u8) {
        let mut boot = self.boot();
        boot.clearing = clearing;
        if clearing & KEEP_WITHOUT_COMMAND != 0 {
            boot.expires_at = None;
        }
    }

    /// A power command came in time: the flags stay until the boot.
    pub(super) fn power_command_arrived(&self, action: Action) {
        self.boot().expires_at = None;
        *self.0.ordered_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.0.clock.instant());
        if matches!(action, Action::Off | Action::Cycle | Action::Reset | Action::Button) {
            self.0.downs.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often the BMC was told to end what runs on the machine.
    pub fn downs(&self) -> u64 {
        self.0.downs.load(Ordering::Relaxed)
    }

    /// When the BMC was told last to change the power at all.
    pub fn ordered_at(&self) -> Option<Instant> {
        *self.0.ordered_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The boot parameters, with flags that have expired cleared.
    fn boot(&self) -> MutexGuard<'_, Boot> {
        let mut boot = self.0.boot.lock().unwrap_or_else(PoisonError::into_inner);
        if boot.expires_at.is_some_and(|at| at <= self.0.clock.instant()) {
            (boot.flags, boot.expires_at) = ([0; 5], None);
        }
        boot
    }
}

impl Boot {
    fn read(&self) -> Option<BootFlags> {
        let [flags, device, ..] = self.flags;
        (flags & 0x80 != 0).then_some(BootFlags {
            device: (device >> 2) & 0x0f,
            persistent: flags & 0x40 != 0,
            efi: flags & 0x20 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn boot_flags_are_for_one_boot_and_expire_unless_kept() {
        let clock = Clock::system();
        let chassis = Chassis::new(clock.clone());
        let pxe_once = [0x80, 0x04, 0, 0, 0];
        chassis.set_raw_flags(pxe_once);
        let found = BootFlags { device: 1, persistent: false, efi: false };
        assert_eq!((chassis.take_boot(), chassis.take_boot()), (Some(found), None));
        chassis.set_raw_flags(pxe_once);
        clock.sleep(Duration::from_secs(61)).await;
        assert_eq!(chassis.take_boot(), None);
        chassis.set_clearing(KEEP_WITHOUT_COMMAND);
        chassis.set_raw_flags([0xe0, 0x08, 0, 0, 0]);
        clock.sleep(Duration::from_secs(3600)).await;
        let disk = BootFlags { device: 2, persistent: true, efi: true };
        assert_eq!((chassis.take_boot(), chassis.take_boot()), (Some(disk), Some(disk)));
    }

    #[tokio::test]
    async fn a_reset_is_a_start_without_a_change_of_power() {
        let chassis = Chassis::new(Clock::system());
        for action in [Action::Reset, Action::On, Action::On, Action::Reset, Action::Cycle, Action::Button] {
            chassis.act(action);
        }
        assert_eq!(chassis.power(), Power { on: true, starts: 3, button: 1, interrupts: 0 });
    }
}

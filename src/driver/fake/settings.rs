//! RAID, BIOS, firmware, console and storage of a machine that is not there.

use serde_json::{Value, json};

use crate::driver::traits::{Argument, CreateRaid, Done, FirmwareUpdate};
use crate::driver::{Bios, Console, Firmware, Interface, Outcome, Raid, Storage, Task, bios, firmware, raid};
use crate::model::{BiosSetting, FirmwareComponent, FlowName, Step};

/// Makes every RAID that the target asks for by writing it down. (Ironic's takes a target but has no steps for it.)
pub struct FakeRaid;

impl Interface for FakeRaid {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move { raid::validate(self, task) })
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        raid::steps(flow)
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        raid::arguments(step)
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move { raid::run_step(self, task, step).await })
    }
}

impl Raid for FakeRaid {
    fn create<'a>(&'a self, task: &'a mut Task, what: CreateRaid) -> Done<'a, Outcome> {
        Box::pin(async move {
            let disks = raid::wanted(task, what)?;
            raid::done(task, disks);
            Ok(Outcome::Done)
        })
    }

    fn delete<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            raid::deleted(task);
            Ok(Outcome::Done)
        })
    }
}

/// As with Ironic's: not while deploying.
fn sets_up(flow: FlowName) -> bool {
    matches!(flow, FlowName::Clean | FlowName::Service)
}

/// Has the settings that were applied last, and none after a reset.
pub struct FakeBios;

impl Interface for FakeBios {
    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        // As Ironic's, it is not set up in a deploy.
        if matches!(flow, FlowName::Clean | FlowName::Service) { bios::steps(true) } else { Vec::new() }
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        bios::arguments(step)
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move { bios::run_step(self, task, step).await })
    }
}

impl Bios for FakeBios {
    fn read<'a>(&'a self, _task: &'a Task) -> Done<'a, Option<Vec<BiosSetting>>> {
        Box::pin(async { Ok(None) })
    }

    fn apply<'a>(&'a self, task: &'a mut Task, settings: Vec<BiosSetting>) -> Done<'a, Outcome> {
        Box::pin(async move {
            task.changes.bios = Some(settings);
            Ok(Outcome::Done)
        })
    }

    fn factory_reset<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            task.changes.bios = Some(Vec::new());
            Ok(Outcome::Done)
        })
    }
}

/// Installs anything, and has nothing to show for it.
pub struct FakeFirmware;

impl Interface for FakeFirmware {
    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        if sets_up(flow) { vec![firmware::step(true)] } else { Vec::new() }
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        firmware::arguments(step)
    }

    fn run_step<'a>(&'a self, _task: &'a mut Task, _step: &'a Step) -> Done<'a, Outcome> {
        // Whatever the settings are: clients' tests send all kinds.
        Box::pin(async { Ok(Outcome::Done) })
    }
}

impl Firmware for FakeFirmware {
    fn read<'a>(&'a self, _task: &'a Task) -> Done<'a, Option<Vec<FirmwareComponent>>> {
        Box::pin(async { Ok(None) })
    }

    fn update<'a>(&'a self, _task: &'a mut Task, _updates: Vec<FirmwareUpdate>) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }
}

/// A console that can be switched on and off, and shows nothing.
pub struct FakeConsole {
    graphical: bool,
}

impl FakeConsole {
    pub const SERIAL: FakeConsole = FakeConsole { graphical: false };
    pub const GRAPHICAL: FakeConsole = FakeConsole { graphical: true };
}

impl Interface for FakeConsole {}

impl Console for FakeConsole {
    fn start<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    fn stop<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    fn info<'a>(&'a self, _task: &'a Task) -> Done<'a, Value> {
        // There is no page to show, and so no address of one.
        Box::pin(async { Ok(if self.graphical { json!({"type": "vnc", "url": ""}) } else { json!({}) }) })
    }
}

pub struct FakeStorage;

impl Interface for FakeStorage {}
impl Storage for FakeStorage {}

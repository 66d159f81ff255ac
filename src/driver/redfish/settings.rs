//! RAID, BIOS and firmware over Redfish: steps, arguments and checks. See the head of [`super`].

use serde_json::{Map, Value};

use super::{info, not_built, validate};
use crate::driver::traits::{Argument, CreateRaid, Done, FirmwareUpdate};
use crate::driver::{Bios, DriverError, Firmware, Interface, Outcome, Property, Raid, Task, bios, firmware, raid};
use crate::model::{BiosSetting, FirmwareComponent, FlowName, InterfaceKind, Step};

fn sets_up(flow: FlowName) -> bool {
    matches!(flow, FlowName::Clean | FlowName::Deploy | FlowName::Service)
}

pub struct RedfishRaid;

impl Interface for RedfishRaid {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    /// The target only: Ironic's asks for no `driver_info` here.
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move { raid::validate(self, task) })
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        let mut steps = raid::steps(flow);
        if matches!(flow, FlowName::Deploy | FlowName::Service) {
            steps.push(Step::of_driver(InterfaceKind::Raid, "delete_configuration", 0));
        }
        steps
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        raid::arguments(step)
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move { raid::run_step(self, task, step).await })
    }
}

impl Raid for RedfishRaid {
    fn check(&self, _task: &Task, config: &Map<String, Value>) -> Result<(), DriverError> {
        raid::check(config)?;
        let disks = config.get("logical_disks").and_then(Value::as_array);
        if disks.into_iter().flatten().any(|disk| disk["interface_type"] == "scsi") {
            return Err(DriverError::misconfigured("interface_type: Redfish RAID knows sata and sas, got scsi"));
        }
        Ok(())
    }

    fn create<'a>(&'a self, task: &'a mut Task, _what: CreateRaid) -> Done<'a, Outcome> {
        Box::pin(async move { not_built(task, "make a RAID") })
    }

    fn delete<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move { not_built(task, "delete a RAID") })
    }
}

pub struct RedfishBios;

impl Interface for RedfishBios {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        if sets_up(flow) { bios::steps(flow == FlowName::Deploy) } else { Vec::new() }
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        bios::arguments(step)
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move { bios::run_step(self, task, step).await })
    }
}

impl Bios for RedfishBios {
    fn read<'a>(&'a self, task: &'a Task) -> Done<'a, Option<Vec<BiosSetting>>> {
        Box::pin(async move { not_built(task, "read BIOS settings") })
    }

    fn apply<'a>(&'a self, task: &'a mut Task, _settings: Vec<BiosSetting>) -> Done<'a, Outcome> {
        Box::pin(async move { not_built(task, "apply BIOS settings") })
    }

    fn factory_reset<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move { not_built(task, "reset the BIOS") })
    }
}

pub struct RedfishFirmware;

impl Interface for RedfishFirmware {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }

    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        if sets_up(flow) { vec![firmware::step(flow != FlowName::Service)] } else { Vec::new() }
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        firmware::arguments(step)
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move { firmware::run_step(self, task, step).await })
    }
}

impl Firmware for RedfishFirmware {
    fn read<'a>(&'a self, task: &'a Task) -> Done<'a, Option<Vec<FirmwareComponent>>> {
        Box::pin(async move { not_built(task, "read firmware versions") })
    }

    fn update<'a>(&'a self, task: &'a mut Task, _updates: Vec<FirmwareUpdate>) -> Done<'a, Outcome> {
        Box::pin(async move { not_built(task, "update firmware") })
    }
}

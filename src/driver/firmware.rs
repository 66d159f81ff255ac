//! The step of firmware interfaces, made of the method that each has.

use serde_json::Value;

use super::traits::{Argument, Firmware, FirmwareUpdate};
use super::{DriverError, Outcome, Task};
use crate::model::{InterfaceKind, Step};

const MOST_UPDATES: usize = 256;

const SETTINGS: &[Argument] = &[Argument {
    name: "settings",
    text: "What to install: a list of objects, each with a component (bios, bmc, nic:…) and a url, perhaps with wait.",
    required: true,
}];

/// An update is not to be stopped half way.
pub fn step(requires_ramdisk: bool) -> Step {
    Step { requires_ramdisk, abortable: false, ..Step::of_driver(InterfaceKind::Firmware, "update", 0) }
}

pub fn arguments(step: &str) -> Option<&'static [Argument]> {
    if step == "update" { Some(SETTINGS) } else { None }
}

/// Carries the step out by means of an interface.
pub async fn run_step(firmware: &dyn Firmware, task: &mut Task, step: &Step) -> Result<Outcome, DriverError> {
    if step.step != "update" {
        return Err(DriverError::unsupported(format!("there is no step {}", step.name())));
    }
    let updates = updates(step.args.get("settings"))?;
    firmware.update(task, updates).await
}

fn updates(value: Option<&Value>) -> Result<Vec<FirmwareUpdate>, DriverError> {
    let wrong = |expected: &str| DriverError::misconfigured(format!("settings: expected {expected}"));
    let items = match value {
        Some(Value::Array(items)) if items.len() <= MOST_UPDATES => items,
        _ => return Err(wrong(&format!("a list of at most {MOST_UPDATES} objects with component and url"))),
    };
    let update = |item: &Value| {
        let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(FirmwareUpdate {
            component: text("component")?,
            url: text("url")?,
            wait: item.get("wait").and_then(Value::as_u64),
        })
    };
    items.iter().map(update).collect::<Option<_>>().ok_or_else(|| wrong("a component and a url in each"))
}

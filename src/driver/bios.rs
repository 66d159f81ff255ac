//! The steps of BIOS interfaces, made of the methods that each has.

use serde_json::Value;

use super::traits::{Argument, Bios};
use super::{DriverError, Outcome, Task};
use crate::model::{BiosSetting, InterfaceKind, Step};

/// No machine has more.
const MOST_SETTINGS: usize = 4096;

const SETTINGS: &[Argument] = &[Argument {
    name: "settings",
    text: "The settings: a list of objects, each with a name and a value.",
    required: true,
}];

/// What every BIOS interface offers, on request only.
pub fn steps(requires_ramdisk: bool) -> Vec<Step> {
    let step = |name| Step { requires_ramdisk, ..Step::of_driver(InterfaceKind::Bios, name, 0) };
    ["apply_configuration", "factory_reset", "cache_bios_settings"].into_iter().map(step).collect()
}

pub fn arguments(step: &str) -> Option<&'static [Argument]> {
    match step {
        "apply_configuration" => Some(SETTINGS),
        "factory_reset" | "cache_bios_settings" => Some(&[]),
        _ => None,
    }
}

/// Carries a step out by means of an interface.
pub async fn run_step(bios: &dyn Bios, task: &mut Task, step: &Step) -> Result<Outcome, DriverError> {
    match step.step.as_str() {
        "apply_configuration" => {
            let settings = settings(step.args.get("settings"))?;
            bios.apply(task, settings).await
        }
        "factory_reset" => bios.factory_reset(task).await,
        "cache_bios_settings" => {
            if let Some(settings) = bios.read(task).await? {
                task.changes.bios = Some(settings);
            }
            Ok(Outcome::Done)
        }
        _ => Err(DriverError::unsupported(format!("there is no step {}", step.name()))),
    }
}

fn settings(value: Option<&Value>) -> Result<Vec<BiosSetting>, DriverError> {
    let wrong = |expected: &str| DriverError::misconfigured(format!("settings: expected {expected}"));
    let Some(Value::Array(items)) = value else { return Err(wrong("a list of objects with name and value")) };
    if items.len() > MOST_SETTINGS {
        return Err(wrong(&format!("at most {MOST_SETTINGS} settings, got {}", items.len())));
    }
    let mut settings: Vec<BiosSetting> = Vec::new();
    for item in items {
        let (name, value) = (item.get("name").and_then(Value::as_str), item.get("value"));
        let (Some(name), Some(value)) = (name.filter(|name| !name.is_empty()), value) else {
            return Err(wrong("a name and a value in each"));
        };
        if settings.iter().any(|known| known.name == name) {
            return Err(wrong(&format!("each setting once, got {name} twice")));
        }
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        settings.push(BiosSetting::new(name.to_owned(), value));
    }
    Ok(settings)
}

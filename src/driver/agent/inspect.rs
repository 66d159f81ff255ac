//! Inspection by the agent: boot it, let it report, keep what it found.

use serde_json::{Map, Value, json};

use super::inspect_hooks;
use crate::driver::traits::{Done, RamdiskFor};
use crate::driver::{Driver, Inspect, Interface, Outcome, Task};
use crate::model::PowerTarget;

/// `agent`
pub struct AgentInspect;

impl Interface for AgentInspect {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move { Driver::of(&task.node)?.boot.validate_inspection(task).await })
    }
}

impl Inspect for AgentInspect {
    fn inspect<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            driver.boot.prepare_ramdisk(task, RamdiskFor::Inspection).await?;
            driver.set_power(task, PowerTarget::Reboot, None).await?;
            Ok(Outcome::wait("the agent's inspection report"))
        })
    }

    fn continue_inspection<'a>(&'a self, task: &'a mut Task, data: &'a Map<String, Value>) -> Done<'a> {
        Box::pin(async move {
            inspect_hooks::run(task, data)?;
            let mut plugin_data = data.clone();
            let inventory = plugin_data.shift_remove("inventory").unwrap_or_else(|| json!({}));
            // Logs are for the moment of failure, and large.
            plugin_data.shift_remove("logs");
            task.changes.inventory = Some(json!({"inventory": inventory, "plugin_data": plugin_data}));
            self.unwind(task).await
        })
    }

    fn unwind<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            let driver = Driver::of(&task.node)?;
            driver.boot.clean_up_ramdisk(task).await?;
            let target = if task.node.disable_power_off { PowerTarget::Reboot } else { PowerTarget::Off };
            driver.set_power(task, target, None).await?;
            Ok(())
        })
    }
}

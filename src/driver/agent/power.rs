//! Power `agent`: for machines without a BMC. Only the running agent can restart its machine; nobody can switch it on.

use std::time::Duration;

use serde_json::Map;

use super::{AgentClient, Started, fast_track};
use crate::driver::traits::Done;
use crate::driver::{DriverError, Interface, Power, Task};
use crate::model::{PowerState, PowerTarget};

pub struct AgentPower;

impl Interface for AgentPower {
    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            if !fast_track::wanted(task) {
                return Err(DriverError::misconfigured(
                    "driver_info/fast_track: expected true, because only a running agent can restart this machine",
                ));
            }
            if !fast_track::called_lately(task) {
                return Err(DriverError::misconfigured(format!(
                    "power interface agent: no agent of node {} has called lately; start its ramdisk by hand",
                    task.node.uuid
                )));
            }
            Ok(())
        })
    }
}

impl Power for AgentPower {
    fn state<'a>(&'a self, task: &'a Task) -> Done<'a, Option<PowerState>> {
        Box::pin(async move { Ok(AgentClient::of(task).await.ok().map(|_| PowerState::On)) })
    }

    fn set<'a>(&'a self, task: &'a mut Task, target: PowerTarget, _within: Option<Duration>) -> Done<'a, PowerState> {
        Box::pin(async move {
            if !self.supported().contains(&target) {
                return Err(DriverError::unsupported(format!(
                    "power interface agent: \"{target}\" needs hands or a BMC; only rebooting through the agent works"
                )));
            }
            let agent = AgentClient::of(task).await?;
            match agent.start("standby.run_image", Map::new()).await? {
                Started::Accepted(_) => Ok(PowerState::On),
                Started::Busy => Err(DriverError::TimedOut("the agent is busy with another command".to_owned())),
            }
        })
    }

    fn supported(&self) -> &'static [PowerTarget] {
        &[PowerTarget::Reboot, PowerTarget::SoftReboot]
    }

    fn can_sync(&self) -> bool {
        false
    }
}

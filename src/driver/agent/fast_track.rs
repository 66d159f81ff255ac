//! Fast track: a ramdisk that runs already is used as it is, instead of being booted again.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::driver::{Driver, Task};
use crate::model::{FlowName, PowerState};

/// Whether the node's owner, or else the operator, wants it.
pub fn wanted(task: &Task) -> bool {
    task.node.fast_track(task.env.settings.fast_track)
}

/// Whether an agent runs on the machine that may be used: it called lately, nothing has gone wrong since, and the machine
/// is on. Never for servicing, after which the instance has to be booted anyway.
pub async fn alive(task: &Task) -> bool {
    if !wanted(task) || task.node.last_error.is_some() || task.flow == Some(FlowName::Service) {
        return false;
    }
    if !called_lately(task) {
        return false;
    }
    let Ok(driver) = Driver::of(&task.node) else { return false };
    matches!(driver.power.state(task).await, Ok(Some(PowerState::On)))
}

/// Whether its last heartbeat is recent.
pub fn called_lately(task: &Task) -> bool {
    let info = &task.node.driver_internal_info;
    let known = info.text("agent_url").is_some_and(|url| !url.is_empty());
    let beat = info.text("agent_last_heartbeat").and_then(|text| text.parse::<DateTime>().ok());
    let beat = beat.and_then(|at| at.to_zoned(TimeZone::UTC).ok()).map(|at| at.timestamp());
    let age = beat.and_then(|at| Duration::try_from(task.env.clock.now().duration_since(at)).ok());
    known && age.is_some_and(|age| age <= task.env.settings.fast_track_timeout)
}

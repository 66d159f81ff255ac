//! `PUT …/states/raid`: which RAID is wanted. Steps make it.

use serde_json::Value;

use super::{find, hardware::WITHIN};
use crate::api::request::brief;
use crate::api::{Answer, Call, Fault};
use crate::driver::DriverError;
use crate::engine::Lock;

/// `{}` takes the wish back.
pub async fn set_target(call: Call) -> Result<Answer, Fault> {
    let config = match call.json()? {
        Value::Object(config) => config,
        other => return Err(Fault::invalid(format!("Expected an object for target_raid_config: {}", brief(&other)))),
    };
    let node = find(&call).await?;
    if call.is_too_old() {
        return Err(Fault::not_acceptable());
    }
    let set = call.state.engine.call(node.uuid, Lock::Exclusive, WITHIN, move |task, driver| {
        Box::pin(async move {
            if !config.is_empty()
                && let Err(error) = driver.raid.check(task, &config)
            {
                return Ok(Err(error));
            }
            task.node.target_raid_config = config.into();
            Ok(Ok(()))
        })
    });
    match set.await? {
        Ok(()) => Ok(Answer::nothing()),
        // Where there is no RAID at all, there is no such resource.
        Err(error @ DriverError::Unsupported(_)) => Err(Fault::not_found(error.to_string())),
        Err(error) => Err(Fault::invalid(error.to_string())),
    }
}

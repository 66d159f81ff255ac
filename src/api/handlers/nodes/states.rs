//! States and power of a node.

use std::time::Duration;

use serde_json::Value;

use super::{find, ident};
use crate::api::listing;
use crate::api::request::{brief, required};
use crate::api::surface::nodes::NODE_STATES;
use crate::api::surface::params::POWER_TIMEOUT;
use crate::api::surface::verbs::has_power_target;
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault};
use crate::driver::DriverError;
use crate::engine::Lock;
use crate::model::PowerTarget;
use crate::service::nodes::Ident;
use crate::service::{Refusal, power};

/// How long the power interface may take to say whether it could do what is asked.
const VALIDATION: Duration = Duration::from_secs(30);

/// `GET …/states`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let view = View::new(&NODE_STATES, call.version, &call.base, &Wanted::All)?;
    let ident = ident(&call)?;
    let body = call.state.store.glance(move |read| {
        let (column, value) = match &ident {
            Ident::Uuid(uuid) => ("uuid", uuid.to_string()),
            Ident::Name(name) => ("name", name.clone()),
        };
        let found = listing::object(read, &NODE_STATES, &view, column, &value, &mut |_, _, _| Ok(()))?;
        found.ok_or_else(|| Fault::not_found(format!("Node {ident} could not be found.")))
    });
    Ok(Answer::ok(body.await?))
}

/// Where the result of a change of state is to be seen.
pub(super) fn location(call: &Call) -> String {
    format!("/v1/nodes/{}/states", call.param(0))
}

/// `PUT …/states/power`
pub async fn set_power(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    let target = match required(&arguments, "target")? {
        Value::String(target) => target.clone(),
        other => return Err(Fault::invalid(format!("Expected string for target: {}", brief(other)))),
    };
    let timeout = timeout(arguments.get("timeout"))?;
    let node = find(&call).await?;
    if timeout.is_some() && !POWER_TIMEOUT.at(call.version) {
        return Err(Fault::not_acceptable());
    }
    let Some(target) = PowerTarget::parse(&target) else {
        let state = node.power_state.map_or("None", |state| state.as_str());
        return Err(Refusal::not_in_state(&node, &target, state).into());
    };
    if !has_power_target(target, call.version) {
        return Err(Fault::not_acceptable());
    }
    power::precheck(&node, target, timeout)?;
    call.state.engine.refuse_in_hold().await?;
    let possible = call.state.engine.call(node.uuid, Lock::Shared, VALIDATION, move |task, driver| {
        Box::pin(async move {
            if !driver.power.supported().contains(&target) {
                return Err(DriverError::unsupported(format!(
                    "The driver {} does not support the power state, {target}",
                    task.node.driver
                )));
            }
            driver.power.validate(task).await
        })
    });
    possible.await?;
    let rules = call.state.engine.rules().clone();
    call.state.write(move |tx| power::request(tx, node.uuid, target, timeout, &rules)).await?;
    Ok(Answer::accepted().at(location(&call)))
}

/// Whole seconds, as a number or as digits; at least one.
fn timeout(value: Option<&Value>) -> Result<Option<Duration>, Fault> {
    let secs = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(digits)) => digits.trim().parse().ok(),
        Some(_) => None,
    };
    match secs {
        Some(secs @ 1..) => Ok(Some(Duration::from_secs(secs.unsigned_abs()))),
        Some(_) => Err(Fault::invalid("timeout has to be positive integer")),
        None => Err(Fault::invalid("Expected an integer for timeout")),
    }
}

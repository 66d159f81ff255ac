//! `…/management/indicators`: the lights on a machine. One is named `name@component`.

use serde_json::{Value, json};

use super::find;
use super::hardware::WITHIN;
use crate::api::request::{required, text};
use crate::api::{Answer, Call, Fault};
use crate::driver::DriverError;
use crate::driver::traits::Indicator;
use crate::engine::Lock;

pub async fn list(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let asked = call.state.engine.call(node.uuid, Lock::Shared, WITHIN, |task, driver| {
        Box::pin(async move {
            let lights = driver.management.indicators();
            let lights = lights.ok_or_else(|| DriverError::lacks(task, "get_supported_indicators"))?;
            driver.management.validate(task).await?;
            lights.list(task).await
        })
    });
    let lights: Vec<Value> = asked.await?.iter().map(|light| view(&call, light)).collect();
    Ok(Answer::json(&json!({"indicators": lights})))
}

fn view(call: &Call, light: &Indicator) -> Value {
    let name = format!("{}@{}", light.name, light.component);
    let (base, node) = (&call.base, call.param(0));
    json!({
        "name": name, "component": light.component, "readonly": light.readonly, "states": light.states,
        "links": [
            {"href": format!("{base}/v1/nodes/{node}/management/indicators/{name}"), "rel": "self"},
            {"href": format!("{base}/nodes/{node}/management/indicators/{name}"), "rel": "bookmark"},
        ],
    })
}

pub async fn show(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let (name, component) = named(&call)?;
    let asked = call.state.engine.call(node.uuid, Lock::Shared, WITHIN, move |task, driver| {
        Box::pin(async move {
            driver.management.validate(task).await?;
            let lights = driver.management.indicators();
            let lights = lights.ok_or_else(|| DriverError::lacks(task, "get_indicator_state"))?;
            lights.state(task, &component, &name).await
        })
    });
    Ok(Answer::json(&json!({"state": asked.await?})))
}

pub async fn set(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    required(&arguments, "state")?;
    let state = text(&arguments, "state")?.unwrap_or_default();
    let node = find(&call).await?;
    let (name, component) = named(&call)?;
    let set = call.state.engine.call(node.uuid, Lock::Exclusive, WITHIN, move |task, driver| {
        Box::pin(async move {
            driver.management.validate(task).await?;
            let lights = driver.management.indicators();
            let lights = lights.ok_or_else(|| DriverError::lacks(task, "set_indicator_state"))?;
            lights.set(task, &component, &name, &state).await
        })
    });
    set.await?;
    Ok(Answer::nothing())
}

/// `PUT …/management/indicators`: which one?
pub async fn missing(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: indicator"))
}

/// The light's name and its component.
fn named(call: &Call) -> Result<(String, String), Fault> {
    let text = call.param(1);
    let (name, component) =
        text.split_once('@').ok_or_else(|| Fault::invalid(format!("Malformed indicator name \"{text}\"")))?;
    Ok((name.to_owned(), component.to_owned()))
}

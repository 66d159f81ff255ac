//! What is asked of a node's hardware while the client waits.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{find, named};
use crate::api::request::{brief, flag, required};
use crate::api::{Answer, Call, Fault};
use crate::driver::traits::{BootDevice, CurrentBoot};
use crate::engine::Lock;
use crate::model::{InterfaceKind, Node};
use crate::service::nodes;

/// How long a BMC may take for what is done in the background: a machine may have to restart for it.
pub(super) const LONG: Duration = Duration::from_secs(1800);
/// How long a BMC may take for a question or a setting.
pub(super) const WITHIN: Duration = Duration::from_secs(60);

/// `GET …/validate`
pub async fn validate(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    validated(&call, node).await
}

/// `GET /v1/nodes/validate?node=` or `?node_uuid=`
pub async fn validate_named(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let (node, uuid) = (query.take("node")?, query.take("node_uuid")?);
    let text = node.or(uuid).ok_or_else(|| Fault::invalid("Missing mandatory parameter: node"))?;
    let ident = named(&call, &text)?;
    let node = call.state.store.read(move |read| nodes::find(read, &ident)).await?;
    validated(&call, node).await
}

async fn validated(call: &Call, node: Node) -> Result<Answer, Fault> {
    let mut body = Map::new();
    for (kind, result) in call.state.engine.validate(node.uuid).await? {
        let value = match result {
            Ok(()) => json!({"result": true}),
            Err(error) => json!({"result": false, "reason": error.to_string()}),
        };
        body.insert(kind.as_str().to_owned(), value);
    }
    Ok(Answer::json(&Value::Object(body)))
}

/// Refuses (400) if an interface of the node is not set up, before anything is begun with it.
pub(super) async fn validated_for(call: &Call, node: &Node, kind: InterfaceKind) -> Result<(), Fault> {
    let asked = call.state.engine.call(node.uuid, Lock::Shared, WITHIN, move |task, driver| {
        Box::pin(async move { driver.interface(kind).validate(task).await })
    });
    Ok(asked.await?)
}

/// `GET …/management/boot_device`
pub async fn boot_device(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let asked = call.state.engine.call(node.uuid, Lock::Shared, WITHIN, |task, driver| {
        Box::pin(async move {
            driver.management.validate(task).await?;
            driver.management.boot_device(task).await
        })
    });
    let CurrentBoot { device, persistent } = asked.await?;
    Ok(Answer::json(&json!({"boot_device": device.map(BootDevice::as_str), "persistent": persistent})))
}

/// `PUT …/management/boot_device`
pub async fn set_boot_device(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    let word = match required(&arguments, "boot_device")? {
        Value::String(word) => word.clone(),
        other => return Err(Fault::invalid(format!("Expected string for boot_device: {}", brief(other)))),
    };
    let persistent = flag(&arguments, "persistent")?.unwrap_or(false);
    let node = find(&call).await?;
    let device = BootDevice::parse(&word)
        .ok_or_else(|| Fault::invalid(format!("Invalid boot device {word} specified for node {}.", node.uuid)))?;
    let set = call.state.engine.call(node.uuid, Lock::Exclusive, WITHIN, move |task, driver| {
        Box::pin(async move {
            driver.management.validate(task).await?;
            driver.management.set_boot_device(task, device, persistent).await
        })
    });
    set.await?;
    Ok(Answer::nothing())
}

/// `GET …/management/boot_device/supported`
pub async fn supported_boot_devices(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let asked = call.state.engine.call(node.uuid, Lock::Shared, WITHIN, |task, driver| {
        Box::pin(async move { Ok(driver.management.supported_boot_devices(task)) })
    });
    let devices: Vec<_> = asked.await?.iter().map(|device| device.as_str()).collect();
    Ok(Answer::json(&json!({"supported_boot_devices": devices})))
}

/// `PUT …/management/inject_nmi`
pub async fn inject_nmi(call: Call) -> Result<Answer, Fault> {
    call.arguments()?;
    let node = find(&call).await?;
    let done = call.state.engine.call(node.uuid, Lock::Exclusive, WITHIN, |task, driver| {
        Box::pin(async move {
            driver.management.validate(task).await?;
            driver.management.inject_nmi(task).await
        })
    });
    done.await?;
    Ok(Answer::nothing())
}

//! `PUT …/states/boot_mode` and `…/states/secure_boot`: how the firmware starts. Done in the background, because a machine
//! may have to restart for it; what goes wrong there is told in `last_error`.

use serde_json::Value;

use super::hardware::{LONG, validated_for};
use super::{find, states::location};
use crate::api::request::{brief, flag, required};
use crate::api::{Answer, Call, Fault};
use crate::driver::traits::BootMode;
use crate::engine::Act;
use crate::model::{InterfaceKind, Node};

pub async fn set_boot_mode(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    let word = match required(&arguments, "target")? {
        Value::String(word) => Some(word.clone()),
        Value::Null => None,
        other => return Err(Fault::invalid(format!("Expected string for target: {}", brief(other)))),
    };
    let node = find(&call).await?;
    exists(&call)?;
    let mode = match word.as_deref() {
        Some("uefi") => BootMode::Uefi,
        Some("bios") => BootMode::Bios,
        other => {
            return Err(Fault::invalid(format!(
                "Invalid boot mode {} requested for node. Allowed boot modes are: uefi, bios",
                other.unwrap_or("None")
            )));
        }
    };
    rests(&node)?;
    validated_for(&call, &node, InterfaceKind::Management).await?;
    let act = Act::new(format!("Failed to change boot mode to '{}'", mode.as_str()));
    let begun = call.state.engine.begin(node.uuid, LONG, act, move |task, driver| {
        Box::pin(async move { driver.change_boot_mode(task, mode).await })
    });
    begun.await?;
    Ok(Answer::accepted().at(location(&call)))
}

pub async fn set_secure_boot(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    required(&arguments, "target")?;
    let target = flag(&arguments, "target")?;
    let node = find(&call).await?;
    exists(&call)?;
    let on = target.ok_or_else(|| {
        Fault::invalid("Invalid secure_boot None requested for node. Allowed secure_boot states are: True, False")
    })?;
    rests(&node)?;
    validated_for(&call, &node, InterfaceKind::Management).await?;
    let act = Act::new(format!("Failed to change secure_boot state to '{on}'"));
    let begun = call.state.engine.begin(node.uuid, LONG, act, move |task, driver| {
        Box::pin(async move { driver.change_secure_boot(task, on).await })
    });
    begun.await?;
    Ok(Answer::accepted().at(location(&call)))
}

fn exists(call: &Call) -> Result<(), Fault> {
    if call.is_too_old() {
        return Err(Fault::not_found(format!(
            "This endpoint is supported starting with the API version {}",
            call.route.since
        )));
    }
    Ok(())
}

/// A node that is on its way somewhere shall not have its firmware changed under it.
fn rests(node: &Node) -> Result<(), Fault> {
    if node.provision_state.is_changing() {
        return Err(Fault::application(
            hyper::StatusCode::CONFLICT,
            format!(
                "Node is in {} state. Since node is transitioning, the boot mode will not be set as this may interfere \
                 with ongoing changes and result in erroneous modification. Try again later.",
                node.provision_state
            ),
        ));
    }
    Ok(())
}

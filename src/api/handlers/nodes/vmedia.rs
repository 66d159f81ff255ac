//! `…/vmedia`: images that the BMC plays to its machine. Put in and taken out in the background; what goes wrong there
//! is told in `last_error`.

use serde_json::Value;

use super::find;
use super::hardware::{LONG, WITHIN, validated_for};
use crate::api::fault::FOR_A_PERSON_SECS;
use crate::api::request::brief;
use crate::api::surface::Quirk;
use crate::api::{Answer, Call, Fault};
use crate::driver::DriverError;
use crate::driver::traits::VirtualMediaDevice;
use crate::engine::{Act, Lock};
use crate::model::{Fault as NodeFault, InterfaceKind, Node};

/// How Ironic's history classes what goes wrong with them.
const UNCLASSED: &str = "UNKNOWN";
/// What BMCs can fetch from.
const SCHEMES: &[&str] = &["http", "https", "nfs", "cifs"];

pub async fn show(call: Call) -> Result<Answer, Fault> {
    if !call.version.has(Quirk::VirtualMediaShown) {
        return Err(Fault::not_found("The resource could not be found."));
    }
    let node = find(&call).await?;
    let asked = call.state.engine.call(node.uuid, Lock::Shared, WITHIN, |task, driver| {
        Box::pin(async move {
            driver.management.validate(task).await?;
            let media = driver.management.virtual_media();
            media.ok_or_else(|| DriverError::lacks(task, "get_virtual_media"))?.devices(task).await
        })
    });
    Ok(Answer::json(&Value::Array(asked.await?)))
}

pub async fn attach(call: Call) -> Result<Answer, Fault> {
    let (device, url) = image(&call)?;
    let node = find(&call).await?;
    validated_for(&call, &node, InterfaceKind::Management).await?;
    has_power(&node)?;
    let act = Act::new(format!("Could not attach device {device} to node {}", node.uuid)).recorded_as(UNCLASSED);
    let begun = call.state.engine.begin(node.uuid, LONG, act, move |task, driver| {
        Box::pin(async move {
            let media = driver.management.virtual_media();
            media.ok_or_else(|| DriverError::lacks(task, "attach_virtual_media"))?.attach(task, device, &url).await
        })
    });
    begun.await?;
    Ok(Answer::nothing())
}

/// The body: a device, an image, and how the image gets to the BMC (which only the driver would care about).
fn image(call: &Call) -> Result<(VirtualMediaDevice, String), Fault> {
    let map = call.object("vmedia")?;
    let wrong = |why: String| Fault::invalid(format!("Schema error for vmedia: {why}"));
    if let Some(other) =
        map.keys().find(|key| !["device_type", "image_url", "image_download_source"].contains(&key.as_str()))
    {
        return Err(wrong(format!("Additional properties are not allowed ('{other}' was unexpected)")));
    }
    let needed = |key: &str| map.get(key).ok_or_else(|| wrong(format!("'{key}' is a required property")));
    let device = needed("device_type")?;
    let device = device
        .as_str()
        .and_then(VirtualMediaDevice::parse)
        .ok_or_else(|| wrong(format!("device_type: {} is not one of 'cdrom', 'disk', 'floppy'", brief(device))))?;
    let url = needed("image_url")?;
    let url = url.as_str().ok_or_else(|| wrong(format!("image_url: {} is not a string", brief(url))))?;
    if let Some(source) = map.get("image_download_source")
        && !["http", "local", "swift"].iter().any(|word| source == word)
    {
        return Err(wrong(format!("image_download_source: {} is not one of 'http', 'local', 'swift'", brief(source))));
    }
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme).to_ascii_lowercase();
    if !SCHEMES.contains(&scheme.as_str()) {
        return Err(Fault::invalid(format!("Unsupported or missing URL scheme: {scheme}")));
    }
    Ok((device, url.to_owned()))
}

/// `DELETE …/vmedia?device_types=`
pub async fn detach(call: Call) -> Result<Answer, Fault> {
    let devices = call.query.clone().take_list("device_types")?.unwrap_or_default();
    taken_out(call, devices).await
}

/// `DELETE …/vmedia/{device_types}`
pub async fn detach_named(call: Call) -> Result<Answer, Fault> {
    let devices = call.param(1).to_lowercase().split(',').map(str::trim).map(str::to_owned).collect();
    taken_out(call, devices).await
}

async fn taken_out(call: Call, names: Vec<String>) -> Result<Answer, Fault> {
    let mut devices = Vec::new();
    for name in &names {
        match VirtualMediaDevice::parse(name) {
            Some(device) => devices.push(device),
            None => {
                return Err(Fault::invalid(format!("Invalid device type(s) {name} (valid are cdrom, disk, floppy)")));
            }
        }
    }
    if devices.is_empty() {
        devices.extend(VirtualMediaDevice::ALL);
    }
    let node = find(&call).await?;
    validated_for(&call, &node, InterfaceKind::Management).await?;
    has_power(&node)?;
    let act = Act::new(format!("Could not detach devices from node {}", node.uuid)).recorded_as(UNCLASSED);
    let begun = call.state.engine.begin(node.uuid, LONG, act, move |task, driver| {
        Box::pin(async move {
            let media = driver.management.virtual_media();
            media.ok_or_else(|| DriverError::lacks(task, "detach_virtual_media"))?.detach(task, &devices).await
        })
    });
    begun.await?;
    Ok(Answer::nothing())
}

/// A BMC that cannot be reached will not take anything.
fn has_power(node: &Node) -> Result<(), Fault> {
    if node.maintenance && node.fault == Some(NodeFault::Power) {
        return Err(Fault::later(
            format!("Node {} is in maintenance because its BMC does not answer; try again when it does.", node.uuid),
            FOR_A_PERSON_SECS,
        ));
    }
    Ok(())
}

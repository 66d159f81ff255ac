//! The image of a deploy: what the client asked for, and what the agent is told.
//!
//! The agent always gets the image from our cache, over the listener for machines: it was verified once, the deploy
//! network need reach nobody else, and twenty machines cost one download.

use serde_json::{Map, Value, json};

use crate::driver::{DriverError, Task};
use crate::image::cache::{Image, ImageCache, Source};
use crate::image::{ImageError, checksum, config_drive};

impl From<ImageError> for DriverError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Unreachable(text) => DriverError::Unreachable(text),
            ImageError::Unusable(text) => DriverError::Misconfigured(text),
            other => DriverError::Refused(other.to_string()),
        }
    }
}

pub fn cache(task: &Task) -> Result<&ImageCache, DriverError> {
    task.env.images.as_ref().ok_or_else(|| {
        DriverError::misconfigured("images.cache_dir: there is no image cache, so nothing can be deployed")
    })
}

/// Who holds the cache's entry for this node.
pub fn holder(task: &Task) -> String {
    task.node.uuid.to_string()
}

/// Where the image is and what it must hash to, from `instance_info`. Errors name the field.
pub fn source(task: &Task) -> Result<Source, DriverError> {
    let info = task.instance_info();
    let text = |key: &str| info.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let location = text("image_source").ok_or_else(|| {
        DriverError::misconfigured(
            "instance_info/image_source: missing; expected the http, https or file URL of an image",
        )
    })?;
    let known = ["http://", "https://", "file://", "/"];
    if !known.iter().any(|scheme| location.starts_with(scheme)) {
        return Err(DriverError::misconfigured(format!(
            "instance_info/image_source: {location}: expected an http, https or file URL"
        )));
    }
    if let Some(kind) = text("image_type").filter(|kind| !matches!(*kind, "whole-disk" | "whole-disk-image")) {
        return Err(DriverError::misconfigured(format!(
            "instance_info/image_type: {kind}: expected whole-disk; partition images cannot be written yet"
        )));
    }
    if let Some(format) = text("image_disk_format").filter(|format| !matches!(*format, "raw" | "qcow2")) {
        return Err(DriverError::misconfigured(format!(
            "instance_info/image_disk_format: {format}: expected raw or qcow2"
        )));
    }
    let wanted =
        checksum::wanted(text("image_checksum"), text("image_os_hash_algo"), text("image_os_hash_value"), false)
            .map_err(|error| DriverError::misconfigured(format!("instance_info/{error}")))?;
    Ok(Source { location: location.to_owned(), wanted })
}

/// The arguments of `write_image`, once the image is in the cache.
pub async fn arguments(task: &Task) -> Result<Map<String, Value>, DriverError> {
    let image = cache(task)?.image(&source(task)?, &holder(task)).await?;
    let drive = drive(task).await?;
    let mut info = image_info(task, &image)?;
    if let Some(drive) = &drive {
        info.insert("configdrive".to_owned(), json!(drive));
    }
    let mut args = Map::new();
    args.insert("image_info".to_owned(), Value::Object(info));
    args.insert("configdrive".to_owned(), json!(drive));
    Ok(args)
}

fn image_info(task: &Task, image: &Image) -> Result<Map<String, Value>, DriverError> {
    let base = crate::driver::pxe::provisioning_url(task)?;
    let given = task.node.instance_info.text("image_disk_format");
    let format = given.unwrap_or_else(|| image.format.name().to_owned());
    let document = json!({
        "id": image.name,
        "urls": [format!("{base}/images/{}", image.name)],
        "disk_format": format,
        "container_format": "bare",
        "stream_raw_images": true,
        "os_hash_algo": image.checksum.algorithm.name(),
        "os_hash_value": image.checksum.hex,
        "checksum": image.checksum.hex,
        "node_uuid": task.node.uuid.to_string(),
        "image_type": "whole-disk",
        "deploy_boot_mode": crate::driver::boot_mode::of(&task.node)?.as_str(),
        "boot_option": "local",
    });
    match document {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// The config drive as the agent takes it: made, or checked, off the runtime.
async fn drive(task: &Task) -> Result<Option<String>, DriverError> {
    let Some(given) = task.config_drive.clone() else { return Ok(None) };
    let (node, name, now) = (task.node.uuid, task.node.name.clone(), task.env.clock.now());
    let made = tokio::task::spawn_blocking(move || config_drive::prepare(&given, node, name.as_deref(), now)).await;
    let made = made.map_err(|error| DriverError::Refused(format!("the config drive was not made: {error}")))?;
    Ok(made?)
}

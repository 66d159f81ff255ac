//! Which image a node is to get: from `instance_info` through the cache to what `write_image` takes.

use serde_json::{Map, Value, json};

use super::{drive, layout, room};
use crate::driver::boot_mode;
use crate::driver::drive_room::Room;
use crate::driver::pxe::provisioning_url;
use crate::driver::{DriverError, Task};
use crate::image::cache::{Image, Source};
use crate::image::checksum::Wanted;
use crate::image::{ImageCache, ImageError, checksum};
use crate::net::http::Url;
use crate::trace::{Calling, Kind};
use crate::wire::ipa::ImageInfo;

/// Reads and checks the image fields of `instance_info`. Errors name the field.
pub fn source(task: &Task) -> Result<Source, DriverError> {
    let info = task.instance_info();
    let text = |key: &str| info.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let location = text("image_source").ok_or_else(|| {
        DriverError::misconfigured(
            "instance_info/image_source: missing; expected http://, https:// or file://".to_owned(),
        )
    })?;
    if let Some(kind) =
        text("image_type").filter(|kind| !matches!(*kind, "partition" | "whole-disk" | "whole-disk-image"))
    {
        return Err(DriverError::misconfigured(format!(
            "instance_info/image_type: {kind}: expected whole-disk or partition"
        )));
    }
    if let Some(format) = text("image_disk_format").filter(|format| !matches!(*format, "raw" | "qcow2")) {
        return Err(DriverError::misconfigured(format!(
            "instance_info/image_disk_format: {format}: expected raw or qcow2"
        )));
    }
    let given = [text("image_checksum"), text("image_os_hash_algo"), text("image_os_hash_value")];
    let ours = location.starts_with("file://") || location.starts_with('/');
    let [sum, algorithm, value] = given;
    let wanted = match given {
        // A file of ours needs nobody's word for what it is.
        [None, None, None] if ours => Ok(Wanted::OfOurFile),
        _ => checksum::wanted(sum, algorithm, value, task.env.settings.allow_md5),
    };
    let wanted = wanted.map_err(|error| DriverError::misconfigured(format!("instance_info/{error}")))?;
    Ok(Source { location: location.to_owned(), wanted })
}

/// Whether the image is that of one file system, for a partition of its own: if the client says so, or gives a kernel or
/// ramdisk with it.
pub fn is_partition(task: &Task) -> bool {
    let info = &task.node.instance_info;
    let given = |key: &str| info.text(key).is_some_and(|text| !text.is_empty());
    match info.text("image_type").filter(|kind| !kind.is_empty()) {
        Some(kind) => kind == "partition",
        None => given("kernel") || given("ramdisk"),
    }
}

fn is_rebuild(task: &Task) -> bool {
    task.args.get("rebuild") == Some(Value::Bool(true))
}

/// The cache, and the address under which machines find its entries.
pub fn cache(task: &Task) -> Result<(ImageCache, String), DriverError> {
    let url = provisioning_url(task)?;
    let cache = task.env.images.clone().ok_or_else(|| {
        DriverError::misconfigured("images.cache_dir: there is no image cache, so nothing can be deployed")
    })?;
    Ok((cache, format!("{}/images", url.trim_end_matches('/'))))
}

/// What can be said about the image without fetching it.
pub async fn validate(task: &Task) -> Result<(), DriverError> {
    let source = source(task)?;
    let (cache, _) = cache(task)?;
    boot_mode::of(&task.node)?;
    if is_partition(task) {
        layout::of(task)?;
    }
    drive::check(task).await?;
    cache.check(&source.location).await.map_err(|error| driver_error(&error))
}

/// Begins to fetch the image; an address that does not answer shows here.
pub async fn prefetch(task: &Task) -> Result<(), DriverError> {
    let (cache, _) = cache(task)?;
    let source = source(task)?;
    let _calling = note_awaited(task, &cache, &source);
    cache.prefetch(&source, &holder(task)).await.map_err(|error| driver_error(&error))
}

/// Fetching may take longer than everything else, and people ask what is going on, and until when.
fn note_awaited(task: &Task, cache: &ImageCache, source: &Source) -> Calling {
    let shown = Url::parse(&source.location).map_or_else(|_| source.location.clone(), |url| url.to_string());
    task.env.trace.node(task.node.uuid, Kind::ImageAwaited, format!("from {shown}"));
    task.env.trace.calling(task.node.uuid, cache.longest())
}

/// Waits until the image is here and verified, and makes the arguments of `write_image`; with them comes the memory that the
/// config drive among them takes.
pub async fn write_args(task: &mut Task) -> Result<(Map<String, Value>, Option<Room>), DriverError> {
    let (cache, base) = cache(task)?;
    let source = source(task)?;
    let awaited = note_awaited(task, &cache, &source);
    let image = cache.image(&source, &holder(task)).await.map_err(|error| driver_error(&error))?;
    drop(awaited);
    check_format(task, &image)?;
    let key = task.image_key(&image.name);
    let partition = is_partition(task);
    room::check(task, &image, partition)?;
    let layout = if partition { layout::told(task, is_rebuild(task))? } else { Map::new() };
    let info = ImageInfo {
        id: image.name.clone(),
        urls: vec![format!("{base}/{}/{key}/{}", task.node.uuid, image.name)],
        disk_format: Some(image.format.name().to_owned()),
        stream_raw_images: true,
        os_hash_algo: Some(image.checksum.algorithm.name().to_owned()),
        os_hash_value: Some(image.checksum.hex.clone()),
        node_uuid: Some(task.node.uuid.to_string()),
        image_type: Some(if partition { "partition" } else { "whole-disk" }.to_owned()),
        deploy_boot_mode: Some(boot_mode::of(&task.node)?.as_str().to_owned()),
        boot_option: Some("local".to_owned()),
        layout,
        ..Default::default()
    };
    if partition {
        layout::remember(task)?;
    }
    let mut args = Map::new();
    args.insert("image_info".to_owned(), json!(info));
    let Some((drive, room)) = drive::get(task).await? else { return Ok((args, None)) };
    args.insert("configdrive".to_owned(), Value::String(drive));
    Ok((args, Some(room)))
}

/// The image is not needed any more, as far as this node is concerned.
pub fn release(task: &Task) {
    if let Some(cache) = &task.env.images {
        cache.release(&holder(task));
    }
}

fn holder(task: &Task) -> String {
    task.node.uuid.to_string()
}

/// What the client said of the format must not contradict what it is.
fn check_format(task: &Task, image: &Image) -> Result<(), DriverError> {
    match task.node.instance_info.text("image_disk_format") {
        Some(said) if said != image.format.name() => Err(DriverError::misconfigured(format!(
            "instance_info/image_disk_format: is {said}, but the image is {}",
            image.format.name()
        ))),
        _ => Ok(()),
    }
}

/// With what a person can do about it.
pub fn driver_error(error: &ImageError) -> DriverError {
    match error {
        ImageError::Unusable(text) => DriverError::misconfigured(format!("instance_info/{text}")),
        ImageError::Unreachable(text) => {
            DriverError::Unreachable(format!("{text}. Check that this host can fetch it (instance_info/image_source)"))
        }
        ImageError::Mismatch { .. } => {
            DriverError::Refused(format!("{error}. Correct instance_info/image_checksum, or put the right image there"))
        }
        ImageError::NoRoom(_) => {
            DriverError::Refused(format!("{error}. Make images.cache_bytes larger, or wait until others have theirs"))
        }
        ImageError::Disk(_) => {
            DriverError::Refused(format!("{error}. Check the disk and the permissions of images.cache_dir"))
        }
    }
}

//! Whether an image has room on the machine, as far as anybody has measured it.
//!
//! A head of a few bytes can claim a disk of terabytes, which the agent would begin to write. What an inspection has found is
//! believed, and a node that was never inspected is not judged. Deliberately absent: `properties/local_gb` and `memory_mb`,
//! which many clients fill in with any number because a scheduler wants one.

use serde_json::{Map, Value};

use super::hooks::hints;
use super::{layout, raid};
use crate::driver::{DriverError, Task};
use crate::image::cache::Image;
use crate::image::format::Format;

const MIB: u64 = 1 << 20;

/// Errors name what is too large for what.
pub fn check(task: &Task, image: &Image, partition: bool) -> Result<(), DriverError> {
    let becomes = match image.format {
        Format::Raw => image.bytes,
        Format::Qcow2 { virtual_bytes } => virtual_bytes,
    };
    if partition {
        root_partition(task, becomes)?;
    }
    let Some(inventory) = task.known_inventory.as_ref().and_then(|known| known.get("inventory")) else { return Ok(()) };
    if let Some(largest) = largest_disk(task, inventory).filter(|largest| becomes > *largest) {
        return Err(DriverError::misconfigured(format!(
            "instance_info/image_source: the image becomes {} MiB, and the largest disk that may take it has {} MiB \
             (as the last inspection found it)",
            becomes.div_ceil(MIB),
            largest / MIB
        )));
    }
    // The agent converts what it has fetched as a whole into its memory; raw images go straight to the disk.
    let memory_mib = inventory["memory"]["physical_mb"].as_u64().filter(|mib| *mib > 0);
    match (image.format, memory_mib) {
        (Format::Qcow2 { .. }, Some(mib)) if image.bytes / MIB >= mib => Err(DriverError::misconfigured(format!(
            "instance_info/image_source: the agent would need {} MiB of memory to convert the qcow2 image, and the machine \
             has {mib} MiB; use a raw image",
            image.bytes.div_ceil(MIB)
        ))),
        _ => Ok(()),
    }
}

/// The agent would find out after it has parted the disk.
fn root_partition(task: &Task, becomes: u64) -> Result<(), DriverError> {
    let (needed, root_mb) = (becomes.div_ceil(MIB), layout::of(task)?.root_mb);
    if u64::try_from(root_mb).unwrap_or(0) < needed {
        return Err(DriverError::misconfigured(format!(
            "instance_info/root_gb: is {}, but the image becomes {needed} MiB",
            root_mb / 1024
        )));
    }
    Ok(())
}

/// Bytes of the largest disk that the root device hints allow; none if that is not known, or no more.
fn largest_disk(task: &Task, inventory: &Value) -> Option<u64> {
    let node = &task.node;
    let has_raid = [&node.raid_config, &node.target_raid_config].into_iter().any(|config| !config.map().is_empty());
    if has_raid || raid::is_software(task) {
        return None;
    }
    let given = node.instance_info.get("root_device").or_else(|| node.properties.get("root_device"));
    let wanted = match given {
        Some(Value::Object(wanted)) => wanted,
        _ => Map::new(),
    };
    let disks = inventory["disks"].as_array()?.iter().filter_map(Value::as_object);
    let meant = disks.filter(|disk| hints::fits(disk, &wanted).unwrap_or(true));
    meant.filter_map(|disk| disk.get("size")?.as_u64()).max().filter(|bytes| *bytes > 0)
}

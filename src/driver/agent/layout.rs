//! How a disk is parted for an image that is one file system: sizes and formats from `instance_info`.

use serde_json::{Map, Value, json};

use crate::driver::{DriverError, Task};

/// Sizes in MiB, as the agent wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    pub root_mb: i64,
    pub swap_mb: i64,
    pub ephemeral_mb: i64,
    pub ephemeral_format: Option<String>,
    /// Leave the ephemeral partition's content alone, when an instance is rebuilt.
    pub preserve_ephemeral: bool,
}

/// Key of `driver_internal_info`: the layout that is on the disk.
const DEPLOYED: &str = "instance";

/// Reads and checks. Errors name the field.
pub fn of(task: &Task) -> Result<Layout, DriverError> {
    let root_gb = number(task, "root_gb")?.filter(|size| *size > 0).ok_or_else(|| {
        DriverError::misconfigured("instance_info/root_gb: expected the size of the root partition, 1 or more")
    })?;
    let ephemeral_gb = number(task, "ephemeral_gb")?.unwrap_or(0);
    let format = task.node.instance_info.text("ephemeral_format").filter(|format| !format.is_empty());
    let layout = Layout {
        root_mb: root_gb.saturating_mul(1024),
        swap_mb: number(task, "swap_mb")?.unwrap_or(0),
        ephemeral_mb: ephemeral_gb.saturating_mul(1024),
        ephemeral_format: format.or_else(|| (ephemeral_gb > 0).then(|| "ext4".to_owned())),
        preserve_ephemeral: flag(task, "preserve_ephemeral")?,
    };
    if layout.preserve_ephemeral {
        unchanged(task, &layout)?;
    }
    Ok(layout)
}

/// What `write_image` is told of it.
pub fn told(task: &Task, rebuild: bool) -> Result<Map<String, Value>, DriverError> {
    let layout = of(task)?;
    let mut told = json!({
        "root_gb": layout.root_mb / 1024, "root_mb": layout.root_mb, "swap_mb": layout.swap_mb,
        "ephemeral_mb": layout.ephemeral_mb, "ephemeral_format": layout.ephemeral_format,
        // A disk on which nothing was deployed has nothing to preserve, and would not be parted at all.
        "preserve_ephemeral": layout.preserve_ephemeral && rebuild,
    });
    for key in ["kernel", "ramdisk", "disk_label"] {
        if let Some(value) = task.node.instance_info.text(key) {
            told[key] = value.into();
        }
    }
    Ok(told.as_object().cloned().unwrap_or_default())
}

/// Notes what the disk will look like, so that a rebuild which preserves part of it is refused if it looks otherwise.
pub fn remember(task: &mut Task) -> Result<(), DriverError> {
    let layout = of(task)?;
    let kept = json!({"root_mb": layout.root_mb, "swap_mb": layout.swap_mb, "ephemeral_mb": layout.ephemeral_mb});
    task.node.driver_internal_info.set(DEPLOYED, kept);
    Ok(())
}

fn unchanged(task: &Task, layout: &Layout) -> Result<(), DriverError> {
    let Some(kept) = task.node.driver_internal_info.get(DEPLOYED) else { return Ok(()) };
    for (key, now) in [("root_mb", layout.root_mb), ("swap_mb", layout.swap_mb), ("ephemeral_mb", layout.ephemeral_mb)]
    {
        let before = kept[key].as_i64().unwrap_or(now);
        if before != now {
            return Err(DriverError::misconfigured(format!(
                "instance_info/preserve_ephemeral: {key} was {before} and is {now} now; expected an unchanged layout"
            )));
        }
    }
    Ok(())
}

/// A whole number, also as text.
fn number(task: &Task, key: &str) -> Result<Option<i64>, DriverError> {
    let value = match task.node.instance_info.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let number = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    let number = number.filter(|number| (0..=1 << 40).contains(number));
    let wrong =
        || DriverError::misconfigured(format!("instance_info/{key}: {value}: expected a whole number, 0 or more"));
    number.map(Some).ok_or_else(wrong)
}

fn flag(task: &Task, key: &str) -> Result<bool, DriverError> {
    match task.node.instance_info.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(Value::String(word)) if ["true", "yes", "1", "on"].contains(&&*word.to_ascii_lowercase()) => Ok(true),
        Some(Value::String(word)) if ["false", "no", "0", "off"].contains(&&*word.to_ascii_lowercase()) => Ok(false),
        Some(other) => Err(DriverError::misconfigured(format!("instance_info/{key}: {other}: expected true or false"))),
    }
}

//! Which disk is meant.

use serde_json::{Map, Value, json};

use super::{Done, Found, hints, refused, text};

const GIB: u64 = 1 << 30;

fn disks(inventory: &Map<String, Value>) -> Vec<&Map<String, Value>> {
    let disks = inventory.get("disks").and_then(Value::as_array).into_iter().flatten();
    disks.filter_map(Value::as_object).collect()
}

/// The disk that the node's hints mean, else the one that the agent chose; its size less 1 GiB, which is left for
/// partition tables and config drives, becomes `local_gb`.
pub(super) fn root_device(found: &mut Found<'_>) -> Done {
    if let Some(Value::Object(wanted)) = found.node.properties.get("root_device")
        && !wanted.is_empty()
    {
        let skipped = match found.node.properties.get("skip_block_devices") {
            Some(Value::Array(list)) => list,
            _ => Vec::new(),
        };
        let mut disk = None;
        for candidate in disks(found.inventory) {
            let mut skip = false;
            for hint in skipped.iter().filter_map(Value::as_object) {
                skip |= hints::fits(candidate, hint).map_err(refused)?;
            }
            if !skip && hints::fits(candidate, &wanted).map_err(refused)? {
                disk = Some(candidate.clone());
                break;
            }
        }
        let disk = disk.ok_or_else(|| refused("lists no disk that satisfies the node's root device hints"))?;
        found.plugin_data.insert("root_disk".to_owned(), Value::Object(disk));
    }
    let size = found.plugin_data.get("root_disk").and_then(|disk| disk["size"].as_u64());
    let gib = size.unwrap_or(0) / GIB;
    let local_gb = if gib > 0 { gib - 1 } else { 0 };
    found.plugin_data.insert("local_gb".to_owned(), json!(local_gb));
    found.node.properties.set("local_gb", local_gb);
    Ok(())
}

/// A RAID that was made since the last inspection shows as the one disk whose serial number was not there.
pub(super) fn raid_device(found: &mut Found<'_>) -> Done {
    if found.node.properties.get("root_device").is_some() {
        return Ok(());
    }
    let Some(Value::Object(before)) = found.known.and_then(|known| known.get("inventory")) else { return Ok(()) };
    let old: Vec<&str> = disks(before).into_iter().filter_map(|disk| text(disk, "serial")).collect();
    let now = disks(found.inventory).into_iter().filter_map(|disk| text(disk, "serial"));
    let new: Vec<&str> = now.filter(|serial| !old.contains(serial)).collect();
    if let [serial] = new[..] {
        found.node.properties.set("root_device", json!({"serial": serial}));
    }
    Ok(())
}

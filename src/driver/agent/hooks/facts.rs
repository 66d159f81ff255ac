//! Facts of the inventory that become properties and capabilities.

use serde_json::{Map, Value, json};

use super::{Done, Found, refused, text};

pub(super) fn ramdisk_error(found: &mut Found<'_>) -> Done {
    let error = match found.plugin_data.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => return Ok(()),
        Some(Value::String(text)) if text.is_empty() => return Ok(()),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let error: String = error.chars().take(1000).collect();
    Err(refused(format_args!("says that the ramdisk failed: {error}")))
}

fn part<'f>(found: &Found<'f>, name: &str, key: &str) -> Option<&'f Value> {
    found.inventory.get(name)?.get(key)
}

pub(super) fn architecture(found: &mut Found<'_>) -> Done {
    let architecture = part(found, "cpu", "architecture").and_then(Value::as_str).filter(|word| !word.is_empty());
    let architecture =
        architecture.ok_or_else(|| refused("does not tell the architecture (inventory/cpu/architecture)"))?;
    found.node.properties.set("cpu_arch", architecture);
    Ok(())
}

pub(super) fn cpus(found: &mut Found<'_>) -> Done {
    let count = part(found, "cpu", "count");
    let count = count.and_then(|count| count.as_u64().or_else(|| count.as_str()?.trim().parse().ok()));
    if let Some(count) = count.filter(|count| *count > 0) {
        found.node.properties.set("cpus", count);
    }
    Ok(())
}

pub(super) fn memory(found: &mut Found<'_>) -> Done {
    let memory = part(found, "memory", "physical_mb").filter(|memory| !memory.is_null());
    let memory = memory.ok_or_else(|| refused("does not tell the memory (inventory/memory/physical_mb)"))?;
    found.node.properties.set("memory_mb", memory.clone());
    Ok(())
}

pub(super) fn boot_mode(found: &mut Found<'_>) -> Done {
    // Any other word could hold commas, and with them capabilities that nobody gave the node.
    let mode = part(found, "boot", "current_boot_mode").and_then(Value::as_str);
    if let Some(mode) = mode.filter(|mode| matches!(*mode, "uefi" | "bios")) {
        found.node.set_capability("boot_mode", Some(mode));
    }
    Ok(())
}

/// What a flag of the processor says of the node.
const FLAGS: &[(&str, &str)] = &[
    ("vmx", "cpu_vt"),
    ("svm", "cpu_vt"),
    ("aes", "cpu_aes"),
    ("pse", "cpu_hugepages"),
    ("pdpe1gb", "cpu_hugepages_1g"),
    ("smx", "cpu_txt"),
];

pub(super) fn cpu_capabilities(found: &mut Found<'_>) -> Done {
    let flags: Vec<&str> = match part(found, "cpu", "flags") {
        Some(Value::Array(flags)) => flags.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    for (flag, name) in FLAGS {
        if flags.contains(flag) {
            found.node.set_capability(name, Some("true"));
        }
    }
    Ok(())
}

/// The PCI devices in a report, which agents and BMCs put into different places.
fn devices<'f>(found: &'f Found<'_>) -> impl Iterator<Item = &'f Map<String, Value>> {
    let listed =
        |map: &'f Map<String, Value>| map.get("pci_devices").and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = listed(&found.plugin_data).or_else(|| listed(found.inventory));
    list.into_iter().flatten().filter_map(Value::as_object)
}

/// How many there are of each device that the operator has given a name.
pub(super) fn pci_devices(found: &mut Found<'_>) -> Done {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for [vendor, product, name] in &found.settings.pci_aliases {
        let same = |device: &&Map<String, Value>| {
            text(device, "vendor_id") == Some(vendor) && text(device, "product_id") == Some(product)
        };
        let count = devices(found).filter(same).count();
        if count > 0 {
            counts.push((name.clone(), count));
        }
    }
    for (name, count) in counts {
        found.node.set_capability(&name, Some(&count.to_string()));
    }
    Ok(())
}

/// Vendor, device, and what it is called: those that Ironic knows.
const ACCELERATORS: &[(&str, &str, &str)] = &[
    ("10de", "1eb8", "NVIDIA Corporation Tesla T4"),
    ("10de", "1df6", "NVIDIA Corporation GV100GL"),
    ("10de", "2236", "NVIDIA Corporation A10"),
    ("10de", "2235", "NVIDIA Corporation A40"),
    ("10de", "26b9", "NVIDIA Corporation L40S"),
    ("10de", "26ba", "NVIDIA Corporation L20"),
];

pub(super) fn accelerators(found: &mut Found<'_>) -> Done {
    if devices(found).next().is_none() {
        return Ok(());
    }
    let known = devices(found).filter_map(|device| {
        let (vendor, product) = (text(device, "vendor_id")?, text(device, "product_id")?);
        let (vendor, product, name) = ACCELERATORS.iter().find(|(v, p, _)| *v == vendor && *p == product)?;
        Some(json!({
            "vendor_id": vendor, "device_id": product, "type": "GPU", "device_info": name,
            "pci_address": device.get("bus"),
        }))
    });
    let known: Vec<Value> = known.collect();
    found.node.properties.set("accelerators", known);
    Ok(())
}

/// The rows of hardware-detect, `[group, device, name, value]`, as objects in each other.
pub(super) fn extra_hardware(found: &mut Found<'_>) -> Done {
    let rows = match found.plugin_data.get("data") {
        Some(Value::Array(rows)) if rows.iter().all(Value::is_array) => rows.clone(),
        _ => return Ok(()),
    };
    let mut extra = Map::new();
    for row in rows {
        let [Value::String(group), Value::String(device), Value::String(name), value] =
            row.as_array().map_or(&[][..], Vec::as_slice)
        else {
            continue;
        };
        let number = value.as_str().and_then(|text| text.trim().parse::<i64>().ok());
        let group = extra.entry(group.clone()).or_insert_with(|| json!({}));
        if let Some(devices) = group.as_object_mut() {
            let device = devices.entry(device.clone()).or_insert_with(|| json!({}));
            device[name] = number.map_or_else(|| value.clone(), Value::from);
        }
    }
    found.plugin_data.insert("extra".to_owned(), Value::Object(extra));
    found.plugin_data.shift_remove("data");
    Ok(())
}

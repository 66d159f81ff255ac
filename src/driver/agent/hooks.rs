//! What a report changes: the hooks that Ironic runs by default, in its order.
//!
//! | hook | effect |
//! |---|---|
//! | ramdisk-error | a report with an error fails the inspection |
//! | validate-interfaces | at least one usable card, or it fails |
//! | ports | a port for the card that booted (for all, if that is unknown); which of the known ports booted |
//! | architecture | `properties.cpu_arch` |
//!
//! Pure but for the task. The report comes from an unauthenticated sender: nothing in it is believed beyond its shape.

use serde_json::{Map, Value, json};

use crate::driver::{DriverError, Task};
use crate::wire::ipa::{Inspection, Inventory};
use crate::wire::mac::Mac;

/// A machine has fewer cards than this; a report with more is no machine's.
const MAX_CARDS: usize = 128;

/// Runs all of them and keeps the report. Errors: what the report says is wrong, or is missing in it.
pub fn run(task: &mut Task, data: &Map<String, Value>) -> Result<(), DriverError> {
    let refused = |text: &str| DriverError::Refused(format!("the inspection report {text}"));
    let report: Inspection =
        serde_json::from_value(Value::Object(data.clone())).map_err(|_| refused("cannot be read"))?;
    let shown = report.inventory.ok_or_else(|| refused("has no inventory"))?;
    let mut plugin_data = report.plugin_data.clone();
    plugin_data.shift_remove("logs");
    if let Some(error) = data.get("error") {
        plugin_data.insert("error".to_owned(), error.clone());
    }
    keep(task, &shown, &plugin_data);
    if let Some(error) = report.error.filter(|error| !error.is_empty()) {
        return Err(refused(&format!(
            "says that the ramdisk failed: {}",
            error.chars().take(1000).collect::<String>()
        )));
    }
    let inventory: Inventory = serde_json::from_value(shown.clone()).map_err(|_| refused("has no inventory"))?;
    let cards = usable(&inventory);
    if cards.is_empty() || cards.len() > MAX_CARDS {
        return Err(refused(&format!("lists {} usable network cards; expected 1 to {MAX_CARDS}", cards.len())));
    }
    let booted = booted(&inventory, report.plugin_data.get("boot_interface")).filter(|mac| cards.contains(mac));
    describe(&shown, booted, &mut plugin_data);
    keep(task, &shown, &plugin_data);
    ports(task, &cards, booted);
    if let Some(architecture) = inventory.cpu.and_then(|cpu| cpu.architecture).filter(|word| !word.is_empty()) {
        task.node.properties.set("cpu_arch", architecture);
    }
    Ok(())
}

/// Stores what was found, without the logs, which are long and looked at elsewhere.
fn keep(task: &mut Task, inventory: &Value, plugin_data: &Map<String, Value>) {
    task.changes.inventory = Some(json!({"inventory": inventory, "plugin_data": plugin_data}));
}

/// The cards by name, each told whether it booted, and those of them that make ports: what clients read instead of the
/// list. Made here and not believed from the report.
fn describe(inventory: &Value, booted: Option<Mac>, plugin_data: &mut Map<String, Value>) {
    let (mut all, mut valid, mut macs) = (Map::new(), Map::new(), vec![]);
    for card in inventory["interfaces"].as_array().into_iter().flatten().filter_map(Value::as_object) {
        let name = card.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let mac = card.get("mac_address").and_then(Value::as_str).and_then(parse);
        let (Some(name), Some(mac)) = (name, mac) else { continue };
        let mut card = card.clone();
        card.insert("pxe_enabled".to_owned(), json!(booted == Some(mac)));
        let scoped = card.get("ipv6_address").and_then(Value::as_str).and_then(|address| address.split('%').next());
        let bare = json!(scoped);
        card.insert("ipv6_address".to_owned(), bare);
        if name != "lo" && booted.is_none_or(|booted| booted == mac) {
            macs.push(json!(card["mac_address"]));
            valid.insert(name.to_owned(), Value::Object(card.clone()));
        }
        all.insert(name.to_owned(), Value::Object(card));
    }
    plugin_data.insert("all_interfaces".to_owned(), Value::Object(all));
    plugin_data.insert("valid_interfaces".to_owned(), Value::Object(valid));
    plugin_data.insert("macs".to_owned(), Value::Array(macs));
}

fn usable(inventory: &Inventory) -> Vec<Mac> {
    let mut cards = vec![];
    for interface in &inventory.interfaces {
        // By name and not by address: a simulated machine lives on 127.0.0.0/8 with cards like any other.
        let loopback = interface.name == "lo";
        if let Some(mac) = interface.mac_address.as_deref().and_then(parse)
            && !loopback
            && mac != Mac([0; 6])
            && !cards.contains(&mac)
        {
            cards.push(mac);
        }
    }
    cards
}

/// The card that booted, if the boot loader said so.
fn booted(inventory: &Inventory, older: Option<&Value>) -> Option<Mac> {
    let told = inventory.boot.as_ref().and_then(|boot| boot.pxe_interface.as_deref());
    parse(told.or_else(|| older.and_then(Value::as_str))?)
}

/// A MAC address, also in the form of pxelinux with the hardware type before it (`01-52-54-00-aa-bb-01`).
fn parse(text: &str) -> Option<Mac> {
    let bare = if text.len() == 20 { text.get(3..)? } else { text };
    bare.parse().ok()
}

fn ports(task: &mut Task, cards: &[Mac], booted: Option<Mac>) {
    for port in &task.ports {
        if let Some(booted) = booted {
            let pxe_enabled = port.address == booted.to_string();
            if port.pxe_enabled != pxe_enabled {
                let mut port = port.clone();
                port.pxe_enabled = pxe_enabled;
                task.changes.ports.push(port);
            }
        }
    }
    let wanted = match booted {
        Some(booted) => vec![booted],
        None => cards.to_vec(),
    };
    for mac in wanted {
        let address = mac.to_string();
        if !task.ports.iter().any(|port| port.address == address) {
            task.changes.new_ports.push((address, booted.is_none_or(|booted| booted == mac)));
        }
    }
}

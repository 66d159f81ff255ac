//! What is made of an inspection report: Ironic's default hooks (ramdisk-error, validate-interfaces, ports,
//! architecture) as plain functions in their order. They change the task only; a refusal changes nothing.

use serde_json::{Map, Value, json};

use crate::driver::{DriverError, Task};
use crate::wire::ipa::{Inspection, Interface, Inventory};

/// Runs all hooks.
pub fn run(task: &mut Task, data: &Map<String, Value>) -> Result<(), DriverError> {
    let report: Inspection = serde_json::from_value(Value::Object(data.clone()))
        .map_err(|error| DriverError::Refused(format!("The inspection report cannot be read: {error}")))?;
    if let Some(error) = report.error.filter(|error| !error.is_empty()) {
        return Err(DriverError::Refused(format!(
            "The ramdisk reported: {}",
            error.chars().take(1000).collect::<String>()
        )));
    }
    let inventory: Inventory = serde_json::from_value(report.inventory.unwrap_or_else(|| json!({})))
        .map_err(|error| DriverError::Refused(format!("The inventory cannot be read: {error}")))?;
    let usable: Vec<(String, &Interface)> = usable(&inventory);
    if usable.is_empty() {
        return Err(DriverError::Refused("The inventory has no network interface with a MAC address.".to_owned()));
    }
    let booted = inventory.boot.as_ref().and_then(|boot| boot.pxe_interface.as_deref()).and_then(canonical_mac);
    ports(task, &usable, booted.as_deref());
    if let Some(architecture) = inventory.cpu.as_ref().and_then(|cpu| cpu.architecture.as_deref()) {
        let named = if architecture == "amd64" { "x86_64" } else { architecture };
        task.node.properties.set("cpu_arch", named);
    }
    Ok(())
}

/// Interfaces with a MAC address of their own; not the loopback.
fn usable(inventory: &Inventory) -> Vec<(String, &Interface)> {
    let mac = |interface: &Interface| interface.mac_address.as_deref().and_then(canonical_mac);
    let real = |(address, interface): &(String, &Interface)| interface.name != "lo" && address != "00:00:00:00:00:00";
    inventory.interfaces.iter().filter_map(|it| Some((mac(it)?, it))).filter(real).collect()
}

/// The NIC that booted becomes a port (all active ones if nobody knows which it was); known ports are told apart by it.
fn ports(task: &mut Task, usable: &[(String, &Interface)], booted: Option<&str>) {
    for (address, interface) in usable {
        let is_booted = booted == Some(address.as_str());
        match task.ports.iter().find(|port| port.address == *address) {
            Some(known) if booted.is_some() && known.pxe_enabled != is_booted => {
                let mut port = known.clone();
                port.pxe_enabled = is_booted;
                task.changes.ports.push(port);
            }
            Some(_) => {}
            None if is_booted || (booted.is_none() && interface.has_carrier.unwrap_or(true)) => {
                task.changes.new_ports.push((address.clone(), true));
            }
            None => {}
        }
    }
}

/// A MAC in lower case with colons, from that form or pxelinux's `01-aa-bb-cc-dd-ee-ff`.
fn canonical_mac(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase().replace('-', ":");
    let parts: Vec<&str> = text.split(':').collect();
    let parts = if parts.len() == 7 { &parts[1..] } else { &parts[..] };
    let hex = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
    (parts.len() == 6 && parts.iter().all(hex)).then(|| parts.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_nic_is_recognised_in_both_spellings() {
        let expected = Some("52:54:00:aa:bb:01".to_owned());
        assert_eq!(canonical_mac("01-52-54-00-AA-BB-01"), expected);
        assert_eq!(canonical_mac("52:54:00:aa:bb:01"), expected);
        assert_eq!(canonical_mac("nonsense"), None);
    }
}

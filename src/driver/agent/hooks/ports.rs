//! Network cards and the ports that stand for them.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::{Done, Found, interfaces, refused, text};
use crate::driver::inspection::{AddPorts, KeepPorts};
use crate::model::Port;
use crate::wire::mac::Mac;

/// A machine has fewer cards than this; a report with more is no machine's.
const MAX_CARDS: usize = 128;

/// A MAC address, also in the form of pxelinux with the hardware type before it (`01-52-54-00-aa-bb-01`).
fn mac(text: &str) -> Option<String> {
    let bare = if text.len() == 20 { text.get(3..)? } else { text };
    bare.parse::<Mac>().ok().map(|mac| mac.to_string())
}

/// The card that booted, if the boot loader said so. Older agents tell it beside the inventory.
fn booted(found: &Found<'_>) -> Option<String> {
    let told = found.inventory.get("boot").and_then(|boot| boot["pxe_interface"].as_str());
    mac(told.or_else(|| found.plugin_data.get("boot_interface").and_then(Value::as_str))?)
}

pub(super) fn validate(found: &mut Found<'_>) -> Done {
    let pxe = booted(found);
    let (mut all, mut valid, mut macs) = (Map::new(), Map::new(), Vec::new());
    for (name, card) in interfaces(found.inventory) {
        let Some(sent) = text(card, "mac_address") else { continue };
        let Some(address) = mac(sent) else { continue };
        let mut shown = card.clone();
        let is_pxe = pxe.as_ref() == Some(&address);
        shown.insert("pxe_enabled".to_owned(), is_pxe.into());
        // An IPv6 address without its scope.
        let v6 = text(card, "ipv6_address").map(|address| address.split('%').next().unwrap_or(address));
        shown.insert("ipv6_address".to_owned(), json!(v6));
        let active = text(card, "ipv4_address").is_some() || v6.is_some();
        // By name and not by address: a simulated machine lives on 127.0.0.0/8 with cards like any other.
        let wanted = name != "lo"
            && address != "00:00:00:00:00:00"
            && match found.settings.add_ports {
                AddPorts::Pxe => is_pxe || pxe.is_none(),
                AddPorts::Active => active,
                AddPorts::All | AddPorts::Disabled => true,
            };
        if wanted && !macs.contains(&sent) {
            macs.push(sent);
            valid.insert(name.to_owned(), Value::Object(shown.clone()));
        }
        all.insert(name.to_owned(), Value::Object(shown));
    }
    let listed = interfaces(found.inventory).count();
    if macs.is_empty() || listed > MAX_CARDS {
        return Err(refused(format_args!(
            "lists {listed} network cards, {} of them to become ports; expected at least one, and {MAX_CARDS} at most",
            macs.len()
        )));
    }
    found.plugin_data.insert("all_interfaces".to_owned(), Value::Object(all));
    found.plugin_data.insert("valid_interfaces".to_owned(), Value::Object(valid));
    found.plugin_data.insert("macs".to_owned(), json!(macs));
    Ok(())
}

/// The cards of `plugin_data[key]` as (MAC address, whether it booted, client id).
fn cards(found: &Found<'_>, key: &str) -> Vec<(String, bool, Option<String>)> {
    let all = found.plugin_data.get(key).and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(_, card)| {
        let client_id = card["client_id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        Some((mac(card["mac_address"].as_str()?)?, card["pxe_enabled"] == true, client_id))
    })
    .collect()
}

pub(super) fn make(found: &mut Found<'_>) -> Done {
    let (all, valid) = (cards(found, "all_interfaces"), cards(found, "valid_interfaces"));
    // If nobody knows which card booted, none is told not to. (Ironic tells all of them, and none boots again.)
    let known = all.iter().any(|(_, booted, _)| *booted);
    if found.settings.add_ports != AddPorts::Disabled {
        for (address, booted, client_id) in &valid {
            if found.ports.iter().any(|port| port.address == *address) {
                continue;
            }
            let mut port = (found.new_port)(address.clone());
            port.pxe_enabled = *booted || !known;
            if let Some(id) = client_id {
                port.extra.set("client-id", id.as_str());
            }
            found.ports.push(port);
        }
    }
    let expected = match found.settings.keep_ports {
        KeepPorts::All => None,
        KeepPorts::Present => Some(&all),
        KeepPorts::Added => Some(&valid),
    };
    if let Some(expected) = expected {
        found.ports.retain(|port| expected.iter().any(|(address, ..)| *address == port.address));
    }
    let update = found.settings.update_pxe_enabled && known;
    for port in &mut found.ports {
        let card = all.iter().find(|(address, ..)| *address == port.address);
        if update {
            port.pxe_enabled = card.is_some_and(|(_, booted, _)| *booted);
        }
        if let Some((_, _, Some(id))) = card
            && port.extra.text("client-id").as_ref() != Some(id)
        {
            port.extra.set("client-id", id.as_str());
        }
    }
    Ok(())
}

/// The port of each card that the report lists among all interfaces, with the card.
pub(super) fn with_cards<'p, 'i>(
    ports: &'p mut [Port],
    inventory: &'i Map<String, Value>,
) -> impl Iterator<Item = (&'p mut Port, &'i str, &'i Map<String, Value>)> {
    ports.iter_mut().filter_map(move |port| {
        let mut all = interfaces(inventory);
        let (name, card) =
            all.find(|(_, card)| text(card, "mac_address").and_then(mac).as_ref() == Some(&port.address))?;
        Some((port, name, card))
    })
}

/// The network of a port by the address that its card has, from the configured list.
pub(super) fn physical_network(found: &mut Found<'_>) -> Done {
    for (port, _, card) in with_cards(&mut found.ports, found.inventory) {
        let addresses = ["ipv4_address", "ipv6_address"].into_iter().filter_map(|key| text(card, key));
        let addresses = addresses.filter_map(|text| text.split('%').next()?.parse::<IpAddr>().ok());
        let named = addresses.filter_map(|address| {
            found.settings.physical_networks.iter().find(|(network, _)| network.contains(address))
        });
        if let Some((_, name)) = named.into_iter().next() {
            port.physical_network = Some(name.clone());
        }
    }
    Ok(())
}

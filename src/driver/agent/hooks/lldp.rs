//! Where the machine's cables end, from what its switches tell (LLDP).

use serde_json::{Map, Value, json};

use super::ports::with_cards;
use super::{Done, Found, interfaces};
use crate::wire::lldp::{Tlv, read};

/// Cards that are looked at; a machine has fewer.
const MOST_CARDS: usize = 64;

/// What was heard on a card: agents put it beside the inventory, or into it.
fn heard(plugin_data: &Map<String, Value>, name: &str, card: &Map<String, Value>) -> Vec<Tlv> {
    let raw = plugin_data.get("lldp_raw").and_then(|raw| raw.get(name)).filter(|raw| !raw.is_null());
    raw.or_else(|| card.get("lldp")).map(read).unwrap_or_default()
}

/// Fills in what is not known of `local_link_connection`; what an operator wrote stays.
pub(super) fn local_link_connection(found: &mut Found<'_>) -> Done {
    for (port, name, card) in with_cards(&mut found.ports, found.inventory) {
        for tlv in heard(&found.plugin_data, name, card) {
            let (key, value) = match tlv {
                Tlv::PortId(id) => ("port_id", id),
                // Only a MAC address can be told from other switches' names.
                Tlv::ChassisId(id, true) => ("switch_id", id),
                Tlv::SystemName(name) => ("switch_info", name),
                _ => continue,
            };
            if port.local_link_connection.get(key).is_none() {
                port.local_link_connection.set(key, value);
            }
        }
    }
    Ok(())
}

/// Bits of 802.1AB, by their number.
const CAPABILITIES: &[(u16, &str)] = &[
    (1, "Repeater"),
    (2, "Bridge"),
    (3, "WLAN"),
    (4, "Router"),
    (5, "Telephone"),
    (6, "DOCSIS cable device"),
    (7, "Station only"),
    (8, "C-Vlan"),
    (9, "S-Vlan"),
    (10, "TPMR"),
];

fn capabilities(bits: u16) -> Value {
    CAPABILITIES.iter().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| *name).collect()
}

/// Leaves it in words in `plugin_data.parsed_lldp`, by the card's name.
pub(super) fn parse(found: &mut Found<'_>) -> Done {
    let mut all = Map::new();
    for (name, card) in interfaces(found.inventory).take(MOST_CARDS) {
        let mut words = Map::new();
        for tlv in heard(&found.plugin_data, name, card) {
            tell(&mut words, tlv);
        }
        if !words.is_empty() {
            all.insert(name.to_owned(), Value::Object(words));
        }
    }
    if !all.is_empty() {
        found.plugin_data.insert("parsed_lldp".to_owned(), Value::Object(all));
    }
    Ok(())
}

fn tell(words: &mut Map<String, Value>, tlv: Tlv) {
    // What is told twice is what was told first; of some things there are several.
    let mut once = |name: &str, value: Value| {
        words.entry(name.to_owned()).or_insert(value);
    };
    match tlv {
        Tlv::ChassisId(id, _) => once("switch_chassis_id", json!(id)),
        Tlv::PortId(id) => once("switch_port_id", json!(id)),
        Tlv::PortDescription(text) => once("switch_port_description", json!(text)),
        Tlv::SystemName(text) => once("switch_system_name", json!(text)),
        Tlv::SystemDescription(text) => once("switch_system_description", json!(text)),
        Tlv::Capabilities(can, does) => {
            once("switch_capabilities_support", capabilities(can));
            once("switch_capabilities_enabled", capabilities(does));
        }
        Tlv::PortVlan(id) => once("switch_port_untagged_vlan_id", json!(id)),
        Tlv::ManagementVlan(id) => once("switch_port_management_vlan_id", json!(id)),
        Tlv::Aggregation(can, does, id) => {
            once("switch_port_link_aggregation_support", json!(can));
            once("switch_port_link_aggregation_enabled", json!(does));
            once("switch_port_link_aggregation_id", json!(id));
        }
        Tlv::Mtu(bytes) => once("switch_port_mtu", json!(bytes)),
        Tlv::ManagementAddress(address) => add(words, "switch_mgmt_addresses", json!(address)),
        Tlv::Vlan(id, name) => add(words, "switch_port_vlans", json!({"name": name, "id": id})),
    }
}

fn add(words: &mut Map<String, Value>, name: &str, value: Value) {
    let list = words.entry(name.to_owned()).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(value);
    }
}

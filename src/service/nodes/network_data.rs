//! Network data of OpenStack's metadata format: how a machine configures its network by itself at its first boot.
//!
//! What would only fail there, on a machine that then cannot be reached, is refused here: links, networks and services
//! without what their kind needs, and addresses that are none. Keys that we do not know are let through.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};

use crate::wire::mac::Mac;

const LINKS: &[&str] = &["bridge", "dvs", "hw_veb", "hyperv", "ovs", "tap", "vhostuser", "vif", "phy"];
const BONDS: &[&str] =
    &["802.3ad", "balance-rr", "active-backup", "balance-xor", "broadcast", "balance-tlb", "balance-alb"];

/// What is wrong with it.
pub fn check(data: &Map<String, Value>) -> Result<(), String> {
    each(data, "links", link)?;
    each(data, "networks", network)?;
    each(data, "services", service)
}

fn each(
    data: &Map<String, Value>,
    part: &str,
    check: fn(&Map<String, Value>) -> Result<(), String>,
) -> Result<(), String> {
    let list = data.get(part).ok_or_else(|| format!("'{part}' is a required property"))?;
    let list = list.as_array().ok_or_else(|| format!("{part}: expected a list"))?;
    for (i, item) in list.iter().enumerate() {
        let item = item.as_object().ok_or_else(|| format!("{part}/{i}: expected an object"))?;
        check(item).map_err(|why| format!("{part}/{i}: {why}"))?;
    }
    Ok(())
}

fn text<'i>(item: &'i Map<String, Value>, key: &str) -> Result<&'i str, String> {
    let value = item.get(key).ok_or_else(|| format!("'{key}' is a required property"))?;
    value.as_str().ok_or_else(|| format!("{key}: expected a string"))
}

fn texts(item: &Map<String, Value>, keys: &[&str]) -> Result<(), String> {
    keys.iter().try_for_each(|key| text(item, key).map(drop))
}

fn link(item: &Map<String, Value>) -> Result<(), String> {
    texts(item, &["id"])?;
    let mac = match text(item, "type")? {
        "vlan" => {
            texts(item, &["vlan_link"])?;
            item.get("vlan_id").and_then(Value::as_i64).ok_or("vlan_id: expected a number")?;
            "vlan_mac_address"
        }
        "bond" => {
            let mode = text(item, "bond_mode")?;
            let links = item.get("bond_links").and_then(Value::as_array).ok_or("bond_links: expected a list")?;
            if !BONDS.contains(&mode) || !links.iter().all(Value::is_string) {
                return Err(format!("bond_mode: expected one of {}, and names of links", BONDS.join(", ")));
            }
            "ethernet_mac_address"
        }
        kind if LINKS.contains(&kind) => "ethernet_mac_address",
        kind => return Err(format!("type: expected vlan, bond, {}, got {kind}", LINKS.join(", "))),
    };
    text(item, mac)?.parse::<Mac>().map_err(|_| format!("{mac}: expected a MAC address"))?;
    match item.get("mtu") {
        None | Some(Value::Null) => Ok(()),
        Some(mtu) if mtu.as_f64().is_some_and(|mtu| (1.0..=65535.0).contains(&mtu)) => Ok(()),
        Some(_) => Err("mtu: expected a number from 1 to 65535".to_owned()),
    }
}

fn network(item: &Map<String, Value>) -> Result<(), String> {
    texts(item, &["id", "link", "network_id"])?;
    let v6 = match text(item, "type")? {
        "ipv4" | "ipv4_dhcp" => false,
        "ipv6" | "ipv6_dhcp" | "ipv6_slaac" => true,
        other => return Err(format!("type: expected ipv4, ipv4_dhcp, ipv6, ipv6_dhcp or ipv6_slaac, got {other}")),
    };
    let addresses = |item: &Map<String, Value>, keys: &[&str]| {
        let wrong =
            keys.iter().find(|key| item.get(**key).is_some_and(|it| !it.as_str().is_some_and(|it| is_ip(it, v6))));
        wrong.map_or(Ok(()), |key| Err(format!("{key}: expected an address of IPv{}", if v6 { 6 } else { 4 })))
    };
    addresses(item, &["ip_address", "netmask"])?;
    for route in item.get("routes").and_then(Value::as_array).into_iter().flatten() {
        let route = route.as_object().ok_or("routes: expected objects")?;
        texts(route, &["gateway", "netmask", "network"])?;
        addresses(route, &["gateway", "netmask", "network"])?;
    }
    Ok(())
}

fn service(item: &Map<String, Value>) -> Result<(), String> {
    texts(item, &["type"])?;
    let address = text(item, "address")?;
    if is_ip(address, false) || is_ip(address, true) {
        Ok(())
    } else {
        Err("address: expected an IP address".to_owned())
    }
}

/// An address, of IPv6 also with a prefix length.
fn is_ip(text: &str, v6: bool) -> bool {
    if !v6 {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    let (address, length) = text.split_once('/').unwrap_or((text, "0"));
    address.parse::<Ipv6Addr>().is_ok() && length.parse::<u8>().is_ok_and(|length| length <= 128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(links: &Value, networks: &Value) -> Result<(), String> {
        let data = json!({"links": links, "networks": networks, "services": [{"type": "dns", "address": "8.8.8.8"}]});
        data.as_object().map_or(Ok(()), check)
    }

    #[test]
    fn what_a_first_boot_would_choke_on_is_named() {
        let link = json!({"id": "a", "type": "phy", "ethernet_mac_address": "52:54:00:11:22:33", "mtu": 1500});
        let net = json!({"id": "n", "type": "ipv4", "link": "a", "network_id": "x", "ip_address": "10.0.0.2", "netmask": "255.0.0.0"});
        let v6 = json!({"id": "n", "type": "ipv6", "link": "a", "network_id": "x", "ip_address": "fd00::2/64"});
        assert_eq!(checked(&json!([link]), &json!([net, v6])), Ok(()));
        let with = |base: &Value, key: &str, value: Value| {
            let mut changed = base.clone();
            changed[key] = value;
            json!([changed])
        };
        for (links, networks, named) in [
            (with(&link, "ethernet_mac_address", json!("x")), json!([]), "links/0: ethernet_mac_address"),
            (with(&link, "type", json!("wifi")), json!([]), "links/0: type"),
            (with(&link, "mtu", json!(0)), json!([]), "links/0: mtu"),
            (with(&link, "type", json!("bond")), json!([]), "links/0: 'bond_mode'"),
            (with(&link, "type", json!("vlan")), json!([]), "links/0: 'vlan_link'"),
            (json!([]), with(&net, "ip_address", json!("fd00::2")), "networks/0: ip_address"),
            (json!([]), with(&net, "network_id", json!(5)), "networks/0: network_id"),
            (json!([]), with(&net, "routes", json!([{"gateway": "10.0.0.1"}])), "networks/0: 'netmask'"),
        ] {
            let why = checked(&links, &networks).err().unwrap_or_default();
            assert!(why.starts_with(named), "{why} does not begin with {named}");
        }
    }
}

//! LLDP (IEEE 802.1AB) as an agent passes it on: a list of `[type, "hex"]`, one for each TLV that its switch sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::mac::Mac;

/// What a TLV says, of those that tell where a cable ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tlv {
    /// Who the switch is; and whether it is named by a MAC address.
    ChassisId(String, bool),
    PortId(String),
    PortDescription(String),
    SystemName(String),
    SystemDescription(String),
    /// Bits of what it can do, and of what it does.
    Capabilities(u16, u16),
    ManagementAddress(String),
    /// 802.1: the VLAN of frames without a tag.
    PortVlan(u16),
    /// 802.1: a VLAN that the port is in.
    Vlan(u16, String),
    ManagementVlan(u16),
    /// 802.1 and 802.3: supported, enabled, and the port's number.
    Aggregation(bool, bool, u32),
    /// 802.3: the longest frame.
    Mtu(u16),
}

/// TLVs of one switch port at most; a frame holds fewer.
const MOST: usize = 256;
/// A TLV's value has no more bytes.
const LONGEST: usize = 511;

/// Reads what is understood of a list; the rest is skipped.
pub fn read(list: &Value) -> Vec<Tlv> {
    let items = list.as_array().into_iter().flatten().take(MOST);
    items.filter_map(|item| tlv(item.get(0)?.as_u64()?, &bytes(item.get(1)?.as_str()?)?)).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || hex.len() > 2 * LONGEST || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn number(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]))
}

fn mac(bytes: &[u8]) -> Option<String> {
    Some(Mac(bytes.try_into().ok()?).to_string())
}

/// An address behind its family (IANA): IPv4, IPv6 or a MAC address.
fn address(bytes: &[u8]) -> Option<String> {
    let (family, value) = bytes.split_first()?;
    match family {
        1 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(value.get(..4)?).ok()?).to_string()),
        2 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(value.get(..16)?).ok()?).to_string()),
        6 => mac(value.get(..6)?),
        _ => None,
    }
}

fn tlv(kind: u64, value: &[u8]) -> Option<Tlv> {
    let (subtype, rest) = value.split_first().map_or((0, value), |(first, rest)| (*first, rest));
    Some(match kind {
        1 => match subtype {
            4 => Tlv::ChassisId(mac(rest)?, true),
            5 => Tlv::ChassisId(address(rest)?, false),
            1..=3 | 6 | 7 => Tlv::ChassisId(text(rest)?, false),
            _ => return None,
        },
        2 => Tlv::PortId(match subtype {
            3 => mac(rest)?,
            4 => address(rest)?,
            1 | 2 | 5 | 7 => text(rest)?,
            _ => return None,
        }),
        4 => Tlv::PortDescription(text(value)?),
        5 => Tlv::SystemName(text(value)?),
        6 => Tlv::SystemDescription(text(value)?),
        7 if value.len() == 4 => Tlv::Capabilities(number(value)?, number(&value[2..])?),
        8 => Tlv::ManagementAddress(address(rest)?),
        127 => return organisation(value),
        _ => return None,
    })
}

fn organisation(value: &[u8]) -> Option<Tlv> {
    let (oui, subtype, rest) = (value.get(..3)?, *value.get(3)?, value.get(4..)?);
    let aggregation = || {
        let status = *rest.first()?;
        let port = u32::from_be_bytes(<[u8; 4]>::try_from(rest.get(1..5)?).ok()?);
        Some(Tlv::Aggregation(status & 1 != 0, status & 2 != 0, port))
    };
    match (oui, subtype) {
        ([0x00, 0x80, 0xc2], 1) => Some(Tlv::PortVlan(number(rest)?)),
        ([0x00, 0x80, 0xc2], 3) => {
            let length = usize::from(*rest.get(2)?);
            Some(Tlv::Vlan(number(rest)?, text(rest.get(3..3 + length)?)?))
        }
        ([0x00, 0x80, 0xc2], 6) => Some(Tlv::ManagementVlan(number(rest)?)),
        ([0x00, 0x80, 0xc2], 7) | ([0x00, 0x12, 0x0f], 3) => aggregation(),
        ([0x00, 0x12, 0x0f], 4) => Some(Tlv::Mtu(number(rest)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tlvs_are_read_and_what_is_none_is_skipped() {
        let list = json!([
            [1, "04112233aabbcc"],
            [1, "05010a000001"],
            [2, "0545746831"],
            [2, "03112233aabbcc"],
            [4, "506f7274"],
            [5, "737731"],
            [7, "00140004"],
            [8, "05010a000002"],
            [127, "0080c2010064"],
            [127, "0080c303"],
            [127, "0080c2030066047465737401"],
            [127, "0080c2070300000005"],
            [127, "00120f0405dc"],
            [3, "0078"],
            [1, "zz"],
            [1, "0"],
            [1],
            "x",
            [127, "00"],
            [8, ""]
        ]);
        assert_eq!(
            read(&list),
            [
                Tlv::ChassisId("11:22:33:aa:bb:cc".into(), true),
                Tlv::ChassisId("10.0.0.1".into(), false),
                Tlv::PortId("Eth1".into()),
                Tlv::PortId("11:22:33:aa:bb:cc".into()),
                Tlv::PortDescription("Port".into()),
                Tlv::SystemName("sw1".into()),
                Tlv::Capabilities(0x14, 4),
                Tlv::ManagementAddress("10.0.0.2".into()),
                Tlv::PortVlan(100),
                Tlv::Vlan(102, "test".into()),
                Tlv::Aggregation(true, true, 5),
                Tlv::Mtu(1500),
            ]
        );
    }
}

//! The `ipmi_*` keys of `driver_info`: what each may hold. Values may be numbers, booleans or their text, as Ironic's
//! clients send either.

use serde_json::{Map, Value};

use crate::bmc::ipmi::{Bridge, Hop, Login, Privilege, Secret};
use crate::driver::{DriverError, Property};
use crate::wire::rmcp;
use crate::wire::rmcp::suite::Suite;

/// What a node's `driver_info` says about its BMC.
pub(super) struct Info {
    pub login: Login,
    pub bridge: Option<Bridge>,
    /// Set the stored boot device before every power on, for BMCs that forget it.
    pub force_boot_device: bool,
    /// Keep the BMC from forgetting the boot device after 60 s.
    pub disable_boot_timeout: bool,
}

pub(super) const PROPERTIES: &[Property] = &[
    Property { name: "ipmi_address", text: "IP address or host name of the BMC. Required." },
    Property { name: "ipmi_port", text: "UDP port of the BMC. Default 623. Optional." },
    Property { name: "ipmi_username", text: "User name, at most 16 bytes; the anonymous user by default. Optional." },
    Property { name: "ipmi_password", text: "Password, at most 20 bytes; empty by default. Optional." },
    Property {
        name: "ipmi_hex_kg_key",
        text: "The BMC's Kg key as an even number of hexadecimal digits, at most 40. Optional.",
    },
    Property {
        name: "ipmi_priv_level",
        text: "Privilege level: ADMINISTRATOR (default), OPERATOR, USER or CALLBACK. Optional.",
    },
    Property {
        name: "ipmi_protocol_version",
        text: "Version of the IPMI protocol: \"2.0\" (default). \"1.5\" is not supported. Optional.",
    },
    Property {
        name: "ipmi_cipher_suite",
        text: "Cipher suite, 17 or 3, used exactly as given; by default 17, or 3 if the BMC does not know 17. Optional.",
    },
    Property {
        name: "ipmi_bridging",
        text: "Bridging: \"no\" (default), \"single\" (needs ipmi_target_channel and ipmi_target_address) or \"dual\" \
               (needs ipmi_transit_channel and ipmi_transit_address too). Optional.",
    },
    Property { name: "ipmi_target_channel", text: "Channel of the bridged target. Required for bridging." },
    Property { name: "ipmi_target_address", text: "Address of the bridged target. Required for bridging." },
    Property { name: "ipmi_transit_channel", text: "Transit channel. Required for dual bridging." },
    Property { name: "ipmi_transit_address", text: "Transit address. Required for dual bridging." },
    Property { name: "ipmi_local_address", text: "The BMC's own address on its bus, 0x20 by default. Optional." },
    Property { name: "ipmi_terminal_port", text: "TCP port of the node's serial console. Optional." },
    Property {
        name: "ipmi_force_boot_device",
        text: "Whether to set the boot device again before every power on. Default false. Optional.",
    },
    Property {
        name: "ipmi_disable_boot_timeout",
        text: "Whether to keep the BMC from forgetting the boot device after 60 seconds. Default true. Optional.",
    },
];

/// Errors: `Misconfigured`, naming the key and what was expected.
pub(super) fn parse(info: &Map<String, Value>) -> Result<Info, DriverError> {
    let keys = Keys(info);
    let host = keys.text("ipmi_address")?.filter(|host| !host.trim().is_empty());
    let host = host.ok_or_else(|| wrong("ipmi_address", "the IP address or host name of the BMC, it is required"))?;
    let mut login = Login::new(
        host.trim(),
        keys.text("ipmi_username")?.unwrap_or_default(),
        Secret::new(keys.text("ipmi_password")?.unwrap_or_default()),
    );
    login.port = keys.number("ipmi_port", 1, 65535)?.unwrap_or(rmcp::PORT);
    keys.number::<u16>("ipmi_terminal_port", 1, 65535)?;
    login.kg = keys.text("ipmi_hex_kg_key")?.map(|hex| kg_key(&hex)).transpose()?;
    login.privilege = match keys.text("ipmi_priv_level")? {
        None => Privilege::Administrator,
        Some(name) => Privilege::from_name(&name)
            .ok_or_else(|| wrong("ipmi_priv_level", "one of ADMINISTRATOR, OPERATOR, USER, CALLBACK"))?,
    };
    match keys.text("ipmi_protocol_version")?.as_deref() {
        None | Some("2.0") => {}
        Some("1.5") => {
            return Err(wrong(
                "ipmi_protocol_version",
                "\"2.0\"; IPMI 1.5, whose sessions are not encrypted, is not spoken",
            ));
        }
        Some(_) => return Err(wrong("ipmi_protocol_version", "\"2.0\"")),
    }
    login.suite = match keys.number::<u8>("ipmi_cipher_suite", 0, 255)? {
        None => None,
        Some(number) => Some(Suite::from_number(number).ok_or_else(|| {
            wrong("ipmi_cipher_suite", "17 or 3; the others lack encryption or integrity, or no BMC has them")
        })?),
    };
    login.check().map_err(|error| DriverError::misconfigured(format!("driver_info: {error}")))?;
    Ok(Info {
        login,
        bridge: keys.bridge()?,
        force_boot_device: keys.flag("ipmi_force_boot_device")?.unwrap_or(false),
        disable_boot_timeout: keys.flag("ipmi_disable_boot_timeout")?.unwrap_or(true),
    })
}

fn wrong(key: &str, expected: &str) -> DriverError {
    // The value itself stays out: it may be a secret in the wrong place.
    DriverError::misconfigured(format!("driver_info/{key}: expected {expected}"))
}

fn kg_key(hex: &str) -> Result<Secret, DriverError> {
    let expected = || wrong("ipmi_hex_kg_key", "an even number of hexadecimal digits, at most 40");
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    if hex.is_empty() || hex.len() > 40 || !hex.len().is_multiple_of(2) {
        return Err(expected());
    }
    let bytes: Option<Vec<u8>> =
        hex.as_bytes().chunks_exact(2).map(|pair| Some((digit(pair[0])? << 4) | digit(pair[1])?)).collect();
    bytes.map(Secret::new).ok_or_else(expected)
}

struct Keys<'a>(&'a Map<String, Value>);

impl Keys<'_> {
    /// A value as text; null is absence.
    fn text(&self, key: &str) -> Result<Option<String>, DriverError> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(wrong(key, "a string")),
        }
    }

    fn number<T: TryFrom<u64>>(&self, key: &str, min: u64, max: u64) -> Result<Option<T>, DriverError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let text = text.trim();
        // Bus addresses are customarily written in hexadecimal.
        let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        };
        let number = number.filter(|number| (min..=max).contains(number)).and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| wrong(key, &format!("a number from {min} to {max}")))
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, DriverError> {
        if let Some(Value::Bool(flag)) = self.0.get(key) {
            return Ok(Some(*flag));
        }
        match self.text(key)?.map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            None => Ok(None),
            Some("true" | "1" | "yes" | "on" | "t" | "y") => Ok(Some(true)),
            Some("false" | "0" | "no" | "off" | "f" | "n") => Ok(Some(false)),
            Some(_) => Err(wrong(key, "true or false")),
        }
    }

    fn bridge(&self) -> Result<Option<Bridge>, DriverError> {
        let hop = |channel: &str, address: &str| {
            let need = |key: &str, max| {
                self.number(key, 0, max)?.ok_or_else(|| wrong(key, "a number, ipmi_bridging needs it"))
            };
            Ok::<_, DriverError>(Hop { channel: need(channel, 15)?, address: need(address, 255)? })
        };
        let local_address = self.number("ipmi_local_address", 0, 255)?.unwrap_or(rmcp::ipmb::BMC_ADDRESS);
        let target = || hop("ipmi_target_channel", "ipmi_target_address");
        match self.text("ipmi_bridging")?.as_deref() {
            None | Some("no") => Ok(None),
            Some("single") => Ok(Some(Bridge { local_address, transit: None, target: target()? })),
            Some("dual") => {
                let transit = Some(hop("ipmi_transit_channel", "ipmi_transit_address")?);
                Ok(Some(Bridge { local_address, transit, target: target()? }))
            }
            Some(_) => Err(wrong("ipmi_bridging", "one of no, single, dual")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(info: Value) -> Result<Info, String> {
        let Value::Object(map) = info else { panic!("an object") };
        parse(&map).map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_and_flags_may_be_text() {
        let info = parsed(json!({
            "ipmi_address": "10.0.0.1", "ipmi_port": "6230", "ipmi_cipher_suite": "3", "ipmi_priv_level": "operator",
            "ipmi_hex_kg_key": "00ff", "ipmi_disable_boot_timeout": "False", "ipmi_force_boot_device": true,
            "ipmi_bridging": "dual", "ipmi_target_channel": 7, "ipmi_target_address": "0x72",
            "ipmi_transit_channel": "6", "ipmi_transit_address": "0x82",
        }));
        let info = info.expect("valid");
        assert_eq!((info.login.port, info.login.suite), (6230, Some(Suite::Three)));
        assert_eq!(info.login.privilege, Privilege::Operator);
        assert!(info.force_boot_device && !info.disable_boot_timeout);
        let target = Hop { channel: 7, address: 0x72 };
        let transit = Some(Hop { channel: 6, address: 0x82 });
        assert_eq!(info.bridge, Some(Bridge { local_address: 0x20, transit, target }));
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_key_and_without_its_content() {
        let cases = [
            (json!({}), "ipmi_address"),
            (json!({"ipmi_address": ""}), "ipmi_address"),
            (json!({"ipmi_address": 5, "ipmi_port": 0}), "ipmi_port"),
            (json!({"ipmi_address": "a", "ipmi_port": "hunter2"}), "ipmi_port"),
            (json!({"ipmi_address": "a", "ipmi_username": ["hunter2"]}), "ipmi_username"),
            (json!({"ipmi_address": "a", "ipmi_hex_kg_key": "hunter2"}), "ipmi_hex_kg_key"),
            (json!({"ipmi_address": "a", "ipmi_priv_level": "root"}), "ipmi_priv_level"),
            (json!({"ipmi_address": "a", "ipmi_protocol_version": "1.5"}), "ipmi_protocol_version"),
            (json!({"ipmi_address": "a", "ipmi_cipher_suite": 0}), "ipmi_cipher_suite"),
            (json!({"ipmi_address": "a", "ipmi_bridging": "single"}), "ipmi_target_channel"),
            (json!({"ipmi_address": "a", "ipmi_bridging": "triple"}), "ipmi_bridging"),
            (json!({"ipmi_address": "a", "ipmi_force_boot_device": "maybe"}), "ipmi_force_boot_device"),
            (json!({"ipmi_address": "a", "ipmi_terminal_port": 70000}), "ipmi_terminal_port"),
            (json!({"ipmi_address": "a", "ipmi_username": "seventeen-letters"}), "user name is at most 16 bytes"),
            (json!({"ipmi_address": "a", "ipmi_password": "hunter2hunter2hunter2"}), "password is at most 20 bytes"),
        ];
        for (info, key) in cases {
            let error = parsed(info.clone()).err().unwrap_or_else(|| panic!("{info} was accepted"));
            assert!(error.contains(key) && !error.contains("hunter2"), "{error}");
        }
    }
}

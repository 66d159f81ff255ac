//! The `redfish_*` keys of `driver_info`: what each may hold.

use std::net::Ipv6Addr;
use std::path::Path;

use serde_json::{Map, Value};

use crate::driver::{DriverError, Property};

pub(super) const PROPERTIES: &[Property] = &[
    Property {
        name: "redfish_address",
        text: "URL of the BMC, or its host (then https is meant); a path in it is the root of its API. Required.",
    },
    Property {
        name: "redfish_system_id",
        text: "Path of the system, such as /redfish/v1/Systems/1. Optional if the BMC has only one.",
    },
    Property { name: "redfish_username", text: "User name. Optional." },
    Property { name: "redfish_password", text: "Password. Optional." },
    Property {
        name: "redfish_verify_ca",
        text: "Whether the BMC's certificate is verified: true (default), false, or the path of a file or directory \
               with the certificates to trust. Optional.",
    },
    Property { name: "redfish_auth_type", text: "How to authenticate: auto (default), session or basic. Optional." },
    Property { name: "redfish_tls_minimum_version", text: "Oldest version of TLS: 1.1, 1.2 or 1.3. Optional." },
    Property { name: "redfish_tls_ciphers", text: "Ciphers to use, in OpenSSL's notation. Optional." },
    Property {
        name: "firmware_update_unresponsive_bmc_wait",
        text: "Seconds that a BMC may be silent during a firmware update. Optional.",
    },
];

/// Errors: `Misconfigured`, naming the key and what was expected.
pub(super) fn check(info: &Map<String, Value>) -> Result<(), DriverError> {
    let address = match info.get("redfish_address") {
        Some(Value::String(address)) if !address.is_empty() => address,
        None | Some(Value::Null | Value::String(_)) => {
            return Err(wrong("redfish_address", "the URL or host of the BMC, it is required"));
        }
        Some(_) => return Err(wrong("redfish_address", "a string")),
    };
    if !is_address(address) {
        return Err(wrong("redfish_address", "a URL or host, such as https://bmc.example.org"));
    }
    if let Some(id) = info.get("redfish_system_id")
        && !(id.is_string() || id.is_null())
    {
        return Err(wrong("redfish_system_id", "a path such as /redfish/v1/Systems/1"));
    }
    let verified = match info.get("redfish_verify_ca") {
        None | Some(Value::Bool(_)) => true,
        Some(Value::String(text)) => is_boolean(text) || Path::new(text).exists(),
        Some(_) => false,
    };
    if !verified {
        return Err(wrong("redfish_verify_ca", "true, false, or the path of an existing file or directory"));
    }
    one_of(info, "redfish_auth_type", &["basic", "session", "auto"], false)?;
    one_of(info, "redfish_tls_minimum_version", &["1.1", "1.2", "1.3"], true)
}

fn wrong(key: &str, expected: &str) -> DriverError {
    // The value itself stays out: it may be a secret in the wrong place.
    DriverError::misconfigured(format!("driver_info/{key}: expected {expected}"))
}

fn one_of(info: &Map<String, Value>, key: &str, words: &[&str], or_nothing: bool) -> Result<(), DriverError> {
    let fine = match info.get(key) {
        None => true,
        Some(Value::Null) => or_nothing,
        Some(Value::String(word)) => words.contains(&word.as_str()) || (or_nothing && word.is_empty()),
        Some(_) => false,
    };
    if fine { Ok(()) } else { Err(wrong(key, &format!("one of {}", words.join(", ")))) }
}

/// A scheme and a host, or only a host: an IPv6 address may stand without brackets.
fn is_address(address: &str) -> bool {
    if address.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    let (scheme, rest) = address.split_once("://").unwrap_or(("https", address));
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let plain = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    scheme_ok && rest.chars().all(plain)
}

fn is_boolean(text: &str) -> bool {
    let word = text.trim().to_ascii_lowercase();
    matches!(word.as_str(), "t" | "true" | "on" | "y" | "yes" | "1" | "f" | "false" | "off" | "n" | "no" | "0")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What Ironic 39 says of the same.
    #[test]
    fn driver_info_is_judged_as_ironic_does() {
        let with = |more: Value| {
            let mut info = json!({"redfish_address": "127.0.0.1"});
            if let (Some(info), Value::Object(more)) = (info.as_object_mut(), more) {
                info.extend(more);
            }
            info
        };
        let cases = [
            (json!({}), false),
            (with(json!({})), true),
            (with(json!({"redfish_address": ""})), false),
            (with(json!({"redfish_address": "http://127.0.0.1:1/redfish/v1/"})), true),
            (with(json!({"redfish_address": "::1"})), true),
            (with(json!({"redfish_address": "[::1]:8000"})), true),
            (with(json!({"redfish_address": "a b"})), false),
            (with(json!({"redfish_address": 5})), false),
            (with(json!({"redfish_address": ["a"]})), false),
            (with(json!({"redfish_system_id": "x"})), true),
            (with(json!({"redfish_system_id": 5})), false),
            (with(json!({"redfish_verify_ca": "maybe"})), false),
            (with(json!({"redfish_verify_ca": "false"})), true),
            (with(json!({"redfish_verify_ca": 5})), false),
            (with(json!({"redfish_verify_ca": null})), false),
            (with(json!({"redfish_verify_ca": "/"})), true),
            (with(json!({"redfish_auth_type": "x"})), false),
            (with(json!({"redfish_auth_type": "basic"})), true),
            (with(json!({"redfish_auth_type": null})), false),
            (with(json!({"redfish_tls_minimum_version": "1.0"})), false),
            (with(json!({"redfish_tls_minimum_version": "1.2"})), true),
        ];
        for (info, right) in cases {
            assert_eq!(info.as_object().is_some_and(|map| check(map).is_ok()), right, "{info}");
        }
    }
}

//! What a person can do about what a BMC does: a row for each kind of trouble. Pure.

use crate::bmc::ipmi::{Credential, IpmiError};

/// The sentence that follows the error's own.
pub fn advice(error: &IpmiError) -> &'static str {
    use IpmiError as E;
    match error {
        E::BadCredentials { which: Credential::Username } => {
            "Correct driver_info/ipmi_username, or let this user in over the LAN channel."
        }
        E::BadCredentials { which: Credential::Password } => "Correct driver_info/ipmi_password.",
        E::BadCredentials { which: Credential::KgKey } => "Correct driver_info/ipmi_hex_kg_key.",
        E::BadCredentials { which: Credential::Privilege } => {
            "Give the user that privilege on the BMC, or ask for less with driver_info/ipmi_priv_level."
        }
        E::Unreachable { .. } => {
            "Check that the BMC has power and a network that reaches it from here, and driver_info/ipmi_address and \
             ipmi_port."
        }
        E::TimedOut { .. } => {
            "Look at the network to the BMC; if it keeps falling silent, reset it (ipmitool mc reset cold)."
        }
        E::SessionRefused { status } if is_full(*status) => {
            "Wait for the sessions of others to end, or reset the BMC (ipmitool mc reset cold)."
        }
        E::SessionRefused { .. } => "Name a cipher suite that the BMC has (3 or 17) in driver_info/ipmi_cipher_suite.",
        E::Refused { code: 0xc0 | 0xc3 | 0xc4 | 0xd2, .. } => "It may be starting up or busy: ask again in a minute.",
        E::Refused { code: 0xd4, .. } => "Give the user more privilege on the BMC, or set driver_info/ipmi_priv_level.",
        E::Refused { .. } => "Look into the BMC's own event log, and try the same by hand with ipmitool.",
        E::Unsupported(_) => "Do it by hand, or give the node an interface that does without.",
        E::Misconfigured(_) => "Correct the node's driver_info.",
        E::Garbled(_) => "Update the BMC's firmware, or reset it (ipmitool mc reset cold).",
        E::LeftAlone { .. } => "A client's command goes to it at once all the same.",
        E::NoRoom(_) => "Ask again when fewer BMCs are spoken to at once.",
        E::Stopping => "Ask again once the service runs.",
    }
}

/// RMCP+ statuses that say that there is no room for a session.
fn is_full(status: u8) -> bool {
    matches!(status, 0x01 | 0x0b)
}

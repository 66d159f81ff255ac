//! Hardware addresses of Ethernet cards, the one name that firmware, boot loader, agent and operator share for a machine.

use std::fmt;
use std::str::FromStr;

/// A 48-bit hardware address. Shown in lower case with colons, the form in which ports keep it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// The form that boot loaders use in file names: `52-54-00-aa-bb-01`.
    pub fn hyphens(&self) -> String {
        self.to_string().replace(':', "-")
    }

    /// The interface identifier that a card derives from its address (modified EUI-64, RFC 4291 appendix A): the lower
    /// half of its link-local IPv6 address.
    pub fn eui64(&self) -> [u8; 8] {
        let [a, b, c, d, e, f] = self.0;
        [a ^ 0x02, b, c, 0xff, 0xfe, d, e, f]
    }

    /// The inverse of [`Mac::eui64`]; `None` for an identifier that was not made from an address.
    pub fn from_eui64(id: [u8; 8]) -> Option<Mac> {
        let [a, b, c, 0xff, 0xfe, d, e, f] = id else { return None };
        Some(Mac([a ^ 0x02, b, c, d, e, f]))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not six hexadecimal pairs between colons or hyphens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a MAC address: six pairs of hexadecimal digits between colons are expected")]
pub struct NotAMac;

impl FromStr for Mac {
    type Err = NotAMac;

    /// Accepts either case, and colons or hyphens, but not a mixture of the two.
    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut pairs = text.split(separator);
        let mut mac = [0; 6];
        for byte in &mut mac {
            let pair = pairs.next().ok_or(NotAMac)?;
            // `from_str_radix` alone would take "+f".
            if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(NotAMac);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAMac)?;
        }
        if pairs.next().is_some() { Err(NotAMac) } else { Ok(Mac(mac)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_read_in_both_spellings_and_shown_in_one() {
        for text in ["52:54:00:AA:bb:01", "52-54-00-aa-BB-01"] {
            let mac = text.parse::<Mac>();
            assert_eq!(
                mac.map(|m| (m.to_string(), m.hyphens())),
                Ok(("52:54:00:aa:bb:01".to_owned(), "52-54-00-aa-bb-01".to_owned()))
            );
        }
        for text in ["", "52:54", "52:54:00:aa:bb:01:02", "52:54:00:aa:bb:+1", "52:54-00:aa:bb:01", "5:254:00:aa:bb:01"]
        {
            assert_eq!(text.parse::<Mac>(), Err(NotAMac), "{text:?}");
        }
    }

    #[test]
    fn an_interface_identifier_gives_the_mac_back() {
        let mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x10]);
        assert_eq!(mac.eui64(), [0x50, 0x54, 0, 0xff, 0xfe, 0x77, 0, 0x10]);
        assert_eq!(Mac::from_eui64(mac.eui64()), Some(mac));
        assert_eq!(Mac::from_eui64([0; 8]), None);
    }
}

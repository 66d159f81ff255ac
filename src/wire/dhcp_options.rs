//! DHCP options as they are on the wire: read raw, joined, and written in the order that boot ROMs expect.
//!
//! Options are a list of (code, bytes) and nothing is interpreted while walking, so that one malformed option never
//! hides those after it: a client with a host name in Latin-1 still gets its boot file. A repeated code is one long
//! option (RFC 3396), and the header's `file` and `sname` fields may hold more of them (option 52, RFC 2132 9.3).
//! Interpretation happens in the accessors, each of which answers `None` for what it cannot read.
//! Deliberately absent: any type per option. The server needs a dozen of 254 and echoes four of those untouched.

use std::net::Ipv4Addr;

/// Option codes (RFC 2132 unless noted).
pub mod code {
    pub const SUBNET_MASK: u8 = 1;
    pub const ROUTERS: u8 = 3;
    pub const NAME_SERVERS: u8 = 6;
    pub const HOST_NAME: u8 = 12;
    pub const REQUESTED_ADDRESS: u8 = 50;
    pub const LEASE_SECS: u8 = 51;
    pub const OVERLOAD: u8 = 52;
    pub const MESSAGE_TYPE: u8 = 53;
    pub const SERVER_ID: u8 = 54;
    pub const PARAMETER_LIST: u8 = 55;
    pub const MESSAGE: u8 = 56;
    /// Longest message that the client takes, with its IP and UDP headers.
    pub const MOST_BYTES: u8 = 57;
    pub const RENEW_SECS: u8 = 58;
    pub const REBIND_SECS: u8 = 59;
    pub const VENDOR_CLASS: u8 = 60;
    pub const CLIENT_ID: u8 = 61;
    pub const TFTP_SERVER: u8 = 66;
    pub const BOOT_FILE: u8 = 67;
    /// User class, RFC 3004.
    pub const USER_CLASS: u8 = 77;
    /// Relay agent information, RFC 3046.
    pub const RELAY_AGENT: u8 = 82;
    /// Client system architecture, RFC 4578.
    pub const ARCHITECTURES: u8 = 93;
    /// Client machine identifier, RFC 4578.
    pub const MACHINE_ID: u8 = 97;
    /// iPXE's own space of sub-options.
    pub const IPXE: u8 = 175;
}
const PAD: u8 = 0;
const END: u8 = 255;
/// iPXE's sub-option "do not wait for a proxy DHCP server" (`no-pxedhcp`).
pub const IPXE_NO_PROXY_DHCP: u8 = 176;

/// The options of one message, in the order of their first appearance, each code once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(Vec<(u8, Vec<u8>)>);

impl Options {
    /// Reads the option areas of a message: `options` is what follows the magic cookie, `file` and `sname` are the header
    /// fields that option 52 may turn into more room (in this order, RFC 3396 section 5).
    pub fn read(options: &[u8], file: &[u8], sname: &[u8]) -> Options {
        let mut all = Options::default();
        all.walk(options);
        // An overload inside `file` or `sname` means nothing, so the value is taken before they are walked.
        let overload = all.get(code::OVERLOAD).and_then(|v| v.first().copied()).unwrap_or(0);
        if overload & 1 != 0 {
            all.walk(file);
        }
        if overload & 2 != 0 {
            all.walk(sname);
        }
        all
    }

    /// One area. A truncated last option ends the walk: what was read before it stays good.
    fn walk(&mut self, area: &[u8]) {
        let mut rest = area;
        while let Some((&code, after)) = rest.split_first() {
            match code {
                PAD => rest = after,
                END => return,
                _ => {
                    let Some((&len, after)) = after.split_first() else { return };
                    let Some((value, after)) = after.split_at_checked(usize::from(len)) else { return };
                    self.extend(code, value);
                    rest = after;
                }
            }
        }
    }

    fn extend(&mut self, code: u8, value: &[u8]) {
        match self.0.iter_mut().find(|(known, _)| *known == code) {
            Some((_, joined)) => joined.extend_from_slice(value),
            None => self.0.push((code, value.to_vec())),
        }
    }

    /// Sets an option, replacing an earlier value.
    pub fn set(&mut self, code: u8, value: impl Into<Vec<u8>>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == code) {
            Some(slot) => slot.1 = value,
            None => self.0.push((code, value)),
        }
    }

    /// Takes an option away.
    pub fn remove(&mut self, code: u8) {
        self.0.retain(|(known, _)| *known != code);
    }

    /// The raw bytes of an option.
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == code).map(|(_, value)| value.as_slice())
    }

    /// Whether the option was sent, whatever it holds.
    pub fn has(&self, code: u8) -> bool {
        self.get(code).is_some()
    }

    /// An option that is one byte.
    pub fn byte(&self, code: u8) -> Option<u8> {
        if let Some([byte]) = self.get(code) { Some(*byte) } else { None }
    }

    /// An option that is one IPv4 address.
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        self.get(code).and_then(|v| <[u8; 4]>::try_from(v).ok()).map(Ipv4Addr::from)
    }

    /// An option that is a number of seconds.
    pub fn secs(&self, code: u8) -> Option<u32> {
        self.get(code).and_then(|v| v.try_into().ok()).map(u32::from_be_bytes)
    }

    /// An option that is a number of two bytes.
    pub fn number(&self, code: u8) -> Option<u16> {
        self.get(code).and_then(|v| v.try_into().ok()).map(u16::from_be_bytes)
    }

    /// The architectures that the client can boot, most wanted first (option 93 is a list).
    pub fn architectures(&self) -> Vec<u16> {
        let raw = self.get(code::ARCHITECTURES).unwrap_or_default();
        raw.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
    }

    /// Whether option 77 names `class`, either as an item of its list (RFC 3004) or as the bare text that iPXE sends.
    pub fn user_class_is(&self, class: &[u8]) -> bool {
        let Some(raw) = self.get(code::USER_CLASS) else { return false };
        if raw == class {
            return true;
        }
        let mut rest = raw;
        while let Some((&len, after)) = rest.split_first() {
            let Some((item, after)) = after.split_at_checked(usize::from(len)) else { return false };
            if item == class {
                return true;
            }
            rest = after;
        }
        false
    }

    /// A sub-option of option 175.
    pub fn ipxe(&self, sub: u8) -> Option<Vec<u8>> {
        let mut inner = Options::default();
        inner.walk(self.get(code::IPXE)?);
        inner.get(sub).map(<[u8]>::to_vec)
    }

    /// Whether the client listed `code` among those that it wants (option 55).
    pub fn wants(&self, code: u8) -> bool {
        self.get(code::PARAMETER_LIST).is_some_and(|list| list.contains(&code))
    }

    /// Appends the options to `out`: the message type first, because some boot ROMs look no further, the relay's own option
    /// last (RFC 3046 2.1), long values split into several of the same code (RFC 3396), and the end mark.
    pub fn write(&self, out: &mut Vec<u8>) {
        let rank = |code: u8| match code {
            code::MESSAGE_TYPE => 0,
            code::RELAY_AGENT => 2,
            _ => 1,
        };
        let mut ordered: Vec<_> = self.0.iter().collect();
        ordered.sort_by_key(|(code, _)| rank(*code));
        for (code, value) in ordered {
            if value.is_empty() {
                out.extend([*code, 0]);
            }
            for part in value.chunks(255) {
                // A chunk of at most 255 bytes always has a length that fits.
                out.extend([*code, part.len() as u8]);
                out.extend_from_slice(part);
            }
        }
        out.push(END);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_option_does_not_hide_those_after_it() {
        // A host name that is no UTF-8, an option 57 of one byte, an empty option 93.
        let raw = [12, 2, 0xff, 0xfe, 57, 1, 9, 93, 0, 53, 1, 1, 255, 60, 1, b'x'];
        let options = Options::read(&raw, &[], &[]);
        assert_eq!(options.get(12), Some(&[0xff, 0xfe][..]));
        assert_eq!(options.byte(code::MESSAGE_TYPE), Some(1));
        assert!(options.architectures().is_empty());
        assert!(!options.has(60), "nothing is read after the end mark");
    }

    #[test]
    fn a_truncated_option_keeps_what_came_before() {
        let options = Options::read(&[53, 1, 3, 97, 17, 0, 1], &[], &[]);
        assert_eq!((options.byte(53), options.has(97)), (Some(3), false));
        assert_eq!(Options::read(&[53], &[], &[]), Options::default());
    }

    #[test]
    fn overload_reads_file_before_sname_and_joins_what_was_split() {
        let options = Options::read(&[52, 1, 3, 43, 1, 1], &[43, 1, 2, 52, 1, 0, 255], &[0, 43, 1, 3]);
        assert_eq!(options.get(43), Some(&[1, 2, 3][..]));
        let unused = Options::read(&[53, 1, 1], &[60, 1, b'x'], &[61, 1, b'y']);
        assert!(!unused.has(60) && !unused.has(61), "without option 52 these fields are text");
    }

    #[test]
    fn architectures_are_a_list_and_user_classes_come_in_two_spellings() {
        let mut options = Options::default();
        options.set(code::ARCHITECTURES, [0, 7, 0, 9, 0, 16, 3]);
        assert_eq!(options.architectures(), [7, 9, 16], "an odd last byte is dropped");
        for raw in [&b"iPXE"[..], b"\x04iPXE", b"\x03foo\x04iPXE"] {
            options.set(code::USER_CLASS, raw);
            assert!(options.user_class_is(b"iPXE"), "{raw:?}");
        }
        for raw in [&b"iPXE2"[..], b"\x05iPXE", b"", b"\xff"] {
            options.set(code::USER_CLASS, raw);
            assert!(!options.user_class_is(b"iPXE"), "{raw:?}");
        }
    }

    #[test]
    fn sub_options_of_175_are_read_on_their_own() {
        let mut options = Options::default();
        options.set(code::IPXE, [IPXE_NO_PROXY_DHCP, 1, 1, 19, 1]);
        assert_eq!(options.ipxe(IPXE_NO_PROXY_DHCP), Some(vec![1]));
        assert_eq!(options.ipxe(19), None);
    }

    #[test]
    fn the_type_is_written_first_the_relay_last_and_long_values_in_parts() {
        let mut options = Options::default();
        options.set(code::RELAY_AGENT, [1, 1, 7]);
        options.set(43, vec![9; 300]);
        options.set(code::MESSAGE_TYPE, [2]);
        let mut out = Vec::new();
        options.write(&mut out);
        assert_eq!(out[..5], [53, 1, 2, 43, 255]);
        assert_eq!(out[3 + 257..][..2], [43, 45]);
        assert_eq!(out[out.len() - 6..], [82, 3, 1, 1, 7, 255]);
        assert_eq!(Options::read(&out, &[], &[]).get(43).map(<[u8]>::len), Some(300));
    }
}

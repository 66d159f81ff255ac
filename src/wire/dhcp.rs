//! A BOOTP/DHCP message (RFC 951, RFC 2131): the fixed header, and [`Options`] behind the magic cookie.
//!
//! Decoding refuses only what cannot be a DHCP message or what would lie about its own size; everything else is kept for
//! the server to judge. The `hlen` field in particular says how much of a 16-byte array is the hardware address, so a
//! larger value ends here and nowhere later.

use std::net::Ipv4Addr;

use super::dhcp_options::{Options, code};
use super::mac::Mac;

/// Bytes of the fixed header, up to the magic cookie.
const HEADER_BYTES: usize = 236;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Old boot ROMs and relays drop shorter messages (RFC 951 section 3; RFC 1542 2.1).
const LEAST_BYTES: usize = 300;
/// Size of the `file` field, whose last byte ends the text.
const FILE_BYTES: usize = 128;
/// The broadcast bit of `flags` (RFC 2131 section 2).
pub const BROADCAST: u16 = 0x8000;

/// The `op` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Request,
    Reply,
}

/// The value of option 53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Ack = 5,
    Nak = 6,
    Release = 7,
    Inform = 8,
}

impl MessageType {
    fn from_byte(byte: u8) -> Option<Self> {
        use MessageType::*;
        [Discover, Offer, Request, Decline, Ack, Nak, Release, Inform].into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A message of either direction. Field names are RFC 2131's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub op: Op,
    pub htype: u8,
    /// At most 16.
    pub hlen: u8,
    pub hops: u8,
    pub xid: u32,
    pub secs: u16,
    pub flags: u16,
    pub ciaddr: Ipv4Addr,
    pub yiaddr: Ipv4Addr,
    pub siaddr: Ipv4Addr,
    pub giaddr: Ipv4Addr,
    pub chaddr: [u8; 16],
    /// The boot file name of the header, without its padding; at most 127 bytes are written.
    pub file: Vec<u8>,
    pub options: Options,
}

/// Why bytes are not a DHCP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    #[error("shorter than a BOOTP header")]
    Short,
    #[error("neither a request nor a reply")]
    Op,
    #[error("a hardware address longer than its field")]
    HardwareAddress,
    #[error("no DHCP magic cookie")]
    Cookie,
}

impl Message {
    /// An empty Ethernet message with a fresh option list.
    pub fn new(op: Op, xid: u32, mac: Mac) -> Self {
        let mut chaddr = [0; 16];
        chaddr[..6].copy_from_slice(&mac.0);
        let none = Ipv4Addr::UNSPECIFIED;
        Message {
            op,
            htype: 1,
            hlen: 6,
            hops: 0,
            xid,
            secs: 0,
            flags: 0,
            ciaddr: none,
            yiaddr: none,
            siaddr: none,
            giaddr: none,
            chaddr,
            file: Vec::new(),
            options: Options::default(),
        }
    }

    /// Reads a datagram.
    pub fn decode(bytes: &[u8]) -> Result<Message, Malformed> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Malformed::Short)?;
        let op = match header[0] {
            1 => Op::Request,
            2 => Op::Reply,
            _ => return Err(Malformed::Op),
        };
        let mut chaddr = [0; 16];
        chaddr.copy_from_slice(&header[28..44]);
        if usize::from(header[2]) > chaddr.len() {
            return Err(Malformed::HardwareAddress);
        }
        let options = rest.strip_prefix(&COOKIE).ok_or(Malformed::Cookie)?;
        let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
        let (sname, file) = (&header[44..108], &header[108..236]);
        let options = Options::read(options, file, sname);
        let overloaded = options.byte(code::OVERLOAD).is_some_and(|v| v & 1 != 0);
        let text = file.split(|b| *b == 0).next().unwrap_or_default();
        Ok(Message {
            op,
            htype: header[1],
            hlen: header[2],
            hops: header[3],
            xid: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
            secs: u16::from_be_bytes([header[8], header[9]]),
            flags: u16::from_be_bytes([header[10], header[11]]),
            ciaddr: address(12),
            yiaddr: address(16),
            siaddr: address(20),
            giaddr: address(24),
            chaddr,
            file: if overloaded { Vec::new() } else { text.to_vec() },
            options,
        })
    }

    /// Writes a datagram, padded to the 300 bytes that old clients expect. A `file` too long for the header is left out of
    /// it: the sender puts it in option 67 as well.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.extend([if self.op == Op::Request { 1 } else { 2 }, self.htype, self.hlen, self.hops]);
        out.extend(self.xid.to_be_bytes());
        out.extend(self.secs.to_be_bytes());
        out.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            out.extend(address.octets());
        }
        out.extend(self.chaddr);
        out.resize(HEADER_BYTES - FILE_BYTES, 0);
        if self.file.len() < FILE_BYTES {
            out.extend_from_slice(&self.file);
        }
        out.resize(HEADER_BYTES, 0);
        out.extend(COOKIE);
        self.options.write(&mut out);
        if out.len() < LEAST_BYTES {
            out.resize(LEAST_BYTES, 0);
        }
        out
    }

    /// The message type, if it is one of RFC 2131's.
    pub fn kind(&self) -> Option<MessageType> {
        self.options.byte(code::MESSAGE_TYPE).and_then(MessageType::from_byte)
    }

    /// The client's hardware address, if it is an Ethernet-like one.
    pub fn mac(&self) -> Option<Mac> {
        let (mac, _) = self.chaddr.split_first_chunk::<6>()?;
        (self.hlen == 6).then_some(Mac(*mac))
    }

    /// Whether the client cannot receive unicast before it has an address.
    pub fn wants_broadcast(&self) -> bool {
        self.flags & BROADCAST != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_wire() {
        let mut sent = Message::new(Op::Reply, 0xdead_beef, Mac([2, 0, 0, 0, 0, 7]));
        sent.flags = BROADCAST;
        sent.yiaddr = Ipv4Addr::new(10, 77, 0, 100);
        sent.file = b"undionly.kpxe".to_vec();
        sent.options.set(code::MESSAGE_TYPE, [MessageType::Offer as u8]);
        let bytes = sent.encode();
        assert_eq!(bytes.len(), LEAST_BYTES);
        assert_eq!(Message::decode(&bytes), Ok(sent));
    }

    #[test]
    fn what_cannot_be_dhcp_is_refused_with_its_reason() {
        let good = Message::new(Op::Request, 1, Mac([2, 0, 0, 0, 0, 7])).encode();
        assert_eq!(Message::decode(&good[..235]), Err(Malformed::Short));
        for (at, value, why) in [
            (0, 3, Malformed::Op),
            (2, 17, Malformed::HardwareAddress),
            (2, 255, Malformed::HardwareAddress),
            (236, 0, Malformed::Cookie),
        ] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(Message::decode(&bad), Err(why));
        }
        assert_eq!(Message::decode(&good[..236]), Err(Malformed::Cookie));
        assert!(Message::decode(&good[..240]).is_ok(), "a header and a cookie are enough");
    }
}

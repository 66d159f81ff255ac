//! RMCP, the UDP protocol of BMCs (port 623): its header, the ASF presence ping, and the IPMI session packets inside.
//!
//! Sources: ASF 2.0 (DSP0136) section 3.2 for RMCP and ping; IPMI 2.0 revision 1.1 chapter 13 for everything else.
//! Layers, outside in: [`Packet`] (RMCP) → [`session`] (who speaks, sealed or not) → [`rakp`] (opening a session) or
//! [`ipmb`] (a command or its answer). [`suite`] holds the cryptography.
//! Deliberately absent: RMCP acknowledgements and the secure RMCP port 664, which no BMC of the last fifteen years
//! uses; serial-over-LAN payloads; and any cipher suite below 3 (without encryption or integrity).

pub mod ipmb;
pub mod rakp;
pub mod session;
pub mod suite;

/// The UDP port of RMCP.
pub const PORT: u16 = 623;

/// No IPMI datagram is longer: 2.0 payloads carry at most 255 bytes of message, plus headers, padding and codes.
pub const MAX_DATAGRAM_BYTES: usize = 1024;

const VERSION: u8 = 0x06;
/// Sequence number that says "do not acknowledge", the only one that IPMI uses.
const NO_ACK: u8 = 0xff;
const CLASS_ASF: u8 = 0x06;
const CLASS_IPMI: u8 = 0x07;
/// IANA enterprise number of ASF.
const ASF_IANA: u32 = 4542;
const ASF_PING: u8 = 0x80;
const ASF_PONG: u8 = 0x40;

/// Why bytes are not what they should be. For logs and counters; a peer never learns of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the packet ends in the middle of its {0}")]
    Short(&'static str),
    #[error("the packet is no {0}")]
    Not(&'static str),
    #[error("the {0} does not match its contents")]
    Checksum(&'static str),
    #[error("the authentication code does not match")]
    Forged,
    #[error("the payload is not encrypted or not authenticated, though the session is")]
    Unprotected,
}

/// What an RMCP datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// ASF presence ping; the tag comes back in the pong.
    Ping { tag: u8 },
    /// ASF presence pong.
    Pong { tag: u8, ipmi: bool },
    /// An IPMI session packet, see [`session`].
    Ipmi(&'a [u8]),
}

impl<'a> Packet<'a> {
    /// Reads a datagram.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&[version, _, _, class], rest) =
            bytes.split_first_chunk::<4>().ok_or(DecodeError::Short("RMCP header"))?;
        // The upper half is reserved; some BMCs leave it dirty.
        if version & 0x0f != VERSION {
            return Err(DecodeError::Not("RMCP version 1.0 datagram"));
        }
        match class & 0x1f {
            CLASS_IPMI => Ok(Packet::Ipmi(rest)),
            CLASS_ASF => Self::decode_asf(rest),
            _ => Err(DecodeError::Not("IPMI or ASF message")),
        }
    }

    fn decode_asf(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&[a, b, c, d, kind, tag, _, len], data) =
            bytes.split_first_chunk::<8>().ok_or(DecodeError::Short("ASF header"))?;
        if u32::from_be_bytes([a, b, c, d]) != ASF_IANA {
            return Err(DecodeError::Not("ASF message"));
        }
        match kind {
            ASF_PING => Ok(Packet::Ping { tag }),
            ASF_PONG => {
                let data = data.get(..usize::from(len)).ok_or(DecodeError::Short("ASF pong"))?;
                // Byte 8 holds the supported entities, bit 7 of it IPMI.
                let entities = data.get(8).ok_or(DecodeError::Short("ASF pong"))?;
                Ok(Packet::Pong { tag, ipmi: entities & 0x80 != 0 })
            }
            _ => Err(DecodeError::Not("ASF ping or pong")),
        }
    }

    /// Writes the datagram.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Packet::Ipmi(inner) => {
                let mut out = Vec::with_capacity(4 + inner.len());
                out.extend_from_slice(&IPMI_HEADER);
                out.extend_from_slice(inner);
                out
            }
            Packet::Ping { tag } => asf(ASF_PING, tag, &[]),
            Packet::Pong { tag, ipmi } => {
                let mut data = [0; 16];
                data[..4].copy_from_slice(&ASF_IANA.to_be_bytes());
                data[8] = if ipmi { 0x81 } else { 0x01 };
                asf(ASF_PONG, tag, &data)
            }
        }
    }
}

/// The four bytes before every IPMI session packet.
const IPMI_HEADER: [u8; 4] = [VERSION, 0, NO_ACK, CLASS_IPMI];

fn asf(kind: u8, tag: u8, data: &[u8]) -> Vec<u8> {
    let mut out = vec![VERSION, 0, NO_ACK, CLASS_ASF];
    out.extend_from_slice(&ASF_IANA.to_be_bytes());
    out.extend_from_slice(&[kind, tag, 0, data.len() as u8]);
    out.extend_from_slice(data);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_and_its_pong_survive_the_wire() {
        for packet in [Packet::Ping { tag: 9 }, Packet::Pong { tag: 9, ipmi: true }, Packet::Ipmi(b"inner")] {
            assert_eq!(Packet::decode(&packet.encode()), Ok(packet));
        }
        // The example ping of the ASF specification's figure: header, enterprise number, type 80h.
        assert_eq!(Packet::Ping { tag: 0 }.encode(), [6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x80, 0, 0, 0]);
    }
}

//! The session packet: who speaks, in which session, and whether the payload is sealed (IPMI 2.0 figures 13-5 and 13-8).
//!
//! Two formats share the port. The 1.5 one is used, without authentication, for the question that precedes every
//! session (Get Channel Authentication Capabilities); the 2.0 one for everything else. Sealed means encrypted *and*
//! authenticated: [`Frame::open`] refuses less, so a peer cannot talk a session down to clear text.

use super::DecodeError;
use super::suite::Keys;

const AUTH_NONE: u8 = 0x00;
/// The authentication type that says "this is the 2.0 format".
const AUTH_RMCPP: u8 = 0x06;
const ENCRYPTED: u8 = 0x80;
const AUTHENTICATED: u8 = 0x40;
/// The byte before each packet's code; a constant by the book.
const NEXT_HEADER: u8 = 0x07;

/// What the payload of a 2.0 packet is (table 13-16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadType {
    Ipmi,
    OpenRequest,
    OpenResponse,
    Rakp1,
    Rakp2,
    Rakp3,
    Rakp4,
}

impl PayloadType {
    const ALL: [(u8, PayloadType); 7] = [
        (0x00, PayloadType::Ipmi),
        (0x10, PayloadType::OpenRequest),
        (0x11, PayloadType::OpenResponse),
        (0x12, PayloadType::Rakp1),
        (0x13, PayloadType::Rakp2),
        (0x14, PayloadType::Rakp3),
        (0x15, PayloadType::Rakp4),
    ];

    fn number(self) -> u8 {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or(0, |(number, _)| *number)
    }

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().find(|(n, _)| *n == number).map(|(_, kind)| *kind)
    }
}

/// A session packet as it arrived; nothing in it is trusted yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The 1.5 format without authentication.
    Legacy { session_id: u32, seq: u32, payload: &'a [u8] },
    /// The 2.0 format.
    Modern(Modern<'a>),
}

/// A 2.0 packet as it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modern<'a> {
    pub kind: PayloadType,
    pub encrypted: bool,
    pub authenticated: bool,
    /// The receiver's number of the session; 0 outside of one.
    pub session_id: u32,
    pub seq: u32,
    /// Still encrypted if `encrypted`.
    pub payload: &'a [u8],
    /// All from the authentication type to the end, and where the payload ends in it.
    whole: &'a [u8],
    payload_end: usize,
}

impl<'a> Frame<'a> {
    /// Reads what follows the RMCP header.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match bytes.first() {
            Some(&AUTH_NONE) => Self::decode_legacy(bytes),
            Some(&AUTH_RMCPP) => Self::decode_modern(bytes).map(Frame::Modern),
            Some(_) => Err(DecodeError::Not("session packet without 1.5 authentication")),
            None => Err(DecodeError::Short("session header")),
        }
    }

    fn decode_legacy(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (&[_, s0, s1, s2, s3, i0, i1, i2, i3, len], rest) =
            bytes.split_first_chunk::<10>().ok_or(DecodeError::Short("session header"))?;
        let payload = rest.get(..usize::from(len)).ok_or(DecodeError::Short("payload"))?;
        let seq = u32::from_le_bytes([s0, s1, s2, s3]);
        Ok(Frame::Legacy { session_id: u32::from_le_bytes([i0, i1, i2, i3]), seq, payload })
    }

    fn decode_modern(bytes: &'a [u8]) -> Result<Modern<'a>, DecodeError> {
        let (&[_, kind, i0, i1, i2, i3, s0, s1, s2, s3, l0, l1], rest) =
            bytes.split_first_chunk::<12>().ok_or(DecodeError::Short("session header"))?;
        let len = usize::from(u16::from_le_bytes([l0, l1]));
        let payload = rest.get(..len).ok_or(DecodeError::Short("payload"))?;
        Ok(Modern {
            kind: PayloadType::from_number(kind & 0x3f).ok_or(DecodeError::Not("payload that we know"))?,
            encrypted: kind & ENCRYPTED != 0,
            authenticated: kind & AUTHENTICATED != 0,
            session_id: u32::from_le_bytes([i0, i1, i2, i3]),
            seq: u32::from_le_bytes([s0, s1, s2, s3]),
            payload,
            whole: bytes,
            payload_end: 12 + len,
        })
    }
}

impl Modern<'_> {
    /// Verifies the packet's code, then decrypts. Errors: the packet is not sealed, or not by the holder of `keys`.
    pub fn open(&self, keys: &Keys) -> Result<Vec<u8>, DecodeError> {
        if !self.encrypted || !self.authenticated {
            return Err(DecodeError::Unprotected);
        }
        let code_at = self
            .whole
            .len()
            .checked_sub(keys.suite.integrity_code_bytes())
            // Between payload and code lie at least the pad length and the next-header byte.
            .filter(|at| *at >= self.payload_end + 2)
            .ok_or(DecodeError::Short("integrity trailer"))?;
        let (signed, code) = self.whole.split_at(code_at);
        if !keys.packet_code(signed).matches(code) {
            return Err(DecodeError::Forged);
        }
        keys.decrypt(self.payload)
    }
}

/// A 1.5 packet outside any session.
pub fn encode_legacy(payload: &[u8]) -> Vec<u8> {
    let mut out = vec![AUTH_NONE, 0, 0, 0, 0, 0, 0, 0, 0, payload.len() as u8];
    out.extend_from_slice(payload);
    out
}

/// A 2.0 packet in clear, outside any session: what the opening of one is made of.
pub fn encode_plain(kind: PayloadType, payload: &[u8]) -> Vec<u8> {
    let mut out = header(kind.number(), 0, 0, payload.len());
    out.extend_from_slice(payload);
    out
}

/// A sealed packet with an IPMI message; `iv` must be fresh and random.
pub fn seal(keys: &Keys, iv: [u8; 16], session_id: u32, seq: u32, message: &[u8]) -> Vec<u8> {
    let payload = keys.encrypt(message, iv);
    let mut out = header(PayloadType::Ipmi.number() | ENCRYPTED | AUTHENTICATED, session_id, seq, payload.len());
    out.extend_from_slice(&payload);
    // Pad so that everything under the code, with pad length and next header, is a multiple of four.
    let pad = (4 - (out.len() + 2) % 4) % 4;
    out.extend(std::iter::repeat_n(0xff, pad));
    out.extend_from_slice(&[pad as u8, NEXT_HEADER]);
    let code = keys.packet_code(&out);
    out.extend_from_slice(code.as_bytes());
    out
}

fn header(kind: u8, session_id: u32, seq: u32, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(12 + len + 24);
    out.extend_from_slice(&[AUTH_RMCPP, kind]);
    out.extend_from_slice(&session_id.to_le_bytes());
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&(len as u16).to_le_bytes());
    out
}

/// Which sequence numbers of a session were seen already (section 6.12.14).
///
/// A packet is new if it is ahead of the highest seen, or behind it by less than the window and not seen. Jumps ahead
/// are taken whatever their size, because the packet is authenticated by then and the ones between may all be lost.
#[derive(Clone, Debug, Default)]
pub struct Window {
    highest: u32,
    /// Bit n: `highest - n` was seen.
    seen: u32,
}

impl Window {
    /// Whether `seq` is new; marks it as seen. 0 is never valid inside a session.
    pub fn accept(&mut self, seq: u32) -> bool {
        let ahead = seq.wrapping_sub(self.highest);
        let behind = self.highest.wrapping_sub(seq);
        if seq == 0 {
            false
        } else if self.seen == 0 || (ahead != 0 && ahead < u32::MAX / 2) {
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = seq;
            true
        } else if behind < 32 && self.seen & (1 << behind) == 0 {
            self.seen |= 1 << behind;
            true
        } else {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::Suite;
    use super::*;

    fn keys(suite: Suite) -> Keys {
        Keys::derive(suite, suite.hmac(b"k", &[b"t"]))
    }

    #[test]
    fn a_sealed_packet_opens_with_its_keys_and_no_others() {
        for suite in [Suite::Three, Suite::Seventeen] {
            for len in 0..40usize {
                let message = vec![0x5a; len];
                let packet = seal(&keys(suite), [3; 16], 0x01020304, 7, &message);
                assert_eq!((packet.len() - suite.integrity_code_bytes()) % 4, 0);
                let Ok(Frame::Modern(frame)) = Frame::decode(&packet) else { panic!("not a 2.0 packet") };
                assert_eq!((frame.session_id, frame.seq), (0x01020304, 7));
                assert_eq!(frame.open(&keys(suite)), Ok(message));
                let others = Keys::derive(suite, suite.hmac(b"other", &[]));
                assert_eq!(frame.open(&others), Err(DecodeError::Forged));
            }
        }
    }

    #[test]
    fn a_clear_packet_does_not_open_inside_a_session() {
        let packet = encode_plain(PayloadType::Ipmi, b"pretend");
        let Ok(Frame::Modern(frame)) = Frame::decode(&packet) else { panic!("not a 2.0 packet") };
        assert_eq!(frame.open(&keys(Suite::Three)), Err(DecodeError::Unprotected));
    }

    #[test]
    fn a_sequence_number_is_taken_once_and_only_near_the_highest() {
        let mut window = Window::default();
        assert!(window.accept(100) && window.accept(102) && window.accept(101));
        assert!(!window.accept(101) && !window.accept(102) && !window.accept(0) && !window.accept(60));
        assert!(window.accept(5000) && !window.accept(5000) && window.accept(4990));
        // Numbers wrap around, skipping zero.
        let mut window = Window::default();
        assert!(window.accept(u32::MAX) && window.accept(1) && !window.accept(u32::MAX));
    }
}

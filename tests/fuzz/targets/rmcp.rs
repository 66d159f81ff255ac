//! RMCP+: every layer of a packet that a BMC, or somebody who speaks for it, may send.
//!
//! Oracles: what is read and written again reads the same; a sealed message opens to what was sealed, and with one bit changed it
//! does not open; a sequence number is taken once.

use bessemer::wire::rmcp::Packet;
use bessemer::wire::rmcp::ipmb::IpmbMessage;
use bessemer::wire::rmcp::rakp::{OpenRequest, OpenResponse, Proof, Rakp1, Rakp2, Status};
use bessemer::wire::rmcp::session::{Frame, Window, seal};
use bessemer::wire::rmcp::suite::{Keys, Suite};

/// The keys that the seeds are sealed with.
pub fn keys(suite: Suite) -> Keys {
    Keys::derive(suite, suite.hmac(b"fuzz", &[]))
}

pub fn run(data: &[u8]) {
    let data = data.get(..1024).unwrap_or(data);
    payloads(data);
    sealed(data);
    window(data);
    let inner = match Packet::decode(data) {
        Ok(Packet::Ipmi(inner)) => inner,
        Ok(other) => return assert_eq!(Packet::decode(&other.encode()), Ok(other)),
        Err(_) => return,
    };
    match Frame::decode(inner) {
        Ok(Frame::Legacy { payload, .. }) => payloads(payload),
        Ok(Frame::Modern(frame)) => {
            payloads(frame.payload);
            for suite in [Suite::Three, Suite::Seventeen] {
                if let Ok(message) = frame.open(&keys(suite)) {
                    assert!(frame.encrypted && frame.authenticated && message.len() <= frame.payload.len());
                    payloads(&message);
                }
            }
        }
        Err(_) => {}
    }
}

/// The bytes as each thing that may stand inside.
fn payloads(bytes: &[u8]) {
    if let Ok(message) = IpmbMessage::decode(bytes) {
        assert_eq!(message.encode(), bytes, "its checksums were right, so nothing is left to choose");
        let inner = message.unbridged();
        let answer = message.answer(0, b"data");
        // The netfn of an answer is odd; a request that claims to be one has no answer.
        assert!(message.netfn % 2 == 1 || message.is_answered_by(&answer));
        let wrapped = message.bridged(7, 0x20);
        assert_eq!(IpmbMessage::decode(&wrapped.encode()), Ok(wrapped));
        drop(inner);
    }
    if let Ok(read) = OpenRequest::decode(bytes) {
        assert_eq!(OpenRequest::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = OpenResponse::decode(bytes) {
        assert_eq!(OpenResponse::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = Rakp1::decode(bytes) {
        assert!(read.name.len() <= 16);
        assert_eq!(Rakp1::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = Rakp2::decode(bytes) {
        assert!(read.code.len() <= 32);
        assert_eq!(Rakp2::decode(&read.encode()), Ok(read));
    }
    if let Ok(read) = Proof::decode(bytes) {
        assert!(read.code.len() <= 32);
        // A refusal is written without the proof that it does not have.
        let written = if read.status == Status::OK { read } else { Proof { code: vec![], ..read } };
        assert_eq!(Proof::decode(&written.encode()), Ok(written));
    }
    for suite in [Suite::Three, Suite::Seventeen] {
        let _ = keys(suite).decrypt(bytes);
    }
}

fn sealed(data: &[u8]) {
    let Some((&at, message)) = data.split_first() else { return };
    let message = message.get(..255).unwrap_or(message);
    for suite in [Suite::Three, Suite::Seventeen] {
        let mut packet = seal(&keys(suite), [at; 16], 0x0102_0304, 9, message);
        assert_eq!(opened(&packet, suite).as_deref(), Some(message));
        let place = usize::from(at) * packet.len() / 256;
        packet[place] ^= 1 << (at % 8);
        assert_eq!(opened(&packet, suite), None, "a changed packet was believed");
    }
}

fn opened(packet: &[u8], suite: Suite) -> Option<Vec<u8>> {
    match Frame::decode(packet) {
        Ok(Frame::Modern(frame)) => frame.open(&keys(suite)).ok(),
        _ => None,
    }
}

/// Numbers near each other, so that they meet: none is taken twice, and a new one ahead always is.
fn window(data: &[u8]) {
    let (mut window, mut taken, mut seq, mut highest) = (Window::default(), vec![], 1_000_000_u32, None);
    for byte in data.iter().take(64) {
        seq = seq.wrapping_add(u32::from(*byte % 64)).wrapping_sub(24);
        let accepted = window.accept(seq);
        assert!(!accepted || (seq != 0 && !taken.contains(&seq)), "{seq} was taken twice");
        assert!(accepted || seq == 0 || highest.is_some_and(|highest| seq <= highest), "{seq} is new");
        if accepted {
            taken.push(seq);
            highest = highest.max(Some(seq));
        }
    }
}

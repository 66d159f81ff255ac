//! TFTP: a request in, the terms that it gets, and whether its name may lead anywhere. Bytes that do not begin as a packet does are
//! what a client does during a transfer instead ([`super::tftp_transfer`]).
//!
//! Oracles: terms are within their bounds and never more than was asked for; what is granted reads back as it was written; a
//! name that is taken is a file of the directory and nothing else.

use std::path::Path;
use std::time::Duration;

use bessemer::pxe::loaders::plain_name;
use bessemer::pxe::tftp::terms::{MOST_BLOCK_BYTES, MOST_WINDOW, Terms};
use tftpd::{OptionType, Packet, TransferOption};

pub fn run(data: &[u8]) {
    // The server's own buffer.
    let data = data.get(..1024).unwrap_or(data);
    if data.first().is_some_and(|first| *first != 0) {
        return super::tftp_transfer::run(data);
    }
    let Ok(packet) = Packet::deserialize(data) else { return };
    match &packet {
        Packet::Rrq { filename, options, .. } => {
            name(filename);
            for len in [0, 511, 1 << 20] {
                terms(options, len);
            }
        }
        Packet::Oack(options) => terms(options, 7),
        Packet::Wrq { filename, .. } => name(filename),
        Packet::Data { .. } | Packet::Ack(_) | Packet::Error { .. } => {}
    }
}

fn name(asked: &str) {
    let Ok(name) = plain_name(asked) else { return };
    let dir = Path::new("/srv/boot");
    let path = dir.join(name);
    assert_eq!(path.parent(), Some(dir), "{asked:?}");
    assert_eq!(path.file_name().and_then(|it| it.to_str()), Some(name), "{asked:?}");
    assert!(!name.contains('\0') && name.len() < 256);
}

fn terms(asked: &[TransferOption], len: usize) {
    let usual = Duration::from_secs(1);
    let (terms, granted) = Terms::agree(asked, len, usual);
    assert!((8..=MOST_BLOCK_BYTES).contains(&terms.block_bytes) && (1..=MOST_WINDOW).contains(&terms.window));
    assert!(terms.timeout >= usual && terms.timeout <= Duration::from_secs(10), "{:?}", terms.timeout);
    for TransferOption { option, value } in &granted {
        assert_eq!(granted.iter().filter(|it| it.option == *option).count(), 1, "granted twice");
        let first = asked.iter().find(|it| it.option == *option && acceptable(it));
        let first = first.unwrap_or_else(|| panic!("{option:?} was not asked for"));
        match option {
            OptionType::BlockSize => assert!(*value <= first.value && *value as usize == terms.block_bytes),
            OptionType::WindowSize => assert!(*value <= first.value && *value as usize == terms.window),
            OptionType::Timeout => assert!(*value == first.value && *value == terms.timeout.as_secs()),
            OptionType::TransferSize => assert_eq!(*value, len as u64),
            other => panic!("{other:?} is never granted"),
        }
    }
    let is_granted = |wanted| granted.iter().any(|it| it.option == wanted);
    assert!(is_granted(OptionType::BlockSize) || terms.block_bytes == 512);
    assert!(is_granted(OptionType::WindowSize) || terms.window == 1);
    assert!(is_granted(OptionType::Timeout) || terms.timeout == usual);
    let wire = Packet::Oack(granted.clone()).serialize().unwrap_or_else(|error| panic!("{error}"));
    assert!(wire.len() < 512, "an option acknowledgement is one small packet");
    match Packet::deserialize(&wire) {
        Ok(Packet::Oack(again)) => assert_eq!(again, granted),
        other => panic!("{other:?}"),
    }
}

/// Whether a server may grant it at all (RFC 2348, 2349, 7440), and does: ten seconds is the longest that it waits.
fn acceptable(asked: &TransferOption) -> bool {
    match asked.option {
        OptionType::BlockSize => asked.value >= 8,
        OptionType::WindowSize => asked.value >= 1,
        OptionType::Timeout => (1..=10).contains(&asked.value),
        _ => true,
    }
}

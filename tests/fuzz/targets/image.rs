//! The head of an image, from wherever a client says that it is; and the checksum file beside it.
//!
//! Oracles: a reading of the qcow2 header that was written from QEMU's docs/interop/qcow2.txt alone never finds a backing file, a data
//! file, encryption or an unknown feature in what was accepted; nothing that only looks like a disk is taken for one; what a
//! checksum file is said to hold stands in it.

use bessemer::image::checksum::{Algorithm, Checksum, WAIVED, Wanted, find, wanted};
use bessemer::image::format::{Format, HEAD_BYTES, detect};

pub fn run(data: &[u8]) {
    let head = data.get(..HEAD_BYTES).unwrap_or(data);
    match detect(head) {
        Ok(Format::Qcow2 { virtual_bytes }) => self_contained(head, virtual_bytes),
        Ok(Format::Raw) => assert!(!head.starts_with(b"QFI\xfb") && !head.starts_with(b"KDMV") && head.len() >= 512),
        Err(error) => assert!(!error.to_string().is_empty() && !error.retryable()),
    }
    if let Ok(text) = std::str::from_utf8(data) {
        listing(text);
    }
}

fn u32_at(head: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn u64_at(head: &[u8], at: usize) -> u64 {
    u64::from(u32_at(head, at)) << 32 | u64::from(u32_at(head, at + 4))
}

fn self_contained(head: &[u8], virtual_bytes: u64) {
    assert_eq!((u32_at(head, 0), virtual_bytes), (0x5146_49fb, u64_at(head, 24)));
    assert!(matches!(u32_at(head, 4), 2 | 3));
    assert_eq!((u64_at(head, 8), u32_at(head, 16), u32_at(head, 32)), (0, 0, 0), "backing file or encryption");
    assert!(virtual_bytes > 0 && virtual_bytes <= 1 << 56);
    if u32_at(head, 4) == 3 {
        // Bit 0 dirty, 3 compression type, 4 extended L2; 1 is corrupt, 2 an external data file, the rest unknown.
        assert_eq!(u64_at(head, 72) & !0b1_1001, 0, "incompatible features");
    }
}

fn listing(text: &str) {
    for name in ["disk.raw", ""] {
        for md5 in [false, true] {
            let Ok(sum) = find(text, name, md5) else { continue };
            assert!(text.to_ascii_lowercase().contains(&sum.hex), "{sum:?} is not in the file");
            sound(&sum, md5);
        }
    }
    match wanted(Some(text), None, None, false) {
        Ok(Wanted::Exactly(sum)) => sound(&sum, false),
        Ok(Wanted::ListedAt(address)) => assert_eq!(address, text),
        Ok(Wanted::Waived) => assert_eq!(text, WAIVED),
        Ok(Wanted::OfOurFile) => panic!("a checksum was given"),
        Err(error) => assert!(error.to_string().starts_with("image_")),
    }
    if let Some(sum) = Checksum::from_content_name(text) {
        assert_eq!(sum.content_name(), text);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "it becomes a file's name");
    }
}

fn sound(sum: &Checksum, md5: bool) {
    assert!(md5 || sum.algorithm != Algorithm::Md5);
    let digits = [(Algorithm::Md5, 32), (Algorithm::Sha256, 64), (Algorithm::Sha512, 128)];
    assert!(digits.contains(&(sum.algorithm, sum.hex.len())));
    assert!(sum.hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
}

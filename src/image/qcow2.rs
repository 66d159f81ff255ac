//! The header of a qcow2 image: whether it stands for itself, and whether its numbers can be meant.
//!
//! Source: QEMU, docs/interop/qcow2.txt; the bounds are those of block/qcow2.c, which refuses the same when it opens one.
//! Deliberately absent: the tables behind the header. Whoever converts the image reads them, and finds in them nothing
//! but clusters of this very file.

use super::ImageError;

pub const MAGIC: &[u8] = b"QFI\xfb";

/// Bits of `incompatible_features` that do not lead outside the file: dirty, compression type, extended L2 entries.
const HARMLESS: u64 = 0b1_1001;
const CORRUPT: u64 = 0b10;
const DATA_FILE: u64 = 0b100;
const EXTENDED_L2: u64 = 0b1_0000;

/// Header extensions that lead outside the file, or need a secret.
const EXTENSIONS: [(u64, &str); 2] = [
    (0x4441_5441, "keeps its data in another file; flatten it first (qemu-img convert)"),
    (0x0537_be77, "is encrypted"),
];

/// The largest disk that is believed.
const MOST_BYTES: u64 = 64 << 40;
const MOST_L1_BYTES: u64 = 32 << 20;
const MOST_REFCOUNT_BYTES: u64 = 8 << 20;
const MOST_SNAPSHOTS: u64 = 65536;

/// The size of the disk that an image with this head becomes. `bytes` is the length of the whole file.
pub fn check(head: &[u8], bytes: u64) -> Result<u64, ImageError> {
    let at = |at, length| number(head, at, length);
    let version = at(4, 4);
    if !matches!(version, 2 | 3) {
        return refused("has a version other than 2 and 3");
    }
    if at(8, 8) != 0 || at(16, 4) != 0 {
        return refused("has a backing file; flatten it first (qemu-img convert)");
    }
    if at(32, 4) != 0 {
        return refused("is encrypted");
    }
    let features = if version == 3 { at(72, 8) } else { 0 };
    if features & DATA_FILE != 0 {
        return refused(EXTENSIONS[0].1);
    }
    if features & CORRUPT != 0 {
        return refused("is marked as corrupt");
    }
    if features & !HARMLESS != 0 {
        return refused("uses features that are not known here");
    }
    let header_bytes = if version == 3 { at(100, 4) } else { 72 };
    if version == 3 && (header_bytes < 104 || !header_bytes.is_multiple_of(8) || at(96, 4) > 6) {
        return refused("has a header that cannot be right");
    }
    extensions(head, header_bytes)?;
    let virtual_bytes = at(24, 8);
    if virtual_bytes == 0 || virtual_bytes > MOST_BYTES {
        return refused("has an impossible size");
    }
    tables(head, bytes, virtual_bytes, features)?;
    Ok(virtual_bytes)
}

/// Goes through the extensions that follow the header, up to the mark of their end.
fn extensions(head: &[u8], header_bytes: u64) -> Result<(), ImageError> {
    let mut at = usize::try_from(header_bytes).unwrap_or(usize::MAX);
    while at.saturating_add(8) <= head.len() {
        let (kind, length) = (number(head, at, 4), number(head, at + 4, 4));
        if kind == 0 {
            return Ok(());
        }
        if let Some((_, why)) = EXTENSIONS.iter().find(|(outside, _)| *outside == kind) {
            return refused(why);
        }
        at = at.saturating_add(8).saturating_add(usize::try_from(length).unwrap_or(usize::MAX).next_multiple_of(8));
    }
    refused("has a header that does not end")
}

/// Whether the tables are where the file is, large enough for the disk, and no larger than anybody needs.
fn tables(head: &[u8], bytes: u64, virtual_bytes: u64, features: u64) -> Result<(), ImageError> {
    let at = |at, length| number(head, at, length);
    let cluster_bits = at(20, 4);
    if !(9..=21).contains(&cluster_bits) {
        return refused("has clusters of an impossible size");
    }
    let cluster = 1_u64 << cluster_bits;
    let l2_entries = cluster / if features & EXTENDED_L2 != 0 { 16 } else { 8 };
    let (l1_entries, refcount_clusters) = (at(36, 4), at(56, 4));
    let (l1_bytes, refcount_bytes) = (l1_entries * 8, refcount_clusters * cluster);
    if l1_bytes > MOST_L1_BYTES || refcount_bytes > MOST_REFCOUNT_BYTES || at(60, 4) > MOST_SNAPSHOTS {
        return refused("has tables of an impossible size");
    }
    if l1_entries < virtual_bytes.div_ceil(cluster * l2_entries) {
        return refused("has a table that is too small for its disk");
    }
    for (offset, length) in [(at(40, 8), l1_bytes), (at(48, 8), refcount_bytes)] {
        if !offset.is_multiple_of(cluster) || offset.checked_add(length).is_none_or(|end| end > bytes) {
            return refused("has tables that are not in the file");
        }
    }
    Ok(())
}

fn refused<T>(why: &str) -> Result<T, ImageError> {
    Err(ImageError::Unusable(format!("the qcow2 image {why}")))
}

/// A big-endian number of `length` bytes; 0 where the head is too short, which the caller has excluded.
fn number(head: &[u8], at: usize, length: usize) -> u64 {
    head.get(at..at.saturating_add(length))
        .unwrap_or_default()
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The head of a good image of 5 MiB, as qemu-img makes it.
#[cfg(test)]
pub(super) fn sample() -> Vec<u8> {
    let mut head = vec![0; super::format::HEAD_BYTES];
    let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xfb\0\0\0\x03");
    put(20, &16_u32.to_be_bytes());
    put(24, &(5_u64 << 20).to_be_bytes());
    put(36, &1_u32.to_be_bytes());
    put(40, &0x3_0000_u64.to_be_bytes());
    put(48, &0x1_0000_u64.to_be_bytes());
    put(56, &1_u32.to_be_bytes());
    put(96, &4_u32.to_be_bytes());
    put(100, &112_u32.to_be_bytes());
    // The names of features, which QEMU writes and everybody may ignore.
    put(112, &0x6803_f857_u32.to_be_bytes());
    put(116, &0x90_u32.to_be_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_image_tells_the_size_of_its_disk() {
        assert_eq!(check(&sample(), 1 << 20), Ok(5 << 20));
        let mut old = sample();
        old[7] = 2;
        old[72..120].fill(0);
        assert_eq!(check(&old, 1 << 20), Ok(5 << 20), "version 2");
    }

    #[test]
    fn whatever_leads_outside_the_file_or_cannot_be_meant_is_refused() {
        let cases: &[(&str, usize, &[u8], &str)] = &[
            ("version", 4, &[0, 0, 0, 4], "version"),
            ("version 1", 4, &[0, 0, 0, 1], "version"),
            ("backing file", 15, &[1], "backing"),
            ("length of its name", 19, &[1], "backing"),
            ("encryption", 35, &[1], "encrypted"),
            ("data file", 79, &[0b100], "another file"),
            ("corrupt", 79, &[0b10], "corrupt"),
            ("unknown feature", 72, &[1], "not known"),
            ("the next feature to be invented", 79, &[0b10_0000], "not known"),
            ("header too short", 100, &[0, 0, 0, 72], "header"),
            ("header not aligned", 100, &[0, 0, 0, 105], "header"),
            ("header longer than the head", 100, &[0xff, 0xff, 0xff, 0xf8], "header"),
            ("refcount order", 99, &[7], "header"),
            ("data file in an extension", 112, &[0x44, 0x41, 0x54, 0x41], "another file"),
            ("LUKS in an extension", 112, &[0x05, 0x37, 0xbe, 0x77], "encrypted"),
            ("an extension without end", 116, &[0xff, 0xff, 0xff, 0xff], "does not end"),
            ("no disk", 24, &[0; 8], "impossible size"),
            ("an exabyte", 24, &[0x10, 0, 0, 0, 0, 0, 0, 0], "impossible size"),
            ("clusters of 256 bytes", 23, &[8], "clusters"),
            ("clusters of 4 GiB", 23, &[32], "clusters"),
            ("an L1 table of 32 GiB", 36, &[0xff, 0xff, 0xff, 0xff], "tables of an impossible"),
            ("a refcount table of terabytes", 56, &[0xff, 0xff, 0xff, 0xff], "tables of an impossible"),
            ("a billion snapshots", 60, &[0x40, 0, 0, 0], "tables of an impossible"),
            ("an L1 table for less", 36, &[0, 0, 0, 0], "too small"),
            ("a terabyte on a table for 512 MiB", 24, &[0, 0, 1, 0, 0, 0, 0, 0], "too small"),
            ("an L1 table behind the end", 40, &[0, 0, 0, 0, 0x7f, 0, 0, 0], "not in the file"),
            ("an L1 table around the end", 40, &[0xff; 8], "not in the file"),
            ("an L1 table between clusters", 46, &[1], "not in the file"),
            ("a refcount table behind the end", 48, &[0, 0, 0, 0, 0x7f, 0, 0, 0], "not in the file"),
        ];
        for (what, at, bytes, expected) in cases {
            let mut head = sample();
            head[*at..at + bytes.len()].copy_from_slice(bytes);
            let found = check(&head, 1 << 20);
            assert!(found.as_ref().is_err_and(|error| error.to_string().contains(expected)), "{what}: {found:?}");
        }
    }

    #[test]
    fn a_file_that_ends_in_its_tables_is_refused() {
        assert!(check(&sample(), 0x3_0008).is_ok());
        assert!(check(&sample(), 0x3_0007).is_err());
        assert!(check(&sample()[..512], 512).is_err());
    }
}

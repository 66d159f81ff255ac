//! What kind of disk image some bytes are, told from their head alone.
//!
//! The client's word is not taken for it: a qcow2 that names a backing file makes whoever converts it read a file of the
//! converting machine's (CVE-2015-5162 and its kin). So anything that is not plainly raw or a self-contained qcow2 is refused.
//! Source: QEMU, docs/interop/qcow2.txt.

use super::ImageError;

/// How many bytes [`detect`] wants to see.
pub const HEAD_BYTES: usize = 1024;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    Raw,
    /// `virtual_bytes` is the size of the disk that it becomes.
    Qcow2 {
        virtual_bytes: u64,
    },
}

impl Format {
    /// As the agent spells it in `disk_format`.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Raw => "raw",
            Format::Qcow2 { .. } => "qcow2",
        }
    }
}

/// Heads of files that a machine cannot boot from as they are, so that writing one would only fail later.
#[rustfmt::skip]
const OTHERS: &[(usize, &[u8], &str)] = &[
    (0, b"KDMV", "a VMDK image"),
    (0, b"# Disk DescriptorFile", "a VMDK descriptor"),
    (0, b"conectix", "a VHD image"),
    (0, b"vhdxfile", "a VHDX image"),
    (0, b"QED\0", "a QED image"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image"),
    (0, b"\x1f\x8b", "compressed with gzip"),
    (0, b"\xfd7zXZ\0", "compressed with xz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (0, b"BZh", "compressed with bzip2"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"<!DOCTYPE", "an HTML page"),
    (0, b"<html", "an HTML page"),
];

/// Looks at the first [`HEAD_BYTES`] of an image (fewer only if the image is that short).
pub fn detect(head: &[u8]) -> Result<Format, ImageError> {
    if head.len() < 512 {
        return Err(ImageError::Unusable(format!("the image has only {} bytes", head.len())));
    }
    if head.starts_with(b"QFI\xfb") {
        return qcow2(head);
    }
    for (at, magic, what) in OTHERS {
        if head.get(*at..at + magic.len()) == Some(*magic) {
            return Err(ImageError::Unusable(format!("the image is {what}; expected raw or qcow2")));
        }
    }
    Ok(Format::Raw)
}

/// Bits of `incompatible_features` that do not lead outside the file: dirty, compression type, extended L2 entries.
const HARMLESS: u64 = 0b1_1001;

fn qcow2(head: &[u8]) -> Result<Format, ImageError> {
    let refused = |why: &str| Err(ImageError::Unusable(format!("the qcow2 image {why}")));
    let (version, encryption) = (number(head, 4, 4), number(head, 32, 4));
    if !matches!(version, 2 | 3) {
        return refused("has a version other than 2 and 3");
    }
    if number(head, 8, 8) != 0 || number(head, 16, 4) != 0 {
        return refused("has a backing file; flatten it first (qemu-img convert)");
    }
    if encryption != 0 {
        return refused("is encrypted");
    }
    if version == 3 {
        let features = number(head, 72, 8);
        if features & 0b100 != 0 {
            return refused("keeps its data in another file; flatten it first (qemu-img convert)");
        }
        if features & 0b10 != 0 {
            return refused("is marked as corrupt");
        }
        if features & !HARMLESS != 0 {
            return refused("uses features that are not known here");
        }
    }
    let virtual_bytes = number(head, 24, 8);
    if virtual_bytes == 0 || virtual_bytes > 1 << 56 {
        return refused("has an impossible size");
    }
    Ok(Format::Qcow2 { virtual_bytes })
}

/// A big-endian number of `length` bytes; 0 where the head is too short, which `detect` has excluded.
fn number(head: &[u8], at: usize, length: usize) -> u64 {
    head.get(at..at + length).unwrap_or_default().iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(edit: impl FnOnce(&mut Vec<u8>)) -> Result<Format, ImageError> {
        let mut head = vec![0; HEAD_BYTES];
        head[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        head[24..32].copy_from_slice(&(5u64 << 20).to_be_bytes());
        edit(&mut head);
        detect(&head)
    }

    #[test]
    fn a_plain_qcow2_is_told_from_a_raw_disk() {
        assert_eq!(header(|_| ()), Ok(Format::Qcow2 { virtual_bytes: 5 << 20 }));
        assert_eq!(detect(&[0; 512]), Ok(Format::Raw));
    }

    #[test]
    fn what_leads_outside_the_file_or_cannot_boot_is_refused() {
        assert!(header(|head| head[15] = 1).is_err_and(|error| error.to_string().contains("backing")));
        assert!(header(|head| head[79] = 0b100).is_err_and(|error| error.to_string().contains("another file")));
        assert!(header(|head| head[72] = 1).is_err());
        assert!(header(|head| head[35] = 1).is_err());
        assert!(header(|head| head[7] = 4).is_err());
        for (at, magic, _) in OTHERS {
            let mut head = vec![0; HEAD_BYTES];
            head[*at..at + magic.len()].copy_from_slice(magic);
            assert!(detect(&head).is_err(), "{magic:?}");
        }
    }
}

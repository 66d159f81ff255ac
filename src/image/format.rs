//! What kind of disk image some bytes are, told from their head alone.
//!
//! The client's word is not taken for it: a qcow2 that names a backing file makes whoever converts it read a file of the
//! converting machine's (CVE-2015-5162 and its kin). So anything that is not plainly raw or a self-contained qcow2 is refused,
//! before any tool sees it. Raw are disks with any partition table or none, and hybrid ISO images.

use super::ImageError;
use super::qcow2;

/// How many bytes [`detect`] wants to see: an ISO image shows itself after 32 KiB, and the header of a qcow2 with all
/// that follows it is shorter than this.
pub const HEAD_BYTES: usize = 64 << 10;

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
    (0, b"COWD", "a VMDK image"),
    (0, b"# Disk DescriptorFile", "a VMDK descriptor"),
    (0, b"conectix", "a VHD image"),
    (0, b"vhdxfile", "a VHDX image"),
    (0, b"QED\0", "a QED image"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image"),
    (0, b"LUKS\xba\xbe", "encrypted with LUKS"),
    (0, b"WithoutFreeSpace", "a Parallels image"),
    (0, b"WithouFreSpacExt", "a Parallels image"),
    (0, b"Bochs Virtual HD Image", "a Bochs image"),
    (0, b"#!/bin/sh\n#V2.0 Format", "a cloop image"),
    (0, b"\x1f\x8b", "compressed with gzip"),
    (0, b"\xfd7zXZ\0", "compressed with xz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (0, b"\x04\x22\x4d\x18", "compressed with lz4"),
    (0, b"BZh", "compressed with bzip2"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"PK\x03\x04", "a zip archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"<!DOCTYPE", "an HTML page"),
    (0, b"<html", "an HTML page"),
];

/// What a raw disk may be and a qcow2 may not be at the same time: whoever looks elsewhere would see another image.
const RAW: &[(usize, &[u8], &str)] = &[(512, b"EFI PART", "a disk with a GPT"), (0x8001, b"CD001", "an ISO image")];

/// Looks at the first [`HEAD_BYTES`] of an image (fewer only if the image is that short), the rest of which is to come.
pub fn detect(head: &[u8]) -> Result<Format, ImageError> {
    of_file(head, u64::MAX)
}

/// The same once it is known that the whole image has `bytes` bytes.
pub fn of_file(head: &[u8], bytes: u64) -> Result<Format, ImageError> {
    if head.len() < 512 {
        return Err(ImageError::Unusable(format!("the image has only {} bytes", head.len())));
    }
    let shows = |(at, magic, _): &&(usize, &[u8], &str)| head.get(*at..at + magic.len()) == Some(*magic);
    let other = OTHERS.iter().find(shows);
    if head.starts_with(qcow2::MAGIC) {
        if let Some((_, _, what)) = other.or_else(|| RAW.iter().find(shows)) {
            return Err(ImageError::Unusable(format!(
                "the image is a qcow2 image and {what} at once; expected one of them"
            )));
        }
        return qcow2::check(head, bytes).map(|virtual_bytes| Format::Qcow2 { virtual_bytes });
    }
    match other {
        Some((_, _, what)) => Err(ImageError::Unusable(format!("the image is {what}; expected raw or qcow2"))),
        None => Ok(Format::Raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_and_hybrid_iso_images_are_raw() {
        assert_eq!(detect(&[0; 512]), Ok(Format::Raw));
        for (at, magic, _) in RAW {
            let mut head = vec![0; HEAD_BYTES];
            head[*at..at + magic.len()].copy_from_slice(magic);
            assert_eq!(detect(&head), Ok(Format::Raw), "{magic:?}");
        }
        assert!(detect(&[0; 511]).is_err());
    }

    #[test]
    fn what_cannot_boot_is_refused_by_its_name() {
        for (at, magic, what) in OTHERS {
            let mut head = vec![0; HEAD_BYTES];
            head[*at..at + magic.len()].copy_from_slice(magic);
            assert!(detect(&head).is_err_and(|error| error.to_string().contains(what)), "{magic:?}");
        }
    }

    #[test]
    fn a_qcow2_that_is_something_else_as_well_is_refused() {
        let plain = qcow2::sample();
        assert!(detect(&plain).is_ok());
        for (at, magic, what) in OTHERS.iter().chain(RAW).filter(|(at, _, _)| *at > 0) {
            let mut head = plain.clone();
            head[*at..at + magic.len()].copy_from_slice(magic);
            assert!(detect(&head).is_err_and(|error| error.to_string().contains(what)), "{magic:?}");
        }
    }
}

//! An ISO 9660 file system with Rock Ridge and Joliet names, written into memory.
//!
//! It exists for config drives: a handful of small files, of which Linux, Windows and their initialisation programs must
//! read the exact names. Both extensions are there because Linux prefers Rock Ridge and Windows reads Joliet.
//! Layout: 16 empty sectors, three volume descriptors, four path tables, the directories of both trees, then the files,
//! which both trees share. Sources: ECMA-119; SUSP and RRIP 1.12 (IEEE P1281, P1282); the Joliet specification.
//!
//! Deliberately absent: boot records, files of 4 GiB, directories longer than what fits a path table of `u16` numbers.

mod tree;
mod volume;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use tree::Tree;
use volume::Volume;

const SECTOR: usize = 2048;

/// Which of the two trees.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Names {
    RockRidge,
    Joliet,
}

/// A file by its path, with `/` between the parts.
pub struct File {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// The files cannot be put into one file system.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct IsoError(String);

/// Writes a volume called `label` (at most 16 characters) that was made `at`. The same input gives the same bytes.
pub fn write(label: &str, files: &[File], at: Timestamp) -> Result<Vec<u8>, IsoError> {
    if label.is_empty() || label.len() > 16 || !label.is_ascii() {
        return Err(IsoError("a volume label has 1 to 16 ASCII characters".into()));
    }
    let tree = Tree::of(files)?;
    let time = TimeZone::UTC.to_datetime(at);
    // Positions depend on sizes only, so they are fixed first and everything is written in one pass.
    let mut next = 19 + 4;
    let trees = [Names::RockRidge, Names::Joliet].map(|names| {
        let extents: Vec<u32> = tree
            .directories
            .iter()
            .map(|directory| advance(&mut next, tree.directory_bytes(directory, names)))
            .collect();
        (names, extents)
    });
    let extents: Vec<u32> = files.iter().map(|file| advance(&mut next, file.bytes.len())).collect();
    let volume = Volume { label, tree: &tree, files, extents, time, sectors: next };

    let mut out = vec![0; 16 * SECTOR];
    for (names, directories) in &trees {
        volume.descriptor(&mut out, *names, directories);
    }
    out.extend_from_slice(b"\xffCD001\x01");
    pad(&mut out);
    for (names, directories) in &trees {
        for big_endian in [false, true] {
            tree.path_table(&mut out, *names, directories, big_endian);
            pad(&mut out);
        }
    }
    for (names, directories) in &trees {
        for index in 0..tree.directories.len() {
            volume.directory(&mut out, index, *names, directories);
        }
    }
    for file in files {
        out.extend_from_slice(&file.bytes);
        pad(&mut out);
    }
    Ok(out)
}

fn advance(next: &mut u32, bytes: usize) -> u32 {
    let here = *next;
    *next += bytes.div_ceil(SECTOR) as u32;
    here
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(SECTOR), 0);
}

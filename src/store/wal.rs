//! The write-ahead log as it is found before SQLite takes it up.
//!
//! SQLite reads it up to the first frame whose checksum is wrong and forgets the rest, without a word: after a power cut
//! that is where writing ended. Each of our commits is synced before the next begins, so no more than one transaction can
//! stand behind such a frame. If there are more, something else has damaged what was on the disk, and going on would
//! throw away what was acknowledged.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The two that SQLite writes; the lowest bit says in which order of bytes checksums are made.
const MAGIC: u32 = 0x377f_0682;
const PAGE_SIZES: std::ops::RangeInclusive<usize> = 512..=65536;

pub fn path_of(store: &Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

/// How many transactions stand behind a place that SQLite would not read past, if that is more than a power cut explains.
pub fn unreadable(store: &Path) -> io::Result<Option<usize>> {
    let mut file = match File::open(path_of(store)) {
        Ok(file) => BufReader::with_capacity(1 << 16, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut header = [0; HEADER];
    if !fill(&mut file, &mut header)? {
        return Ok(None);
    }
    let magic = word(&header, 0);
    let big_endian = magic & 1 == 1;
    let page = word(&header, 8) as usize;
    if magic & !1 != MAGIC || !PAGE_SIZES.contains(&page) || !page.is_power_of_two() {
        // Nothing can be told of what follows.
        return Ok(None);
    }
    let salts = (word(&header, 16), word(&header, 20));
    let mut sums = (word(&header, 24), word(&header, 28));
    let mut readable = checksum((0, 0), &header[..24], big_endian) == sums;
    let mut frame = vec![0; FRAME_HEADER + page];
    let mut behind = 0;
    while fill(&mut file, &mut frame)? {
        let told = (word(&frame, 16), word(&frame, 20));
        // A frame of an earlier round through the file has other salts.
        let ours = (word(&frame, 8), word(&frame, 12)) == salts;
        let made = checksum(checksum(sums, &frame[..8], big_endian), &frame[FRAME_HEADER..], big_endian);
        let whole = ours && made == told;
        readable &= whole;
        let commits = word(&frame, 4) != 0;
        behind += usize::from(whole && commits && !readable);
        sums = told;
    }
    Ok((behind > 1).then_some(behind))
}

/// Whether there was so much.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The big-endian word at `at`; 0 behind the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// SQLite's, over words in pairs.
fn checksum((mut a, mut b): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let (pairs, _) = bytes.as_chunks::<8>();
    for [a0, a1, a2, a3, b0, b1, b2, b3] in pairs.iter().copied() {
        let (first, second) = ([a0, a1, a2, a3], [b0, b1, b2, b3]);
        let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
        a = a.wrapping_add(read(first)).wrapping_add(b);
        b = b.wrapping_add(read(second)).wrapping_add(a);
    }
    (a, b)
}

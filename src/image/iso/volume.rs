//! The bytes of descriptors and directory records.

use jiff::civil::DateTime;

use super::tree::{Entry, Tree, identifier};
use super::{File, Names, SECTOR, pad};

/// SUSP 5.3: this tree uses the system use fields.
const SP: [u8; 7] = [b'S', b'P', 7, 1, 0xbe, 0xef, 0];
const ER_ID: &[u8] = b"RRIP_1991A";
const ER_TEXT: &[u8] = b"THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS";
const ER_BYTES: usize = 8 + ER_ID.len() + ER_TEXT.len();
pub(super) const POSIX_BYTES: usize = 36 + 26;

/// What the root's first record carries besides.
pub(super) const ROOT_BYTES: usize = SP.len() + ER_BYTES;

pub(super) struct Volume<'a> {
    pub label: &'a str,
    pub tree: &'a Tree,
    pub files: &'a [File],
    /// First sector of each file.
    pub extents: Vec<u32>,
    pub time: DateTime,
    pub sectors: u32,
}

impl Volume<'_> {
    /// The primary volume descriptor (ECMA-119 8.4) or, for Joliet, the supplementary one (8.5).
    pub fn descriptor(&self, out: &mut Vec<u8>, names: Names, directories: &[u32]) {
        let joliet = names == Names::Joliet;
        let start = out.len();
        let text = |bytes: usize, text: &str| -> Vec<u8> {
            let mut field: Vec<u8> =
                if joliet { text.encode_utf16().flat_map(u16::to_be_bytes).collect() } else { text.bytes().collect() };
            while field.len() < bytes {
                // A field of odd length in UCS-2 ends in half a character, which is zero.
                field.extend_from_slice(if joliet { b"\0 " } else { b" " });
            }
            field.truncate(bytes);
            field
        };
        out.extend_from_slice(&[if joliet { 2 } else { 1 }]);
        out.extend_from_slice(b"CD001\x01\0");
        out.extend(text(32, ""));
        out.extend(text(32, self.label));
        out.extend_from_slice(&[0; 8]);
        both_u32(out, self.sectors);
        let mut escapes = [0; 32];
        if joliet {
            escapes[..3].copy_from_slice(b"%/E");
        }
        out.extend_from_slice(&escapes);
        both_u16(out, 1);
        both_u16(out, 1);
        both_u16(out, SECTOR as u16);
        both_u32(out, self.tree.path_table_bytes(names) as u32);
        let table: u32 = if joliet { 21 } else { 19 };
        out.extend_from_slice(&table.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&(table + 1).to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        self.record(out, &[0], directories[0], self.directory_length(0, names), true, &[]);
        out.extend(text(128, ""));
        out.extend(text(128, ""));
        out.extend(text(128, ""));
        out.extend(text(128, "BESSEMER"));
        for _ in 0..3 {
            out.extend(text(37, ""));
        }
        let time = &self.time;
        let made = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}00",
            time.year().clamp(1970, 9999),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
        for stamp in [made.as_str(), made.as_str(), "0000000000000000", made.as_str()] {
            out.extend_from_slice(stamp.as_bytes());
            out.push(0);
        }
        out.push(1);
        out.resize(start + SECTOR, 0);
    }

    fn directory_length(&self, index: usize, names: Names) -> u32 {
        self.tree.directory_bytes(&self.tree.directories[index], names) as u32
    }

    pub fn directory(&self, out: &mut Vec<u8>, index: usize, names: Names, extents: &[u32]) {
        let directory = &self.tree.directories[index];
        let rock_ridge = names == Names::RockRidge;
        for (id, target) in [(0_u8, index), (1, directory.parent)] {
            let mut system = vec![];
            if rock_ridge {
                if id == 0 && index == 0 {
                    system.extend_from_slice(&SP);
                    system.extend_from_slice(&[
                        b'E',
                        b'R',
                        ER_BYTES as u8,
                        1,
                        ER_ID.len() as u8,
                        ER_TEXT.len() as u8,
                        0,
                        1,
                    ]);
                    system.extend_from_slice(ER_ID);
                    system.extend_from_slice(ER_TEXT);
                }
                self.posix(&mut system, true);
            }
            self.place(out, &[id], extents[target], self.directory_length(target, names), true, &system);
        }
        // ECMA-119 9.3: sorted by identifier.
        let mut entries: Vec<_> =
            directory.entries.iter().map(|(name, entry)| (identifier(name, *entry, names), name, *entry)).collect();
        entries.sort();
        for (id, name, entry) in entries {
            let mut system = vec![];
            if rock_ridge {
                system.extend_from_slice(&[b'N', b'M', 5 + name.len() as u8, 1, 0]);
                system.extend_from_slice(name.as_bytes());
                self.posix(&mut system, matches!(entry, Entry::Directory(_)));
            }
            match entry {
                Entry::Directory(child) => {
                    self.place(out, &id, extents[child], self.directory_length(child, names), true, &system);
                }
                Entry::File(file) => {
                    self.place(out, &id, self.extents[file], self.files[file].bytes.len() as u32, false, &system);
                }
            }
        }
        pad(out);
    }

    /// Writes a record, in the next sector if it would cross into it.
    fn place(&self, out: &mut Vec<u8>, id: &[u8], extent: u32, bytes: u32, directory: bool, system: &[u8]) {
        let length = ((33 + id.len()).next_multiple_of(2) + system.len()).next_multiple_of(2);
        if out.len() % SECTOR + length > SECTOR {
            pad(out);
        }
        self.record(out, id, extent, bytes, directory, system);
    }

    /// ECMA-119 9.1.
    fn record(&self, out: &mut Vec<u8>, id: &[u8], extent: u32, bytes: u32, directory: bool, system: &[u8]) {
        let start = out.len();
        let length = ((33 + id.len()).next_multiple_of(2) + system.len()).next_multiple_of(2);
        out.extend_from_slice(&[length as u8, 0]);
        both_u32(out, extent);
        both_u32(out, bytes);
        out.extend_from_slice(&self.stamp());
        out.extend_from_slice(&[if directory { 2 } else { 0 }, 0, 0]);
        both_u16(out, 1);
        out.push(id.len() as u8);
        out.extend_from_slice(id);
        if id.len().is_multiple_of(2) {
            out.push(0);
        }
        out.extend_from_slice(system);
        out.resize(start + length, 0);
    }

    /// ECMA-119 9.1.5, in UTC.
    fn stamp(&self) -> [u8; 7] {
        let time = &self.time;
        [
            time.year().clamp(1970, 2155).saturating_sub(1900) as u8,
            time.month() as u8,
            time.day() as u8,
            time.hour() as u8,
            time.minute() as u8,
            time.second() as u8,
            0,
        ]
    }

    /// Rock Ridge PX and TF (RRIP 4.1.1, 4.1.6): owned by root, readable by all, one time for everything.
    fn posix(&self, out: &mut Vec<u8>, directory: bool) {
        out.extend_from_slice(&[b'P', b'X', 36, 1]);
        both_u32(out, if directory { 0o040_555 } else { 0o100_444 });
        both_u32(out, if directory { 2 } else { 1 });
        both_u32(out, 0);
        both_u32(out, 0);
        out.extend_from_slice(&[b'T', b'F', 26, 1, 0x0e]);
        for _ in 0..3 {
            out.extend_from_slice(&self.stamp());
        }
    }
}

fn both_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&number.to_be_bytes());
}

fn both_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&number.to_be_bytes());
}

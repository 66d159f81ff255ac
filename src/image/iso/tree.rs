//! The directories of a volume, numbered as path tables want them, and how much room their records take.

use std::collections::BTreeMap;

use super::volume::{POSIX_BYTES, ROOT_BYTES};
use super::{File, IsoError, Names, SECTOR};

/// Characters of a name: what a record can hold in UCS-2, or beside the Rock Ridge entries.
const NAME_BYTES: usize = 50;

/// Directories breadth first, the root at 0, as path tables want them.
pub(super) struct Tree {
    pub directories: Vec<Directory>,
}

pub(super) struct Directory {
    /// Empty for the root.
    pub name: String,
    pub parent: usize,
    /// Sub-directories and files by name.
    pub entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Entry {
    Directory(usize),
    File(usize),
}

impl Tree {
    pub fn of(files: &[File]) -> Result<Self, IsoError> {
        let mut tree =
            Tree { directories: vec![Directory { name: String::new(), parent: 0, entries: BTreeMap::new() }] };
        let mut total = 0;
        for (index, file) in files.iter().enumerate() {
            let parts: Vec<&str> = file.path.split('/').collect();
            let wrong = parts.iter().any(|part| {
                part.is_empty() || *part == "." || *part == ".." || part.len() > NAME_BYTES || !part.is_ascii()
            });
            if wrong || parts.len() > 8 {
                return Err(IsoError(format!("{} is not a path that fits", file.path)));
            }
            total += file.bytes.len();
            if file.bytes.len() > i32::MAX as usize || total > i32::MAX as usize {
                return Err(IsoError("the files are longer than 2 GiB".into()));
            }
            tree.insert(&parts, index).ok_or_else(|| IsoError(format!("{} is there twice", file.path)))?;
        }
        if tree.directories.len() > 1000 {
            return Err(IsoError("there are more than 1000 directories".into()));
        }
        Ok(tree.breadth_first())
    }

    fn insert(&mut self, parts: &[&str], file: usize) -> Option<()> {
        let (name, parents) = parts.split_last()?;
        let mut here = 0;
        for part in parents {
            here = match self.directories[here].entries.get(*part) {
                Some(Entry::Directory(index)) => *index,
                Some(Entry::File(_)) => return None,
                None => {
                    let index = self.directories.len();
                    let name = (*part).to_owned();
                    self.directories[here].entries.insert(name.clone(), Entry::Directory(index));
                    self.directories.push(Directory { name, parent: here, entries: BTreeMap::new() });
                    index
                }
            };
        }
        self.directories[here].entries.insert((*name).to_owned(), Entry::File(file)).is_none().then_some(())
    }

    /// Renumbers: by depth, then by parent, then by name (ECMA-119 6.9.1).
    fn breadth_first(self) -> Self {
        let mut order = vec![0];
        let mut at = 0;
        while let Some(index) = order.get(at).copied() {
            let children = self.directories[index].entries.values();
            order.extend(
                children.filter_map(|entry| if let Entry::Directory(child) = entry { Some(*child) } else { None }),
            );
            at += 1;
        }
        let new = |old: usize| order.iter().position(|index| *index == old).unwrap_or(0);
        let directories = order.iter().map(|old| {
            let directory = &self.directories[*old];
            let entries = directory.entries.iter().map(|(name, entry)| {
                let entry = if let Entry::Directory(child) = entry { Entry::Directory(new(*child)) } else { *entry };
                (name.clone(), entry)
            });
            Directory { name: directory.name.clone(), parent: new(directory.parent), entries: entries.collect() }
        });
        Tree { directories: directories.collect() }
    }

    /// Bytes of a directory's extent. No record crosses a sector, so it is counted as it will be written.
    pub fn directory_bytes(&self, directory: &Directory, names: Names) -> usize {
        let root = if directory.name.is_empty() { ROOT_BYTES } else { 0 };
        let dots = if names == Names::RockRidge { [34 + root + POSIX_BYTES, 34 + POSIX_BYTES] } else { [34; 2] };
        let entries = directory.entries.iter().map(|(name, entry)| {
            let fixed = (33 + identifier(name, *entry, names).len()).next_multiple_of(2);
            let extra = if names == Names::RockRidge { 5 + name.len() + POSIX_BYTES } else { 0 };
            (fixed + extra).next_multiple_of(2)
        });
        let mut end = 0_usize;
        for record in dots.into_iter().map(|bytes| bytes.next_multiple_of(2)).chain(entries) {
            if end % SECTOR + record > SECTOR {
                end = end.next_multiple_of(SECTOR);
            }
            end += record;
        }
        end.next_multiple_of(SECTOR)
    }

    /// ECMA-119 9.4.
    pub fn path_table(&self, out: &mut Vec<u8>, names: Names, extents: &[u32], big_endian: bool) {
        for (index, directory) in self.directories.iter().enumerate() {
            let id = if index == 0 { vec![0] } else { identifier(&directory.name, Entry::Directory(index), names) };
            let (extent, parent) = (extents[index], directory.parent as u16 + 1);
            out.extend_from_slice(&[id.len() as u8, 0]);
            if big_endian {
                out.extend_from_slice(&extent.to_be_bytes());
                out.extend_from_slice(&parent.to_be_bytes());
            } else {
                out.extend_from_slice(&extent.to_le_bytes());
                out.extend_from_slice(&parent.to_le_bytes());
            }
            out.extend_from_slice(&id);
            if id.len() % 2 == 1 {
                out.push(0);
            }
        }
    }

    pub fn path_table_bytes(&self, names: Names) -> usize {
        let mut table = vec![];
        self.path_table(&mut table, names, &vec![0; self.directories.len()], false);
        table.len()
    }
}

/// A name as the tree spells it: upper case and digits for plain ISO 9660 (Rock Ridge adds the real one), UCS-2 for Joliet.
pub(super) fn identifier(name: &str, entry: Entry, names: Names) -> Vec<u8> {
    let version = if matches!(entry, Entry::File(_)) { ";1" } else { "" };
    match names {
        Names::Joliet => format!("{name}{version}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Names::RockRidge => {
            let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_uppercase() } else { '_' };
            let (stem, extension) = match (entry, name.rsplit_once('.')) {
                (Entry::File(_), Some((stem, extension))) => (stem, extension),
                _ => (name, ""),
            };
            let mut id: String = stem.chars().map(plain).take(22).collect();
            if matches!(entry, Entry::File(_)) {
                id.push('.');
                id.extend(extension.chars().map(plain).take(7));
            }
            (id + version).into_bytes()
        }
    }
}

//! A reader of ISO 9660 that shares nothing with the writer: descriptors, directory records, Rock Ridge names, Joliet names.

use std::collections::BTreeMap;

const SECTOR: usize = 2048;

#[derive(Clone, Copy, PartialEq)]
pub enum Names {
    RockRidge,
    Joliet,
}

/// The files of a volume by their paths, as one of its two trees has them.
pub fn files(volume: &[u8], names: Names) -> BTreeMap<String, Vec<u8>> {
    let wanted = if names == Names::Joliet { 2 } else { 1 };
    let descriptors = volume.chunks_exact(SECTOR).skip(16).take_while(|it| it[0] != 255);
    let mut descriptors = descriptors.filter(|it| it[0] == wanted && &it[1..6] == b"CD001");
    let descriptor = descriptors.next().unwrap_or_else(|| panic!("there is no such tree"));
    let size = number(descriptor, 80) as usize * SECTOR;
    assert_eq!(size, volume.len(), "the volume says its length");
    let mut found = BTreeMap::new();
    walk(volume, &descriptor[156..190], "", names, &mut found);
    found
}

/// The little-endian half of a number that stands there in both orders.
fn number(bytes: &[u8], at: usize) -> u32 {
    let little = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let big = u32::from_be_bytes([bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]]);
    assert_eq!(little, big, "a number in two orders is two numbers");
    little
}

fn extent<'v>(volume: &'v [u8], record: &[u8]) -> &'v [u8] {
    let (start, len) = (number(record, 2) as usize * SECTOR, number(record, 10) as usize);
    volume.get(start..start + len).unwrap_or_else(|| panic!("a file lies outside of the volume"))
}

fn walk(volume: &[u8], directory: &[u8], path: &str, names: Names, found: &mut BTreeMap<String, Vec<u8>>) {
    assert!(path.split('/').count() < 9, "directories go in circles");
    for sector in extent(volume, directory).chunks(SECTOR) {
        let mut rest = sector;
        while let Some(&len) = rest.first().filter(|len| **len > 0) {
            let (record, after) = rest.split_at(usize::from(len));
            rest = after;
            let id = &record[33..33 + usize::from(record[32])];
            if id.len() == 1 && id[0] < 2 {
                continue;
            }
            let path = format!("{path}{}", name(record, id, names));
            if record[25] & 2 != 0 {
                walk(volume, record, &format!("{path}/"), names, found);
            } else {
                let twice = found.insert(path.clone(), extent(volume, record).to_vec());
                assert!(twice.is_none(), "{path} is there twice");
            }
        }
    }
}

fn name(record: &[u8], id: &[u8], names: Names) -> String {
    if names == Names::Joliet {
        let units: Vec<u16> = id.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        return String::from_utf16_lossy(&units).trim_end_matches(";1").to_owned();
    }
    let mut system = &record[(33 + id.len()).next_multiple_of(2)..];
    while system.len() >= 5 {
        let len = usize::from(system[2]);
        assert!(len >= 4 && len <= system.len(), "a system use entry of {len} bytes");
        if &system[..2] == b"NM" {
            return String::from_utf8_lossy(&system[5..len]).into_owned();
        }
        system = &system[len..];
    }
    panic!("a record has no Rock Ridge name")
}

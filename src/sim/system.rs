//! An operating system image in bytes of our own, and what a machine finds when it starts from its disk.
//!
//! The image proves itself: its first sector says how long the rest is and what it hashes to, so that a machine which
//! starts from a disk on which one bit is wrong does not start. It stands in for boot loader, kernel and all.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::blocking;
use crate::random::Random;

const MAGIC: &str = "BESSEMER SIMULATED SYSTEM";
/// What a ramdisk writes for a partition image: where the image is, and whether a boot loader was put before it.
const TABLE: &str = "BESSEMER SIMULATED PARTITIONS";
const SECTOR: usize = 512;
/// Disks of the simulation are small; anything longer is not an image of ours.
const MAX_BYTES: u64 = 1 << 30;

/// What started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    pub name: String,
    pub bytes: u64,
    /// The config drive that it found, if any.
    pub config_drive: Option<Vec<u8>>,
}

/// An image called `name` with `payload_bytes` of random content.
pub fn image(name: &str, payload_bytes: usize, random: &Random) -> Vec<u8> {
    let mut payload = Vec::with_capacity(payload_bytes + SECTOR);
    while payload.len() < payload_bytes {
        payload.extend_from_slice(&random.bytes::<SECTOR>());
    }
    payload.truncate(payload_bytes);
    let mut out = format!("{MAGIC}\n{name}\n{payload_bytes}\n{}\n", hex(&Sha256::digest(&payload))).into_bytes();
    out.resize(SECTOR, 0);
    out.extend_from_slice(&payload);
    out
}

/// Starts from a disk. Errors say what the machine's screen would.
pub async fn start(disk: &Path) -> Result<System, String> {
    let disk = disk.to_owned();
    blocking::run(move || read_file(&disk)).await.unwrap_or_else(|error| Err(error.to_string()))
}

/// Whether there is anything to start from, right or wrong.
pub async fn is_bootable(disk: &Path) -> bool {
    let disk = disk.to_owned();
    blocking::run(move || std::fs::File::open(disk).is_ok_and(|mut disk| header(&mut disk).is_ok()))
        .await
        .unwrap_or(false)
}

/// An image whose bytes were fetched rather than read from a disk.
pub fn start_bytes(bytes: &[u8]) -> Result<System, String> {
    read(&mut std::io::Cursor::new(bytes))
}

struct Header {
    name: String,
    bytes: u64,
    sum: String,
    /// Where the payload begins.
    at: u64,
}

const NONE: &str = "no bootable device";

fn header(disk: &mut (impl Read + Seek)) -> Result<Header, String> {
    let mut text = sector(disk, 0)?;
    let mut begins = 0;
    let table: Vec<String> = text.lines().map(str::to_owned).collect();
    if table.first().map(String::as_str) == Some(TABLE) {
        begins = table.get(1).and_then(|at| at.parse().ok()).ok_or(NONE)?;
        if table.get(2).map(String::as_str) != Some("loader") {
            return Err("the disk has partitions and no boot loader".to_owned());
        }
        text = sector(disk, begins)?;
    }
    let mut lines = text.lines();
    match [lines.next(), lines.next(), lines.next(), lines.next()] {
        [Some(MAGIC), Some(name), Some(bytes), Some(sum)] => {
            let bytes = bytes.parse().ok().filter(|bytes| *bytes <= MAX_BYTES).ok_or(NONE)?;
            Ok(Header { name: name.to_owned(), bytes, sum: sum.to_owned(), at: begins + SECTOR as u64 })
        }
        _ => Err(NONE.to_owned()),
    }
}

fn sector(disk: &mut (impl Read + Seek), at: u64) -> Result<String, String> {
    let mut sector = [0; SECTOR];
    disk.seek(SeekFrom::Start(at)).map_err(|_| NONE)?;
    disk.read_exact(&mut sector).map_err(|_| NONE)?;
    Ok(String::from_utf8_lossy(&sector).into_owned())
}

fn read(disk: &mut (impl Read + Seek)) -> Result<System, String> {
    let Header { name, bytes, sum, at } = header(disk)?;
    let (mut hash, mut left, mut buffer) = (Sha256::new(), bytes, vec![0; 1 << 18]);
    disk.seek(SeekFrom::Start(at)).map_err(|error| error.to_string())?;
    while left > 0 {
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let piece = &mut buffer[..most];
        disk.read_exact(piece).map_err(|_| format!("the system {name} on the disk is cut off"))?;
        hash.update(&*piece);
        left -= most as u64;
    }
    if hex(&hash.finalize()) != sum {
        return Err(format!("the system {name} on the disk is damaged"));
    }
    Ok(System { name, bytes, config_drive: None })
}

fn read_file(disk: &Path) -> Result<System, String> {
    let system = read(&mut std::fs::File::open(disk).map_err(|_| NONE)?)?;
    Ok(System { config_drive: std::fs::read(config_drive_path(disk)).ok(), ..system })
}

/// Where a ramdisk leaves the config drive, which is a partition on a real disk.
fn config_drive_path(disk: &Path) -> PathBuf {
    let mut path = disk.as_os_str().to_owned();
    path.push(".config-2");
    path.into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_image_starts_from_a_disk_and_a_damaged_one_does_not() -> Result<(), String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let disk = dir.path().join("disk");
        assert_eq!(start(&disk).await, Err("no bootable device".into()));
        let mut image = image("small", 10_000, &Random::seeded(1));
        image.resize(50_000, 0);
        std::fs::write(&disk, &image).map_err(|error| error.to_string())?;
        let system = System { name: "small".into(), bytes: 10_000, config_drive: None };
        assert_eq!(start(&disk).await, Ok(system));
        image[9_000] ^= 1;
        std::fs::write(&disk, &image).map_err(|error| error.to_string())?;
        assert!(start(&disk).await.is_err_and(|why| why.contains("damaged")));
        Ok(())
    }
}

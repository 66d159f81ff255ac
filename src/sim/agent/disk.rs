//! The machine's only disk, a sparse file, and what is written to it.
//!
//! The config drive belongs into a partition at the end of the disk; here it stands in the last bytes of the file, and for
//! whoever wants to look at it in `<disk>.config-2`.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use sha2::{Digest as _, Sha256, Sha512};

use super::Ramdisk;
use crate::blocking;
use crate::net::http::{Limits, Request, Url};
use crate::wire::ipa::ImageInfo;

/// An image on the disk.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// What stands for the identifier of the disk.
    pub disk_id: String,
    /// What was made for an image that is one file system.
    pub partition: Option<Partition>,
}

/// The partitions of a disk with one file system on it.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub root_uuid: String,
    pub efi_uuid: Option<String>,
}

/// Where the root partition begins, and the table that says so, which stands for all that parting a disk is.
const ROOT_AT: u64 = 1 << 20;
const TABLE: &str = "BESSEMER SIMULATED PARTITIONS\n";
const LOADER: &str = "loader\n";

/// How much erase_devices_metadata wipes at each end.
const METADATA_BYTES: u64 = 1 << 20;

/// Runs file work off the runtime.
async fn off<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, String> {
    let done = blocking::run(work).await.map_err(|error| error.to_string())?;
    done.map_err(|error| error.to_string())
}

fn open(path: &Path, bytes: u64) -> io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() != bytes {
        file.set_len(bytes)?;
    }
    Ok(file)
}

/// The first sector of a parted disk.
fn table(loader: &str) -> Vec<u8> {
    let mut sector = format!("{TABLE}{ROOT_AT}\n{loader}").into_bytes();
    sector.resize(512, 0);
    sector
}

/// Makes the partition bootable.
pub(super) async fn install_loader(path: &Path) -> Result<(), String> {
    let path = path.to_owned();
    off(move || {
        let mut file = File::options().write(true).open(path)?;
        file.write_all(&table(LOADER))?;
        file.sync_all()
    })
    .await
}

pub(super) async fn erase_metadata(path: &Path, bytes: u64) -> Result<(), String> {
    let path = path.to_owned();
    off(move || {
        let mut file = open(&path, bytes)?;
        let zeros = vec![0; METADATA_BYTES.min(bytes) as usize];
        file.write_all(&zeros)?;
        file.seek(SeekFrom::Start(bytes - zeros.len() as u64))?;
        file.write_all(&zeros)?;
        file.sync_all()?;
        remove(&config_drive_path(&path))
    })
    .await
}

pub(super) async fn erase_all(path: &Path, bytes: u64) -> Result<(), String> {
    let path = path.to_owned();
    off(move || {
        remove(&path)?;
        open(&path, bytes)?;
        remove(&config_drive_path(&path))
    })
    .await
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where the config drive is kept for whoever wants to look at it.
pub(super) fn config_drive_path(disk: &Path) -> PathBuf {
    let mut path = disk.as_os_str().to_owned();
    path.push(".config-2");
    path.into()
}

/// Why there is no image on the disk, as the agent's own classes tell it apart.
pub(super) enum Unwritten {
    Download(String),
    Checksum(String),
    Other(String),
}

impl From<String> for Unwritten {
    fn from(why: String) -> Self {
        Unwritten::Other(why)
    }
}

impl From<&str> for Unwritten {
    fn from(why: &str) -> Self {
        Unwritten::Other(why.to_owned())
    }
}

/// Downloads the image onto the disk, verifies it, and puts the config drive behind it. A qcow2 is written as it is:
/// what converts it is not simulated.
pub(super) async fn write(ramdisk: &Arc<Ramdisk>, info: &ImageInfo, drive: Option<&str>) -> Result<Written, Unwritten> {
    let machine = &ramdisk.machine;
    let url = info.urls.first().ok_or("Image 'urls' must be a list with at least one element.")?;
    let (algorithm, expected) = match (&info.os_hash_algo, &info.os_hash_value, &info.checksum) {
        (Some(algorithm), Some(value), _) => (algorithm.clone(), value.clone()),
        (_, _, Some(sum)) if sum.len() == 64 => ("sha256".to_owned(), sum.clone()),
        (_, _, Some(sum)) if sum.len() == 128 => ("sha512".to_owned(), sum.clone()),
        _ => return Err("Image checksum is not available".into()),
    };
    let mut request = Request::get(Url::parse(url).map_err(|error| error.to_string())?);
    request.limits = Limits { body_bytes: machine.disk_bytes, ..Limits::default() };
    let mut response = ramdisk.client.send(request).await.map_err(|error| Unwritten::Download(error.to_string()))?;
    if !response.status.is_success() {
        return Err(Unwritten::Download(format!("Download of image {} failed: {}", info.id, response.status)));
    }
    let (disk, disk_bytes) = (machine.disk.clone(), machine.disk_bytes);
    ramdisk.faults.wrote();
    let mut file = off(move || open(&disk, disk_bytes)).await?;
    let partition;
    (file, partition) = part(ramdisk, info, file).await?;
    let (mut sha256, mut sha512, mut bytes) = (Sha256::new(), Sha512::new(), 0_u64);
    while let Some(piece) = response.chunk().await.map_err(|error| Unwritten::Download(error.to_string()))? {
        if algorithm == "sha512" {
            sha512.update(&piece)
        } else {
            sha256.update(&piece)
        }
        if ramdisk.faults.takes(|knobs| &mut knobs.cut_transfers) {
            return Err(Unwritten::Download("Connection reset by peer".into()));
        }
        bytes += piece.len() as u64;
        file = off(move || file.write_all(&piece).map(|()| file)).await?;
        if ramdisk.faults.restarts_at(bytes) {
            ramdisk.forget();
            return std::future::pending().await;
        }
    }
    let found = if algorithm == "sha512" { hex(&sha512.finalize()) } else { hex(&sha256.finalize()) };
    if found != expected {
        return Err(Unwritten::Checksum(format!(
            "Image failed to verify against checksum. image checksum: {expected}; verification checksum: {found}"
        )));
    }
    let beside = config_drive_path(&machine.disk);
    if let Some(drive) = drive {
        let drive = unpack(ramdisk, drive).await?;
        let end = bytes + if partition.is_some() { ROOT_AT } else { 0 };
        let at = machine.disk_bytes.checked_sub(drive.len() as u64).filter(|at| *at >= end);
        let at = at.ok_or("the config drive does not fit behind the image")?;
        off(move || {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&drive)?;
            file.sync_all()?;
            fs::write(beside, &drive)
        })
        .await?;
    } else {
        off(move || file.sync_all().and_then(|()| remove(&beside))).await?;
    }
    Ok(Written { disk_id: format!("0x{}", &found[..8]), partition })
}

/// Parts the disk for an image that is one file system, and goes to where that belongs.
async fn part(ramdisk: &Arc<Ramdisk>, info: &ImageInfo, mut file: File) -> Result<(File, Option<Partition>), String> {
    if info.image_type.as_deref() != Some("partition") {
        return Ok((file, None));
    }
    let size = |key: &str| info.layout.get(key).and_then(serde_json::Value::as_u64);
    let (Some(root_mb), Some(swap_mb), Some(ephemeral_mb)) = (size("root_mb"), size("swap_mb"), size("ephemeral_mb"))
    else {
        return Err("Partition sizes are missing: root_mb, swap_mb, ephemeral_mb".into());
    };
    if root_mb == 0 {
        return Err("Root partition is too small for requested image".into());
    }
    if ephemeral_mb > 0 && info.layout.get("ephemeral_format").and_then(serde_json::Value::as_str).is_none() {
        return Err("ephemeral_format is missing".into());
    }
    tracing::debug!(root_mb, swap_mb, ephemeral_mb, "simulated agent parts its disk");
    let file = off(move || {
        file.write_all(&table(""))?;
        file.seek(SeekFrom::Start(ROOT_AT)).map(|_| file)
    })
    .await?;
    let uuid = || ramdisk.world.random.uuid().to_string();
    let efi = info.deploy_boot_mode.as_deref() == Some("uefi");
    Ok((file, Some(Partition { root_uuid: uuid(), efi_uuid: efi.then(uuid) })))
}

/// The config drive's file system: base64(gzip(…)), or that at an address.
async fn unpack(ramdisk: &Arc<Ramdisk>, drive: &str) -> Result<Vec<u8>, String> {
    let fetched;
    let text = if drive.starts_with("http://") || drive.starts_with("https://") {
        let mut request = Request::get(Url::parse(drive).map_err(|error| error.to_string())?);
        request.limits.body_bytes = 100 << 20;
        let response = ramdisk.client.send(request).await.map_err(|error| error.to_string())?;
        fetched = response.bytes().await.map_err(|error| error.to_string())?;
        &fetched[..]
    } else {
        drive.as_bytes()
    };
    let compact: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let packed = base64::engine::general_purpose::STANDARD.decode(compact).map_err(|error| error.to_string())?;
    let mut out = vec![];
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut out).map_err(|error| error.to_string())?;
    Ok(out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

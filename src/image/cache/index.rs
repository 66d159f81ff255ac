//! What is in the cache, who holds it, and what has to go.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use super::Progress;
use super::fetch::Fetched;
use crate::disk;
use crate::image::ImageError;
use crate::image::checksum::Checksum;
use crate::image::format::{self, Format};

/// An entry: a complete file.
#[derive(Clone, Debug)]
pub struct Held {
    pub bytes: u64,
    pub format: Format,
    /// Larger is later.
    used: u64,
    holders: HashSet<String>,
}

/// A download in flight.
pub(super) struct Download {
    pub progress: Arc<watch::Sender<Progress>>,
    pub location: String,
    holders: HashSet<String>,
    /// Counted into the total although the file is not complete.
    reserved_bytes: u64,
}

/// Only touched under the cache's lock, never across an await.
pub(super) struct Index {
    dir: PathBuf,
    max_bytes: u64,
    entries: HashMap<String, Held>,
    pub downloads: HashMap<String, Download>,
    /// What images without a checksum turned out to be, by holder and location, so that one deploy sees one image.
    learned: HashMap<(String, String), Checksum>,
    uses: u64,
}

impl Index {
    /// Reads the directory. Blocking.
    pub fn scan(dir: &Path, max_bytes: u64) -> Result<Self, ImageError> {
        fs::create_dir_all(dir)?;
        let mut found = vec![];
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if Path::new(&name).extension().is_some_and(|ending| ending == disk::PARTIAL) {
                fs::remove_file(entry.path())?;
                continue;
            }
            // Anything else in the directory is somebody else's and stays as it is.
            let metadata = entry.metadata()?;
            if Checksum::from_content_name(&name).is_none() || !metadata.is_file() {
                continue;
            }
            if let Ok(format) = head_format(&entry.path()) {
                found.push((metadata.modified()?, name, metadata.len(), format));
            }
        }
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut index = Index {
            dir: dir.to_owned(),
            max_bytes,
            entries: HashMap::new(),
            downloads: HashMap::new(),
            learned: HashMap::new(),
            uses: 0,
        };
        for (_, name, bytes, format) in found {
            index.add(name, bytes, format, HashSet::new());
        }
        // The limit may have been lowered since.
        for path in index.make_room(0)? {
            fs::remove_file(path)?;
        }
        Ok(index)
    }

    pub fn used_bytes(&self) -> u64 {
        self.entries.values().map(|entry| entry.bytes).sum()
    }

    fn add(&mut self, name: String, bytes: u64, format: Format, holders: HashSet<String>) {
        self.uses += 1;
        let entry = self.entries.entry(name).or_insert(Held { bytes, format, used: 0, holders: HashSet::new() });
        entry.used = self.uses;
        entry.holders.extend(holders);
    }

    pub fn hold(&mut self, name: &str, holder: &str) -> Option<&Held> {
        self.touch(name);
        let entry = self.entries.get_mut(name)?;
        entry.holders.insert(holder.to_owned());
        Some(entry)
    }

    /// Notes a use; whether the entry is there.
    pub fn touch(&mut self, name: &str) -> bool {
        self.uses += 1;
        self.entries.get_mut(name).map(|entry| entry.used = self.uses).is_some()
    }

    /// What the image at `location`, whose checksum was waived, turned out to be for `holder`.
    pub fn learned(&self, holder: &str, location: &str) -> Option<&Checksum> {
        self.learned.get(&(holder.to_owned(), location.to_owned()))
    }

    pub fn release(&mut self, holder: &str) {
        self.learned.retain(|(who, _), _| who != holder);
        for entry in self.entries.values_mut() {
            entry.holders.remove(holder);
        }
        for download in self.downloads.values_mut() {
            download.holders.remove(holder);
        }
    }

    pub fn join(&mut self, name: &str, holder: &str) -> Option<&Download> {
        let download = self.downloads.get_mut(name)?;
        download.holders.insert(holder.to_owned());
        Some(download)
    }

    pub fn start(&mut self, name: &str, location: &str, holder: &str, progress: Arc<watch::Sender<Progress>>) {
        let (location, holders) = (location.to_owned(), HashSet::from([holder.to_owned()]));
        self.downloads.insert(name.to_owned(), Download { progress, location, holders, reserved_bytes: 0 });
    }

    /// Whether `progress` still belongs to the download of `name`, and not to one that was given up.
    pub fn is_current(&self, name: &str, progress: &Arc<watch::Sender<Progress>>) -> bool {
        self.downloads.get(name).is_some_and(|download| Arc::ptr_eq(&download.progress, progress))
    }

    /// Whether nobody waits for the download and no node holds it.
    pub fn is_abandoned(&self, name: &str) -> bool {
        self.downloads.get(name).is_none_or(|it| it.holders.is_empty() && it.progress.receiver_count() == 0)
    }

    /// Sets how much room the download needs in all, and returns the files to remove for it. They are no entries any
    /// more, so removing them may wait until after the lock.
    pub fn reserve(&mut self, name: &str, bytes: u64) -> Result<Vec<PathBuf>, ImageError> {
        let Some(download) = self.downloads.get_mut(name) else { return Ok(vec![]) };
        let before = std::mem::replace(&mut download.reserved_bytes, bytes);
        if bytes > self.max_bytes {
            return Err(ImageError::Unusable(format!(
                "the image has {bytes} bytes or more and the whole cache (images.cache_bytes) {}",
                self.max_bytes
            )));
        }
        if bytes <= before { Ok(vec![]) } else { self.make_room(bytes) }
    }

    fn make_room(&mut self, wanted: u64) -> Result<Vec<PathBuf>, ImageError> {
        let mut removed = vec![];
        loop {
            let reserved: u64 = self.downloads.values().map(|download| download.reserved_bytes).sum();
            if self.used_bytes() + reserved <= self.max_bytes {
                return Ok(removed);
            }
            let free = self.entries.iter().filter(|(_, entry)| entry.holders.is_empty());
            let Some(name) = free.min_by_key(|(_, entry)| entry.used).map(|(name, _)| name.clone()) else {
                // What was taken out is put back nowhere: those files are free to go in any case.
                remove_all(&removed);
                return Err(ImageError::NoRoom(format!(
                    "no room for {wanted} bytes in the image cache: all of its {} bytes are in use by deploying nodes \
                     (images.cache_bytes)",
                    self.max_bytes
                )));
            };
            self.entries.remove(&name);
            removed.push(self.dir.join(name));
        }
    }

    /// The download is over: with a file, which becomes an entry held by whoever waits, or without.
    pub fn finish(&mut self, name: &str, location: &str, fetched: Option<&Fetched>) {
        let Some(download) = self.downloads.remove(name) else { return };
        let Some(Fetched { checksum, bytes, format }) = fetched else { return };
        let content = checksum.content_name();
        if content != name {
            for holder in &download.holders {
                self.learned.insert((holder.clone(), location.to_owned()), checksum.clone());
            }
        }
        self.add(content, *bytes, *format, download.holders);
    }
}

/// Best effort: a file that stays is found by the next start and evicted then.
pub(super) fn remove_all(paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = fs::remove_file(path) {
            tracing::warn!(path = %path.display(), %error, "an evicted image could not be removed");
        }
    }
}

fn head_format(path: &Path) -> Result<Format, ImageError> {
    use std::io::Read as _;
    let mut head = vec![];
    let file = fs::File::open(path)?;
    let bytes = file.metadata()?.len();
    file.take(format::HEAD_BYTES as u64).read_to_end(&mut head)?;
    format::of_file(&head, bytes)
}

//! The boot loaders: plain files of one directory, held in memory while they are in demand.
//!
//! A client names a file and nothing else: no sub-directory, no path, no link that leads out of the directory. So the
//! directory itself is the list of what may be fetched without any credential, by TFTP and by UEFI HTTP boot alike.
//! A loader is a few hundred kilobytes and is asked for by a whole rack at once, so it is read once and shared; the cache
//! forgets what was not asked for longest when it would outgrow its bound, and notices when a file was replaced.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use crate::blocking;

/// No loader is larger; a file above this is refused rather than read.
const MOST_FILE_BYTES: u64 = 64 << 20;
/// What all cached files together may hold.
const MOST_CACHE_BYTES: usize = 80 << 20;
const MOST_NAME_BYTES: usize = 128;

/// The directory and its cache. Cheap to clone.
#[derive(Clone)]
pub struct Loaders(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    cache: Mutex<Cache>,
}

/// Why a file is not given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such name, or not a name at all: a client learns no more than this.
    #[error("no such file")]
    NotFound,
    #[error("the file is too large for a boot loader")]
    TooLarge,
    #[error("the file cannot be read")]
    Unreadable,
}

impl Loaders {
    /// Serves the files directly in `dir`, which need not exist yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Loaders(Arc::new(Inner { dir: dir.into(), cache: Mutex::default() }))
    }

    /// The content of the file `name`; a leading slash, as firmware sends it, is dropped.
    pub async fn get(&self, name: &str) -> Result<Bytes, Refused> {
        let name = plain_name(name)?.to_owned();
        let inner = Arc::clone(&self.0);
        blocking::run(move || inner.load(&name)).await.unwrap_or(Err(Refused::Unreadable))
    }

    /// The first of `names` that can be served now. Blocking, a look at the directory.
    pub fn first_of<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().copied().find(|name| locate(&self.0.dir, name).is_ok())
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }
}

impl Inner {
    fn load(&self, name: &str) -> Result<Bytes, Refused> {
        let path = locate(&self.dir, name)?;
        let metadata = std::fs::metadata(&path).map_err(|_| Refused::NotFound)?;
        if metadata.len() > MOST_FILE_BYTES {
            return Err(Refused::TooLarge);
        }
        let version = Version { modified: metadata.modified().ok(), bytes: metadata.len() };
        if let Some(hit) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).find(name, &version) {
            return Ok(hit);
        }
        // Two first askers may both read the file; that is cheaper than making every asker wait for a lock.
        let bytes = Bytes::from(std::fs::read(&path).map_err(|_| Refused::Unreadable)?);
        if bytes.len() as u64 <= MOST_FILE_BYTES {
            self.cache.lock().unwrap_or_else(PoisonError::into_inner).keep(name, version, bytes.clone());
        }
        Ok(bytes)
    }
}

/// Refuses everything that is not the name of a file in a directory.
pub fn plain_name(name: &str) -> Result<&str, Refused> {
    let name = name.trim_start_matches('/');
    let plain = !name.is_empty()
        && name.len() <= MOST_NAME_BYTES
        && name != "."
        && name != ".."
        && !name.chars().any(|c| c == '/' || c == '\\' || c.is_control());
    if plain { Ok(name) } else { Err(Refused::NotFound) }
}

/// The real path of a plain file below `dir`. Links are followed and then judged by where they ended.
fn locate(dir: &Path, name: &str) -> Result<PathBuf, Refused> {
    let root = dir.canonicalize().map_err(|_| Refused::NotFound)?;
    let path = root.join(plain_name(name)?).canonicalize().map_err(|_| Refused::NotFound)?;
    if path.starts_with(&root) && path.is_file() { Ok(path) } else { Err(Refused::NotFound) }
}

/// What tells one content of a file from the next.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    modified: Option<SystemTime>,
    bytes: u64,
}

#[derive(Default)]
struct Cache {
    files: HashMap<String, Cached>,
    total_bytes: usize,
    /// Counts questions; the entry with the lowest number was asked for longest ago.
    turn: u64,
}

struct Cached {
    version: Version,
    bytes: Bytes,
    last_turn: u64,
}

impl Cache {
    fn find(&mut self, name: &str, version: &Version) -> Option<Bytes> {
        self.turn += 1;
        let cached = self.files.get_mut(name).filter(|cached| cached.version == *version)?;
        cached.last_turn = self.turn;
        Some(cached.bytes.clone())
    }

    fn keep(&mut self, name: &str, version: Version, bytes: Bytes) {
        self.forget(name);
        self.turn += 1;
        while self.total_bytes + bytes.len() > MOST_CACHE_BYTES {
            let Some(oldest) = self.files.iter().min_by_key(|(_, c)| c.last_turn).map(|(name, _)| name.clone()) else {
                return;
            };
            self.forget(&oldest);
        }
        self.total_bytes += bytes.len();
        self.files.insert(name.to_owned(), Cached { version, bytes, last_turn: self.turn });
    }

    fn forget(&mut self, name: &str) {
        if let Some(gone) = self.files.remove(name) {
            self.total_bytes -= gone.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_plain_files_of_the_directory_are_given_out() -> std::io::Result<()> {
        let outer = tempfile::tempdir()?;
        let dir = outer.path().join("loaders");
        std::fs::create_dir_all(dir.join("sub"))?;
        std::fs::write(outer.path().join("secret"), "no")?;
        std::fs::write(dir.join("sub/inner"), "no")?;
        std::fs::write(dir.join("a.efi"), "yes")?;
        std::os::unix::fs::symlink("a.efi", dir.join("alias.efi"))?;
        std::os::unix::fs::symlink("../secret", dir.join("leak"))?;
        let loaders = Loaders::new(&dir);
        for name in ["a.efi", "/a.efi", "alias.efi"] {
            assert_eq!(loaders.get(name).await.as_deref(), Ok(&b"yes"[..]), "{name}");
        }
        for name in ["leak", "../secret", "sub/inner", "sub", "", "/", ".", "..", "a.efi\0", "sub\\inner", "none"] {
            assert_eq!(loaders.get(name).await, Err(Refused::NotFound), "{name}");
        }
        assert_eq!(loaders.first_of(&["none", "a.efi"]), Some("a.efi"));
        std::fs::File::create(dir.join("large"))?.set_len(MOST_FILE_BYTES + 1)?;
        assert_eq!(loaders.get("large").await, Err(Refused::TooLarge));
        Ok(())
    }

    #[tokio::test]
    async fn a_replaced_file_is_noticed_and_the_cache_is_bounded() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let loaders = Loaders::new(dir.path());
        std::fs::write(dir.path().join("x"), "one")?;
        assert_eq!(loaders.get("x").await.as_deref(), Ok(&b"one"[..]));
        std::fs::write(dir.path().join("x"), "three")?;
        assert_eq!(loaders.get("x").await.as_deref(), Ok(&b"three"[..]));

        let mut cache = Cache::default();
        let version = Version { modified: None, bytes: 0 };
        for name in ["a", "b", "c"] {
            cache.keep(name, version, Bytes::from(vec![0; MOST_CACHE_BYTES / 2]));
        }
        assert_eq!((cache.files.len(), cache.total_bytes), (2, MOST_CACHE_BYTES / 2 * 2));
        assert!(!cache.files.contains_key("a"), "the oldest goes first");
        Ok(())
    }
}

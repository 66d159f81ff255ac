//! Files that are not the store: images, boot loaders, leases of nothing else.
//!
//! The seam exists so that a simulated world can fill the disk or lose what was not synced. Everything that the service
//! writes for itself outside SQLite goes through [`write_atomic`] or, if it is too long for memory, [`Partial`]: a reader
//! sees the old file or the new one. What others name is opened by [`open_below`]. All of it blocks: call it off the runtime.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes `bytes` beside `path`, syncs and renames over it, then syncs the directory. Blocking: call it off the runtime.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file = std::fs::File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    sync_parent(path)
}

/// Makes a rename or removal in the directory of `path` durable.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => std::fs::File::open(dir)?.sync_all(),
        _ => std::fs::File::open(".")?.sync_all(),
    }
}

/// Ending of a file that is still being written. Whoever owns a directory removes such files when it starts.
pub const PARTIAL: &str = "partial";

/// A file that is not there until it is complete. Dropped before [`Partial::publish`], it leaves nothing.
#[derive(Debug)]
pub struct Partial {
    file: File,
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Partial {
    /// Starts what will be `target`. Errors: the directory cannot be written.
    pub fn create(target: &Path) -> io::Result<Self> {
        // One that was given up may still be open in another thread when the next begins.
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let mut name = target.as_os_str().to_owned();
        name.push(format!(".{}.{PARTIAL}", SERIAL.fetch_add(1, Ordering::Relaxed)));
        let path = PathBuf::from(name);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Partial { file, path, target: target.to_owned(), published: false })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Where it is being written, for who writes it by other means than [`Partial::write`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Makes durable what there is.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Makes it durable and gives it its name.
    pub fn publish(self) -> io::Result<()> {
        let target = self.target.clone();
        self.publish_as(&target)
    }

    /// The same with a name in the same directory that could not be known before it was complete.
    pub fn publish_as(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, target)?;
        self.published = true;
        sync_parent(target)
    }

    /// As [`Partial::publish`], but never in the place of another file: `AlreadyExists`.
    pub fn publish_new(self) -> io::Result<()> {
        self.file.sync_all()?;
        // The name that it has so far goes with `self`.
        link_new(&self.path, &self.target)?;
        sync_parent(&self.target)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            // Nothing more can be done here; the owner's next start removes what could not be removed now.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Gives a file a second name, unless there is something with that name. Whether it still has the first is the caller's
/// business.
pub fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        // A file system without links: the next best thing.
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
            if to.symlink_metadata().is_ok() {
                Err(io::ErrorKind::AlreadyExists.into())
            } else {
                std::fs::rename(from, to)
            }
        }
        other => other,
    }
}

/// Makes a file belong to whom another belongs, if this process may do that at all.
pub fn give(path: &Path, like: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(like.uid()), Some(like.gid()))
}

/// The whole names of the files in a directory; those that are no text are nobody's that asks.
pub fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(dir)?.flatten();
    Ok(entries.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

/// Opens a regular file that lies below one of `roots` once every symbolic link on the way is followed. Errors:
/// `PermissionDenied` if it lies elsewhere or is no regular file.
pub fn open_below(roots: &[PathBuf], path: &Path) -> io::Result<(File, u64)> {
    let denied = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", path.display()));
    if !path.is_absolute() {
        return Err(denied("is not an absolute path"));
    }
    let below =
        |real: &Path| roots.iter().filter_map(|root| root.canonicalize().ok()).any(|root| real.starts_with(root));
    // Whether something exists outside the roots is nobody's business, so it is denied like what does.
    let outside = || denied("is not below a configured root (images.roots)");
    let real = path
        .canonicalize()
        .map_err(|error| if roots.iter().any(|root| path.starts_with(root)) { error } else { outside() })?;
    if !below(&real) {
        return Err(outside());
    }
    // O_NONBLOCK: opening a FIFO would wait for a writer. O_NOFOLLOW: the last part was resolved, so a link is news.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file = File::options().read(true).custom_flags(flags).open(&real)?;
    // A directory on the way may have been swapped for a link since: ask the kernel where this file really is.
    let opened = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)))?;
    if !below(&opened) {
        return Err(outside());
    }
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(denied("is not a regular file"));
    }
    Ok((file, metadata.len()))
}

/// Reads pieces of up to `piece_bytes` until the end, handing each to `take`; stops early if that returns an error.
pub fn read_pieces<E: From<io::Error>>(
    file: &mut File,
    piece_bytes: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = vec![0; piece_bytes];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => take(&buffer[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// A file that is written well and cannot be made to last: no system syncs what is a socket.
    fn unsynced(target: &Path) -> io::Result<Partial> {
        let mut partial = Partial::create(target)?;
        partial.write(b"whole")?;
        partial.file = File::from(OwnedFd::from(UnixStream::pair()?.0));
        Ok(partial)
    }

    #[test]
    fn what_cannot_be_made_to_last_gets_no_name_and_leaves_nothing() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let (target, other) = (dir.path().join("image"), dir.path().join("other"));
        assert!(unsynced(&target)?.publish().is_err());
        assert!(unsynced(&target)?.publish_as(&other).is_err());
        assert!(unsynced(&target)?.publish_new().is_err());
        assert_eq!(names(dir.path())?, [""; 0]);
        let mut whole = Partial::create(&target)?;
        whole.write(b"whole")?;
        whole.publish_new()?;
        assert_eq!(std::fs::read(&target)?, b"whole");
        Ok(())
    }
}

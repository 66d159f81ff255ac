//! Files that are not the store: images, boot loaders, leases of nothing else.
//!
//! The seam exists so that a simulated world can fill the disk or lose what was not synced. Everything that the service
//! writes for itself outside SQLite goes through [`write_atomic`]: a reader sees the old file or the new one.

use std::io::{self, Write as _};
use std::path::Path;

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

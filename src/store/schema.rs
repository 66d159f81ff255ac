//! Opening the file: its lock, its pragmas and its migrations.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// One entry per schema, oldest first; `PRAGMA user_version` counts how many a file has had. An entry never changes
/// once released.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_foundation.sql")];

/// An advisory lock beside the file, for as long as the process lives. SQLite would let two servers share a file, and
/// they would fight over the machines.
pub struct Lock(#[expect(dead_code, reason = "held, not read")] Flock<File>);

impl Lock {
    pub fn take(path: &Path) -> Result<Self, StoreError> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&beside)
            .map_err(|e| broken(e, format!("cannot open {}", Path::new(&beside).display())))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut lock) => {
                // Only a hint for the message of whoever comes second, so a failure to write it is no failure.
                let _ = lock.set_len(0).and_then(|()| lock.rewind());
                let _ = writeln!(lock, "{}", std::process::id());
                Ok(Lock(lock))
            }
            Err((mut file, _)) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                let pid = pid.trim();
                let holder = if pid.is_empty() { String::new() } else { format!(" (process {pid})") };
                Err(StoreError::InUse { path: path.display().to_string(), holder })
            }
        }
    }
}

fn broken(error: impl Into<anyhow::Error>, what: String) -> StoreError {
    StoreError::Broken(error.into().context(what))
}

#[expect(clippy::disallowed_methods, reason = "the store opens the store")]
pub fn open_writer(path: &Path, max_pages: Option<u32>) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|e| broken(e, format!("cannot open {}", path.display())))?;
    connection.busy_timeout(Duration::from_secs(5))?;
    // FULL: what was acknowledged survives a power cut. Group commit pays for it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA temp_store = MEMORY;",
    )?;
    if let Some(pages) = max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

#[expect(clippy::disallowed_methods, reason = "the store opens the store")]
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Brings the file to the newest schema, all in one transaction. A file from a newer version is refused, untouched.
pub fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = MIGRATIONS.len() as i64;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if found == known {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for migration in &MIGRATIONS[usize::try_from(found).unwrap_or(0)..] {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "user_version", known)?;
    tx.commit()?;
    Ok(())
}

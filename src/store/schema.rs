//! Opening the file: its lock, its pragmas and its migrations.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, wal};

/// One entry per schema, oldest first; `PRAGMA user_version` counts how many a file has had. An entry never changes
/// once released.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_foundation.sql"),
    include_str!("migrations/0002_lists.sql"),
    include_str!("migrations/0003_settings.sql"),
    include_str!("migrations/0004_steps.sql"),
    include_str!("migrations/0005_resources.sql"),
    include_str!("migrations/0006_list_orders.sql"),
    include_str!("migrations/0007_inspection_rules.sql"),
];

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

/// Marks the file as ours (`PRAGMA application_id`): "BSMR".
pub(super) const APPLICATION: i64 = 0x4253_4d52;

/// The one connection that writes, on a file whose schema is the newest. What is not ours is not touched.
#[expect(clippy::disallowed_methods, reason = "the store opens the store")]
pub fn open_writer(path: &Path, max_pages: Option<u32>) -> Result<Connection, StoreError> {
    let cannot_open = |error: anyhow::Error| broken(error, format!("cannot open {}", path.display()));
    create_private(path).map_err(|e| cannot_open(e.into()))?;
    if let Some(count) = wal::unreadable(path).map_err(|e| cannot_open(e.into()))? {
        return Err(StoreError::damaged(format!("{count} transactions in its write-ahead log cannot be read")));
    }
    let mut connection = Connection::open(path)?;
    // Until all is well: what is refused, or damaged, is left with its WAL as it was found.
    if std::fs::metadata(wal::path_of(path)).is_ok_and(|file| file.len() > 0) {
        leave_wal(&connection);
    }
    connection.busy_timeout(Duration::from_secs(5))?;
    let found = recognise(&connection, path)?;
    // FULL: what was acknowledged survives a power cut. Group commit pays for it.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
             PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(|e| match StoreError::from(e) {
            // A file that may not be written, for one, fails here at the latest.
            StoreError::ReadOnly => cannot_open(anyhow::anyhow!("its file or directory may not be written")),
            other => other,
        })?;
    if let Some(pages) = max_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    keep_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(256);
    migrate(&mut connection, found)?;
    Ok(connection)
}

/// The WAL is folded into the file when this connection closes.
pub fn fold_wal(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// The WAL is not folded into the file when this connection closes.
pub fn leave_wal(connection: &Connection) {
    // It is known to every version of SQLite that we build with, so it cannot fail.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// The file holds the passwords of BMCs: nobody else reads it. SQLite gives its WAL the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        // Its name is in the directory when the power goes, too.
        Ok(_) => match path.parent().filter(|it| !it.as_os_str().is_empty()) {
            Some(directory) => File::open(directory)?.sync_all(),
            None => File::open(".")?.sync_all(),
        },
    }
}

/// The schema that the file has; 0 if it is new.
pub(super) fn recognise(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let foreign = |why: &str| StoreError::Foreign { path: path.display().to_string(), why: why.to_owned() };
    let application = match number("application_id") {
        Err(rusqlite::Error::SqliteFailure(code, _)) if code.code == rusqlite::ErrorCode::NotADatabase => {
            return Err(foreign(
                "it is not a SQLite database, or its beginning is damaged; `bessemer check` looks closer",
            ));
        }
        other => other?,
    };
    let found = number("user_version")?;
    let known = MIGRATIONS.len() as i64;
    if application != APPLICATION {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 || found != 0 {
            return Err(foreign("it is another program's database"));
        }
    } else if found > known {
        return Err(StoreError::Newer { path: path.display().to_string(), found, known });
    }
    Ok(found)
}

#[expect(clippy::disallowed_methods, reason = "the store opens the store")]
pub fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
    keep_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// The newest schema, for tests of statements.
#[cfg(test)]
pub fn in_memory() -> Result<Connection, StoreError> {
    let connection = Connection::open_in_memory()?;
    MIGRATIONS.iter().try_for_each(|migration| connection.execute_batch(migration))?;
    keep_plans(&connection)?;
    Ok(connection)
}

/// Plans do not depend on the values that are bound, so a cached statement is never planned again. What a partial index
/// needs to be seen is written into the SQL.
fn keep_plans(connection: &Connection) -> Result<(), StoreError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Brings the file from schema `found` to the newest, all in one transaction.
fn migrate(connection: &mut Connection, found: i64) -> Result<(), StoreError> {
    let owed = MIGRATIONS.get(usize::try_from(found).unwrap_or(0)..).unwrap_or_default();
    if owed.is_empty() {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for migration in owed {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    Ok(tx.commit()?)
}

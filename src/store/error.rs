//! What can go wrong with a store, as far as anybody acts on it.

use std::cell::RefCell;
use std::sync::Arc;

use super::help::Help;

/// Answers to clients name no SQL: the text of an error from SQLite stays in [`StoreError::Broken`], for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique column already has this value; the column is named as `table.column`.
    #[error("a row with this {0} exists already")]
    Duplicate(String),
    /// The disk (or the configured size) is full. Nothing of the request was kept.
    #[error(
        "the store is full, its disk has no room left: nothing of this request was kept; ask again once there is room"
    )]
    Full,
    /// The file cannot be written.
    #[error("the store is read-only, its file may not be written: nothing of this request was kept")]
    ReadOnly,
    /// The disk, or the directory, answers with errors.
    #[error("the store cannot use its disk ({0}): nothing of this request was kept")]
    Disk(String),
    /// What is in the file is no database any more. Nothing is written from then on, so that nothing more is lost.
    #[error("the store is damaged ({why}): nothing of this request was kept, and nothing is written any more; {help}")]
    Damaged { why: String, help: String },
    /// A row holds what no version has written. The others can be read.
    #[error("{row} cannot be read ({why}); `bessemer check` says more, and what to do")]
    Unreadable { row: String, why: String },
    /// Somebody else's transaction is in the way, such as a shell's on the same file. Nothing of the request was kept.
    #[error("the store is locked by another program: nothing of this request was kept")]
    Busy,
    /// More waits for the writer or for a reader than can be done soon. Nothing of the request was kept.
    #[error("the store has too much to do: nothing of this request was kept")]
    Overloaded,
    /// Another process has the store open.
    #[error("the store {path} is in use by another process{holder}")]
    InUse { path: String, holder: String },
    /// The file was written by a newer version, and was left untouched.
    #[error("the store {path} has schema {found}, this version knows schemas up to {known}; it was left untouched")]
    Newer { path: String, found: i64, known: i64 },
    /// The file is something else, and was left untouched.
    #[error("{path} is no store of bessemer: {why}; it was left untouched")]
    Foreign { path: String, why: String },
    /// The file was found damaged while it was opened, and was left as it is.
    #[error("the store {path} is damaged ({why}); it was left as it is; {help}")]
    Unusable { path: String, why: String, help: String },
    /// The service is stopping.
    #[error("the store is closed")]
    Closed,
    /// Anything else, such as a programming error in SQL.
    #[error("the store failed")]
    Broken(#[source] anyhow::Error),
}

impl StoreError {
    /// Whether the same job can succeed later without anybody having changed it: what is owed to the store then waits.
    pub fn may_pass(&self) -> bool {
        matches!(self, StoreError::Full | StoreError::ReadOnly | StoreError::Busy | StoreError::Disk(_))
    }

    /// Whether it is about one row, and others may fare better.
    pub fn is_of_one_row(&self) -> bool {
        matches!(self, StoreError::Unreadable { .. })
    }

    pub(super) fn damaged(why: impl Into<String>) -> Self {
        let help = HELP.with_borrow(|help| help.as_ref().map(|help| help.sentence()));
        StoreError::Damaged { why: why.into(), help: help.unwrap_or_else(|| ANYWAY.to_owned()) }
    }

    /// A row that cannot be made into what it stands for; `row` names it, and `why` shows nothing of what is in it, which
    /// may be a secret in the wrong place.
    pub fn unreadable(row: impl Into<String>, why: impl Into<String>) -> Self {
        let (row, why) = (row.into(), why.into());
        MET.with_borrow_mut(|met| {
            if met.unreadable.len() < MOST_TOLD {
                met.unreadable.push((row.clone(), why.clone()));
            }
        });
        StoreError::Unreadable { row, why }
    }
}

/// Of a store that nobody has opened yet.
const ANYWAY: &str = "`bessemer check` says what is wrong; then restore the newest backup";

/// Rows that cannot be read which one look is asked to tell of; a page of them is enough to know.
const MOST_TOLD: usize = 100;

/// What a job or a look has met, whatever it answers: its own error may hide it.
#[derive(Default)]
pub(super) struct Met {
    /// What SQLite said.
    pub damage: Option<String>,
    /// Rows, and why.
    pub unreadable: Vec<(String, String)>,
}

thread_local! {
    static MET: RefCell<Met> = RefCell::default();
    /// What to tell of the store that this thread is looking at, should it be damaged.
    static HELP: RefCell<Option<Arc<Help>>> = const { RefCell::new(None) };
}

/// Runs a job or a look; what it answers, and what it has met.
pub(super) fn watched<T>(run: impl FnOnce() -> T) -> (T, Met) {
    MET.take();
    let answer = run();
    (answer, MET.take())
}

/// Runs what may find the store damaged, so that its errors say what to do.
pub(super) fn helped<T>(help: &Arc<Help>, run: impl FnOnce() -> T) -> T {
    let before = HELP.replace(Some(help.clone()));
    let answer = run();
    HELP.set(before);
    answer
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        if let Some(code) = error.sqlite_error() {
            match code.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    tracing::error!(%error, "SQLite finds the store damaged");
                    // The code's own words: the longer text can name what is in the file.
                    MET.with_borrow_mut(|met| met.damage = Some(code.to_string()));
                    return StoreError::damaged(code.to_string());
                }
                // The shared memory beside the file is the first that finds no room.
                ErrorCode::SystemIoFailure if code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => {
                    return StoreError::Full;
                }
                ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => return StoreError::Disk(code.to_string()),
                _ => {}
            }
        }
        if let rusqlite::Error::InvalidColumnType(_, column, _) = &error {
            return StoreError::unreadable("a row", format!("column {column} holds something else"));
        }
        if let rusqlite::Error::FromSqlConversionFailure(position, ..) | rusqlite::Error::Utf8Error(position, _) =
            &error
        {
            return StoreError::unreadable("a row", format!("what was asked for at {position} holds something else"));
        }
        if let rusqlite::Error::SqliteFailure(code, text) = &error {
            match code.code {
                ErrorCode::DiskFull => return StoreError::Full,
                ErrorCode::ReadOnly => return StoreError::ReadOnly,
                ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => return StoreError::Busy,
                ErrorCode::ConstraintViolation if is_unique(code.extended_code) => {
                    let text = text.as_deref().unwrap_or_default();
                    let column = text.rsplit(": ").next().unwrap_or(text);
                    return StoreError::Duplicate(column.to_owned());
                }
                _ => {}
            }
        }
        StoreError::Broken(error.into())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Broken(error.into())
    }
}

fn is_unique(extended: i32) -> bool {
    extended == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE || extended == rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_of_its_disk_is_told_apart() {
        let of = |code| StoreError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None));
        assert!(matches!(of(ffi::SQLITE_FULL), StoreError::Full));
        assert!(matches!(of(ffi::SQLITE_IOERR_SHMSIZE), StoreError::Full));
        for code in [ffi::SQLITE_READONLY, ffi::SQLITE_READONLY_DIRECTORY, ffi::SQLITE_READONLY_DBMOVED] {
            assert!(matches!(of(code), StoreError::ReadOnly), "{code}");
        }
        for code in [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_CANTOPEN] {
            assert!(matches!(of(code), StoreError::Disk(_)), "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
            assert!(matches!(of(code), StoreError::Damaged { .. }), "{code}");
        }
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED] {
            assert!(matches!(of(code), StoreError::Busy), "{code}");
        }
    }
}

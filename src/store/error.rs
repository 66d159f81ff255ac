//! What can go wrong with a store, as far as anybody acts on it.

/// Answers to clients name no SQL: the text of an error from SQLite stays in [`StoreError::Broken`], for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique column already has this value; the column is named as `table.column`.
    #[error("a row with this {0} exists already")]
    Duplicate(String),
    /// The disk (or the configured size) is full. Nothing of the request was kept.
    #[error("the store is full: nothing of this request was kept")]
    Full,
    /// The file cannot be written.
    #[error("the store is read-only: nothing of this request was kept")]
    ReadOnly,
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
    /// The service is stopping.
    #[error("the store is closed")]
    Closed,
    /// Anything else: a damaged file, an I/O error, a programming error in SQL.
    #[error("the store failed")]
    Broken(#[source] anyhow::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
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

impl From<crate::model::record::BadCell> for StoreError {
    fn from(error: crate::model::record::BadCell) -> Self {
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

//! A copy of a store, made while others write to it: one moment of it, in a file of its own, checked.
//!
//! ```text
//!   the store ──one read transaction──► NAME.partial ─► no WAL, the mark of a copy ─► `bessemer check` ─► fsync, NAME
//! ```
//! The pages are read in one transaction, so the copy is what was committed when it began, however much is written
//! meanwhile, by this process or another. (SQLite's backup starts over when another process writes, unless the source's own
//! transaction stays open; `VACUUM INTO` would tell nothing of how far it is.) What it costs is that the WAL cannot be
//! folded into the store while the copy lasts, and grows with what is written; so a copy that takes very long is given up.
//!
//! Deliberately absent: compression, encryption (the file has secrets, as the store has, and the same mode), and opening
//! the store's file otherwise than by SQLite: closing such a descriptor would drop SQLite's locks on it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};
use tokio_util::sync::CancellationToken;

use super::check::{self, Kind};
use super::{StoreError, hold, schema};
use crate::clock::{Clock, micros};
use crate::disk::Partial;
use crate::model::Hold;

/// Pages between two looks at whether to go on: a mebibyte.
const STEP_PAGES: i32 = 256;
/// Steps between two syncs. A single one at the end would keep the store's own waiting behind all that is to be written.
const SYNC_STEPS: u32 = 16;
/// A copy that takes longer is given up: the WAL grows as long as it lasts.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long somebody else's lock on the source may last: a shell's, or a service that is just starting.
const BUSY: Duration = Duration::from_secs(10);
/// Sentences of a check that are told.
const MOST_TOLD: usize = 5;
/// Operations of a check between two looks at whether to go on.
const CHECK_OPERATIONS: i32 = 100_000;

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bytes that are there, and how many there will be.
    Copying {
        done: u64,
        of: u64,
    },
    Checking,
}

/// A copy that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    pub schema: i64,
    pub nodes: u64,
    /// What the source said of itself, if it was a copy already.
    pub was: Option<Hold>,
    /// What `bessemer check` finds in it although all of it can be read: some of that, for a person.
    pub breaches: Vec<String>,
}

/// Why there is no copy. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("there is no store at {0}: name it with --db FILE, or with --config FILE that has the setting db")]
    NoStore(PathBuf),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}; stop it first")]
    InUse(StoreError),
    #[error("{0} is there already and is left as it is: choose another name, or replace it with --force")]
    Exists(PathBuf),
    #[error("{0} belongs to the store itself: choose another name")]
    Itself(PathBuf),
    #[error("cannot write {path}: {help}")]
    Write { path: PathBuf, help: String },
    #[error(
        "{path} is damaged: {what}. It is not used; `bessemer check --db {path}` says more; the newest backup that is good is \
         the one to restore"
    )]
    Damaged { path: PathBuf, what: String },
    #[error("{path} took longer than {} minutes and was given up, because the store cannot tidy up meanwhile: write to a quicker disk", LONGEST.as_secs() / 60)]
    TooLong { path: PathBuf },
    #[error("{0} was given up")]
    Stopped(PathBuf),
}

/// What is to be copied, and where to.
#[derive(Clone, Debug)]
pub struct Job<'p> {
    pub from: &'p Path,
    pub to: &'p Path,
    /// Whether a file that is there may be replaced.
    pub replace: bool,
    /// Gives it up.
    pub stop: CancellationToken,
}

/// Copies a store. `mark` says, from what the source knows of itself, what the copy is to say; `watch` is told how far it is.
/// Blocking.
pub fn copy(
    job: &Job,
    clock: &Clock,
    mark: impl FnOnce(Option<&Hold>) -> Hold,
    watch: &mut dyn FnMut(Progress),
) -> Result<Copied, BackupError> {
    let (copied, partial) = draft(job, clock, mark, watch)?;
    let published = if job.replace { partial.publish() } else { partial.publish_new() };
    published.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(job.to.to_owned()),
        _ => cannot_write(job.to, &error),
    })?;
    Ok(copied)
}

/// A copy that is good and has no name yet.
pub(super) fn draft(
    job: &Job,
    clock: &Clock,
    mark: impl FnOnce(Option<&Hold>) -> Hold,
    watch: &mut dyn FnMut(Progress),
) -> Result<(Copied, Partial), BackupError> {
    let source = open_source(job.from)?;
    refuse_target(job)?;
    let partial = Partial::create(job.to).map_err(|error| cannot_write(job.to, &error))?;
    let mut copied = fill(&source, job, &partial, clock, watch)?;
    drop(source);
    copied.breaches = finish(job, &partial, &mark(copied.was.as_ref()), watch)?;
    copied.bytes = partial.bytes().map_err(|error| cannot_write(job.to, &error))?;
    Ok((copied, partial))
}

/// A store to be read from, in a schema that this version knows. It is neither made nor changed.
#[expect(clippy::disallowed_methods, reason = "the store opens the store")]
fn open_source(path: &Path) -> Result<Connection, BackupError> {
    if !path.exists() {
        return Err(BackupError::NoStore(path.to_owned()));
    }
    let failed = |error: rusqlite::Error| failed_at(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| {
        let help = "it cannot be opened; only who may read the store can copy it (the service's user, or root)";
        StoreError::Broken(anyhow::Error::new(error).context(format!("{}: {help}", path.display())))
    })?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
    if schema::recognise(&connection, path).map_err(|error| damaged_instead(path, error))? == 0 {
        let why = "there is nothing in it".to_owned();
        return Err(StoreError::Foreign { path: path.display().to_string(), why }.into());
    }
    Ok(connection)
}

/// Says what stands against the target before anything is begun.
fn refuse_target(job: &Job) -> Result<(), BackupError> {
    let to = job.to;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let store = real(job.from);
    let beside = ["", "-wal", "-shm", "-journal", ".lock"].map(|ending| {
        let mut name = store.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    let target = match (to.parent(), to.file_name()) {
        (Some(dir), Some(name)) => real(if dir.as_os_str().is_empty() { Path::new(".") } else { dir }).join(name),
        _ => return Err(BackupError::Write { path: to.to_owned(), help: "it is not the name of a file".to_owned() }),
    };
    if beside.contains(&target) || beside.contains(&real(to)) {
        return Err(BackupError::Itself(to.to_owned()));
    }
    match to.symlink_metadata() {
        Ok(found) if found.is_dir() => {
            Err(BackupError::Write { path: to.to_owned(), help: "it is a directory; name a file in it".to_owned() })
        }
        Ok(_) if !job.replace => Err(BackupError::Exists(to.to_owned())),
        _ => Ok(()),
    }
}

/// Copies the pages of one moment.
fn fill(
    source: &Connection,
    job: &Job,
    partial: &Partial,
    clock: &Clock,
    watch: &mut dyn FnMut(Progress),
) -> Result<Copied, BackupError> {
    let failed = |error: rusqlite::Error| failed_at(job.from, error);
    let deadline = clock.instant() + LONGEST;
    let moment = source.unchecked_transaction().map_err(failed)?;
    // The first look is what fixes the moment.
    let schema = source.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let nodes: i64 = source.query_row("SELECT count(*) FROM nodes", [], |row| row.get(0)).map_err(failed)?;
    let was = hold::find(&super::Read { connection: source }).map_err(|error| damaged_instead(job.from, error))?;
    let page: i64 = source.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(failed)?;
    let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * u64::try_from(page).unwrap_or(0);

    let mut target = open_target(partial).map_err(|error| write_failed(job.to, error))?;
    let backup = Backup::new(source, &mut target).map_err(|error| write_failed(job.to, error))?;
    let mut steps = 0;
    loop {
        let step = backup.step(STEP_PAGES).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => failed(error),
            _ => write_failed(job.to, error),
        })?;
        let at = backup.progress();
        let done = bytes(at.pagecount - at.remaining);
        watch(Progress::Copying { done, of: bytes(at.pagecount) });
        if job.stop.is_cancelled() {
            return Err(BackupError::Stopped(job.to.to_owned()));
        }
        if clock.instant() > deadline {
            return Err(BackupError::TooLong { path: job.to.to_owned() });
        }
        match step {
            StepResult::Done => break,
            // Nobody else knows the target, and the source is open already: there is nothing to wait for.
            _ => steps += 1,
        }
        if steps % SYNC_STEPS == 0 {
            partial.sync().map_err(|error| cannot_write(job.to, &error))?;
        }
    }
    drop(backup);
    drop(moment);
    Ok(Copied { bytes: 0, schema, nodes: u64::try_from(nodes).unwrap_or(0), was, breaches: vec![] })
}

#[expect(clippy::disallowed_methods, reason = "the store opens the store")]
fn open_target(partial: &Partial) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let target = Connection::open_with_flags(partial.path(), flags)?;
    // What is half done is thrown away, and what is done is synced by us.
    target.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -4096;",
    )?;
    Ok(target)
}

/// Makes one file of the copy that says what it is, and judges it as `bessemer check` does; what should not be so in it.
fn finish(
    job: &Job,
    partial: &Partial,
    mark: &Hold,
    watch: &mut dyn FnMut(Progress),
) -> Result<Vec<String>, BackupError> {
    watch(Progress::Checking);
    let failed = |error| write_failed(job.to, error);
    let mut target = open_target(partial).map_err(failed)?;
    // The pages came from a store with a WAL, and say so. Without, the copy can be read wherever it lies.
    target.execute_batch("PRAGMA journal_mode = DELETE").map_err(failed)?;
    hold::put_into(&target, mark).map_err(|error| damaged_instead(job.from, error))?;
    let stop = job.stop.clone();
    target.progress_handler(CHECK_OPERATIONS, Some(move || stop.is_cancelled())).map_err(failed)?;
    let report = check::of_copy(&target);
    if job.stop.is_cancelled() {
        return Err(BackupError::Stopped(job.to.to_owned()));
    }
    let damage = report.of(Kind::Damage);
    if !damage.is_empty() {
        return Err(BackupError::Damaged { path: job.from.to_owned(), what: some_of(&damage).join("; ") });
    }
    target.close().map_err(|(_, error)| failed(error))?;
    Ok(some_of(&report.of(Kind::Breach)))
}

/// The first of what was found, and how much more there is.
fn some_of(found: &[&str]) -> Vec<String> {
    let more = found.len().saturating_sub(MOST_TOLD);
    let told = found.iter().take(MOST_TOLD).map(|it| (*it).to_owned());
    told.chain((more > 0).then(|| format!("and {more} more"))).collect()
}

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> BackupError {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let dir = dir.display();
    let help = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no directory {dir}; make it first"),
        io::ErrorKind::NotADirectory => format!("{dir} is not a directory"),
        io::ErrorKind::PermissionDenied => format!("this user may not write in {dir}"),
        io::ErrorKind::ReadOnlyFilesystem => format!("{dir} is read-only"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_space(&dir),
        _ => error.to_string(),
    };
    BackupError::Write { path: path.to_owned(), help }
}

fn no_space(dir: &dyn std::fmt::Display) -> String {
    format!("the disk of {dir} is full; nothing was left there. Make room, or write to another disk")
}

fn write_failed(path: &Path, error: rusqlite::Error) -> BackupError {
    let kind = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => io::ErrorKind::StorageFull,
        Some(rusqlite::ErrorCode::ReadOnly) => io::ErrorKind::ReadOnlyFilesystem,
        // SQLite tells no more of a failed write than that it failed.
        _ => return BackupError::Write { path: path.to_owned(), help: error.to_string() },
    };
    cannot_write(path, &kind.into())
}

/// An error of reading: damage is named as such.
fn failed_at(path: &Path, error: rusqlite::Error) -> BackupError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            BackupError::Damaged { path: path.to_owned(), what: error.to_string() }
        }
        _ => BackupError::Store(match StoreError::from(error) {
            StoreError::Broken(source) => StoreError::Broken(source.context(path.display().to_string())),
            other => other,
        }),
    }
}

fn damaged_instead(path: &Path, error: StoreError) -> BackupError {
    match error {
        StoreError::Damaged { why: what, .. } => BackupError::Damaged { path: path.to_owned(), what },
        StoreError::Broken(source) => match source.downcast::<rusqlite::Error>() {
            Ok(error) => failed_at(path, error),
            Err(source) => StoreError::Broken(source.context(path.display().to_string())).into(),
        },
        other => other.into(),
    }
}

/// The mark of a copy that was made at this moment. A copy of a copy is as old as the first.
pub fn mark(clock: &Clock) -> impl FnOnce(Option<&Hold>) -> Hold {
    let now = micros(clock.now());
    move |was| Hold { since: now, taken: was.map_or(Some(now), |was| was.taken), file: None }
}

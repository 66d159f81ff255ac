//! What is wrong with a store, for a person: SQLite's own checks, the schema, what each row holds, and what rows say about
//! each other. Reads only, beside a running service too; a file that cannot be opened is a finding like any other.
//!
//! What is found says which row and column, never what stands in it: that may be a secret.

mod cells;
mod masks;
mod rules;
mod shape;

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OpenFlags};

use super::schema::{self, APPLICATION, MIGRATIONS};
use super::wal;

/// What a path keeps in a URI.
const PATH: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');
/// How many findings of one kind are told; the rest is counted.
const TOLD: usize = 20;

/// What is found to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What is in the file is not what was written to it, or cannot be read: a copy of it is no good backup.
    Damage,
    /// All can be read, and something should not be so: a copy is as good as the store.
    Breach,
}

/// Something that should not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    /// What was found, and where.
    pub what: String,
    /// What that means and what to do.
    pub advice: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.what, self.advice)
    }
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// What is no fault and good to know.
    pub notes: Vec<String>,
}

const RESTORE: &str = "the file is not what was written to it; stop the service, keep a copy for whoever looks into it, \
                       and restore the newest backup";

impl Report {
    /// What of a kind was found.
    pub fn of(&self, kind: Kind) -> Vec<&str> {
        self.findings.iter().filter(|it| it.kind == kind).map(|it| it.what.as_str()).collect()
    }

    fn damage(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.push(Finding { kind: Kind::Damage, what: what.into(), advice: advice.into() });
    }

    fn breach(&mut self, what: impl Into<String>, advice: impl Into<String>) {
        self.findings.push(Finding { kind: Kind::Breach, what: what.into(), advice: advice.into() });
    }

    /// Adds findings that have the same advice, up to a bound.
    fn found_all(&mut self, kind: Kind, all: Vec<String>, advice: &str) {
        let more = all.len().saturating_sub(TOLD);
        let told = all.into_iter().take(TOLD).chain((more > 0).then(|| format!("and {more} more of the same")));
        self.findings.extend(told.map(|what| Finding { kind, what, advice: advice.to_owned() }));
    }

    /// What SQLite says when it cannot read on.
    fn failed(&mut self, doing: &str, error: &rusqlite::Error) {
        use rusqlite::ErrorCode;
        let advice = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => RESTORE,
            Some(ErrorCode::SystemIoFailure) => {
                "the disk answers with errors; look at the kernel's log before anything else"
            }
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                "run this as the user of the service, or as root; the file's directory must be writable for its WAL"
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program holds it; end that and ask again"
            }
            _ => "this part could not be checked; restore the newest backup if the service fails too",
        };
        self.damage(format!("{doing}: {error}"), advice);
    }
}

/// Looks at everything. Blocking.
pub fn check(path: &Path) -> Report {
    let mut report = Report::default();
    match std::fs::metadata(path) {
        Err(error) => {
            report.damage(
                format!("{}: {error}", path.display()),
                "name the store with --db or --config; the service would make an empty one there",
            );
            return report;
        }
        Ok(file) if file.len() == 0 => {
            report.damage(
                format!("{} is empty", path.display()),
                "a store that has served is never empty; if this one has, restore the newest backup",
            );
            return report;
        }
        Ok(_) => {}
    }
    let in_use = is_in_use(path);
    if in_use {
        report.notes.push("a service has this store open; it is looked at as it is now".to_owned());
    }
    // While somebody writes it, it is never whole.
    match wal::unreadable(path) {
        Ok(Some(count)) if !in_use => {
            report.damage(format!("{count} transactions in its write-ahead log cannot be read"), RESTORE);
        }
        _ => {}
    }
    match open(path, in_use) {
        Ok(connection) => look(&connection, in_use, &mut report),
        Err(error) => report.failed(&format!("{} cannot be opened", path.display()), &error),
    }
    report
}

/// What a copy is, before it counts as one. It was made of a store that may have been in use.
pub(super) fn of_copy(connection: &Connection) -> Report {
    let mut report = Report::default();
    look(connection, true, &mut report);
    report
}

/// All of it in one snapshot, so that a service that goes on does not look inconsistent.
fn look(connection: &Connection, in_use: bool, report: &mut Report) {
    let begun = connection.execute_batch("BEGIN");
    let version = match begun.and_then(|()| recognise(connection, report)) {
        Ok(Some(version)) => version,
        Ok(None) => return,
        Err(error) => return report.failed("its header cannot be read", &error),
    };
    integrity(connection, report);
    if report.findings.is_empty() {
        foreign_keys(connection, report);
    }
    shape::compare(connection, version, report);
    // Rows are read as the newest version would: an older schema lacks columns.
    if version == MIGRATIONS.len() {
        cells::decode_all(connection, report);
        masks::secrets(connection, report);
    }
    rules::apply(connection, version, in_use, report);
    if version < MIGRATIONS.len() {
        let newest = MIGRATIONS.len();
        report.notes.push(format!(
            "it has schema {version} of {newest}; the next start brings it up to date, and what newer schemas hold was not checked"
        ));
    }
}

/// Without a WAL and without a service, the file is all there is, and is read as it is: nothing appears beside it, and a
/// medium that cannot be written will do. Otherwise the WAL is read too, and left.
#[expect(clippy::disallowed_methods, reason = "the store opens the store")]
fn open(path: &Path, in_use: bool) -> rusqlite::Result<Connection> {
    let has_wal = std::fs::metadata(wal::path_of(path)).is_ok_and(|file| file.len() > 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let escaped = percent_encoding::percent_encode(absolute.as_os_str().as_bytes(), PATH);
    let alone = if in_use || has_wal { "" } else { "?immutable=1" };
    let connection = Connection::open_with_flags(format!("file:{escaped}{alone}"), flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
    schema::leave_wal(&connection);
    Ok(connection)
}

/// Whether a service has it: it holds a lock beside the file for as long as it lives.
fn is_in_use(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut beside = path.into_os_string();
    beside.push(".lock");
    std::fs::File::open(beside).is_ok_and(|file| Flock::lock(file, FlockArg::LockSharedNonblock).is_err())
}

/// The schema's number, if it is a store that this version can judge.
fn recognise(connection: &Connection, report: &mut Report) -> rusqlite::Result<Option<usize>> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let known = MIGRATIONS.len();
    if application != APPLICATION {
        report.damage(
            format!("its application id is {application:#x} and not {APPLICATION:#x}"),
            "it is another program's database, or its first page is damaged; in that case restore the newest backup",
        );
        // Whatever it is, SQLite can say whether it is whole.
        integrity(connection, report);
        return Ok(None);
    }
    match usize::try_from(version) {
        Ok(version) if (1..=known).contains(&version) => Ok(Some(version)),
        Ok(version) if version > known => {
            report.damage(
                format!("it has schema {version}, this program knows schemas up to {known}"),
                "a newer bessemer has written it; use that one, or a backup from before the upgrade",
            );
            integrity(connection, report);
            Ok(None)
        }
        _ => {
            report.damage(format!("its schema is numbered {version}"), RESTORE);
            Ok(None)
        }
    }
}

fn integrity(connection: &Connection, report: &mut Report) {
    match strings(connection, "PRAGMA integrity_check(100)") {
        Ok(said) => {
            let bad = said.into_iter().filter(|line| line != "ok").map(|line| line.replace('\n', " "));
            report.found_all(Kind::Damage, bad.collect(), RESTORE);
        }
        Err(error) => report.failed("SQLite's integrity check ended early", &error),
    }
}

fn foreign_keys(connection: &Connection, report: &mut Report) {
    let sql = "SELECT 'row ' || coalesce(rowid, '?') || ' of ' || \"table\" || ' refers to a row of ' || parent || ' that is gone'
               FROM pragma_foreign_key_check";
    match strings(connection, sql) {
        Ok(found) => report.found_all(
            Kind::Damage,
            found,
            "somebody has changed the file by hand without foreign keys; delete that row, or restore",
        ),
        Err(error) => report.failed("SQLite's check of foreign keys ended early", &error),
    }
}

/// The only column of the rows that `sql` gives, as text.
fn strings(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}

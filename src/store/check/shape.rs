//! The schema: what should be in the file, and what is.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::Report;
use crate::store::schema::MIGRATIONS;

/// Tables, indexes and triggers by name, with the text that made them.
type Shape = BTreeMap<String, String>;

/// Compares with a schema made anew by the same migrations.
pub fn compare(connection: &Connection, version: usize, report: &mut Report) {
    let (wanted, found) = match (made(version), shape(connection)) {
        (Ok(wanted), Ok(found)) => (wanted, found),
        (_, Err(error)) | (Err(error), _) => return report.failed("its schema cannot be read", &error),
    };
    for (name, text) in &wanted {
        match found.get(name) {
            None => report.damage(
                format!("{name} is missing"),
                "every version makes it; without it requests fail or answer wrongly: restore the newest backup",
            ),
            Some(other) if other != text => report.damage(
                format!("{name} is not the one that schema {version} has"),
                "somebody has changed it; put it back, or restore the newest backup",
            ),
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|name| !wanted.contains_key(*name)) {
        report.breach(
            format!("{name} is not ours"),
            "somebody has added it; a trigger or a unique index can make requests fail: drop it if nobody needs it",
        );
    }
}

fn made(version: usize) -> rusqlite::Result<Shape> {
    let connection = Connection::open_in_memory()?;
    MIGRATIONS.iter().take(version).try_for_each(|migration| connection.execute_batch(migration))?;
    shape(&connection)
}

fn shape(connection: &Connection) -> rusqlite::Result<Shape> {
    // What SQLite makes for itself has names of its own kind.
    let sql =
        "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

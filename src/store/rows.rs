//! SQL that is the same for every noun: insert, select, update what changed, delete.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::{Read, StoreError, Tx};
use crate::model::{Cell, Record};

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            // What is foreign was never read into a record, so it is never written.
            Cell::Null | Cell::Foreign => ToSqlOutput::Owned(Value::Null),
            Cell::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// The cell at `position` of a row, borrowed.
pub(super) fn cell<'r>(row: &'r rusqlite::Row<'_>, position: usize) -> Cell<'r> {
    match row.get_ref(position) {
        Ok(ValueRef::Integer(value)) => Cell::Int(value),
        Ok(ValueRef::Text(text)) => str::from_utf8(text).map_or(Cell::Foreign, |text| Cell::Text(text.into())),
        Ok(ValueRef::Blob(_) | ValueRef::Real(_)) => Cell::Foreign,
        Ok(ValueRef::Null) | Err(_) => Cell::Null,
    }
}

/// The rows of `SELECT <columns> FROM <table> <tail>`, in order. `tail` holds no values, only places for `params`.
///
/// A row that cannot be read is left out (the store logs it, once): the others do not suffer for it. Where a decision
/// would be another one without it, [`every`] is to be used.
pub fn select<R: Record>(read: &Read, tail: &str, params: &[&dyn ToSql]) -> Result<Vec<R>, StoreError> {
    let mut found = Vec::new();
    visit(read, tail, params, |row| {
        found.extend(row.ok());
        Ok(true)
    })?;
    Ok(found)
}

/// [`select`], which fails if one of the rows cannot be read.
pub fn every<R: Record>(read: &Read, tail: &str, params: &[&dyn ToSql]) -> Result<Vec<R>, StoreError> {
    let mut found = Vec::new();
    visit(read, tail, params, |row| {
        found.push(row?);
        Ok(true)
    })?;
    Ok(found)
}

/// Rows that [`first`] goes past.
const MOST_PASSED: usize = 100;

/// The first of the rows that can be read: for a search that any of them ends.
pub fn first<R: Record>(read: &Read, tail: &str, params: &[&dyn ToSql]) -> Result<Option<R>, StoreError> {
    let mut found = None;
    visit(read, &format!("{tail} LIMIT {MOST_PASSED}"), params, |row| {
        found = row.ok();
        Ok(found.is_none())
    })?;
    Ok(found)
}

/// The first of the rows; an error that names it if it cannot be read.
pub fn find<R: Record>(read: &Read, tail: &str, params: &[&dyn ToSql]) -> Result<Option<R>, StoreError> {
    Ok(every(read, &format!("{tail} LIMIT 1"), params)?.into_iter().next())
}

/// The one place where rows become records, for as long as `take` wants more.
fn visit<R: Record>(
    read: &Read,
    tail: &str,
    params: &[&dyn ToSql],
    mut take: impl FnMut(Result<R, StoreError>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {} FROM {} {tail}", R::COLUMNS.join(","), R::TABLE);
    let mut statement = read.connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        let record = R::from_cells(|position| cell(row, position)).map_err(|bad| {
            let why = format!("column {} is not a {}", bad.column, bad.expected);
            StoreError::unreadable(named(R::TABLE, &cell(row, 0)), why)
        });
        if !take(record)? {
            break;
        }
    }
    Ok(())
}

/// A row as `bessemer check` names it.
pub fn named(table: &str, id: &Cell<'_>) -> String {
    match id {
        Cell::Int(id) => format!("{table} row {id}"),
        _ => format!("a row of {table}"),
    }
}

/// Inserts all columns but `id`, and returns the id that it got.
pub fn insert<R: Record>(tx: &Tx, record: &R) -> Result<i64, StoreError> {
    let columns = &R::COLUMNS[1..];
    let places = vec!["?"; columns.len()].join(",");
    let sql = format!("INSERT INTO {} ({}) VALUES ({places})", R::TABLE, columns.join(","));
    let cells = record.cells();
    tx.connection.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(&cells[1..]))?;
    Ok(tx.connection.last_insert_rowid())
}

/// Writes the columns that differ. Whether there were any.
pub fn update<R: Record>(tx: &Tx, before: &R, after: &R) -> Result<bool, StoreError> {
    let (old, new) = (before.cells(), after.cells());
    let changed: Vec<usize> = (1..new.len()).filter(|&i| old[i] != new[i]).collect();
    if changed.is_empty() {
        return Ok(false);
    }
    let set = changed.iter().map(|&i| format!("{} = ?", R::COLUMNS[i])).collect::<Vec<_>>().join(",");
    let sql = format!("UPDATE {} SET {set} WHERE id = ?", R::TABLE);
    let values = changed.iter().map(|&i| &new[i]).chain(std::iter::once(&old[0]));
    tx.connection.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(values))?;
    Ok(true)
}

/// Runs a statement that changes rows; how many it changed.
pub fn execute(tx: &Tx, sql: &str, params: &[&dyn ToSql]) -> Result<usize, StoreError> {
    Ok(tx.connection.prepare_cached(sql)?.execute(params)?)
}

/// The only column of the rows that `sql` gives, as text.
pub fn texts(read: &Read, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<String>, StoreError> {
    let mut statement = read.connection.prepare_cached(sql)?;
    let rows = statement.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What can be read of `rows`, as [`select`] does it.
pub fn readable<T>(rows: impl Iterator<Item = rusqlite::Result<T>>) -> Result<Vec<T>, StoreError> {
    let mut found = Vec::new();
    for row in rows {
        match row.map_err(StoreError::from) {
            Err(error) if error.is_of_one_row() => {}
            row => found.push(row?),
        }
    }
    Ok(found)
}

pub const NO_JSON: &str = "it is no JSON";

/// A column of JSON that is read apart from its row.
pub fn json(text: &str, row: impl FnOnce() -> String) -> Result<serde_json::Value, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::unreadable(row(), NO_JSON))
}

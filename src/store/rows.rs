//! SQL that is the same for every noun: insert, select, update what changed, delete.

use std::borrow::Cow;

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};

use super::{Read, StoreError, Tx};
use crate::model::{Cell, Record};

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Cell::Null => ToSqlOutput::Owned(Value::Null),
            Cell::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// The cell at `position` of a row, borrowed.
pub(super) fn cell<'r>(row: &'r rusqlite::Row<'_>, position: usize) -> Cell<'r> {
    match row.get_ref(position) {
        Ok(ValueRef::Integer(value)) => Cell::Int(value),
        Ok(ValueRef::Text(text)) => Cell::Text(String::from_utf8_lossy(text)),
        Ok(ValueRef::Blob(_) | ValueRef::Real(_)) => Cell::Text(Cow::Borrowed("a blob or a real number")),
        Ok(ValueRef::Null) | Err(_) => Cell::Null,
    }
}

/// The rows of `SELECT <columns> FROM <table> <tail>`, in order. `tail` holds no values, only places for `params`.
pub fn select<R: Record>(read: &Read, tail: &str, params: &[&dyn ToSql]) -> Result<Vec<R>, StoreError> {
    let sql = format!("SELECT {} FROM {} {tail}", R::COLUMNS.join(","), R::TABLE);
    let mut statement = read.connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(R::from_cells(|position| cell(row, position))?);
    }
    Ok(found)
}

/// The first row of [`select`].
pub fn find<R: Record>(read: &Read, tail: &str, params: &[&dyn ToSql]) -> Result<Option<R>, StoreError> {
    Ok(select(read, &format!("{tail} LIMIT 1"), params)?.into_iter().next())
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

//! One page of a list: filters, order, keyset paging.
//!
//! A page continues after the row that the marker names, by value of the ordering column and id, so that it costs what
//! it holds and not what lies before it. Nulls come first in ascending order. Columns are named by the program only;
//! values are always bound.

use std::borrow::Cow;

use rusqlite::{OptionalExtension as _, ToSql};

use super::rows::cell;
use super::{Read, StoreError};
use crate::model::Cell;

/// A condition on the rows of a list.
pub struct Filter {
    /// A condition with a `?` for each value.
    sql: Cow<'static, str>,
    values: Vec<Cell<'static>>,
}

impl Filter {
    pub(super) fn new(sql: impl Into<Cow<'static, str>>, values: Vec<Cell<'static>>) -> Self {
        Filter { sql: sql.into(), values }
    }

    pub fn text(column: &'static str, value: &str) -> Self {
        Filter::new(format!("{column} = ?"), vec![Cell::Text(Cow::Owned(value.to_owned()))])
    }

    pub fn boolean(column: &'static str, value: bool) -> Self {
        Filter::new(format!("{column} = ?"), vec![Cell::Int(i64::from(value))])
    }

    pub fn null(column: &'static str) -> Self {
        Filter::new(format!("{column} IS NULL"), Vec::new())
    }

    pub fn not_null(column: &'static str) -> Self {
        Filter::new(format!("{column} IS NOT NULL"), Vec::new())
    }

    /// The column has one of these values; none of none.
    pub fn one_of<'v>(column: &'static str, values: impl IntoIterator<Item = &'v str>) -> Self {
        let values: Vec<_> = values.into_iter().map(|value| Cell::Text(Cow::Owned(value.to_owned()))).collect();
        let places = vec!["?"; values.len()].join(",");
        Filter::new(format!("{column} IN ({places})"), values)
    }

    /// The column has this text in it, in exactly this spelling.
    pub fn contains(column: &'static str, text: &str) -> Self {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        Filter::new(format!("{column} LIKE ? ESCAPE '\\'"), vec![Cell::Text(Cow::Owned(format!("%{escaped}%")))])
    }

    /// Sets the condition inside another, which has no values of its own.
    pub(super) fn of_parent(self, before: &'static str, after: &'static str) -> Self {
        Filter::new(format!("{before}{}{after}", self.sql), self.values)
    }

    pub fn either(self, other: Filter) -> Self {
        let mut values = self.values;
        values.extend(other.values);
        Filter::new(format!("({} OR {})", self.sql, other.sql), values)
    }
}

/// Which rows, in which order, and how many.
pub struct Page<'a> {
    pub filters: &'a [Filter],
    /// The column by which the marker names its row.
    pub ident: &'static str,
    pub sort: &'static str,
    pub descending: bool,
    /// Ident of the last row of the page before.
    pub marker: Option<&'a str>,
    pub limit: usize,
}

/// A row of a page; its cells are borrowed from it.
pub struct Row<'r>(&'r rusqlite::Row<'r>);

impl Row<'_> {
    pub fn cell(&self, position: usize) -> Cell<'_> {
        cell(self.0, position)
    }

    /// A cell as text; empty if it is none.
    pub fn text(&self, position: usize) -> String {
        match self.cell(position) {
            Cell::Text(text) => text.into_owned(),
            _ => String::new(),
        }
    }
}

/// Visits the rows of a page. False if the marker names no row.
pub fn read(
    read: &Read,
    table: &'static str,
    columns: &[&'static str],
    page: &Page<'_>,
    mut visit: impl FnMut(Row<'_>) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    let mut conditions: Vec<Cow<'_, str>> = page.filters.iter().map(|filter| Cow::Borrowed(&*filter.sql)).collect();
    let mut values: Vec<&dyn ToSql> = Vec::new();
    page.filters.iter().for_each(|filter| values.extend(filter.values.iter().map(|value| value as &dyn ToSql)));
    let after;
    if let Some(marker) = page.marker {
        let sql = format!("SELECT id, {} FROM {table} WHERE {} = ?", page.sort, page.ident);
        let mut statement = read.connection.prepare_cached(&sql)?;
        let found =
            statement.query_row([marker], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, rusqlite::types::Value>(1)?)));
        let Some(found) = found.optional()? else { return Ok(false) };
        after = found;
        conditions.push(beyond(page, &after.1).into());
        if page.sort != "id" && after.1 != rusqlite::types::Value::Null {
            values.extend([&after.1 as &dyn ToSql, &after.1]);
        }
        values.push(&after.0);
    }
    let mut sql = format!("SELECT {} FROM {table}", columns.join(","));
    for (i, condition) in conditions.iter().enumerate() {
        sql.push_str(if i == 0 { " WHERE " } else { " AND " });
        sql.push_str(condition);
    }
    let direction = if page.descending { "DESC" } else { "ASC" };
    if page.sort == "id" {
        sql.push_str(&format!(" ORDER BY id {direction} LIMIT ?"));
    } else {
        sql.push_str(&format!(" ORDER BY {} {direction}, id {direction} LIMIT ?", page.sort));
    }
    let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
    values.push(&limit);
    let mut statement = read.connection.prepare_cached(&sql)?;
    let mut rows = statement.query(&values[..])?;
    while let Some(row) = rows.next()? {
        visit(Row(row))?;
    }
    Ok(true)
}

/// The condition for "after the marker", whose place in the order has this value.
fn beyond(page: &Page<'_>, value: &rusqlite::types::Value) -> String {
    let (sort, than) = (page.sort, if page.descending { "<" } else { ">" });
    if sort == "id" {
        return format!("id {than} ?");
    }
    match (value, page.descending) {
        (rusqlite::types::Value::Null, false) => format!("({sort} IS NOT NULL OR ({sort} IS NULL AND id > ?))"),
        (rusqlite::types::Value::Null, true) => format!("({sort} IS NULL AND id < ?)"),
        (_, false) => format!("({sort} > ? OR ({sort} = ? AND id > ?))"),
        (_, true) => format!("({sort} < ? OR {sort} IS NULL OR ({sort} = ? AND id < ?))"),
    }
}

//! One page of a list: filters, order, keyset paging.
//!
//! A page continues after the row that the marker names, by value of the ordering column and id, so that it costs what
//! it holds and not what lies before it. Nulls come first in ascending order. Columns are named by the program only;
//! values are always bound.

use std::borrow::Cow;

use rusqlite::types::Value;
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

    /// Written out, not bound, because an index may hold the rows of one of the two only.
    pub fn boolean(column: &'static str, value: bool) -> Self {
        Filter::new(format!("{column} = {}", i64::from(value)), Vec::new())
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

    /// The column has this text in it, whatever the case of ASCII letters.
    pub fn contains(column: &'static str, text: &str) -> Self {
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        Filter::new(format!("{column} LIKE ? ESCAPE '\\'"), vec![Cell::Text(Cow::Owned(format!("%{escaped}%")))])
    }

    /// Sets the condition inside another, which has no values of its own.
    pub(super) fn of_parent(self, before: &'static str, after: &'static str) -> Self {
        Filter::new(format!("{before}{}{after}", self.sql), self.values)
    }

    /// What belongs to nodes for which this holds.
    pub fn of_node(self) -> Self {
        self.of_parent("node_uuid IN (SELECT uuid FROM nodes WHERE ", ")")
    }

    /// What is written after it belongs to it.
    pub(super) fn then(self, other: Filter) -> Self {
        let mut values = self.values;
        values.extend(other.values);
        Filter::new(format!("{}{}", self.sql, other.sql), values)
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

/// Rows of one page that may be left out because they cannot be read. More is no page of a store that can be served.
const MOST_LEFT_OUT: usize = 100;

/// Visits the rows of a page until `visit` has had enough (false). False if the marker names no row.
///
/// A row that `visit` finds unreadable is left out (the store logs it, once) and counts for nothing.
pub fn read(
    read: &Read,
    table: &'static str,
    columns: &[&'static str],
    page: &Page<'_>,
    mut visit: impl FnMut(Row<'_>) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let Some(stretches) = stretches(read, table, page)? else { return Ok(false) };
    let (mut left, mut left_out) = (page.limit, 0);
    for stretch in &stretches {
        if left == 0 {
            break;
        }
        let sql = select(table, columns, page, stretch);
        let mut values: Vec<&dyn ToSql> = Vec::new();
        page.filters.iter().for_each(|filter| values.extend(filter.values.iter().map(|value| value as &dyn ToSql)));
        values.extend(stretch.values.iter().map(|value| value as &dyn ToSql));
        let limit = i64::try_from(left.saturating_add(MOST_LEFT_OUT)).unwrap_or(i64::MAX);
        values.push(&limit);
        let mut statement = read.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(&values[..])?;
        while let Some(row) = rows.next()? {
            match visit(Row(row)) {
                Err(error) if error.is_of_one_row() && left_out < MOST_LEFT_OUT => left_out += 1,
                Err(error) => return Err(error),
                Ok(false) => return Ok(true),
                Ok(true) => left = left.saturating_sub(1),
            }
            if left == 0 {
                break;
            }
        }
    }
    Ok(true)
}

/// Visits the one row that the filters find, if there is one.
pub fn one(
    read: &Read,
    table: &'static str,
    columns: &[&'static str],
    filters: &[Filter],
    visit: impl FnOnce(Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let page = Page { filters, ident: "id", sort: "id", descending: false, marker: None, limit: 1 };
    let sql = select(table, columns, &page, &Stretch { condition: None, values: Vec::new() });
    let mut values: Vec<&dyn ToSql> = Vec::new();
    filters.iter().for_each(|filter| values.extend(filter.values.iter().map(|value| value as &dyn ToSql)));
    values.push(&1i64);
    let mut statement = read.connection.prepare_cached(&sql)?;
    let mut rows = statement.query(&values[..])?;
    match rows.next()? {
        Some(row) => visit(Row(row)),
        None => Ok(()),
    }
}

/// A part of the order in which rows stand beside each other in an index: SQLite seeks its first row and walks on. One
/// condition for all that comes after a marker would have an OR in it, and be found by reading all that comes before.
struct Stretch {
    condition: Option<String>,
    values: Vec<Value>,
}

/// What comes after the marker, in order; none if there is no such row.
fn stretches(read: &Read, table: &'static str, page: &Page<'_>) -> Result<Option<Vec<Stretch>>, StoreError> {
    let Some(marker) = page.marker else { return Ok(Some(vec![Stretch { condition: None, values: Vec::new() }])) };
    let sort = page.sort;
    let sql = format!("SELECT id, {sort} FROM {table} WHERE {} = ?", page.ident);
    let mut statement = read.connection.prepare_cached(&sql)?;
    let found = statement.query_row([marker], |row| Ok((row.get::<_, Value>(0)?, row.get::<_, Value>(1)?)));
    let Some((id, at)) = found.optional()? else { return Ok(None) };
    let part = |condition: String, values: Vec<Value>| Stretch { condition: Some(condition), values };
    let than = if page.descending { "<" } else { ">" };
    Ok(Some(match (sort, at, page.descending) {
        ("id", _, _) => vec![part(format!("id {than} ?"), vec![id])],
        (_, Value::Null, false) => {
            vec![part(format!("{sort} IS NULL AND id > ?"), vec![id]), part(format!("{sort} IS NOT NULL"), Vec::new())]
        }
        (_, Value::Null, true) => vec![part(format!("{sort} IS NULL AND id < ?"), vec![id])],
        (_, at, descending) => {
            let mut all = vec![
                part(format!("{sort} = ? AND id {than} ?"), vec![at.clone(), id]),
                part(format!("{sort} {than} ?"), vec![at]),
            ];
            if descending {
                all.push(part(format!("{sort} IS NULL"), Vec::new()));
            }
            all
        }
    }))
}

/// The statement for a first page of nodes, for tests of its plan.
#[cfg(test)]
pub(super) fn first(page: &Page<'_>) -> String {
    select("nodes", &["uuid"], page, &Stretch { condition: None, values: Vec::new() })
}

fn select(table: &str, columns: &[&str], page: &Page<'_>, stretch: &Stretch) -> String {
    let mut sql = format!("SELECT {} FROM {table}", columns.join(","));
    let conditions = page.filters.iter().map(|filter| &*filter.sql).chain(stretch.condition.as_deref());
    for (i, condition) in conditions.enumerate() {
        sql.push_str(if i == 0 { " WHERE " } else { " AND " });
        sql.push_str(condition);
    }
    let direction = if page.descending { "DESC" } else { "ASC" };
    match page.sort {
        "id" => sql.push_str(&format!(" ORDER BY id {direction} LIMIT ?")),
        sort => sql.push_str(&format!(" ORDER BY {sort} {direction}, id {direction} LIMIT ?")),
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::super::{ports, schema};
    use super::*;

    /// What hangs on something is found by what it hangs on, however much else there is.
    #[test]
    fn lists_of_what_belongs_together_walk_an_index() -> Result<(), StoreError> {
        let connection = rusqlite::Connection::open_in_memory()?;
        schema::MIGRATIONS.iter().try_for_each(|migration| connection.execute_batch(migration))?;
        let of_node = || Filter::text("node_uuid", "n");
        let cases = [
            ("nodes", Filter::text("chassis_uuid", "c"), "nodes_by_chassis"),
            ("ports", of_node(), "ports_by_node"),
            ("ports", Filter::text("portgroup_uuid", "g"), "ports_by_portgroup"),
            ("ports", Filter::one_of("shard", ["s"]).of_node(), "nodes_by_shard"),
            ("ports", ports::described("x"), "ports_by_description"),
            ("portgroups", of_node(), "portgroups_by_node"),
            ("volume_connectors", of_node(), "volume_connectors_by_node"),
            ("volume_targets", of_node(), "volume_targets_by_node"),
        ];
        for (table, filter, index) in cases {
            let sql = format!("EXPLAIN QUERY PLAN SELECT uuid FROM {table} WHERE {} ORDER BY id LIMIT 9", filter.sql);
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(&filter.values), |row| row.get(3))?;
            let plan: Vec<String> = rows.collect::<Result<_, _>>()?;
            assert!(plan.iter().any(|line| line.contains(&format!("INDEX {index}"))), "{sql}: {plan:?}");
        }
        Ok(())
    }
}

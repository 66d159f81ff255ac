//! Objects as JSON, written straight from the row into one buffer.
//!
//! A [`View`] is what a request wants to see of a noun: some of its fields, at a version, with links under a base. It says
//! which columns it needs and then writes object after object. No value is built: JSON columns are looked through and
//! copied, and a field costs one `match`.

use std::io::Write as _;

use jiff::tz::TimeZone;

use super::Fault;
use super::surface::{Field, Noun, Shape, Source, Version, ports, renames};
use crate::clock::from_micros;
use crate::model::object::is_json;
use crate::model::{Cell, Record, State};
use crate::store::{StoreError, row_named};

/// Which fields of a noun are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What lists show unless told otherwise.
    Listed,
    All,
    /// These, and the links.
    Named(Vec<String>),
}

/// Writes the value of a [`Source::Special`] field, as JSON, for the object with this ident.
pub type Special<'s> = &'s mut dyn FnMut(&'static str, &str, &mut Vec<u8>) -> Result<(), StoreError>;

/// See the head of this file.
#[derive(Clone)]
pub struct View {
    noun: &'static Noun,
    version: Version,
    base: String,
    /// Where the objects live, below the base.
    path: String,
    fields: Vec<(&'static Field, usize)>,
    columns: Vec<&'static str>,
}

impl View {
    /// Refuses names that are no fields (400), that are newer than the version (406), and the links of nodes.
    pub fn new(noun: &'static Noun, version: Version, base: &str, wanted: &Wanted) -> Result<Self, Fault> {
        let mut view = View {
            noun,
            version,
            base: base.to_owned(),
            path: noun.collection.to_owned(),
            fields: Vec::new(),
            columns: vec![noun.ident, "id"],
        };
        match wanted {
            Wanted::All => noun.fields.iter().filter(|field| field.at(version)).for_each(|field| view.show(field)),
            Wanted::Listed => {
                let listed = noun.listed.iter().filter_map(|name| noun.field(name));
                listed.filter(|field| field.at(version)).for_each(|field| view.show(field));
                view.show_links();
            }
            Wanted::Named(names) => {
                let newer = |name: &&String| noun.field(name).is_some_and(|field| !field.is_open(version));
                if names.iter().any(|name| newer(&name)) {
                    return Err(Fault::not_acceptable());
                }
                for name in names {
                    match noun.field(name) {
                        Some(field) if !field.at(version) => {}
                        Some(field) if !is_any_link(field) => view.show(field),
                        // They are shown anyway.
                        Some(field) if noun.links_selectable => view.show_link(field),
                        _ => return Err(Fault::invalid(format!("Field {name} is not a valid field."))),
                    }
                }
                view.show_links();
            }
        }
        Ok(view)
    }

    /// The objects live below another one.
    pub fn at(mut self, path: String) -> Self {
        self.path = path;
        self
    }

    fn show_link(&mut self, field: &'static Field) {
        if !is_links(field) {
            self.show(field);
        }
    }

    fn show_links(&mut self) {
        if let Some(links) = self.noun.fields.iter().find(|field| is_links(field)) {
            self.show(links);
        }
    }

    fn show(&mut self, field: &'static Field) {
        let position = match field.source {
            Source::Column(column, _) => self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
                self.columns.push(column);
                self.columns.len() - 1
            }),
            _ => 0,
        };
        self.fields.push((field, position));
    }

    /// The columns that [`View::object`] wants, in its order. The first is the noun's ident, the second the row's number.
    pub fn columns(&self) -> &[&'static str] {
        &self.columns
    }

    /// Appends one object whose columns `cell` gives by their position in [`View::columns`]. If one of them does not hold
    /// what its field shows, the row cannot be read, and what was appended is to be taken away.
    pub fn object<'c>(
        &self,
        out: &mut Vec<u8>,
        cell: impl Fn(usize) -> Cell<'c>,
        special: Special<'_>,
    ) -> Result<(), StoreError> {
        let ident = match cell(0) {
            Cell::Text(text) => text,
            _ => "".into(),
        };
        out.push(b'{');
        for (i, (field, position)) in self.fields.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(field.name.as_bytes());
            out.extend_from_slice(b"\":");
            match field.source {
                Source::Column(column, shape) => {
                    if !shaped(out, &cell(*position), shape, self.version) {
                        return Err(self.unreadable(&cell(1), column, shape));
                    }
                }
                Source::SelfLink => {
                    let View { base, path, .. } = self;
                    let _ = write!(out, r#"[{{"href":"{base}/v1/{path}/{ident}","rel":"self"}}]"#);
                }
                Source::Links => self.link_pair(out, &ident, None),
                Source::LinksTo(below) => self.link_pair(out, &ident, Some(below)),
                Source::NestedLinksTo(below) => {
                    out.push(b'[');
                    self.link_pair(out, &ident, Some(below));
                    out.push(b']');
                }
                Source::Special => special(field.name, &ident, out)?,
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn unreadable(&self, id: &Cell<'_>, column: &str, shape: Shape) -> StoreError {
        StoreError::unreadable(row_named(self.noun.table, id), format!("column {column} is not {}", expected(shape)))
    }

    /// Appends an object that is at hand as a struct, such as one just created.
    pub fn record<R: Record>(&self, out: &mut Vec<u8>, record: &R, special: Special<'_>) -> Result<(), StoreError> {
        let cells = record.cells();
        let places: Vec<Option<usize>> =
            self.columns.iter().map(|column| R::COLUMNS.iter().position(|known| known == column)).collect();
        let cell = |position: usize| match places[position] {
            Some(place) => cells[place].clone(),
            None => Cell::Null,
        };
        self.object(out, cell, special)
    }

    /// Idents are UUIDs or names of a narrow alphabet, so there is nothing to escape.
    fn link_pair(&self, out: &mut Vec<u8>, ident: &str, below: Option<&str>) {
        let (slash, below) = if let Some(below) = below { ("/", below) } else { ("", "") };
        let ends = [("/v1/", "\",\"rel\":\"self\"},"), ("/", "\",\"rel\":\"bookmark\"}]")];
        for (i, (version, end)) in ends.into_iter().enumerate() {
            let begin = if i == 0 { "[{\"href\":\"" } else { "{\"href\":\"" };
            for part in [begin, &self.base, version, &self.path, "/", ident, slash, below, end] {
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
}

/// Its own links, or those to something below it.
fn is_any_link(field: &Field) -> bool {
    is_links(field) || matches!(field.source, Source::LinksTo(_))
}

fn is_links(field: &Field) -> bool {
    matches!(field.source, Source::Links | Source::SelfLink)
}

/// As `bessemer check` says it.
fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "text",
        Shape::Integer => "an integer",
        Shape::Boolean => "a boolean",
        Shape::Time | Shape::Seconds => "a time",
        Shape::Json | Shape::NullableJson | Shape::Connection => "JSON",
        Shape::State => "a State",
    }
}

/// Appends a cell; whether it is one that its column may hold.
fn shaped(out: &mut Vec<u8>, cell: &Cell<'_>, shape: Shape, version: Version) -> bool {
    match (shape, cell) {
        (Shape::Json | Shape::Connection, Cell::Null) => out.extend_from_slice(b"{}"),
        (_, Cell::Null) => out.extend_from_slice(b"null"),
        (Shape::Boolean, Cell::Int(value)) => out.extend_from_slice(if *value != 0 { b"true" } else { b"false" }),
        (Shape::Time, Cell::Int(micros)) if crate::clock::Timestamp::from_microsecond(*micros).is_ok() => {
            time(out, *micros);
        }
        (Shape::Seconds, Cell::Int(millis)) => {
            let _ = write!(out, "{}.{:03}", millis / 1000, millis % 1000);
        }
        (Shape::Integer, Cell::Int(value)) => {
            let _ = write!(out, "{value}");
        }
        (Shape::Connection, Cell::Text(text)) if ports::hides_connection(text, version) => out.extend_from_slice(b"{}"),
        // What is no JSON would make the whole answer none.
        (Shape::Json | Shape::NullableJson | Shape::Connection, Cell::Text(text)) if is_json(text) => {
            out.extend_from_slice(text.as_bytes())
        }
        (Shape::State, Cell::Text(state)) if State::parse(state).is_some() => match renames::state(state, version) {
            Some(state) => string(out, state),
            None => out.extend_from_slice(b"null"),
        },
        (Shape::Text, Cell::Text(text)) => string(out, text),
        _ => return false,
    }
    true
}

/// Appends a JSON string.
pub fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a Vec cannot fail, and a str is always serialisable.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a time: `"2026-01-31T12:00:00.000001+00:00"`. Lists have thousands of them, so the digits are set by hand.
pub fn time(out: &mut Vec<u8>, micros: i64) {
    let at = from_micros(micros).to_zoned(TimeZone::UTC).datetime();
    let fraction = at.subsec_nanosecond().unsigned_abs() / 1000;
    out.push(b'"');
    digits(out, at.year().unsigned_abs().into(), 4);
    for (before, value) in
        [(b'-', at.month()), (b'-', at.day()), (b'T', at.hour()), (b':', at.minute()), (b':', at.second())]
    {
        out.push(before);
        digits(out, value.unsigned_abs().into(), 2);
    }
    out.push(b'.');
    digits(out, fraction, 6);
    out.extend_from_slice(b"+00:00\"");
}

/// A time for a document that is made as a value.
pub fn zoned(at: crate::clock::Timestamp) -> String {
    let mut quoted = Vec::new();
    time(&mut quoted, crate::clock::micros(at));
    String::from_utf8_lossy(&quoted).trim_matches('"').to_owned()
}

/// Appends a number with zeros in front of it.
fn digits(out: &mut Vec<u8>, value: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = value / 10u32.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_microseconds_and_a_zone() {
        let mut out = Vec::new();
        time(&mut out, 1_770_000_000_000_042);
        assert_eq!(String::from_utf8_lossy(&out), "\"2026-02-02T02:40:00.000042+00:00\"");
    }
}

//! Lists: paging, ordering, choice of fields, and the `next` link.
//!
//! A [`Listing`] takes the parameters that all lists share out of the query; the noun's handler takes its filters, and
//! hands the rest of the work back. A page is written inside the read of the store, from row to buffer. The `next` link
//! carries every filter of the request (Ironic loses most of them).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use uuid::Uuid;

use super::request::Query;
use super::surface::{Noun, Source, Version};
use super::view::{Special, View, Wanted};
use super::{Call, Fault};
use crate::service::{Refusal, Refused};
use crate::store::page::{self, Filter, Page};
use crate::store::{Read, StoreError};

/// What may stand in a query value as it is.
const VALUE: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b':');

/// A page that is longer than this ends there, as if its limit had been reached: objects may be large.
const PAGE_BYTES: usize = 16 << 20;

/// How the client asked for details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// By the path: `…/detail`. `fields` and `?detail=` are unknown parameters then.
    Path,
    /// Perhaps by `?detail=`.
    Query,
}

/// See the head of this file.
pub struct Listing {
    noun: &'static Noun,
    wanted: Wanted,
    view: View,
    sort_key: String,
    sort_column: &'static str,
    descending: bool,
    limit: usize,
    marker: Option<String>,
    /// Scheme, host, port and path of the list.
    url: String,
    /// `fields=…` or `detail=True`, as the next link has it.
    shown: String,
    filters: Vec<(&'static str, String)>,
    paged: bool,
}

impl Listing {
    /// Takes `limit`, `marker`, `sort_key`, `sort_dir`, `fields` and `detail` out of the query.
    pub fn parse(call: &Call, noun: &'static Noun, query: &mut Query, detail: Detail) -> Result<Self, Fault> {
        let wanted = wanted(noun, query, detail)?;
        let shown = match (&wanted, detail) {
            (Wanted::All, Detail::Query) if !noun.listed.is_empty() => "&detail=True".to_owned(),
            (Wanted::All, _) => String::new(),
            (Wanted::Listed, _) => format!("&fields={}", noun.listed.join(",")),
            (Wanted::Named(names), _) => format!("&fields={}", names.join(",")),
        };
        let view = View::new(noun, call.version, &call.base, &wanted)?;
        let sort_key = query.take("sort_key")?.filter(|key| !key.is_empty()).unwrap_or_else(|| "id".to_owned());
        let sort_column = sort_column(call, noun, &sort_key)?;
        let descending = match query.take("sort_dir")?.as_deref() {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => {
                return Err(Fault::invalid(format!(
                    "Invalid sort direction: {other}. Acceptable values are 'asc' or 'desc'"
                )));
            }
        };
        Ok(Listing {
            noun,
            wanted,
            view,
            sort_key,
            sort_column,
            descending,
            limit: limit(query, call.state.settings.max_limit)?,
            marker: query.take("marker")?.filter(|marker| !marker.is_empty()),
            url: format!("{}{}", call.base, versioned(&call.path)),
            shown,
            filters: Vec::new(),
            paged: true,
        })
    }

    /// Shows fields that are newer than the client's version, too. Ironic does so in lists of one noun, and clients that
    /// were written against it may look for them.
    pub fn unveiled(mut self, call: &Call) -> Result<Self, Fault> {
        self.view = View::new(self.noun, Version::MAX, &call.base, &self.wanted)?;
        Ok(self)
    }

    /// The marker as the client gave it.
    pub fn marker(&self) -> Option<&str> {
        self.marker.as_deref()
    }

    /// Notes a filter as the client wrote it, for the `next` link.
    pub fn carry(&mut self, name: &'static str, value: impl Into<String>) {
        self.filters.push((name, value.into()));
    }

    /// There is no next page: the filter finds one object at most.
    pub fn unpaged(&mut self) {
        self.paged = false;
    }

    /// Like [`Listing::write`], for objects that live below another one.
    pub fn below(
        mut self,
        read: &Read,
        filters: &[Filter],
        path: &str,
        special: Special<'_>,
    ) -> Result<Vec<u8>, Fault> {
        self.view = self.view.at(path.to_owned());
        self.write(read, filters, special)
    }

    /// Reads the page and writes the whole answer.
    pub fn write(&self, read: &Read, filters: &[Filter], special: Special<'_>) -> Result<Vec<u8>, Fault> {
        let page = Page {
            filters,
            ident: self.noun.ident,
            sort: self.sort_column,
            descending: self.descending,
            marker: self.marker.as_deref(),
            limit: self.limit,
        };
        let mut out = Vec::with_capacity(4096);
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(self.noun.collection.as_bytes());
        out.extend_from_slice(b"\":[");
        let (mut count, mut last) = (0, None);
        let found = page::read(read, self.noun.table, self.view.columns(), &page, |row| {
            let before = out.len();
            if count > 0 {
                out.push(b',');
            }
            if let Err(error) = self.view.object(&mut out, |position| row.cell(position), &mut *special) {
                out.truncate(before);
                return Err(error);
            }
            count += 1;
            let is_full = count == self.limit || (self.paged && out.len() >= PAGE_BYTES);
            if is_full {
                last = Some(row.text(0));
            }
            Ok(!is_full)
        })?;
        if !found {
            let marker = self.marker.as_deref().unwrap_or_default();
            return Err(Fault::not_found(format!("{} {marker} could not be found.", self.noun.name)));
        }
        out.push(b']');
        if let Some(last) = last.filter(|_| self.paged) {
            out.extend_from_slice(b",\"next\":");
            super::view::string(&mut out, &self.next(&last));
        }
        out.push(b'}');
        Ok(out)
    }

    /// What is to be seen of each object.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The answer around `count` objects that the store does not have, already written; `last` names the last of them.
    pub fn frame(&self, objects: &[u8], count: usize, last: &str) -> Vec<u8> {
        let mut out = format!("{{\"{}\":[", self.noun.collection).into_bytes();
        out.extend_from_slice(objects);
        out.push(b']');
        if count == self.limit {
            out.extend_from_slice(b",\"next\":");
            super::view::string(&mut out, &self.next(last));
        }
        out.push(b'}');
        out
    }

    fn next(&self, last: &str) -> String {
        let Listing { url, sort_key, shown, limit, .. } = self;
        let direction = if self.descending { "desc" } else { "asc" };
        let mut next = format!("{url}?sort_key={sort_key}&sort_dir={direction}{shown}");
        for (name, value) in &self.filters {
            next.push_str(&format!("&{name}={}", utf8_percent_encode(value, VALUE)));
        }
        next.push_str(&format!("&limit={limit}&marker={last}"));
        next
    }
}

/// The view of a single object: all of it, or `?fields=`.
pub fn single(call: &Call, noun: &'static Noun) -> Result<View, Fault> {
    let mut query = call.query.clone();
    let wanted = match query.take_list("fields")? {
        Some(names) => Wanted::Named(names),
        None => Wanted::All,
    };
    View::new(noun, call.version, &call.base, &wanted)
}

/// One object, found by one of its unique columns, as JSON; none if it is not there.
pub fn object(
    read: &Read,
    noun: &Noun,
    view: &View,
    column: &'static str,
    value: &str,
    special: Special<'_>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let filters = [Filter::text(column, value)];
    let mut out = Vec::with_capacity(2048);
    page::one(read, noun.table, view.columns(), &filters, |row| {
        view.object(&mut out, |position| row.cell(position), &mut *special)
    })?;
    Ok(if out.is_empty() { None } else { Some(out) })
}

/// The object that a decision has just written, whole.
pub fn whole(read: &Read, noun: &Noun, view: &View, uuid: Uuid) -> Refused<Vec<u8>> {
    let found = object(read, noun, view, "uuid", &uuid.to_string(), &mut |_, _, _| Ok(()))?;
    found.ok_or_else(|| Refusal::not_found(format!("{} {uuid} could not be found.", noun.name)))
}

fn wanted(noun: &Noun, query: &mut Query, detail: Detail) -> Result<Wanted, Fault> {
    if detail == Detail::Path {
        return Ok(Wanted::All);
    }
    let names = query.take_list("fields")?;
    let detail = query.take_bool("detail")?;
    match (detail, names) {
        (Some(true), Some(_)) => Err(Fault::invalid("Can't fetch a subset of fields with 'detail' set")),
        (Some(true), None) => Ok(Wanted::All),
        (_, Some(names)) => Ok(Wanted::Named(names)),
        (_, None) if noun.listed.is_empty() => Ok(Wanted::All),
        (_, None) => Ok(Wanted::Listed),
    }
}

fn sort_column(call: &Call, noun: &Noun, key: &str) -> Result<&'static str, Fault> {
    if key == "id" {
        return Ok("id");
    }
    match noun.field(key) {
        Some(field) if matches!(field.source, Source::Column(..) | Source::Special) && !field.is_open(call.version) => {
            Err(Fault::not_acceptable())
        }
        Some(field) if field.sortable => match field.source {
            Source::Column(column, _) => Ok(column),
            _ => Ok("id"),
        },
        _ => Err(Fault::invalid(format!("The sort_key value {key} is an invalid field for sorting"))),
    }
}

fn limit(query: &mut Query, most: usize) -> Result<usize, Fault> {
    let Some(text) = query.take("limit")? else { return Ok(most) };
    match text.trim().parse::<i64>() {
        Ok(limit) if limit >= 1 => Ok(usize::try_from(limit).unwrap_or(most).min(most)),
        Ok(_) => Err(Fault::invalid("Limit must be positive")),
        Err(_) => Err(Fault::invalid(format!("Expected an integer for limit: {text}"))),
    }
}

/// The path as links have it, whether or not the client wrote `v1`.
fn versioned(path: &str) -> String {
    let path = path.trim_end_matches('/');
    if path.starts_with("/v1/") { path.to_owned() } else { format!("/v1{path}") }
}

//! The fields of a conductor: of this process, as Ironic's clients know it.

use super::field::{Field, Noun};
use super::history::v;

pub static CONDUCTOR: Noun = Noun {
    name: "Conductor",
    table: "conductors",
    collection: "conductors",
    ident: "hostname",
    fields: FIELDS,
    listed: &["hostname", "conductor_group", "alive"],
    detail_since: v(49),
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::text("hostname", 49),
    Field::text("conductor_group", 49),
    Field::boolean("alive", 49),
    Field::special("drivers", 49),
    Field::time("created_at", 49),
    Field::time("updated_at", 49),
    Field::links(),
];

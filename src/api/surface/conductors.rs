//! The fields of a conductor: of this process, as Ironic's clients know it.

use super::field::{Field, Noun};
use super::schema::TEXTS;

pub static CONDUCTOR: Noun = Noun {
    name: "Conductor",
    table: "conductors",
    collection: "conductors",
    ident: "hostname",
    fields: FIELDS,
    listed: &["hostname", "conductor_group", "alive"],
    needed: &[],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::text("hostname", 49).filled(),
    Field::text("conductor_group", 49).filled(),
    Field::boolean("alive", 49),
    Field::special("drivers", 49).of(TEXTS),
    Field::time("created_at", 49),
    Field::time("updated_at", 49),
    Field::links(),
];

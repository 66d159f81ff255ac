//! The fields of a chassis.

use super::field::Write::Always;
use super::field::{Field, Noun};

pub static CHASSIS: Noun = Noun {
    name: "Chassis",
    table: "chassis",
    collection: "chassis",
    ident: "uuid",
    fields: FIELDS,
    listed: &["uuid", "description"],
    needed: &[],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    // A patch may name it, and may not change it.
    Field::uuid("uuid", 1).filled().written(Always),
    Field::text("description", 1).written(Always),
    Field::json("extra", 1).written(Always),
    Field::time("created_at", 1).filled(),
    Field::time("updated_at", 1),
    Field::links(),
    // Clients get this pair in a list of its own, and look for it there.
    Field::nested_links_to("nodes", 1),
];

//! The fields of a part's firmware. It has no links.

use super::field::{Field, Noun};

pub static FIRMWARE_COMPONENT: Noun = Noun {
    name: "Firmware component",
    table: "firmware_components",
    collection: "firmware",
    ident: "component",
    fields: FIELDS,
    listed: &[],
    needed: &[],
    firm: &[],
    links_selectable: false,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::time("created_at", 86).filled(),
    Field::time("updated_at", 86),
    Field::text("component", 86).filled(),
    Field::text("initial_version", 86),
    Field::text("current_version", 86),
    Field::text("last_version_flashed", 86),
    Field::text("vendor", 114),
    Field::text("model", 114),
    Field::text("serial_number", 114),
];

//! The fields of a BIOS setting.

use super::field::{Field, Noun};
use super::schema::{MAYBE_BOOLEAN, Schema, TEXTS};

pub static BIOS_SETTING: Noun = Noun {
    name: "BIOS setting",
    table: "bios_settings",
    collection: "bios",
    ident: "name",
    fields: FIELDS,
    listed: &["created_at", "updated_at", "name", "value"],
    needed: &[],
    firm: &[],
    links_selectable: true,
};

const NUMBER: Schema = Schema::Maybe(&Schema::Integer);

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::time("created_at", 40).filled(),
    Field::time("updated_at", 40),
    Field::text("name", 40).filled(),
    Field::text("value", 40),
    Field::text("attribute_type", 74),
    Field::nullable_json("allowable_values", 74).of(Schema::Maybe(&TEXTS)),
    Field::integer("lower_bound", 74).of(NUMBER),
    Field::integer("max_length", 74).of(NUMBER),
    Field::integer("min_length", 74).of(NUMBER),
    Field::boolean("read_only", 74).of(MAYBE_BOOLEAN),
    Field::boolean("reset_required", 74).of(MAYBE_BOOLEAN),
    Field::boolean("unique", 74).of(MAYBE_BOOLEAN).column("is_unique"),
    Field::integer("upper_bound", 74).of(NUMBER),
    Field::links(),
];

//! The fields of a runbook.

use super::field::Write::{Always, Create};
use super::field::{Field, Noun};
use super::schema::{Key, STEPPED, Schema, TEXTS, key};

pub static RUNBOOK: Noun = Noun {
    name: "Runbook",
    table: "runbooks",
    collection: "runbooks",
    ident: "uuid",
    fields: FIELDS,
    listed: &["uuid", "name"],
    needed: &["name", "steps"],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::uuid("uuid", 92).filled().written(Create),
    Field::text("name", 92).filled().written(Always),
    Field::text("description", 112).written(Always),
    Field::json("steps", 92).of(Schema::Filled(&Schema::Object(STEP))).written(Always),
    Field::json("traits", 112).of(TEXTS),
    Field::boolean("disable_ramdisk", 92).written(Always),
    Field::boolean("public", 92).written(Always),
    Field::text("owner", 92).written(Always),
    Field::json("extra", 92).written(Always),
    Field::time("created_at", 92).filled(),
    Field::time("updated_at", 92),
    Field::links(),
];

const STEP: &[Key] =
    &[key("interface", STEPPED), key("step", Schema::Text), key("args", Schema::Map), key("order", Schema::Integer)];

//! The fields of a deploy template.

use super::field::Write::{Always, Create};
use super::field::{Field, Noun};
use super::params::{Param, since};
use super::schema::{Key, MAYBE_TEXT, STEPPED, Schema, key};

pub static DEPLOY_TEMPLATE: Noun = Noun {
    name: "Deploy template",
    table: "deploy_templates",
    collection: "deploy_templates",
    ident: "uuid",
    fields: FIELDS,
    listed: &["uuid", "name"],
    needed: &["name", "steps"],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::uuid("uuid", 55).filled().written(Create),
    Field::text("name", 55).filled().written(Always),
    Field::json("steps", 55).of(Schema::Filled(&Schema::Object(STEP))).written(Always),
    Field::json("extra", 55).written(Always),
    Field::time("created_at", 55).filled(),
    Field::time("updated_at", 55),
    Field::links(),
];

const STEP: &[Key] =
    &[key("interface", STEPPED), key("step", Schema::Text), key("args", Schema::Map), key("priority", Schema::Integer)];

/// The argument `description` of POST, which Ironic takes and forgets.
pub const DESCRIPTION: &[Param] = &[since("description", 55, MAYBE_TEXT)];

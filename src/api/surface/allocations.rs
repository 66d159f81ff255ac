//! The fields of an allocation, and what else depends on the version.

use super::field::Write::{Always, Create};
use super::field::{Field, Noun};
use super::params::{Param, since};
use super::route::TooOld;
use super::schema::{MAYBE_TEXT, Schema, TEXTS};

pub static ALLOCATION: Noun = Noun {
    name: "Allocation",
    table: "allocations",
    collection: "allocations",
    ident: "uuid",
    fields: FIELDS,
    // Lists show everything.
    listed: &[],
    needed: &[],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::uuid("uuid", 52).filled().written(Create),
    Field::text("name", 52).written(Always),
    Field::text("resource_class", 52).written(Create),
    Field::json("traits", 52).of(TEXTS).written(Create),
    Field::json("candidate_nodes", 52).of(UUIDS).written(Create),
    Field::uuid("node_uuid", 52),
    Field::text("state", 52).filled(),
    Field::text("last_error", 52),
    Field::json("extra", 52).written(Always),
    Field::text("owner", 60).written(Create),
    Field::time("created_at", 52).filled(),
    Field::time("updated_at", 52),
    Field::links(),
];

/// The argument `node` of POST, which is no field: the node to backfill. Older versions take it for a mistake.
pub const BACKFILL: &[Param] =
    &[since("node", 58, MAYBE_TEXT).too_old(TooOld::Invalid("Cannot set allocation field: node"))];
const UUIDS: Schema = Schema::List(&Schema::Uuid);

//! The fields of an allocation, and what else depends on the version.

use super::field::Write::{Always, Create};
use super::field::{Field, Noun};
use super::history::{NEVER, Version, v};

pub static ALLOCATION: Noun = Noun {
    name: "Allocation",
    table: "allocations",
    collection: "allocations",
    ident: "uuid",
    fields: FIELDS,
    // Lists show everything.
    listed: &[],
    detail_since: NEVER,
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::text("uuid", 52).written(Create),
    Field::text("name", 52).written(Always),
    Field::text("resource_class", 52).written(Create),
    Field::json("traits", 52).written(Create),
    Field::json("candidate_nodes", 52).written(Create),
    Field::text("node_uuid", 52),
    Field::text("state", 52),
    Field::text("last_error", 52),
    Field::json("extra", 52).written(Always),
    Field::text("owner", 60).written(Create),
    Field::time("created_at", 52),
    Field::time("updated_at", 52),
    Field::links(),
];

/// The argument `node` of POST, which is no field: the node to backfill. Older versions take it for a mistake.
pub const BACKFILL: Version = v(58);

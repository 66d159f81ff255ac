//! The fields of volume connectors and targets.

use super::field::Write::{Always, Create};
use super::field::{Field, Noun};

pub static CONNECTOR: Noun = Noun {
    name: "Volume connector",
    table: "volume_connectors",
    collection: "connectors",
    ident: "uuid",
    fields: CONNECTOR_FIELDS,
    listed: &["uuid", "node_uuid", "type", "connector_id"],
    needed: &["node_uuid", "type", "connector_id"],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static CONNECTOR_FIELDS: &[Field] = &[
    Field::uuid("uuid", 32).filled().written(Create),
    Field::uuid("node_uuid", 32).filled().written(Always).unsortable(),
    Field::text("type", 32).filled().column("kind").written(Always),
    Field::text("connector_id", 32).filled().written(Always),
    Field::json("extra", 32).written(Always),
    Field::time("created_at", 32).filled(),
    Field::time("updated_at", 32),
    Field::links(),
];

pub static TARGET: Noun = Noun {
    name: "Volume target",
    table: "volume_targets",
    collection: "targets",
    ident: "uuid",
    fields: TARGET_FIELDS,
    listed: &["uuid", "node_uuid", "volume_type", "boot_index", "volume_id"],
    needed: &["node_uuid", "volume_type", "volume_id", "boot_index"],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static TARGET_FIELDS: &[Field] = &[
    Field::uuid("uuid", 32).filled().written(Create),
    Field::uuid("node_uuid", 32).filled().written(Always).unsortable(),
    Field::text("volume_type", 32).filled().written(Always),
    Field::text("volume_id", 32).filled().written(Always),
    Field::integer("boot_index", 32).written(Always),
    Field::json("properties", 32).written(Always),
    Field::json("extra", 32).written(Always),
    Field::time("created_at", 32).filled(),
    Field::time("updated_at", 32),
    Field::links(),
];

//! The fields of a port group, and what else depends on the version.

use super::field::Guard::Nowhere;
use super::field::Write::{Always, Create};
use super::field::{Field, Noun};
use super::schema::{MAC, Schema};

pub static PORTGROUP: Noun = Noun {
    name: "Portgroup",
    table: "portgroups",
    collection: "portgroups",
    ident: "uuid",
    fields: FIELDS,
    listed: &["uuid", "address", "name"],
    needed: &["node_uuid"],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::uuid("uuid", 23).filled().written(Create),
    Field::text("address", 23).of(Schema::Maybe(&MAC)).written(Always),
    Field::text("name", 23).written(Always),
    Field::uuid("node_uuid", 23).filled().written(Always),
    Field::json("extra", 23).written(Always),
    Field::json("internal_info", 23),
    Field::boolean("standalone_ports_supported", 23).written(Always),
    Field::time("created_at", 23).filled(),
    Field::time("updated_at", 23),
    Field::links(),
    Field::links_to("ports", 23),
    Field::text("mode", 26).written(Always),
    Field::json("properties", 26).written(Always),
    Field::text("physical_network", 102).written(Always).guarded(Nowhere),
    Field::text("category", 103).written(Always).guarded(Nowhere),
    Field::boolean("dynamic_portgroup", 111),
];

//! The fields of a port, and what else depends on the version.

use super::field::Write::Always;
use super::field::{Field, Noun};
use super::history::{Version, v};

pub static PORT: Noun = Noun {
    name: "Port",
    table: "ports",
    collection: "ports",
    ident: "uuid",
    fields: FIELDS,
    listed: &["uuid", "address"],
    detail_since: v(43),
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::text("uuid", 1).written(super::field::Write::Create),
    Field::text("address", 1).written(Always),
    Field::text("node_uuid", 1).written(Always),
    Field::json("extra", 1).written(Always),
    Field::time("created_at", 1),
    Field::time("updated_at", 1),
    Field::links(),
    Field::json("internal_info", 18),
    Field::json("local_link_connection", 19).written(Always),
    Field::boolean("pxe_enabled", 19).written(Always),
    Field::text("portgroup_uuid", 24).written(Always),
    Field::text("physical_network", 34).written(Always),
    Field::boolean("is_smartnic", 53).written(Always),
    Field::text("name", 88).written(Always),
    Field::text("description", 97).written(Always),
    Field::text("vendor", 100).written(Always),
    Field::text("category", 101).written(Always),
    Field::boolean("available_for_dynamic_portgroup", 111).written(Always),
];

/// The argument `node_ident` of POST: the node by name.
pub const NODE_IDENT: Version = v(94);

/// Keys of `local_link_connection` that came later than it.
pub const LINK_KEYS: &[(&str, Version)] =
    &[("network_type", v(64)), ("vtep-logical-switch", v(90)), ("vtep-physical-switch", v(90))];

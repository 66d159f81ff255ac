//! The fields of a port, and what else depends on the version.

use std::ops::RangeInclusive;

use super::field::Guard::NotInPatches;
use super::field::Write::Always;
use super::field::{Field, Noun};
use super::history::{Version, v};
use super::params::{Param, since};
use super::schema::{MAC, MAYBE_TEXT};

pub static PORT: Noun = Noun {
    name: "Port",
    table: "ports",
    collection: "ports",
    ident: "uuid",
    fields: FIELDS,
    listed: &["uuid", "address"],
    needed: &["address"],
    firm: &["node_uuid", "available_for_dynamic_portgroup"],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::uuid("uuid", 1).filled().written(super::field::Write::Create),
    Field::text("address", 1).of(MAC).written(Always),
    Field::uuid("node_uuid", 1).written(Always),
    Field::json("extra", 1).written(Always),
    Field::time("created_at", 1).filled(),
    Field::time("updated_at", 1),
    Field::links(),
    Field::json("internal_info", 18),
    Field::connection("local_link_connection", 19).written(Always),
    Field::boolean("pxe_enabled", 19).written(Always),
    Field::uuid("portgroup_uuid", 24).written(Always).unsortable(),
    Field::text("physical_network", 34).written(Always),
    Field::boolean("is_smartnic", 53).written(Always),
    Field::text("name", 88).written(Always).guarded(NotInPatches),
    Field::text("description", 97).written(Always).guarded(NotInPatches),
    Field::text("vendor", 100).written(Always).guarded(NotInPatches),
    Field::text("category", 101).written(Always).guarded(NotInPatches),
    Field::boolean("available_for_dynamic_portgroup", 111).written(Always).guarded(NotInPatches),
];

/// The argument `node_ident` of POST: the node by name.
pub const NODE_IDENT: &[Param] = &[since("node_ident", 94, MAYBE_TEXT)];

/// Keys of `local_link_connection` that have not always been there, and during which versions a port is created with them.
pub const LINK_KEYS: &[(&str, RangeInclusive<Version>)] =
    &[("network_type", v(64)..=Version::MAX), ("vtep-logical-switch", VTEP), ("vtep-physical-switch", VTEP)];
const VTEP: RangeInclusive<Version> = v(90)..=v(104);

/// What is shown of a connection at a version that does not know all of its keys.
pub fn hides_connection(connection: &str, version: Version) -> bool {
    connection.contains("\"vtep-") && !VTEP.contains(&version)
}

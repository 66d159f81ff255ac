//! The fields of a hardware type.

use super::field::{Field, Noun};
use super::schema::{MAYBE_TEXT, Schema, TEXTS};

pub static DRIVER: Noun = Noun {
    name: "Driver",
    table: "drivers",
    collection: "drivers",
    ident: "name",
    fields: FIELDS,
    listed: &["name", "hosts", "properties", "type"],
    needed: &[],
    firm: &[],
    links_selectable: true,
};

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::text("name", 1).filled(),
    Field::special("hosts", 1).of(TEXTS),
    Field::links(),
    Field::links_to("properties", 14),
    Field::special("type", 30).of(Schema::Text),
    Field::special("default_boot_interface", 30).of(MAYBE_TEXT), Field::special("enabled_boot_interfaces", 30).of(TEXTS),
    Field::special("default_console_interface", 30).of(MAYBE_TEXT), Field::special("enabled_console_interfaces", 30).of(TEXTS),
    Field::special("default_deploy_interface", 30).of(MAYBE_TEXT), Field::special("enabled_deploy_interfaces", 30).of(TEXTS),
    Field::special("default_inspect_interface", 30).of(MAYBE_TEXT), Field::special("enabled_inspect_interfaces", 30).of(TEXTS),
    Field::special("default_management_interface", 30).of(MAYBE_TEXT), Field::special("enabled_management_interfaces", 30).of(TEXTS),
    Field::special("default_network_interface", 30).of(MAYBE_TEXT), Field::special("enabled_network_interfaces", 30).of(TEXTS),
    Field::special("default_power_interface", 30).of(MAYBE_TEXT), Field::special("enabled_power_interfaces", 30).of(TEXTS),
    Field::special("default_raid_interface", 30).of(MAYBE_TEXT), Field::special("enabled_raid_interfaces", 30).of(TEXTS),
    Field::special("default_vendor_interface", 30).of(MAYBE_TEXT), Field::special("enabled_vendor_interfaces", 30).of(TEXTS),
    Field::special("default_storage_interface", 33).of(MAYBE_TEXT), Field::special("enabled_storage_interfaces", 33).of(TEXTS),
    Field::special("default_rescue_interface", 38).of(MAYBE_TEXT), Field::special("enabled_rescue_interfaces", 38).of(TEXTS),
    Field::special("default_bios_interface", 40).of(MAYBE_TEXT), Field::special("enabled_bios_interfaces", 40).of(TEXTS),
    Field::special("default_firmware_interface", 86).of(MAYBE_TEXT), Field::special("enabled_firmware_interfaces", 86).of(TEXTS),
];

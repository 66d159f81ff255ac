//! Every path of the API. This table is the router.
//!
//! A path is matched segment by segment from the top, so a literal segment (`/v1/nodes/detail`) stands above a parameter
//! in its place (`/v1/nodes/{node}`). Of the rows that match the path, the first with the request's method is taken; if
//! there is none the answer is 405 with the methods of all of them.
//!
//! **To add a noun:** its columns in `model/<noun>.rs` (`record!`), its SQL in `store/<noun>.rs`, its decisions in
//! `service/<noun>.rs`; then `surface/<noun>.rs` with a [`super::Noun`] table, `handlers/<noun>.rs` with one `async fn
//! name(call: Call) -> Result<Answer, Fault>` per row, and the rows here:
//!
//! ```text
//!     get("/v1/things", handler!(things::list)).since(52, TooOld::Missing("…")).query(&[PAGING, FIELDS]).gives(Page(&THING)),
//!     post("/v1/things", handler!(things::create)).since(52, TooOld::NotAllowed).takes(New(&THING, NONE)).gives(Gives::New(&THING)),
//! ```
//! `query` names all parameters that the row knows, `takes` what the body is, `gives` what is answered.
//! `Listing` (paging, sorting, `fields`, `detail`, `next`) and `View` do the rest from the table.

use super::history::{Version, v};
use super::nodes::{NODE, NODE_STATES};
use super::params::*;
use super::route::Gives::{self, Accepted, Document, Foreign, One, Page, Refusal};
use super::route::Takes::{Arguments, Free, New, Patch};
use super::route::{
    BodyLimit, HIDDEN, NO_RESOURCE, Reach, TooOld, UNSUPPORTED, delete, get, handler, patch, post, put,
};
use super::schema::Schema;
use super::{
    allocations::ALLOCATION, bios::BIOS_SETTING, chassis::CHASSIS, conductors::CONDUCTOR,
    deploy_templates::DEPLOY_TEMPLATE, drivers::DRIVER, firmware::FIRMWARE_COMPONENT, history_records::HISTORY_RECORD,
    inspection_rules::INSPECTION_RULE, portgroups::PORTGROUP, ports::PORT, runbooks::RUNBOOK as A_RUNBOOK,
    volumes::CONNECTOR, volumes::TARGET,
};
use super::{allocations::BACKFILL, deploy_templates::DESCRIPTION, documents as doc, ports::NODE_IDENT};
use crate::api::handlers::{
    agent, allocations, backups, chassis, conductors, deploy_templates, description, drivers, events, hold,
    inspection_rules, nodes, portgroups, ports, root, runbooks, shards, volumes, why,
};

pub use super::route::{Method, Route};

const NO_TEMPLATES: &str = "The API version does not allow deploy templates";
const NO_RUNBOOKS: &str = "The API version does not allow runbooks";
const NO_RUNBOOK_TRAITS: TooOld = TooOld::NoRoute("The API version does not allow runbook traits");
const NO_RULES: TooOld = TooOld::Missing("The API version does not allow inspection rules");
const NO_SHARDS: TooOld = TooOld::Missing("The API version does not allow shards");

#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    get("/", handler!(root::root)).public().gives(Document(doc::ROOT)),
    get("/v1", handler!(root::v1)).public().gives(Document(doc::V1)),

    get("/v1/nodes", handler!(nodes::list)).query(&[PAGING_BY_UUID, FIELDS, DETAIL, NODE_FILTERS, NODE_CHASSIS, NODE_FAMILY]).gives(Page(&NODE)),
    post("/v1/nodes", handler!(nodes::create)).takes(New(&NODE, NONE)).gives(Gives::New(&NODE)),
    patch("/v1/nodes", handler!(nodes::which)).gives(Refusal),
    delete("/v1/nodes", handler!(nodes::which)).gives(Refusal),
    get("/v1/nodes/detail", handler!(nodes::detail)).query(&[PAGING_BY_UUID, NODE_FILTERS, NODE_CHASSIS, NODE_FAMILY_ALWAYS]).gives(Page(&NODE)),
    get("/v1/nodes/validate", handler!(nodes::hardware::validate_named)).query(&[NODE_NAMED]).gives(Document(doc::VALIDATION)),
    get("/v1/nodes/{node}", handler!(nodes::show)).query(&[FIELDS]).gives(One(&NODE)),
    patch("/v1/nodes/{node}", handler!(nodes::update)).query(&[NODE_PATCH]).takes(Patch(&NODE)).gives(One(&NODE)),
    delete("/v1/nodes/{node}", handler!(nodes::delete)),
    get("/v1/nodes/{node}/validate", handler!(nodes::hardware::validate)).gives(Document(doc::VALIDATION)),
    put("/v1/nodes/{node}/maintenance", handler!(nodes::set_maintenance)).takes(Arguments(MAINTENANCE)).gives(Accepted),
    delete("/v1/nodes/{node}/maintenance", handler!(nodes::clear_maintenance)).gives(Accepted),
    get("/v1/nodes/{node}/states", handler!(nodes::states::show)).gives(One(&NODE_STATES)),
    put("/v1/nodes/{node}/states/power", handler!(nodes::states::set_power)).takes(Arguments(POWER)).gives(Accepted),
    put("/v1/nodes/{node}/states/provision", handler!(nodes::provision::set)).body(BodyLimit::ConfigDrive).takes(Arguments(PROVISION)).gives(Accepted),
    put("/v1/nodes/{node}/states/raid", handler!(nodes::raid::set_target)).takes(Free(doc::RAID_CONFIG)).since(12, TooOld::HandlerSays),
    put("/v1/nodes/{node}/states/boot_mode", handler!(nodes::boot_mode::set_boot_mode)).takes(Arguments(BOOT_MODE)).gives(Accepted).since(76, TooOld::HandlerSays),
    put("/v1/nodes/{node}/states/secure_boot", handler!(nodes::boot_mode::set_secure_boot)).takes(Arguments(SECURE_BOOT)).gives(Accepted).since(76, TooOld::HandlerSays),
    // The other order of words that Ironic's router lets pass; ironic-tempest-plugin reads the console so.
    get("/v1/nodes/states/console/{node}", handler!(nodes::console::show)).gives(Document(doc::CONSOLE)),
    get("/v1/nodes/{node}/states/console", handler!(nodes::console::show)).gives(Document(doc::CONSOLE)),
    put("/v1/nodes/{node}/states/console", handler!(nodes::console::set)).takes(Arguments(CONSOLE)).gives(Accepted),
    get("/v1/nodes/{node}/management/indicators", handler!(nodes::indicators::list)).gives(Document(doc::INDICATORS)),
    put("/v1/nodes/{node}/management/indicators", handler!(nodes::indicators::missing)).gives(Refusal),
    get("/v1/nodes/{node}/management/indicators/{indicator}", handler!(nodes::indicators::show)).gives(Document(doc::INDICATOR)),
    put("/v1/nodes/{node}/management/indicators/{indicator}", handler!(nodes::indicators::set)).takes(Arguments(INDICATOR)),
    get("/v1/nodes/{node}/bios", handler!(nodes::bios::list)).query(&[BIOS]).gives(Page(&BIOS_SETTING)).since(40, HIDDEN),
    get("/v1/nodes/{node}/bios/{setting}", handler!(nodes::bios::show)).gives(Document(doc::NAMED_SETTING)).since(40, HIDDEN),
    get("/v1/nodes/{node}/firmware", handler!(nodes::firmware::list)).query(&[FIRMWARE]).gives(Page(&FIRMWARE_COMPONENT)).since(86, HIDDEN),
    get("/v1/nodes/{node}/vmedia", handler!(nodes::vmedia::show)).gives(Document(doc::VIRTUAL_MEDIA)).since(89, HIDDEN),
    post("/v1/nodes/{node}/vmedia", handler!(nodes::vmedia::attach)).takes(Free(doc::VIRTUAL_IMAGE)).since(89, HIDDEN),
    delete("/v1/nodes/{node}/vmedia", handler!(nodes::vmedia::detach)).query(&[VIRTUAL_MEDIA]).since(89, HIDDEN),
    delete("/v1/nodes/{node}/vmedia/{device}", handler!(nodes::vmedia::detach_named)).since(89, HIDDEN),
    get("/v1/nodes/{node}/management/boot_device", handler!(nodes::hardware::boot_device)).gives(Document(doc::BOOT_DEVICE)),
    put("/v1/nodes/{node}/management/boot_device", handler!(nodes::hardware::set_boot_device)).takes(Arguments(BOOT_DEVICE)),
    get("/v1/nodes/{node}/management/boot_device/supported", handler!(nodes::hardware::supported_boot_devices)).gives(Document(doc::BOOT_DEVICES)),
    put("/v1/nodes/{node}/management/inject_nmi", handler!(nodes::hardware::inject_nmi)).takes(Arguments(NONE)).since(29, NO_RESOURCE),
    get("/v1/nodes/{node}/vendor_passthru/methods", handler!(nodes::vendor::methods)).gives(Document(doc::VENDOR_METHODS)),
    get("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Foreign),
    post("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Foreign),
    put("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Foreign),
    patch("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Foreign),
    delete("/v1/nodes/{node}/vendor_passthru", handler!(nodes::vendor::call_in_query)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Foreign),
    get("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)).takes(Free(Schema::Map)).gives(Foreign),
    post("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)).takes(Free(Schema::Map)).gives(Foreign),
    put("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)).takes(Free(Schema::Map)).gives(Foreign),
    patch("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)).takes(Free(Schema::Map)).gives(Foreign),
    delete("/v1/nodes/{node}/vendor_passthru/{method}", handler!(nodes::vendor::call_in_path)).takes(Free(Schema::Map)).gives(Foreign),
    get("/v1/nodes/{node}/vifs", handler!(nodes::vifs::list)).gives(Document(doc::VIFS)).since(28, HIDDEN),
    post("/v1/nodes/{node}/vifs", handler!(nodes::vifs::attach)).takes(Free(doc::VIF)).since(28, HIDDEN),
    delete("/v1/nodes/{node}/vifs", handler!(nodes::vifs::which)).since(28, HIDDEN).gives(Refusal),
    delete("/v1/nodes/{node}/vifs/{vif}", handler!(nodes::vifs::detach)).since(28, HIDDEN),
    get("/v1/nodes/{node}/traits", handler!(nodes::traits::list)).gives(Document(doc::TRAITS)).since(37, TooOld::NotAcceptable),
    put("/v1/nodes/{node}/traits", handler!(nodes::traits::replace)).takes(Arguments(TRAITS)).since(37, TooOld::NotAllowed),
    delete("/v1/nodes/{node}/traits", handler!(nodes::traits::clear)).since(37, NO_RESOURCE),
    put("/v1/nodes/{node}/traits/{trait}", handler!(nodes::traits::add)).since(37, TooOld::NotAllowed),
    delete("/v1/nodes/{node}/traits/{trait}", handler!(nodes::traits::remove)).since(37, NO_RESOURCE),
    get("/v1/nodes/{node}/history", handler!(nodes::views::history)).query(&[PAGING_BY_UUID, ALWAYS_DETAIL]).gives(Page(&HISTORY_RECORD)).since(78, HIDDEN),
    get("/v1/nodes/{node}/history/{record}", handler!(nodes::views::history_record)).gives(One(&HISTORY_RECORD)).since(78, HIDDEN),
    get("/v1/nodes/{node}/inventory", handler!(nodes::views::inventory)).gives(Document(doc::INVENTORY)).since(81, HIDDEN),
    get("/v1/nodes/{node}/children", handler!(nodes::views::children)).gives(Document(doc::CHILDREN)).since(83, NO_RESOURCE),
    get("/v1/nodes/{node}/ports", handler!(ports::list_of_node)).query(&[PAGING_BY_UUID, FIELDS, DETAIL, PORT_FILTERS]).gives(Page(&PORT)),
    get("/v1/nodes/{node}/ports/detail", handler!(ports::detail_of_node)).query(&[PAGING_BY_UUID, PORT_FILTERS]).gives(Page(&PORT)),
    post("/v1/nodes/{node}/ports", handler!(root::malformed)).gives(Refusal),
    patch("/v1/nodes/{node}/ports", handler!(ports::missing)).gives(Refusal),
    delete("/v1/nodes/{node}/ports", handler!(ports::missing)).gives(Refusal),
    get("/v1/nodes/{node}/ports/{port}", handler!(root::malformed)).gives(Refusal),
    patch("/v1/nodes/{node}/ports/{port}", handler!(root::malformed)).gives(Refusal),
    delete("/v1/nodes/{node}/ports/{port}", handler!(root::malformed)).gives(Refusal),
    get("/v1/nodes/{node}/portgroups", handler!(portgroups::list_of_node)).query(&[PAGING_BY_UUID, FIELDS, DETAIL, PORTGROUP_FILTERS]).gives(Page(&PORTGROUP)).since(24, HIDDEN),
    post("/v1/nodes/{node}/portgroups", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),
    patch("/v1/nodes/{node}/portgroups", handler!(portgroups::which)).gives(Refusal).since(24, HIDDEN),
    delete("/v1/nodes/{node}/portgroups", handler!(portgroups::which)).gives(Refusal).since(24, HIDDEN),
    get("/v1/nodes/{node}/portgroups/detail", handler!(portgroups::detail_of_node)).query(&[PAGING_BY_UUID, PORTGROUP_FILTERS]).gives(Page(&PORTGROUP)).since(24, HIDDEN),
    get("/v1/nodes/{node}/portgroups/{portgroup}", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),
    patch("/v1/nodes/{node}/portgroups/{portgroup}", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),
    delete("/v1/nodes/{node}/portgroups/{portgroup}", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),
    get("/v1/nodes/{node}/volume", handler!(volumes::root_of_node)).gives(Document(doc::VOLUME)).since(32, UNSUPPORTED),
    get("/v1/nodes/{node}/volume/connectors", handler!(volumes::connectors_of_node)).query(&[PAGING_BY_UUID, FIELDS, ALWAYS_DETAIL, VOLUME_FILTERS]).gives(Page(&CONNECTOR)).since(32, HIDDEN),
    post("/v1/nodes/{node}/volume/connectors", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    patch("/v1/nodes/{node}/volume/connectors", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    delete("/v1/nodes/{node}/volume/connectors", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    get("/v1/nodes/{node}/volume/connectors/{connector}", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    patch("/v1/nodes/{node}/volume/connectors/{connector}", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    delete("/v1/nodes/{node}/volume/connectors/{connector}", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    get("/v1/nodes/{node}/volume/targets", handler!(volumes::targets_of_node)).query(&[PAGING_BY_UUID, FIELDS, ALWAYS_DETAIL, VOLUME_FILTERS]).gives(Page(&TARGET)).since(32, HIDDEN),
    post("/v1/nodes/{node}/volume/targets", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    patch("/v1/nodes/{node}/volume/targets", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    delete("/v1/nodes/{node}/volume/targets", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    get("/v1/nodes/{node}/volume/targets/{target}", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    patch("/v1/nodes/{node}/volume/targets/{target}", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    delete("/v1/nodes/{node}/volume/targets/{target}", handler!(root::malformed)).gives(Refusal).since(32, HIDDEN),
    get("/v1/nodes/{node}/allocation", handler!(allocations::show_of_node)).query(&[FIELDS]).gives(One(&ALLOCATION)).since(52, HIDDEN),
    delete("/v1/nodes/{node}/allocation", handler!(allocations::delete_of_node)).since(52, HIDDEN),
    get("/v1/nodes/{node}/{word}", handler!(nodes::nowhere)).gives(Refusal),

    get("/v1/ports", handler!(ports::list)).query(&[PAGING_BY_UUID, FIELDS, DETAIL, PORT_FILTERS]).gives(Page(&PORT)),
    post("/v1/ports", handler!(ports::create)).takes(New(&PORT, NODE_IDENT)).gives(Gives::New(&PORT)),
    patch("/v1/ports", handler!(ports::missing)).gives(Refusal),
    delete("/v1/ports", handler!(ports::missing)).gives(Refusal),
    get("/v1/ports/detail", handler!(ports::detail)).query(&[PAGING_BY_UUID, PORT_FILTERS]).gives(Page(&PORT)),
    get("/v1/ports/{port}", handler!(ports::show)).query(&[FIELDS]).gives(One(&PORT)),
    patch("/v1/ports/{port}", handler!(ports::update)).takes(Patch(&PORT)).gives(One(&PORT)),
    delete("/v1/ports/{port}", handler!(ports::delete)),

    get("/v1/portgroups", handler!(portgroups::list)).query(&[PAGING_BY_UUID, FIELDS, DETAIL, PORTGROUP_FILTERS]).gives(Page(&PORTGROUP)).since(23, UNSUPPORTED),
    post("/v1/portgroups", handler!(portgroups::create)).takes(New(&PORTGROUP, NONE)).gives(Gives::New(&PORTGROUP)).since(23, UNSUPPORTED),
    patch("/v1/portgroups", handler!(portgroups::which)).gives(Refusal).since(23, UNSUPPORTED),
    delete("/v1/portgroups", handler!(portgroups::which)).gives(Refusal).since(23, UNSUPPORTED),
    get("/v1/portgroups/detail", handler!(portgroups::detail)).query(&[PAGING_BY_UUID, PORTGROUP_FILTERS]).gives(Page(&PORTGROUP)).since(23, UNSUPPORTED),
    get("/v1/portgroups/{portgroup}", handler!(portgroups::show)).query(&[FIELDS]).gives(One(&PORTGROUP)).since(23, UNSUPPORTED),
    patch("/v1/portgroups/{portgroup}", handler!(portgroups::update)).takes(Patch(&PORTGROUP)).gives(One(&PORTGROUP)).since(23, UNSUPPORTED),
    delete("/v1/portgroups/{portgroup}", handler!(portgroups::delete)).since(23, UNSUPPORTED),
    get("/v1/portgroups/{portgroup}/ports", handler!(ports::list_of_portgroup)).query(&[PAGING_BY_UUID, FIELDS, DETAIL, PORT_FILTERS]).gives(Page(&PORT)).since(24, HIDDEN),
    post("/v1/portgroups/{portgroup}/ports", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),
    patch("/v1/portgroups/{portgroup}/ports", handler!(ports::missing)).gives(Refusal).since(24, HIDDEN),
    delete("/v1/portgroups/{portgroup}/ports", handler!(ports::missing)).gives(Refusal).since(24, HIDDEN),
    get("/v1/portgroups/{portgroup}/ports/detail", handler!(ports::detail_of_portgroup)).query(&[PAGING_BY_UUID, PORT_FILTERS]).gives(Page(&PORT)).since(24, HIDDEN),
    get("/v1/portgroups/{portgroup}/ports/{port}", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),
    patch("/v1/portgroups/{portgroup}/ports/{port}", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),
    delete("/v1/portgroups/{portgroup}/ports/{port}", handler!(root::malformed)).gives(Refusal).since(24, HIDDEN),

    get("/v1/chassis", handler!(chassis::list)).query(&[PAGING_BY_UUID, FIELDS, DETAIL]).gives(Page(&CHASSIS)),
    post("/v1/chassis", handler!(chassis::create)).takes(New(&CHASSIS, NONE)).gives(Gives::New(&CHASSIS)),
    patch("/v1/chassis", handler!(chassis::which)).gives(Refusal),
    delete("/v1/chassis", handler!(chassis::which)).gives(Refusal),
    get("/v1/chassis/detail", handler!(chassis::detail)).query(&[PAGING_BY_UUID]).gives(Page(&CHASSIS)),
    get("/v1/chassis/{chassis}", handler!(chassis::show)).query(&[FIELDS]).gives(One(&CHASSIS)),
    patch("/v1/chassis/{chassis}", handler!(chassis::update)).takes(Patch(&CHASSIS)).gives(One(&CHASSIS)),
    delete("/v1/chassis/{chassis}", handler!(chassis::delete)),
    get("/v1/chassis/{chassis}/nodes", handler!(nodes::list_of_chassis)).query(&[PAGING_BY_UUID, FIELDS, DETAIL, NODE_FILTERS, NODE_FAMILY]).gives(Page(&NODE)),
    post("/v1/chassis/{chassis}/nodes", handler!(root::malformed)).gives(Refusal),
    patch("/v1/chassis/{chassis}/nodes", handler!(root::malformed)).gives(Refusal),
    delete("/v1/chassis/{chassis}/nodes", handler!(root::malformed)).gives(Refusal),
    get("/v1/chassis/{chassis}/nodes/detail", handler!(nodes::detail_of_chassis)).query(&[PAGING_BY_UUID, NODE_FILTERS, NODE_FAMILY_ALWAYS]).gives(Page(&NODE)),
    get("/v1/chassis/{chassis}/nodes/{node}", handler!(root::malformed)).gives(Refusal),

    get("/v1/volume", handler!(volumes::root)).gives(Document(doc::VOLUME)).since(32, UNSUPPORTED),
    get("/v1/volume/connectors", handler!(volumes::connectors)).query(&[PAGING_BY_UUID, FIELDS, ALWAYS_DETAIL, VOLUME_FILTERS]).gives(Page(&CONNECTOR)).since(32, HIDDEN),
    post("/v1/volume/connectors", handler!(volumes::create_connector)).takes(New(&CONNECTOR, NONE)).gives(Gives::New(&CONNECTOR)).since(32, HIDDEN),
    patch("/v1/volume/connectors", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    delete("/v1/volume/connectors", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    get("/v1/volume/connectors/{connector}", handler!(volumes::connector)).query(&[FIELDS]).gives(One(&CONNECTOR)).since(32, HIDDEN),
    patch("/v1/volume/connectors/{connector}", handler!(volumes::update_connector)).takes(Patch(&CONNECTOR)).gives(One(&CONNECTOR)).since(32, HIDDEN),
    delete("/v1/volume/connectors/{connector}", handler!(volumes::delete_connector)).since(32, HIDDEN),
    get("/v1/volume/targets", handler!(volumes::targets)).query(&[PAGING_BY_UUID, FIELDS, ALWAYS_DETAIL, VOLUME_FILTERS]).gives(Page(&TARGET)).since(32, HIDDEN),
    post("/v1/volume/targets", handler!(volumes::create_target)).takes(New(&TARGET, NONE)).gives(Gives::New(&TARGET)).since(32, HIDDEN),
    patch("/v1/volume/targets", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    delete("/v1/volume/targets", handler!(volumes::which)).gives(Refusal).since(32, HIDDEN),
    get("/v1/volume/targets/{target}", handler!(volumes::target)).query(&[FIELDS]).gives(One(&TARGET)).since(32, HIDDEN),
    patch("/v1/volume/targets/{target}", handler!(volumes::update_target)).takes(Patch(&TARGET)).gives(One(&TARGET)).since(32, HIDDEN),
    delete("/v1/volume/targets/{target}", handler!(volumes::delete_target)).since(32, HIDDEN),

    get("/v1/drivers", handler!(drivers::list)).query(&[DRIVER_LIST]).gives(Page(&DRIVER)),
    get("/v1/drivers/properties", handler!(drivers::missing)).gives(Refusal),
    get("/v1/drivers/{driver}", handler!(drivers::show)).query(&[DRIVER_FIELDS]).gives(One(&DRIVER)),
    get("/v1/drivers/{driver}/properties", handler!(drivers::properties)).gives(Document(doc::DESCRIPTIONS)),
    get("/v1/drivers/{driver}/raid/logical_disk_properties", handler!(drivers::disk_properties)).gives(Document(doc::DESCRIPTIONS)).since(12, TooOld::NotAcceptable),
    get("/v1/drivers/{driver}/vendor_passthru/methods", handler!(drivers::methods)).gives(Document(doc::VENDOR_METHODS)),
    get("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Refusal),
    post("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Refusal),
    put("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Refusal),
    patch("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Refusal),
    delete("/v1/drivers/{driver}/vendor_passthru", handler!(drivers::passthru)).query(&[VENDOR_METHOD]).takes(Free(Schema::Map)).gives(Refusal),
    get("/v1/drivers/{driver}/vendor_passthru/{method}", handler!(drivers::passthru)).takes(Free(Schema::Map)).gives(Refusal),
    post("/v1/drivers/{driver}/vendor_passthru/{method}", handler!(drivers::passthru)).takes(Free(Schema::Map)).gives(Refusal),
    put("/v1/drivers/{driver}/vendor_passthru/{method}", handler!(drivers::passthru)).takes(Free(Schema::Map)).gives(Refusal),
    patch("/v1/drivers/{driver}/vendor_passthru/{method}", handler!(drivers::passthru)).takes(Free(Schema::Map)).gives(Refusal),
    delete("/v1/drivers/{driver}/vendor_passthru/{method}", handler!(drivers::passthru)).takes(Free(Schema::Map)).gives(Refusal),

    get("/v1/lookup", handler!(agent::look_up)).query(&[LOOKUP]).gives(Document(doc::LOOKUP)).public().since(22, NO_RESOURCE),
    post("/v1/heartbeat", handler!(agent::beat_by_name)).takes(Arguments(NAMED_HEARTBEAT)).gives(Accepted).public().since(22, NO_RESOURCE),
    post("/v1/heartbeat/{node}", handler!(agent::beat)).takes(Arguments(HEARTBEAT)).gives(Accepted).public().since(22, NO_RESOURCE),
    post("/v1/continue_inspection", handler!(agent::report)).public().body(BodyLimit::Inspection).query(&[INSPECTED_NODE]).takes(Free(doc::REPORT)).gives(Gives::AcceptedDocument(doc::LOOKUP)),

    get("/v1/conductors", handler!(conductors::list)).query(&[PAGING, FIELDS, ALWAYS_DETAIL]).gives(Page(&CONDUCTOR)).since(49, UNSUPPORTED),
    get("/v1/conductors/{conductor}", handler!(conductors::show)).query(&[FIELDS]).gives(One(&CONDUCTOR)).since(49, UNSUPPORTED),

    get("/v1/allocations", handler!(allocations::list)).query(&[PAGING_BY_UUID, FIELDS, ALLOCATION_FILTERS]).gives(Page(&ALLOCATION)).since(52, TooOld::Missing("The API version does not allow allocations")),
    post("/v1/allocations", handler!(allocations::create)).takes(New(&ALLOCATION, BACKFILL)).gives(Gives::New(&ALLOCATION)).since(52, TooOld::NotAllowed),
    get("/v1/allocations/{allocation}", handler!(allocations::show)).query(&[FIELDS]).gives(One(&ALLOCATION)).since(52, TooOld::Missing("The API version does not allow allocations")),
    patch("/v1/allocations/{allocation}", handler!(allocations::update)).takes(Patch(&ALLOCATION)).gives(One(&ALLOCATION)).since(57, TooOld::NotAllowed),
    delete("/v1/allocations/{allocation}", handler!(allocations::delete)).since(52, TooOld::NotAllowed),

    get("/v1/deploy_templates", handler!(deploy_templates::list)).query(&[PAGING, FIELDS, ALWAYS_DETAIL]).gives(Page(&DEPLOY_TEMPLATE)).since(55, TooOld::NoRoute(NO_TEMPLATES)),
    post("/v1/deploy_templates", handler!(deploy_templates::create)).takes(New(&DEPLOY_TEMPLATE, DESCRIPTION)).gives(Gives::New(&DEPLOY_TEMPLATE)).since(55, TooOld::NoMethod(NO_TEMPLATES)),
    patch("/v1/deploy_templates", handler!(deploy_templates::which)).gives(Refusal).since(55, TooOld::NoMethod(NO_TEMPLATES)),
    delete("/v1/deploy_templates", handler!(deploy_templates::which)).gives(Refusal).since(55, TooOld::NoMethod(NO_TEMPLATES)),
    get("/v1/deploy_templates/{template}", handler!(deploy_templates::show)).query(&[FIELDS]).gives(One(&DEPLOY_TEMPLATE)).since(55, TooOld::NoRoute(NO_TEMPLATES)),
    patch("/v1/deploy_templates/{template}", handler!(deploy_templates::update)).takes(Patch(&DEPLOY_TEMPLATE)).gives(One(&DEPLOY_TEMPLATE)).since(55, TooOld::NoMethod(NO_TEMPLATES)),
    delete("/v1/deploy_templates/{template}", handler!(deploy_templates::delete)).since(55, TooOld::NoMethod(NO_TEMPLATES)),

    get("/v1/runbooks", handler!(runbooks::list)).query(&[PAGING, FIELDS, ALWAYS_DETAIL, RUNBOOK_FILTERS]).gives(Page(&A_RUNBOOK)).since(92, TooOld::NoRoute(NO_RUNBOOKS)),
    post("/v1/runbooks", handler!(runbooks::create)).takes(New(&A_RUNBOOK, NONE)).gives(Gives::New(&A_RUNBOOK)).since(92, TooOld::NoMethod(NO_RUNBOOKS)),
    patch("/v1/runbooks", handler!(runbooks::which)).gives(Refusal).since(92, TooOld::NoMethod(NO_RUNBOOKS)),
    delete("/v1/runbooks", handler!(runbooks::which)).gives(Refusal).since(92, TooOld::NoMethod(NO_RUNBOOKS)),
    get("/v1/runbooks/{runbook}", handler!(runbooks::show)).query(&[FIELDS]).gives(One(&A_RUNBOOK)).since(92, TooOld::NoRoute(NO_RUNBOOKS)),
    patch("/v1/runbooks/{runbook}", handler!(runbooks::update)).takes(Patch(&A_RUNBOOK)).gives(One(&A_RUNBOOK)).since(92, TooOld::NoMethod(NO_RUNBOOKS)),
    delete("/v1/runbooks/{runbook}", handler!(runbooks::delete)).since(92, TooOld::NoMethod(NO_RUNBOOKS)),
    get("/v1/runbooks/{runbook}/traits", handler!(runbooks::list_traits)).gives(Document(doc::TRAITS)).since(112, NO_RUNBOOK_TRAITS),
    put("/v1/runbooks/{runbook}/traits", handler!(runbooks::replace_traits)).takes(Free(doc::TRAITS)).since(112, NO_RUNBOOK_TRAITS),
    delete("/v1/runbooks/{runbook}/traits", handler!(runbooks::clear_traits)).since(112, NO_RUNBOOK_TRAITS),
    put("/v1/runbooks/{runbook}/traits/{trait}", handler!(runbooks::add_trait)).since(112, NO_RUNBOOK_TRAITS),
    delete("/v1/runbooks/{runbook}/traits/{trait}", handler!(runbooks::remove_trait)).since(112, NO_RUNBOOK_TRAITS),

    get("/v1/inspection_rules", handler!(inspection_rules::list)).query(&[PAGING, FIELDS, DETAIL, INSPECTION_RULE_FILTERS]).gives(Page(&INSPECTION_RULE)).since(96, NO_RULES),
    post("/v1/inspection_rules", handler!(inspection_rules::create)).takes(New(&INSPECTION_RULE, NONE)).gives(Gives::New(&INSPECTION_RULE)).since(96, TooOld::NotAllowed),
    patch("/v1/inspection_rules", handler!(inspection_rules::which)).gives(Refusal).since(96, TooOld::NotAllowed),
    delete("/v1/inspection_rules", handler!(inspection_rules::which)).gives(Refusal).since(96, TooOld::NotAllowed),
    get("/v1/inspection_rules/{rule}", handler!(inspection_rules::show)).query(&[FIELDS]).gives(One(&INSPECTION_RULE)).since(96, NO_RULES),
    patch("/v1/inspection_rules/{rule}", handler!(inspection_rules::update)).takes(Patch(&INSPECTION_RULE)).gives(One(&INSPECTION_RULE)).since(96, TooOld::NotAllowed),
    delete("/v1/inspection_rules/{rule}", handler!(inspection_rules::delete)).since(96, TooOld::NotAllowed),

    get("/v1/shards", handler!(shards::list)).gives(Document(doc::SHARDS)).since(82, NO_SHARDS),
    get("/v1/shards/{shard}", handler!(shards::show)).gives(Refusal).since(82, NO_SHARDS),
    post("/v1/events", handler!(events::report)).takes(Free(doc::EVENTS)).since(54, TooOld::Missing("The API is not supported for this version")),

    get("/bessemer/v1/hold", handler!(hold::show)).gives(Document(doc::HOLD)),
    delete("/bessemer/v1/hold", handler!(hold::release)).query(&[RELEASE]).gives(Document(doc::RELEASED)),
    get("/bessemer/v1/backups", handler!(backups::show)).gives(Document(doc::BACKUPS)),
    get("/bessemer/v1/nodes/{node}/why", handler!(why::node)).gives(Document(doc::WHY)),
    get("/bessemer/v1/allocations/{allocation}/why", handler!(why::allocation)).gives(Document(doc::WHY)),
    get(OPENAPI, handler!(description::openapi)).open().gives(Document(Schema::Map)),
];

/// Where this very table is to be had in OpenAPI's form: below a prefix of our own, which is no part of Ironic's API.
pub const OPENAPI: &str = "/bessemer/v1/openapi.json";

/// The resources that `GET /v1` names, and since when.
pub const RESOURCES: &[(&str, Version)] = &[
    ("chassis", v(1)),
    ("nodes", v(1)),
    ("ports", v(1)),
    ("drivers", v(1)),
    ("lookup", v(22)),
    ("heartbeat", v(22)),
    ("portgroups", v(23)),
    ("volume", v(32)),
    ("conductors", v(49)),
    ("allocations", v(52)),
    ("events", v(54)),
    ("deploy_templates", v(55)),
    ("shards", v(82)),
    ("continue_inspection", v(84)),
    ("runbooks", v(92)),
    ("inspection_rules", v(96)),
];

/// The segments of a request's path in the form that the rows have: with `v1`, without a trailing slash.
pub fn segments(path: &str) -> Vec<&str> {
    let trimmed = path.trim_start_matches('/');
    if trimmed.is_empty() {
        return Vec::new();
    }
    let mut segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    if segments.last() == Some(&"") {
        segments.pop();
    }
    // Clients that know of no versions in paths leave `v1` out.
    if !matches!(segments.first(), Some(&("v1" | "bessemer"))) {
        segments.insert(0, "v1");
    }
    segments
}

/// Where a path leads.
pub enum Found {
    Route(&'static Route),
    /// The path exists, with other methods.
    OtherMethods(Vec<Method>),
    Nothing,
}

/// Looks a request up. `public_only` hides the rows that are not for machines.
pub fn find(method: &str, segments: &[&str], public_only: bool) -> Found {
    let mut others = Vec::new();
    for route in ROUTES.iter().filter(|route| !public_only || route.reach == Reach::Public) {
        if !matches(route.path, segments) {
            continue;
        }
        // The row for words that nobody knows does not stand for those that are known with other methods.
        let stands = others.is_empty() || !route.path.ends_with("/{word}");
        if route.method.as_str() == method && stands {
            return Found::Route(route);
        }
        if stands && !others.contains(&route.method) {
            others.push(route.method);
        }
    }
    others.sort_by_key(|method| method.as_str());
    if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
}

fn matches(path: &str, segments: &[&str]) -> bool {
    let mut rest = segments.iter();
    for want in path.split('/').filter(|want| !want.is_empty()) {
        match rest.next() {
            Some(have) if want.starts_with('{') || want == *have => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

/// The values of the parameters of `path`, as they stand in `segments`, still encoded.
pub fn parameters<'s>(path: &str, segments: &[&'s str]) -> Vec<&'s str> {
    let wants = path.split('/').filter(|want| !want.is_empty());
    wants.zip(segments).filter(|(want, _)| want.starts_with('{')).map(|(_, have)| *have).collect()
}

#[cfg(test)]
mod tests {
    use super::super::route::Takes;
    use super::*;

    fn found(path: &str) -> Option<&'static str> {
        match find("GET", &segments(path), false) {
            Found::Route(route) => Some(route.path),
            _ => None,
        }
    }

    #[test]
    fn paths_work_with_and_without_v1_and_with_one_trailing_slash() {
        for (path, row) in [
            ("/", Some("/")),
            ("//", Some("/")),
            ("/v1", Some("/v1")),
            ("/v1/", Some("/v1")),
            ("/nodes", Some("/v1/nodes")),
            ("/v1/nodes/", Some("/v1/nodes")),
            ("/v1/nodes/detail", Some("/v1/nodes/detail")),
            ("/v1/nodes/abc", Some("/v1/nodes/{node}")),
            ("/v2", None),
            ("/v1/node", None),
        ] {
            assert_eq!(found(path), row, "{path}");
        }
    }

    #[test]
    fn every_row_says_what_it_gives_and_takes() {
        for route in ROUTES {
            let silent = match route.gives {
                Document(Schema::Any) => true,
                Gives::New(_) => !matches!(route.takes, New(..)),
                _ => {
                    route.method == Method::Patch
                        && matches!(route.takes, Takes::Nothing)
                        && !matches!(route.gives, Refusal)
                }
            };
            assert!(!silent, "{} {}: add .takes(…) or .gives(…)", route.method, route.path);
        }
    }

    #[test]
    fn no_row_is_hidden_by_one_above_it() {
        for (i, route) in ROUTES.iter().enumerate() {
            let segments: Vec<_> = route.path.split('/').filter(|s| !s.is_empty()).collect();
            for above in &ROUTES[..i] {
                assert!(
                    above.method != route.method || !matches(above.path, &segments),
                    "{} {} hides {}",
                    above.method,
                    above.path,
                    route.path
                );
            }
        }
    }
}

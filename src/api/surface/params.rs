//! Query parameters and body arguments: what they are, and since when.
//!
//! A route names the query parameters that it takes; before a handler is called, others are refused (400), then what
//! does not have the form that its row says (400), then what is newer than the version, in the way its row says. Ironic
//! forgets to check some of its filters; what works there at every version is a row with version 1 here. Body
//! arguments are judged by their handlers, because the order in which their mistakes are told is part of the contract.

use uuid::Uuid;

use super::history::{Version, v};
use super::route::TooOld;
use super::schema::{
    self, DIRECTION, FAULT, MAC, MAYBE_TEXT, NAME, POWER_TARGET, PROVISION_STATE, SOME_TEXT, Schema, TEXTS, VERB,
};
use crate::api::Fault;
use crate::api::request::{Query, boolean};

/// One parameter of one place.
#[derive(Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub since: Version,
    pub schema: Schema,
    /// What a client of an older version gets.
    pub too_old: TooOld,
    pub required: bool,
}

const fn param(name: &'static str, since: u16, schema: Schema) -> Param {
    Param { name, since: v(since), schema, too_old: TooOld::NotAcceptable, required: false }
}

/// An argument of a body that is no field of the noun, for the tables of nouns.
pub(super) const fn since(name: &'static str, since: u16, schema: Schema) -> Param {
    param(name, since, schema)
}

const fn text(name: &'static str, since: u16) -> Param {
    param(name, since, Schema::Text)
}

impl Param {
    pub fn at(&self, version: Version) -> bool {
        self.since <= version
    }

    pub(super) const fn too_old(self, too_old: TooOld) -> Self {
        Param { too_old, ..self }
    }

    const fn required(self) -> Self {
        Param { required: true, ..self }
    }

    /// Whether a value in a query has the form that the row says.
    fn fits(&self, value: &str) -> Result<(), Fault> {
        let name = self.name;
        match self.schema {
            Schema::Boolean => boolean(name, value).map(drop),
            Schema::Integer | Schema::Positive if value.trim().parse::<i64>().is_err() => {
                Err(Fault::invalid(format!("Expected an integer for {name}: {value}")))
            }
            Schema::Uuid if Uuid::try_parse(value).is_err() => {
                Err(Fault::invalid(format!("Expected UUID for {name}: {value}")))
            }
            _ => Ok(()),
        }
    }
}

/// Judges the query of a request by what its route takes. What the values mean is the handler's business.
pub fn check(takes: &[&[Param]], query: &Query, version: Version) -> Result<(), Fault> {
    let row = |name: &str| takes.iter().copied().flatten().find(|param| param.name == name);
    let unknown: Vec<_> = query.pairs().map(|(name, _)| name).filter(|name| row(name).is_none()).collect();
    if !unknown.is_empty() {
        return Err(Fault::invalid(format!("Unexpected arguments: {}", unknown.join(", "))));
    }
    for (i, (name, value)) in query.pairs().enumerate() {
        if query.pairs().skip(i + 1).any(|(other, _)| other == name) {
            return Err(Fault::invalid(format!("Expected one value for {name}, got several")));
        }
        row(name).map_or(Ok(()), |param| param.fits(value))?;
    }
    let newer = query.pairs().filter_map(|(name, _)| row(name)).find(|param| !param.at(version));
    newer.and_then(|param| param.too_old.fault()).map_or(Ok(()), Err)
}

/// The row of a name in a list of them.
pub fn find(params: &'static [Param], name: &str) -> Option<&'static Param> {
    params.iter().find(|param| param.name == name)
}

/// What every list takes.
pub const PAGING: &[Param] =
    &[param("limit", 1, Schema::Positive), text("marker", 1), text("sort_key", 1), param("sort_dir", 1, DIRECTION)];
/// The same where Ironic takes nothing but a UUID for a marker.
pub const PAGING_BY_UUID: &[Param] = &[
    param("limit", 1, Schema::Positive),
    param("marker", 1, Schema::Uuid),
    text("sort_key", 1),
    param("sort_dir", 1, DIRECTION),
];
/// Answers can be limited to some fields.
pub const FIELDS: &[Param] = &[param("fields", 8, TEXTS)];
/// All fields instead of a few.
pub const DETAIL: &[Param] =
    &[param("detail", 43, Schema::Boolean).too_old(TooOld::Invalid("Invalid query parameter ?detail received."))];
/// The same on lists that had it from the beginning.
pub const ALWAYS_DETAIL: &[Param] = &[param("detail", 1, Schema::Boolean)];

/// Filters of lists of nodes.
pub const NODE_FILTERS: &[Param] = &[
    param("instance_uuid", 1, Schema::Uuid),
    param("associated", 1, Schema::Boolean),
    param("maintenance", 1, Schema::Boolean),
    text("project", 1),
    text("description_contains", 1),
    param("retired", 1, Schema::Boolean),
    param("provision_state", 9, PROVISION_STATE),
    text("driver", 16),
    text("resource_class", 21),
    param("fault", 42, FAULT),
    text("conductor_group", 46),
    text("conductor", 49),
    text("owner", 50),
    text("lessee", 65),
    param("shard", 82, TEXTS),
    param("sharded", 82, Schema::Boolean),
    text("instance_name", 104),
];
/// Where a node stands; below a chassis that goes without saying.
pub const NODE_CHASSIS: &[Param] = &[param("chassis_uuid", 1, Schema::Uuid)];
/// Filters by kinship.
pub const NODE_FAMILY: &[Param] = &[text("parent_node", 83), param("include_children", 83, Schema::Boolean)];
/// The same for `/v1/nodes/detail`, where Ironic forgets to look at the version.
pub const NODE_FAMILY_ALWAYS: &[Param] = &[text("parent_node", 1), param("include_children", 1, Schema::Boolean)];

/// Filters of lists of ports.
pub const PORT_FILTERS: &[Param] = &[
    param("node", 1, NAME),
    param("node_uuid", 1, Schema::Uuid),
    param("address", 1, MAC),
    text("description_contains", 1),
    param("portgroup", 24, NAME),
    param("shard", 82, TEXTS),
    param("conductor_groups", 1, TEXTS),
];

/// Filters of lists of port groups.
pub const PORTGROUP_FILTERS: &[Param] = &[
    param("node", 23, NAME),
    param("address", 23, MAC),
    param("conductor_groups", 23, TEXTS),
    param("shard", 106, TEXTS),
];
/// Of volume connectors and targets.
pub const VOLUME_FILTERS: &[Param] = &[param("node", 32, NAME)];

/// Filters of lists of allocations.
pub const ALLOCATION_FILTERS: &[Param] =
    &[param("node", 52, NAME), text("resource_class", 52), text("state", 52), text("owner", 60)];

/// What else lists of runbooks take.
pub const RUNBOOK_FILTERS: &[Param] = &[param("project", 92, Schema::Boolean)];

/// What lists of inspection rules take; there is one phase.
pub const INSPECTION_RULE_FILTERS: &[Param] = &[text("phase", 96)];

/// What lists of drivers take.
pub const DRIVER_LIST: &[Param] = &[text("type", 30), param("detail", 30, Schema::Boolean), param("fields", 77, TEXTS)];
/// What a single driver takes.
pub const DRIVER_FIELDS: &[Param] = &[param("fields", 77, TEXTS)];

/// Which node `/v1/nodes/validate` is about.
pub const NODE_NAMED: &[Param] = &[param("node", 1, NAME), param("node_uuid", 1, Schema::Uuid)];
/// Which vendor method is called.
pub const VENDOR_METHOD: &[Param] = &[param("method", 1, SOME_TEXT).required()];
/// What an agent knows of itself.
pub const LOOKUP: &[Param] = &[param("addresses", 22, Schema::List(&MAC)), param("node_uuid", 22, Schema::Uuid)];
/// Whose inspection data it is. Agents send no version; those in between never had this.
pub const INSPECTED_NODE: &[Param] =
    &[param("node_uuid", 84, Schema::Uuid).too_old(TooOld::Invalid("Unexpected arguments: node_uuid"))];

/// `?reset_interfaces=` of a node's PATCH.
pub const NODE_PATCH: &[Param] = &[param("reset_interfaces", 45, Schema::Boolean)];

/// Arguments of a power change.
pub const POWER: &[Param] = &[param("target", 1, POWER_TARGET).required(), POWER_TIMEOUT];
/// `timeout` of a power change: whole seconds, as a number or in digits.
pub const POWER_TIMEOUT: Param = param("timeout", 27, Schema::Maybe(&Schema::Either(&[Schema::Positive, DIGITS])));
const DIGITS: Schema = Schema::Like("digits", "^[1-9][0-9]*$");

/// Arguments of `PUT …/states/provision`.
pub const PROVISION: &[Param] = &[
    param("target", 1, VERB).required(),
    param("configdrive", 1, Schema::Maybe(&Schema::Either(&[Schema::Text, Schema::Map]))),
    param("clean_steps", 15, STEPS),
    param("rescue_password", 38, MAYBE_TEXT),
    DEPLOY_STEPS,
    CLEAN_WITHOUT_RAMDISK,
    param("service_steps", 87, STEPS),
    RUNBOOK,
];
const STEPS: Schema = Schema::Maybe(&Schema::List(&Schema::Map));
/// A config drive for a rebuild; before, it is refused as for other verbs (400).
pub const REBUILD_CONFIGDRIVE: Param = param("configdrive", 35, Schema::Any);
/// A config drive as an object (400 before).
pub const CONFIGDRIVE_OBJECT: Param = param("configdrive", 56, Schema::Map);
/// … with vendor data in it (400 before).
pub const CONFIGDRIVE_VENDOR_DATA: Param = param("configdrive.vendor_data", 59, Schema::Map);
pub const DEPLOY_STEPS: Param = param("deploy_steps", 69, STEPS);
/// `disable_ramdisk` with `clean`.
pub const CLEAN_WITHOUT_RAMDISK: Param = param("disable_ramdisk", 70, Schema::Boolean);
/// … and with `service`.
pub const SERVICE_WITHOUT_RAMDISK: Param = param("disable_ramdisk", 108, Schema::Boolean);
pub const RUNBOOK: Param = param("runbook", 92, MAYBE_TEXT);

/// Arguments of `PUT …/states/boot_mode`, `…/secure_boot` and `…/console`.
pub const BOOT_MODE: &[Param] = &[param("target", 1, schema::BOOT_MODE).required()];
pub const SECURE_BOOT: &[Param] = &[param("target", 1, Schema::Boolean).required()];
pub const CONSOLE: &[Param] = &[param("enabled", 1, Schema::Boolean).required()];
/// What an indicator is to be.
pub const INDICATOR: &[Param] = &[text("state", 1).required()];
/// How BIOS settings are shown.
pub const BIOS: &[Param] = &[
    param("fields", 74, TEXTS).too_old(TooOld::Invalid("Unexpected arguments: fields")),
    param("detail", 74, Schema::Boolean).too_old(TooOld::Invalid("Unexpected arguments: detail")),
];
/// How firmware is shown.
pub const FIRMWARE: &[Param] = &[param("fields", 86, TEXTS)];
/// Which virtual media are taken out.
pub const VIRTUAL_MEDIA: &[Param] = &[param("device_types", 89, TEXTS)];

/// Why a node is in maintenance.
pub const MAINTENANCE: &[Param] = &[param("reason", 1, MAYBE_TEXT)];
pub const BOOT_DEVICE: &[Param] = &[text("boot_device", 1).required(), param("persistent", 1, Schema::Boolean)];
/// What becomes of the work that is owed when a hold ends.
pub const RELEASE: &[Param] = &[param("abandon_work", 1, Schema::Boolean)];
/// A body that may be `{}` and nothing else.
pub const NONE: &[Param] = &[];
/// All traits of a node.
pub const TRAITS: &[Param] = &[param("traits", 37, TEXTS).required()];
/// Traits of a runbook at most.
pub const MOST_RUNBOOK_TRAITS: usize = 1000;

const HTTP_URL: Schema = Schema::Like("http url", "^https?://");
/// Fields of a heartbeat. One that the version does not have is refused with 400.
pub const HEARTBEAT: &[Param] = &[
    param("callback_url", 22, HTTP_URL).required(),
    param("agent_version", 36, MAYBE_TEXT),
    param("agent_token", 62, MAYBE_TEXT),
    param("agent_verify_ca", 68, MAYBE_TEXT),
    param("agent_status", 72, MAYBE_TEXT),
    param("agent_status_message", 72, MAYBE_TEXT),
];

/// Fields of a heartbeat that does not name its node in the path.
pub const NAMED_HEARTBEAT: &[Param] = &[
    param("node_ident", 22, NAME).required(),
    param("callback_url", 22, HTTP_URL).required(),
    param("agent_version", 36, MAYBE_TEXT),
    param("agent_token", 62, MAYBE_TEXT),
    param("agent_verify_ca", 68, MAYBE_TEXT),
    param("agent_status", 72, MAYBE_TEXT),
    param("agent_status_message", 72, MAYBE_TEXT),
];

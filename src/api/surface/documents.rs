//! Answers and bodies that are no objects of a noun, each the shape of one document.

use super::schema::{
    Key, MAC, MAYBE_BOOLEAN, MAYBE_TEXT, MAYBE_TIME, MAYBE_UUID, MEDIA, NAME, SOME_TEXT, Schema, TEXTS, key, optional,
};
use Schema::{Any, Boolean, Dictionary, Filled, Integer, Links, List, Map, Maybe, Object, Text, Time, Uuid};

const VERSION: Schema = Object(&[
    key("id", Text),
    key("links", Links),
    key("status", Text),
    key("min_version", Text),
    key("version", Text),
]);

/// `GET /`
pub const ROOT: Schema = Object(&[
    key("name", Text),
    key("description", Text),
    key("default_version", VERSION),
    key("versions", List(&VERSION)),
]);

/// `GET /v1`: beside its own keys, where each resource is.
pub const V1: Schema = Dictionary(
    &[
        key("id", Text),
        key("links", Links),
        key("media_types", Object(&[key("base", Text), key("type", Text)])),
        key("version", VERSION),
    ],
    &Links,
);

/// Where the volumes of a node, or of all, are.
pub const VOLUME: Schema = Object(&[key("links", Links), key("connectors", Links), key("targets", Links)]);

/// What each interface of a node says about its settings.
pub const VALIDATION: Schema = Dictionary(&[], &Object(&[key("result", Boolean), optional("reason", Text)]));

pub const BOOT_DEVICE: Schema = Object(&[key("boot_device", MAYBE_TEXT), key("persistent", MAYBE_BOOLEAN)]);
pub const BOOT_DEVICES: Schema = Object(&[key("supported_boot_devices", TEXTS)]);

pub const CONSOLE: Schema = Object(&[key("console_enabled", Boolean), key("console_info", Schema::Maybe(&Map))]);

/// The lights on a machine.
pub const INDICATORS: Schema = Object(&[key(
    "indicators",
    List(&Object(&[
        key("name", Text),
        key("component", Text),
        key("readonly", Boolean),
        key("states", TEXTS),
        key("links", Links),
    ])),
)]);
pub const INDICATOR: Schema = Object(&[key("state", Text)]);

/// Wanted logical disks, or none.
pub const RAID_CONFIG: Schema = Object(&[optional("logical_disks", Filled(&Map))]);

/// A BIOS setting under its own name.
pub const NAMED_SETTING: Schema = Dictionary(&[], &Schema::Noun(&super::bios::BIOS_SETTING));

pub const VIRTUAL_MEDIA: Schema = List(&Map);
const SOURCE: Schema = Schema::Words(|| vec!["http", "local", "swift"]);
pub const VIRTUAL_IMAGE: Schema =
    Object(&[key("device_type", MEDIA), key("image_url", SOME_TEXT), optional("image_download_source", SOURCE)]);

/// Methods by name.
pub const VENDOR_METHODS: Schema = Dictionary(
    &[],
    &Object(&[
        key("async", Boolean),
        key("attach", Boolean),
        key("description", Text),
        key("http_methods", TEXTS),
        key("require_exclusive_lock", Boolean),
    ]),
);

/// A virtual interface; what else is in it is for the network interface.
pub const VIF: Schema =
    Dictionary(&[key("id", NAME), optional("port_uuid", Uuid), optional("portgroup_uuid", Uuid)], &Any);
pub const VIFS: Schema = Object(&[key("vifs", List(&VIF))]);

pub const TRAITS: Schema = Object(&[key("traits", TEXTS)]);
pub const INVENTORY: Schema = Object(&[key("inventory", Map), key("plugin_data", Map)]);

/// A node's children, and the list that shows them.
pub const CHILDREN: Schema =
    Object(&[key("children", List(&Uuid)), key("links", Object(&[key("href", Text), key("rel", Text)]))]);

/// Sentences about things, by name.
pub const DESCRIPTIONS: Schema = Dictionary(&[], &Text);

const LOOKUP_NODE: &[Key] = &[
    key("uuid", Uuid),
    key("properties", Map),
    key("instance_info", Map),
    key("driver_internal_info", Map),
    key("links", Links),
];
/// What an agent is told: its node, and how to behave.
pub const LOOKUP: Schema = Object(&[
    key("node", Object(LOOKUP_NODE)),
    key("config", Dictionary(&[key("heartbeat_timeout", Integer), optional("agent_token", Text)], &Any)),
]);

/// How many nodes each shard has.
pub const SHARDS: Schema = Object(&[key("shards", List(&Object(&[key("name", Text), key("count", Integer)])))]);

/// What a ramdisk has found.
pub const REPORT: Schema = Dictionary(&[key("inventory", Map)], &Any);

/// What other services tell of.
pub const EVENTS: Schema = Object(&[key(
    "events",
    Filled(&Object(&[
        key("event", Text),
        key("port_id", Uuid),
        key("mac_address", MAC),
        key("status", Text),
        optional("device_id", MAYBE_UUID),
        optional("binding:host_id", MAYBE_UUID),
        optional("binding:vnic_type", MAYBE_TEXT),
    ])),
)]);

/// Work that is owed to a node, or to an allocation, in words.
const PENDING: Schema = Object(&[
    key("flow", Text),
    key("uuid", MAYBE_UUID),
    key("name", MAYBE_TEXT),
    key("provision_state", MAYBE_TEXT),
    key("stands", Text),
    key("on_release", Text),
]);
/// Whether the store is in hold, why, and what would happen if it no longer were.
pub const HOLD: Schema = Object(&[
    key("held", Boolean),
    key("why", MAYBE_TEXT),
    key("since", MAYBE_TIME),
    key("backup_taken_at", MAYBE_TIME),
    key("owed", Integer),
    key("work", List(&PENDING)),
    key("free_but_on", Integer),
    key("free_but_on_nodes", TEXTS),
]);
/// What a release did.
pub const RELEASED: Schema = Object(&[key("was_held", Boolean), key("goes_on", Integer), key("abandoned", Integer)]);

const BACKUP_FAILURE: Schema = Object(&[key("at", Schema::Time), key("why", Text), key("in_a_row", Integer)]);
/// The scheduled backups: whether there are any, what there is, and what went wrong last.
pub const BACKUPS: Schema = Object(&[
    key("enabled", Boolean),
    key("dir", MAYBE_TEXT),
    key("interval_secs", Integer),
    key("keep", Integer),
    key("next_at", MAYBE_TIME),
    key("running", Boolean),
    key("failure", Schema::Maybe(&BACKUP_FAILURE)),
    key("backups", List(&Object(&[key("file", Text), key("taken_at", Schema::Time), key("bytes", Integer)]))),
]);

/// Something that was seen of a machine, `count` times from `first` to `at`.
const SEEN: Schema = Object(&[
    key("at", Time),
    key("first", Time),
    key("count", Integer),
    key("source", Text),
    key("event", Text),
    key("text", Text),
]);

/// A BMC that polling leaves alone.
const STUMBLING: Schema =
    Object(&[key("since", Time), key("failures", Integer), key("next_poll_at", Time), key("reason", Text)]);

/// Why a node, a card or an allocation stands where it does, since when, until when, and what comes next.
pub const WHY: Schema = Object(&[
    key("node", MAYBE_UUID),
    key("name", MAYBE_TEXT),
    key("card", MAYBE_TEXT),
    key("allocation", MAYBE_UUID),
    key("state", MAYBE_TEXT),
    key("target_state", MAYBE_TEXT),
    key("power", MAYBE_TEXT),
    key("maintenance", Boolean),
    key("locked_by", MAYBE_TEXT),
    key("verdict", Text),
    key("trouble", Boolean),
    key("doing", Text),
    key("waiting_for", MAYBE_TEXT),
    key("why", Text),
    key("rule", Text),
    key("since", MAYBE_TIME),
    key("until", MAYBE_TIME),
    key("then", MAYBE_TEXT),
    key("next", Object(&[key("we", Text), key("you", TEXTS)])),
    key("last", List(&SEEN)),
    key("bmc", Maybe(&STUMBLING)),
    key("now", Time),
    key("trace_since", MAYBE_TIME),
]);

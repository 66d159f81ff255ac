//! Query parameters and body arguments that came with a version of their own.
//!
//! A row says since when a parameter may be given; before, it is refused with 406. Ironic forgets to check some of its
//! filters; what works there at every version is a row with version 1 here.

use super::history::{Version, v};

/// One parameter of one place.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    pub name: &'static str,
    pub since: Version,
}

const fn param(name: &'static str, since: u16) -> Param {
    Param { name, since: v(since) }
}

/// Filters of lists of nodes.
pub static NODE_FILTERS: &[Param] = &[
    param("instance_uuid", 1),
    param("associated", 1),
    param("maintenance", 1),
    param("chassis_uuid", 1),
    param("project", 1),
    param("description_contains", 1),
    param("retired", 1),
    param("provision_state", 9),
    param("driver", 16),
    param("resource_class", 21),
    param("fault", 42),
    param("conductor_group", 46),
    param("conductor", 49),
    param("owner", 50),
    param("lessee", 65),
    param("shard", 82),
    param("sharded", 82),
    param("parent_node", 83),
    param("include_children", 83),
    param("instance_name", 104),
];

/// `?reset_interfaces=` of a node's PATCH.
pub static RESET_INTERFACES: Param = param("reset_interfaces", 45);
/// `timeout` of a power change.
pub static POWER_TIMEOUT: Param = param("timeout", 27);
/// A config drive for a rebuild; before, it is refused as for other verbs (400).
pub static REBUILD_CONFIGDRIVE: Param = param("configdrive", 35);
/// A config drive as an object (400 before).
pub static CONFIGDRIVE_OBJECT: Param = param("configdrive", 56);
/// … with vendor data in it (400 before).
pub static CONFIGDRIVE_VENDOR_DATA: Param = param("configdrive.vendor_data", 59);
pub static DEPLOY_STEPS: Param = param("deploy_steps", 69);
/// `disable_ramdisk` with `clean`.
pub static CLEAN_WITHOUT_RAMDISK: Param = param("disable_ramdisk", 70);
/// … and with `service`.
pub static SERVICE_WITHOUT_RAMDISK: Param = param("disable_ramdisk", 108);
pub static RUNBOOK: Param = param("runbook", 92);
/// `port_uuid` and `portgroup_uuid` of a VIF.
pub static VIF_PORT: Param = param("port_uuid", 67);

impl Param {
    pub fn at(&self, version: Version) -> bool {
        self.since <= version
    }
}

/// Fields of a heartbeat. One that the version does not have is refused with 400.
pub static HEARTBEAT: &[Param] = &[
    param("callback_url", 22),
    param("agent_version", 36),
    param("agent_token", 62),
    param("agent_verify_ca", 68),
    param("agent_status", 72),
    param("agent_status_message", 72),
];

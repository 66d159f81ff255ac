//! The versions of the API, one row each: what a client can ask for, and what is new in it.
//!
//! A row's place in the table is its number, so that versions cannot be skipped or swapped by accident. Everything else
//! in `surface` says since which of them it exists; code outside `surface` asks questions by name and compares nothing.

use std::fmt;

/// A microversion 1.N, by its N.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u16);

/// What one version brought.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub version: Version,
    /// One word for it, unique in the table.
    pub name: &'static str,
    /// What it means, where the word alone does not say.
    pub about: &'static str,
}

/// A version by its minor number, for the tables of this folder.
pub(super) const fn v(minor: u16) -> Version {
    Version(minor)
}

const fn row(minor: u16, name: &'static str, about: &'static str) -> Row {
    Row { version: Version(minor), name, about }
}

impl Version {
    /// What a client gets that asks for none.
    pub fn is_oldest(self) -> bool {
        self == Version::MIN
    }

    /// The oldest version, which is also what a request without a version header gets.
    pub const MIN: Version = Version(1);
    pub const MAX: Version = HISTORY[HISTORY.len() - 1].version;

    /// Version 1.`minor`, if there is such a version.
    pub fn new(minor: i64) -> Option<Self> {
        u16::try_from(minor).ok().map(Version).filter(|version| (Version::MIN..=Version::MAX).contains(version))
    }

    /// The version before this one; none before the first. For tests that look at what is not there yet.
    pub fn previous(self) -> Option<Self> {
        (self > Version::MIN).then(|| Version(self.0 - 1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

#[rustfmt::skip]
pub const HISTORY: &[Row] = &[
    row(1, "first_version", ""),
    row(2, "available_state", "the state available has a name"),
    row(3, "driver_internal_info", ""),
    row(4, "manage_and_provide", "the verbs manage and provide"),
    row(5, "node_name", ""),
    row(6, "inspect", "the verb inspect and its times"),
    row(7, "clean_step", ""),
    row(8, "fields", "answers can be limited to some fields"),
    row(9, "provision_state_filter", ""),
    row(10, "free_node_names", "node names need not be host names"),
    row(11, "enroll", "new nodes start in enroll"),
    row(12, "raid_config", ""),
    row(13, "abort", "the verb abort while cleaning"),
    row(14, "links_of_states", "links to states and to driver properties"),
    row(15, "clean", "the verb clean"),
    row(16, "driver_filter", ""),
    row(17, "adopt", "the verb adopt"),
    row(18, "port_internal_info", ""),
    row(19, "port_connection", "local_link_connection and pxe_enabled"),
    row(20, "network_interface", ""),
    row(21, "resource_class", ""),
    row(22, "lookup_and_heartbeat", ""),
    row(23, "portgroups", ""),
    row(24, "ports_of_portgroups", ""),
    row(25, "unset_chassis", "chassis_uuid can be removed"),
    row(26, "portgroup_mode", ""),
    row(27, "soft_power", "soft power targets and a timeout"),
    row(28, "vifs", ""),
    row(29, "inject_nmi", ""),
    row(30, "dynamic_drivers", "drivers tell their type and interfaces"),
    row(31, "node_interfaces", "the interfaces of a node are fields"),
    row(32, "volume", ""),
    row(33, "storage_interface", ""),
    row(34, "physical_network", ""),
    row(35, "rebuild_configdrive", ""),
    row(36, "agent_version", "heartbeats tell the agent's version"),
    row(37, "traits", ""),
    row(38, "rescue", ""),
    row(39, "inspect_wait", "the state inspect wait has its own name"),
    row(40, "bios", ""),
    row(41, "inspection_abort", ""),
    row(42, "fault", ""),
    row(43, "detail", "lists take ?detail="),
    row(44, "deploy_step", ""),
    row(45, "reset_interfaces", ""),
    row(46, "conductor_group", ""),
    row(47, "automated_clean", ""),
    row(48, "protected", ""),
    row(49, "conductors", ""),
    row(50, "owner", ""),
    row(51, "description", ""),
    row(52, "allocations", ""),
    row(53, "smartnic", ""),
    row(54, "events", ""),
    row(55, "deploy_templates", ""),
    row(56, "configdrive_object", "the config drive may be given as an object"),
    row(57, "allocation_update", ""),
    row(58, "allocation_backfill", ""),
    row(59, "configdrive_vendor_data", ""),
    row(60, "allocation_owner", ""),
    row(61, "retired", ""),
    row(62, "agent_token", ""),
    row(63, "indicators", ""),
    row(64, "network_type", "local_link_connection takes network_type"),
    row(65, "lessee", ""),
    row(66, "network_data", ""),
    row(67, "vif_port", "a VIF can name its port"),
    row(68, "agent_verify_ca", ""),
    row(69, "deploy_steps", "deploy takes steps"),
    row(70, "disable_ramdisk", ""),
    row(71, "scoped_roles", ""),
    row(72, "agent_status", ""),
    row(73, "deploy_and_undeploy", "aliases of active and deleted"),
    row(74, "bios_registry", ""),
    row(75, "boot_mode", "boot_mode and secure_boot are shown"),
    row(76, "set_boot_mode", "boot mode and secure boot can be changed"),
    row(77, "driver_fields", ""),
    row(78, "history", ""),
    row(79, "allocation_by_name", "an allocation prefers the node that has its name"),
    row(80, "project_nodes", "projects may create and delete their nodes"),
    row(81, "inventory", ""),
    row(82, "shard", ""),
    row(83, "parent_node", ""),
    row(84, "continue_inspection", ""),
    row(85, "unhold", "the verb unhold"),
    row(86, "firmware", ""),
    row(87, "service", ""),
    row(88, "port_name", ""),
    row(89, "vmedia", ""),
    row(90, "ovn_vtep", ""),
    row(91, "literal_json_suffix", "a final .json is part of the name"),
    row(92, "runbooks", ""),
    row(93, "get_vmedia", ""),
    row(94, "port_node_ident", "a port's node may be given by name"),
    row(95, "disable_power_off", ""),
    row(96, "inspection_rules", ""),
    row(97, "port_description", ""),
    row(98, "escaped_paths", "patch paths with special characters"),
    row(99, "port_conductor_groups", ""),
    row(100, "port_vendor", ""),
    row(101, "port_category", ""),
    row(102, "portgroup_physical_network", ""),
    row(103, "portgroup_category", ""),
    row(104, "instance_name", ""),
    row(105, "no_ovn_vtep", "the special rules for OVN VTEP ports are gone"),
    row(106, "portgroup_shard", ""),
    row(107, "request_id", "X-OpenStack-Request-ID is answered"),
    row(108, "service_disable_ramdisk", ""),
    row(109, "health", ""),
    row(110, "deploy_wait_abort", "the verb abort while deploying"),
    row(111, "dynamic_portgroups", ""),
    row(112, "runbook_traits", ""),
    row(113, "history_project", ""),
    row(114, "firmware_identity", ""),
    row(115, "history_states", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered_without_a_gap_and_named_apart() {
        for (i, row) in HISTORY.iter().enumerate() {
            assert_eq!(usize::from(row.version.0), i + 1);
            assert!(HISTORY[..i].iter().all(|other| other.name != row.name), "{} twice", row.name);
        }
    }
}

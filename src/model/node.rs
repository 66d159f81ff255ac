//! A machine.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::power::PowerState;
use super::record::{record, words};
use super::state::State;
use super::step::InterfaceKind;

words! {
    /// Why the service itself put a node into maintenance.
    pub enum Fault {
        Power = "power failure",
        Clean = "clean failure",
        RescueAbort = "rescue abort failure",
        Service = "service failure",
    }
}

record! { "nodes" =>
    /// One row of `nodes`. Never in it: secrets, the config drive, the inventory, step lists and the boot plan; those
    /// are rows of `node_secret` and `node_blob`, so that lists of nodes stay small and copies cannot leak.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Node {
        pub id: i64,
        pub uuid: Uuid,
        pub name: Option<String>,
        pub driver: String,
        pub provision_state: State,
        pub target_provision_state: Option<State>,
        pub provision_updated_at: Option<Timestamp>,
        pub power_state: Option<PowerState>,
        pub target_power_state: Option<PowerState>,
        /// Counts power actions; a power reading taken under another epoch is stale.
        pub power_epoch: i64,
        /// Who works on the node, or null. Taken and given back only inside decisions.
        pub reservation: Option<String>,
        pub last_error: Option<String>,
        pub maintenance: bool,
        pub maintenance_reason: Option<String>,
        pub fault: Option<Fault>,
        pub instance_uuid: Option<Uuid>,
        pub instance_name: Option<String>,
        pub allocation_uuid: Option<Uuid>,
        pub chassis_uuid: Option<Uuid>,
        pub parent_node: Option<Uuid>,
        pub resource_class: Option<String>,
        pub conductor_group: String,
        pub owner: Option<String>,
        pub lessee: Option<String>,
        pub description: Option<String>,
        pub shard: Option<String>,
        pub driver_info: Object,
        pub driver_internal_info: Object,
        pub instance_info: Object,
        pub properties: Object,
        pub extra: Object,
        pub network_data: Object,
        pub raid_config: Object,
        pub target_raid_config: Object,
        pub clean_step: Object,
        pub deploy_step: Object,
        pub service_step: Object,
        pub console_enabled: bool,
        pub automated_clean: Option<bool>,
        pub protected: bool,
        pub protected_reason: Option<String>,
        pub retired: bool,
        pub retired_reason: Option<String>,
        pub disable_power_off: bool,
        pub boot_mode: Option<String>,
        pub secure_boot: Option<bool>,
        pub health: Option<String>,
        pub inspection_started_at: Option<Timestamp>,
        pub inspection_finished_at: Option<Timestamp>,
        pub bios_interface: Option<String>,
        pub boot_interface: Option<String>,
        pub console_interface: Option<String>,
        pub deploy_interface: Option<String>,
        pub firmware_interface: Option<String>,
        pub inspect_interface: Option<String>,
        pub management_interface: Option<String>,
        pub network_interface: Option<String>,
        pub power_interface: Option<String>,
        pub raid_interface: Option<String>,
        pub rescue_interface: Option<String>,
        pub storage_interface: Option<String>,
        pub vendor_interface: Option<String>,
        /// The node's traits, sorted: what lists show. Searches look into `node_traits`; the store keeps the two alike.
        pub traits: Object,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

/// Key in `driver_internal_info` while a machine is being switched off or restarted.
const RESTARTING: &str = "machine_restarting";

impl Node {
    /// Notes that the machine is being switched off or restarted, or that this is over. Meanwhile nobody on it is told
    /// anything: a ramdisk that is about to end would take the token that is meant for the next.
    pub fn set_restarting(&mut self, restarting: bool) {
        if restarting {
            self.driver_internal_info.set(RESTARTING, true);
        } else {
            self.driver_internal_info.remove(RESTARTING);
        }
    }

    /// Something went well. What `last_error` says is over, unless it is why the node failed: that stays true.
    pub fn forget_error(&mut self) {
        if !self.provision_state.is_failed() {
            self.last_error = None;
        }
    }

    /// See [`Node::set_restarting`].
    pub fn is_restarting(&self) -> bool {
        self.driver_internal_info.get(RESTARTING).is_some()
    }

    /// Whether a ramdisk that runs on the machine is used for what comes next: as its owner says, or else `configured`.
    pub fn fast_track(&self, configured: bool) -> bool {
        match self.driver_info.get("fast_track") {
            Some(serde_json::Value::Bool(wanted)) => wanted,
            Some(serde_json::Value::String(word)) => {
                matches!(word.to_ascii_lowercase().as_str(), "1" | "t" | "true" | "on" | "y" | "yes")
            }
            _ => configured,
        }
    }

    /// A node in `enroll` with every optional field at its default and no interfaces chosen.
    pub fn new(uuid: Uuid, driver: String, created_at: Timestamp) -> Self {
        Node {
            id: 0,
            uuid,
            name: None,
            driver,
            provision_state: State::Enroll,
            target_provision_state: None,
            provision_updated_at: None,
            power_state: None,
            target_power_state: None,
            power_epoch: 0,
            reservation: None,
            last_error: None,
            maintenance: false,
            maintenance_reason: None,
            fault: None,
            instance_uuid: None,
            instance_name: None,
            allocation_uuid: None,
            chassis_uuid: None,
            parent_node: None,
            resource_class: None,
            conductor_group: String::new(),
            owner: None,
            lessee: None,
            description: None,
            shard: None,
            driver_info: Object::default(),
            driver_internal_info: Object::default(),
            instance_info: Object::default(),
            properties: Object::default(),
            extra: Object::default(),
            network_data: Object::default(),
            raid_config: Object::default(),
            target_raid_config: Object::default(),
            clean_step: Object::default(),
            deploy_step: Object::default(),
            service_step: Object::default(),
            console_enabled: false,
            automated_clean: None,
            protected: false,
            protected_reason: None,
            retired: false,
            retired_reason: None,
            disable_power_off: false,
            boot_mode: None,
            secure_boot: None,
            health: None,
            inspection_started_at: None,
            inspection_finished_at: None,
            bios_interface: None,
            boot_interface: None,
            console_interface: None,
            deploy_interface: None,
            firmware_interface: None,
            inspect_interface: None,
            management_interface: None,
            network_interface: None,
            power_interface: None,
            raid_interface: None,
            rescue_interface: None,
            storage_interface: None,
            vendor_interface: None,
            traits: Object::empty_list(),
            created_at,
            updated_at: None,
        }
    }

    /// The interface of a kind that the node uses, if one is chosen.
    pub fn interface(&self, kind: InterfaceKind) -> Option<&str> {
        self.interface_field(kind).as_deref()
    }

    fn interface_field(&self, kind: InterfaceKind) -> &Option<String> {
        use InterfaceKind::*;
        match kind {
            Bios => &self.bios_interface,
            Boot => &self.boot_interface,
            Console => &self.console_interface,
            Deploy => &self.deploy_interface,
            Firmware => &self.firmware_interface,
            Inspect => &self.inspect_interface,
            Management => &self.management_interface,
            Network => &self.network_interface,
            Power => &self.power_interface,
            Raid => &self.raid_interface,
            Rescue => &self.rescue_interface,
            Storage => &self.storage_interface,
            Vendor => &self.vendor_interface,
        }
    }

    pub fn interface_mut(&mut self, kind: InterfaceKind) -> &mut Option<String> {
        use InterfaceKind::*;
        match kind {
            Bios => &mut self.bios_interface,
            Boot => &mut self.boot_interface,
            Console => &mut self.console_interface,
            Deploy => &mut self.deploy_interface,
            Firmware => &mut self.firmware_interface,
            Inspect => &mut self.inspect_interface,
            Management => &mut self.management_interface,
            Network => &mut self.network_interface,
            Power => &mut self.power_interface,
            Raid => &mut self.raid_interface,
            Rescue => &mut self.rescue_interface,
            Storage => &mut self.storage_interface,
            Vendor => &mut self.vendor_interface,
        }
    }

    /// Leaves maintenance, and with it the reason and the fault.
    pub fn clear_maintenance(&mut self) {
        self.maintenance = false;
        self.maintenance_reason = None;
        self.fault = None;
    }

    /// Puts the node into maintenance because of a fault that the service found.
    pub fn set_fault(&mut self, fault: Fault, reason: String) {
        self.maintenance = true;
        self.maintenance_reason = Some(reason);
        self.fault = Some(fault);
    }

    /// Sets or removes one of `properties.capabilities`, which is text: `name:value,name:value`. (Ironic's rules add a
    /// second one beside one of the same name.)
    pub fn set_capability(&mut self, name: &str, value: Option<&str>) {
        let Some(have) = self.properties.text("capabilities").or_else(|| value.map(|_| String::new())) else { return };
        let others = have.split(',').filter(|entry| !entry.is_empty());
        let others = others.filter(|entry| entry.split_once(':').is_none_or(|(known, _)| known.trim() != name));
        let new = value.map(|value| format!("{name}:{value}"));
        let all: Vec<String> = others.map(str::to_owned).chain(new).collect();
        self.properties.set("capabilities", all.join(","));
    }

    /// One entry of `capabilities`, `instance_info` before `properties`. Both the object form and the
    /// `key:value,key:value` text form are understood.
    pub fn capability(&self, key: &str) -> Option<String> {
        [&self.instance_info, &self.properties].into_iter().find_map(|column| match column.get("capabilities")? {
            serde_json::Value::Object(map) => map.get(key).map(|v| match v {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            }),
            serde_json::Value::String(text) => text.split(',').find_map(|pair| {
                let (name, value) = pair.split_once(':')?;
                (name.trim() == key).then(|| value.trim().to_owned())
            }),
            _ => None,
        })
    }
}

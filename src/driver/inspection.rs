//! What the operator configured about inspection.

use crate::model::record::words;
use crate::net::Block;

words! {
    /// Which cards become ports.
    pub enum AddPorts {
        /// The one that booted, or all if nobody knows which one that was.
        Pxe = "pxe",
        /// Those that were given an address.
        Active = "active",
        All = "all",
        Disabled = "disabled",
    }
}

words! {
    /// Which of the node's ports stay.
    pub enum KeepPorts {
        All = "all",
        /// Those whose cards were found.
        Present = "present",
        /// Those that `AddPorts` would have made.
        Added = "added",
    }
}

/// The hooks that run unless the operator says otherwise: Ironic's.
pub const DEFAULT_HOOKS: &[&str] = &["ramdisk-error", "validate-interfaces", "ports", "architecture"];

/// See the keys of the configuration's table `inspection`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In the order in which they run.
    pub hooks: Vec<String>,
    pub add_ports: AddPorts,
    pub keep_ports: KeepPorts,
    pub update_pxe_enabled: bool,
    /// Whether a machine is switched off when it has been inspected.
    pub power_off: bool,
    /// Whether an inspection is refused if the service cannot boot the ramdisk itself.
    pub require_managed_boot: bool,
    /// Network and the name that ports in it get.
    pub physical_networks: Vec<(Block, String)>,
    /// Vendor, product, and the name under which such devices are counted.
    pub pci_aliases: Vec<[String; 3]>,
    /// Whether rules may call services on this machine and on its links.
    pub local_calls: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            hooks: DEFAULT_HOOKS.iter().map(|name| (*name).to_owned()).collect(),
            add_ports: AddPorts::Pxe,
            keep_ports: KeepPorts::All,
            update_pxe_enabled: true,
            power_off: true,
            require_managed_boot: false,
            physical_networks: Vec::new(),
            pci_aliases: Vec::new(),
            local_calls: false,
        }
    }
}

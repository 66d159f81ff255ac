//! A step of a flow: one named thing that an interface or the agent does to a node.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The kinds of hardware interface. The order is that of Ironic's driver lists, not of priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InterfaceKind {
    Bios,
    Boot,
    Console,
    Deploy,
    Firmware,
    Inspect,
    Management,
    Network,
    Power,
    Raid,
    Rescue,
    Storage,
    Vendor,
}

impl InterfaceKind {
    pub const ALL: [InterfaceKind; 13] = {
        use InterfaceKind::*;
        [Bios, Boot, Console, Deploy, Firmware, Inspect, Management, Network, Power, Raid, Rescue, Storage, Vendor]
    };

    pub const fn as_str(self) -> &'static str {
        use InterfaceKind::*;
        match self {
            Bios => "bios",
            Boot => "boot",
            Console => "console",
            Deploy => "deploy",
            Firmware => "firmware",
            Inspect => "inspect",
            Management => "management",
            Network => "network",
            Power => "power",
            Raid => "raid",
            Rescue => "rescue",
            Storage => "storage",
            Vendor => "vendor",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Which of two steps with equal priority runs first: the one whose interface ranks higher.
    pub const fn rank(self) -> u8 {
        use InterfaceKind::*;
        match self {
            Vendor => 7,
            Power => 6,
            Management => 5,
            Firmware => 4,
            Deploy => 3,
            Bios => 2,
            Raid => 1,
            _ => 0,
        }
    }
}

/// Who carries a step out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepSource {
    /// An interface of the node's driver, in this process.
    Driver,
    /// The agent on the machine.
    Agent,
    /// The engine itself: power_on, power_off, reboot, hold, wait.
    Reserved,
}

/// One entry of a flow's step list, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub interface: InterfaceKind,
    pub step: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    #[serde(default)]
    pub priority: i64,
    #[serde(default)]
    pub abortable: bool,
    #[serde(default = "requires_ramdisk_by_default")]
    pub requires_ramdisk: bool,
    #[serde(default)]
    pub reboot_requested: bool,
    pub source: StepSource,
    /// Done on the node's children instead of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
}

/// Which children of a node a step is for; none named is all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Children {
    /// UUIDs, in their canonical form.
    pub only: Vec<String>,
}

fn requires_ramdisk_by_default() -> bool {
    true
}

impl Step {
    /// A step that an interface of the driver carries out itself: abortable, in the ramdisk, without arguments.
    pub fn of_driver(interface: InterfaceKind, name: &str, priority: i64) -> Self {
        Step {
            interface,
            step: name.to_owned(),
            args: Map::new(),
            priority,
            abortable: true,
            requires_ramdisk: true,
            reboot_requested: false,
            source: StepSource::Driver,
            children: None,
        }
    }

    /// How the step is named in logs, errors and the request: `deploy.write_image`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.interface.as_str(), self.step)
    }
}

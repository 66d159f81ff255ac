//! What a ramdisk finds in the machine, as it is posted to `continue_inspection`.
//!
//! The inventory is stored and shown as it came; these types read the few facts that a hook decides on. All of it comes
//! from an unauthenticated sender, so a field of the wrong type is an absent field.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{lenient, lenient_list};

/// The body of an inspection callback. Everything but `inventory` is plug-in data.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Inspection {
    #[serde(default)]
    pub inventory: Option<Value>,
    /// Set if a collector failed; the rest may still be useful to whoever looks for the reason.
    #[serde(default, deserialize_with = "lenient")]
    pub error: Option<String>,
    #[serde(flatten)]
    pub plugin_data: Map<String, Value>,
}

/// The machine.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Inventory {
    #[serde(default, deserialize_with = "lenient_list")]
    pub interfaces: Vec<Interface>,
    #[serde(default, deserialize_with = "lenient_list")]
    pub disks: Vec<Disk>,
    #[serde(default, deserialize_with = "lenient")]
    pub cpu: Option<Cpu>,
    #[serde(default, deserialize_with = "lenient")]
    pub memory: Option<Memory>,
    /// The BMC's address as the machine sees it; `0.0.0.0` if it has none.
    #[serde(default, deserialize_with = "lenient")]
    pub bmc_address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub bmc_v6address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub system_vendor: Option<SystemVendor>,
    #[serde(default, deserialize_with = "lenient")]
    pub boot: Option<Boot>,
    #[serde(default, deserialize_with = "lenient")]
    pub hostname: Option<String>,
}

/// One network interface.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Interface {
    pub name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub mac_address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub ipv4_address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub ipv6_address: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub has_carrier: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub vendor: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub product: Option<String>,
    /// InfiniBand only.
    #[serde(default, deserialize_with = "lenient")]
    pub client_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub speed_mbps: Option<u64>,
}

/// One block device.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Disk {
    pub name: String,
    #[serde(default, deserialize_with = "lenient")]
    pub model: Option<String>,
    /// Bytes.
    #[serde(default, deserialize_with = "lenient")]
    pub size: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub rotational: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub wwn: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub serial: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Cpu {
    #[serde(default, deserialize_with = "lenient")]
    pub model_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub count: Option<u64>,
    /// As `uname -m` has it: `x86_64`, `aarch64`.
    #[serde(default, deserialize_with = "lenient")]
    pub architecture: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Memory {
    /// Bytes that the kernel manages.
    #[serde(default, deserialize_with = "lenient")]
    pub total: Option<u64>,
    /// MiB that are installed.
    #[serde(default, deserialize_with = "lenient")]
    pub physical_mb: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct SystemVendor {
    #[serde(default, deserialize_with = "lenient")]
    pub product_name: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub serial_number: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub manufacturer: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Boot {
    /// `uefi` or `bios`.
    #[serde(default, deserialize_with = "lenient")]
    pub current_boot_mode: Option<String>,
    /// MAC of the interface that the machine booted from, from `BOOTIF`; in its pxelinux form or a plain one.
    #[serde(default, deserialize_with = "lenient")]
    pub pxe_interface: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_wrong_type_read_as_absent() -> serde_json::Result<()> {
        let text = r#"{"interfaces":[{"name":"eth0","mac_address":7},3,{"mac_address":"x"}],"cpu":"fast","memory":null,
                       "disks":{}}"#;
        let inventory: Inventory = serde_json::from_str(text)?;
        assert_eq!(inventory.interfaces, [Interface { name: "eth0".into(), ..Default::default() }]);
        assert_eq!((inventory.cpu, inventory.memory, inventory.disks), (None, None, vec![]));
        Ok(())
    }

    #[test]
    fn everything_beside_the_inventory_is_plugin_data() -> serde_json::Result<()> {
        let body: Inspection =
            serde_json::from_str(r#"{"inventory":{},"error":null,"root_disk":{"name":"/dev/sda"}}"#)?;
        assert_eq!(body.plugin_data.keys().collect::<Vec<_>>(), ["root_disk"]);
        Ok(())
    }
}

//! Hardware types and interfaces as rows, and how a node's row becomes a [`Driver`].
//!
//! The order of a type's names is its preference: the first enabled one is the default of a new node.

use super::agent::{AgentInspect, AgentPower, Direct};
use super::fake::{Fake, FakeDeploy, FakePower, FakeSteps};
use super::ipmi::{IpmiManagement, IpmiPower, IpmiVendor};
use super::noop::{Absent, Noop};
use super::pxe::Ipxe;
use std::time::Duration;

use super::{Boot, Deploy, DriverError, Inspect, Interface, Management, Network, Power, Task, Vendor};
use crate::model::{InterfaceKind, Node, PowerState, PowerTarget};

/// An implementation, by kind. Kinds whose trait has no methods of its own yet share [`Interface`].
#[derive(Clone, Copy)]
pub enum Implementation {
    Power(&'static dyn Power),
    Management(&'static dyn Management),
    Boot(&'static dyn Boot),
    Deploy(&'static dyn Deploy),
    Inspect(&'static dyn Inspect),
    Network(&'static dyn Network),
    Vendor(&'static dyn Vendor),
    Other(InterfaceKind, &'static dyn Interface),
}

impl Implementation {
    pub fn kind(&self) -> InterfaceKind {
        match self {
            Implementation::Power(_) => InterfaceKind::Power,
            Implementation::Management(_) => InterfaceKind::Management,
            Implementation::Boot(_) => InterfaceKind::Boot,
            Implementation::Deploy(_) => InterfaceKind::Deploy,
            Implementation::Inspect(_) => InterfaceKind::Inspect,
            Implementation::Network(_) => InterfaceKind::Network,
            Implementation::Vendor(_) => InterfaceKind::Vendor,
            Implementation::Other(kind, _) => *kind,
        }
    }

    pub fn interface(&self) -> &'static dyn Interface {
        match self {
            Implementation::Power(it) => *it,
            Implementation::Management(it) => *it,
            Implementation::Boot(it) => *it,
            Implementation::Deploy(it) => *it,
            Implementation::Inspect(it) => *it,
            Implementation::Network(it) => *it,
            Implementation::Vendor(it) => *it,
            Implementation::Other(_, it) => *it,
        }
    }
}

/// One implementation under the name that clients use.
pub struct InterfaceRow {
    pub name: &'static str,
    pub implementation: Implementation,
}

const fn row(name: &'static str, implementation: Implementation) -> InterfaceRow {
    InterfaceRow { name, implementation }
}

static FAKE_BIOS: FakeSteps = FakeSteps { kind: K::Bios, names: &["apply_configuration", "factory_reset"] };
static FAKE_FIRMWARE: FakeSteps = FakeSteps { kind: K::Firmware, names: &["update"] };
static FAKE_RAID: FakeSteps = FakeSteps { kind: K::Raid, names: &["create_configuration", "delete_configuration"] };

/// Every interface that this binary has. A vendor's driver adds its rows here.
pub const INTERFACES: &[InterfaceRow] = &[
    row("fake", Implementation::Power(&FakePower)),
    row("agent", Implementation::Power(&AgentPower)),
    row("ipmitool", Implementation::Power(&IpmiPower)),
    row("fake", Implementation::Management(&Fake)),
    row("ipmitool", Implementation::Management(&IpmiManagement)),
    row("noop", Implementation::Management(&Noop)),
    row("fake", Implementation::Boot(&Fake)),
    row("ipxe", Implementation::Boot(&Ipxe)),
    row("fake", Implementation::Deploy(&FakeDeploy)),
    row("direct", Implementation::Deploy(&Direct::WITH_IMAGE)),
    row("custom-agent", Implementation::Deploy(&Direct::WITHOUT_IMAGE)),
    row("noop", Implementation::Deploy(&Noop)),
    row("fake", Implementation::Inspect(&Fake)),
    row("agent", Implementation::Inspect(&AgentInspect)),
    row("no-inspect", Implementation::Inspect(&Absent("inspect"))),
    row("noop", Implementation::Network(&Noop)),
    row("fake", Implementation::Vendor(&Fake)),
    row("ipmitool", Implementation::Vendor(&IpmiVendor)),
    row("no-vendor", Implementation::Vendor(&Absent("vendor"))),
    row("fake", Implementation::Other(InterfaceKind::Bios, &FAKE_BIOS)),
    row("no-bios", Implementation::Other(InterfaceKind::Bios, &Absent("bios"))),
    row("fake", Implementation::Other(InterfaceKind::Console, &Fake)),
    row("no-console", Implementation::Other(InterfaceKind::Console, &Absent("console"))),
    row("fake", Implementation::Other(InterfaceKind::Firmware, &FAKE_FIRMWARE)),
    row("no-firmware", Implementation::Other(InterfaceKind::Firmware, &Absent("firmware"))),
    row("fake", Implementation::Other(InterfaceKind::Raid, &FAKE_RAID)),
    row("no-raid", Implementation::Other(InterfaceKind::Raid, &Absent("raid"))),
    row("fake", Implementation::Other(InterfaceKind::Rescue, &Fake)),
    row("no-rescue", Implementation::Other(InterfaceKind::Rescue, &Absent("rescue"))),
    row("fake", Implementation::Other(InterfaceKind::Storage, &Fake)),
    row("noop", Implementation::Other(InterfaceKind::Storage, &Noop)),
];

/// A hardware type: which interfaces it goes with, most preferred first.
pub struct HardwareType {
    pub name: &'static str,
    pub supported: &'static [(InterfaceKind, &'static [&'static str])],
}

use InterfaceKind as K;

#[rustfmt::skip]
pub const HARDWARE_TYPES: &[HardwareType] = &[
    HardwareType { name: "fake-hardware", supported: &[
        (K::Bios, &["fake", "no-bios"]), (K::Boot, &["fake", "ipxe"]), (K::Console, &["fake", "no-console"]),
        (K::Deploy, &["fake", "direct", "custom-agent", "noop"]), (K::Firmware, &["fake", "no-firmware"]),
        (K::Inspect, &["fake", "agent", "no-inspect"]), (K::Management, &["fake", "ipmitool", "noop"]), (K::Network, &["noop"]),
        (K::Power, &["fake", "ipmitool"]), (K::Raid, &["fake", "no-raid"]), (K::Rescue, &["fake", "no-rescue"]),
        (K::Storage, &["noop", "fake"]), (K::Vendor, &["fake", "ipmitool", "no-vendor"]),
    ] },
    HardwareType { name: "ipmi", supported: &[
        (K::Bios, &["no-bios"]), (K::Boot, &["ipxe"]), (K::Console, &["no-console"]), (K::Deploy, &["direct", "custom-agent"]),
        (K::Firmware, &["no-firmware"]), (K::Inspect, &["agent", "no-inspect"]), (K::Management, &["ipmitool", "noop"]),
        (K::Network, &["noop"]), (K::Power, &["ipmitool"]), (K::Raid, &["no-raid"]), (K::Rescue, &["no-rescue"]),
        (K::Storage, &["noop"]), (K::Vendor, &["ipmitool", "no-vendor"]),
    ] },
    HardwareType { name: "manual-management", supported: &[
        (K::Bios, &["no-bios"]), (K::Boot, &["ipxe"]), (K::Console, &["no-console"]), (K::Deploy, &["direct", "custom-agent", "noop"]),
        (K::Firmware, &["no-firmware"]), (K::Inspect, &["agent", "no-inspect"]), (K::Management, &["noop", "fake"]),
        (K::Network, &["noop"]), (K::Power, &["agent", "fake"]), (K::Raid, &["no-raid"]), (K::Rescue, &["no-rescue"]),
        (K::Storage, &["noop"]), (K::Vendor, &["no-vendor"]),
    ] },
];

/// The row of a hardware type.
pub fn hardware_type(name: &str) -> Option<&'static HardwareType> {
    HARDWARE_TYPES.iter().find(|hardware| hardware.name == name)
}

/// The implementation of a kind by its name.
pub fn implementation(kind: InterfaceKind, name: &str) -> Option<&'static Implementation> {
    INTERFACES.iter().find(|row| row.name == name && row.implementation.kind() == kind).map(|row| &row.implementation)
}

impl HardwareType {
    /// The interfaces of a kind that this type supports and this binary has, most preferred first.
    pub fn enabled(&self, kind: InterfaceKind) -> impl Iterator<Item = &'static str> {
        let names = self.supported.iter().find(|(it, _)| *it == kind).map_or(&[][..], |(_, names)| names);
        names.iter().copied().filter(move |name| implementation(kind, name).is_some())
    }

    /// What a new node gets if the client names none.
    pub fn default(&self, kind: InterfaceKind) -> Option<&'static str> {
        self.enabled(kind).next()
    }
}

/// A node's driver: one implementation of each kind, chosen by the names in its row.
#[derive(Clone, Copy)]
pub struct Driver {
    pub power: &'static dyn Power,
    pub management: &'static dyn Management,
    pub boot: &'static dyn Boot,
    pub deploy: &'static dyn Deploy,
    pub inspect: &'static dyn Inspect,
    pub network: &'static dyn Network,
    pub vendor: &'static dyn Vendor,
    others: [(InterfaceKind, &'static dyn Interface); 6],
}

impl Driver {
    /// Chooses the implementations for a node. Errors: a name that this binary does not have, or a kind without one.
    pub fn of(node: &Node) -> Result<Self, DriverError> {
        macro_rules! chosen {
            ($kind:ident) => {
                match pick(node, InterfaceKind::$kind)? {
                    Implementation::$kind(it) => *it,
                    _ => return Err(absent(node, InterfaceKind::$kind)),
                }
            };
        }
        let other = |kind| pick(node, kind).map(|it| (kind, it.interface()));
        Ok(Driver {
            power: chosen!(Power),
            management: chosen!(Management),
            boot: chosen!(Boot),
            deploy: chosen!(Deploy),
            inspect: chosen!(Inspect),
            network: chosen!(Network),
            vendor: chosen!(Vendor),
            others: [
                other(K::Bios)?,
                other(K::Console)?,
                other(K::Firmware)?,
                other(K::Raid)?,
                other(K::Rescue)?,
                other(K::Storage)?,
            ],
        })
    }

    /// Changes the power and keeps the books: a machine that is switched off or restarted loses its agent, and what the
    /// task has prepared (the boot plan above all) is committed before the machine can ask for it.
    pub async fn set_power(
        &self,
        task: &mut Task,
        target: PowerTarget,
        within: Option<Duration>,
    ) -> Result<PowerState, DriverError> {
        if target != PowerTarget::On {
            task.changes.forget_agent = true;
        }
        task.node.power_epoch += 1;
        task.save().await?;
        let state = self.power.set(task, target, within).await?;
        task.node.power_state = Some(state);
        let now = task.env.clock.now().strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        task.node.driver_internal_info.set("last_power_state_change", now);
        Ok(state)
    }

    /// The implementation of any kind, as far as all kinds are alike.
    pub fn interface(&self, kind: InterfaceKind) -> &'static dyn Interface {
        match kind {
            K::Power => self.power,
            K::Management => self.management,
            K::Boot => self.boot,
            K::Deploy => self.deploy,
            K::Inspect => self.inspect,
            K::Network => self.network,
            K::Vendor => self.vendor,
            K::Bios | K::Console | K::Firmware | K::Raid | K::Rescue | K::Storage => {
                self.others.iter().find(|(it, _)| *it == kind).map_or(&Noop, |(_, it)| *it)
            }
        }
    }
}

fn pick(node: &Node, kind: InterfaceKind) -> Result<&'static Implementation, DriverError> {
    let name = match node.interface(kind) {
        Some(name) => Some(name),
        None => hardware_type(&node.driver).and_then(|hardware| hardware.default(kind)),
    };
    name.and_then(|name| implementation(kind, name)).ok_or_else(|| absent(node, kind))
}

fn absent(node: &Node, kind: InterfaceKind) -> DriverError {
    let name = node.interface(kind).unwrap_or("none");
    DriverError::misconfigured(format!(
        "{}_interface: {name} is not available for driver {}",
        kind.as_str(),
        node.driver
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_for_each_kind() {
        for (i, a) in INTERFACES.iter().enumerate() {
            let twice = INTERFACES[i + 1..]
                .iter()
                .any(|b| b.name == a.name && b.implementation.kind() == a.implementation.kind());
            assert!(!twice, "{} {}", a.implementation.kind().as_str(), a.name);
        }
    }
}

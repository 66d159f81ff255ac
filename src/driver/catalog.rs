//! Hardware types and interfaces as rows, and how a node's row becomes a [`Driver`].
//!
//! The order of a type's names is its preference: the first enabled one is the default of a new node.

use std::time::Duration;

use super::agent::{AgentInspect, AgentPower, AgentRaid, AgentRescue, Direct};
use super::fake::{
    Fake, FakeBios, FakeConsole, FakeDeploy, FakeFirmware, FakeManagement, FakePower, FakeRaid, FakeStorage, FakeVendor,
};
use super::ipmi::{IpmiConsole, IpmiManagement, IpmiPower, IpmiVendor};
use super::noop::{Absent, Noop, NoopDeploy};
use super::pxe::Ipxe;
use super::redfish::{
    RedfishBios, RedfishFirmware, RedfishInspect, RedfishManagement, RedfishPower, RedfishRaid, RedfishVendor,
    RedfishVirtualMedia,
};
use super::{
    Bios, Boot, Console, Deploy, DriverError, Firmware, Inspect, Interface, Management, Network, Power, Raid, Rescue,
    Storage, Task, Vendor,
};
use crate::clock::without_zone;
use crate::model::{InterfaceKind, Node, PowerState, PowerTarget};
use crate::trace::Kind;

/// An implementation, by kind, and the match that all kinds have in common.
macro_rules! kinds {
    ($($Kind:ident: $Trait:ident),* $(,)?) => {
        #[derive(Clone, Copy)]
        pub enum Implementation {
            $($Kind(&'static dyn $Trait)),*
        }

        impl Implementation {
            pub fn kind(&self) -> InterfaceKind {
                match self {
                    $(Implementation::$Kind(_) => InterfaceKind::$Kind),*
                }
            }

            /// It, as far as all kinds are alike.
            pub fn interface(&self) -> &'static dyn Interface {
                match self {
                    $(Implementation::$Kind(it) => *it),*
                }
            }
        }
    };
}

kinds! {
    Bios: Bios, Boot: Boot, Console: Console, Deploy: Deploy, Firmware: Firmware, Inspect: Inspect,
    Management: Management, Network: Network, Power: Power, Raid: Raid, Rescue: Rescue, Storage: Storage,
    Vendor: Vendor,
}

/// One implementation under the name that clients use.
pub struct InterfaceRow {
    pub name: &'static str,
    pub implementation: Implementation,
}

const fn row(name: &'static str, implementation: Implementation) -> InterfaceRow {
    InterfaceRow { name, implementation }
}

/// Every interface that this binary has. A vendor's driver adds its rows here.
///
/// `pxe` and `http-ipxe` are the same network boot as `ipxe`, which answers firmware in whatever way it asks, by TFTP or
/// by HTTP, always with iPXE: what Ironic's differ in (loaders and files that it writes) does not exist here.
pub const INTERFACES: &[InterfaceRow] = &[
    row("fake", Implementation::Bios(&FakeBios)),
    row("redfish", Implementation::Bios(&RedfishBios)),
    row("no-bios", Implementation::Bios(&Absent("bios"))),
    row("fake", Implementation::Boot(&Fake)),
    row("ipxe", Implementation::Boot(&Ipxe)),
    row("pxe", Implementation::Boot(&Ipxe)),
    row("http-ipxe", Implementation::Boot(&Ipxe)),
    row("redfish-virtual-media", Implementation::Boot(&RedfishVirtualMedia)),
    row("fake", Implementation::Console(&FakeConsole::SERIAL)),
    row("fake-graphical", Implementation::Console(&FakeConsole::GRAPHICAL)),
    row("ipmitool-socat", Implementation::Console(&IpmiConsole)),
    row("no-console", Implementation::Console(&Absent("console"))),
    row("fake", Implementation::Deploy(&FakeDeploy)),
    row("direct", Implementation::Deploy(&Direct::WITH_IMAGE)),
    row("custom-agent", Implementation::Deploy(&Direct::WITHOUT_IMAGE)),
    row("ramdisk", Implementation::Deploy(&Direct::RAMDISK)),
    row("noop", Implementation::Deploy(&NoopDeploy)),
    row("fake", Implementation::Firmware(&FakeFirmware)),
    row("redfish", Implementation::Firmware(&RedfishFirmware)),
    row("no-firmware", Implementation::Firmware(&Absent("firmware"))),
    row("fake", Implementation::Inspect(&Fake)),
    row("agent", Implementation::Inspect(&AgentInspect)),
    row("redfish", Implementation::Inspect(&RedfishInspect)),
    row("no-inspect", Implementation::Inspect(&Absent("inspect"))),
    row("fake", Implementation::Management(&FakeManagement)),
    row("ipmitool", Implementation::Management(&IpmiManagement)),
    row("redfish", Implementation::Management(&RedfishManagement)),
    row("noop", Implementation::Management(&Noop)),
    row("noop", Implementation::Network(&Noop)),
    row("fake", Implementation::Power(&FakePower)),
    row("agent", Implementation::Power(&AgentPower)),
    row("ipmitool", Implementation::Power(&IpmiPower)),
    row("redfish", Implementation::Power(&RedfishPower)),
    row("fake", Implementation::Raid(&FakeRaid)),
    row("agent", Implementation::Raid(&AgentRaid)),
    row("redfish", Implementation::Raid(&RedfishRaid)),
    row("no-raid", Implementation::Raid(&Absent("raid"))),
    row("fake", Implementation::Rescue(&Fake)),
    row("agent", Implementation::Rescue(&AgentRescue)),
    row("no-rescue", Implementation::Rescue(&Absent("rescue"))),
    row("fake", Implementation::Storage(&FakeStorage)),
    row("noop", Implementation::Storage(&Noop)),
    row("fake", Implementation::Vendor(&FakeVendor)),
    row("ipmitool", Implementation::Vendor(&IpmiVendor)),
    row("redfish", Implementation::Vendor(&RedfishVendor)),
    row("no-vendor", Implementation::Vendor(&Absent("vendor"))),
];

/// A hardware type: which interfaces it goes with, most preferred first.
pub struct HardwareType {
    pub name: &'static str,
    pub supported: &'static [(InterfaceKind, &'static [&'static str])],
    /// Whether nodes may be given any interface of this binary, supported or not: fake machines may.
    pub takes_any: bool,
}

use InterfaceKind as K;

#[rustfmt::skip]
pub const HARDWARE_TYPES: &[HardwareType] = &[
    HardwareType { name: "fake-hardware", takes_any: true, supported: &[
        (K::Bios, &["fake", "no-bios"]), (K::Boot, &["fake", "ipxe", "pxe", "http-ipxe"]),
        (K::Console, &["fake", "no-console", "fake-graphical"]), (K::Deploy, &["fake", "direct", "ramdisk", "custom-agent"]),
        (K::Firmware, &["fake", "no-firmware"]), (K::Inspect, &["fake", "agent", "no-inspect"]), (K::Management, &["fake"]),
        (K::Network, &["noop"]), (K::Power, &["fake"]), (K::Raid, &["fake", "no-raid", "agent"]),
        (K::Rescue, &["fake", "no-rescue", "agent"]), (K::Storage, &["noop", "fake"]), (K::Vendor, &["fake", "no-vendor"]),
    ] },
    HardwareType { name: "ipmi", takes_any: false, supported: &[
        (K::Bios, &["no-bios"]), (K::Boot, &["ipxe", "pxe", "http-ipxe"]),
        (K::Console, &["ipmitool-socat", "no-console", "fake-graphical"]), (K::Deploy, &["direct", "ramdisk", "custom-agent"]),
        (K::Firmware, &["no-firmware"]), (K::Inspect, &["agent", "no-inspect"]), (K::Management, &["ipmitool", "noop"]),
        (K::Network, &["noop"]), (K::Power, &["ipmitool"]), (K::Raid, &["no-raid", "agent"]),
        (K::Rescue, &["no-rescue", "agent"]), (K::Storage, &["noop"]), (K::Vendor, &["ipmitool", "no-vendor"]),
    ] },
    HardwareType { name: "manual-management", takes_any: false, supported: &[
        (K::Bios, &["no-bios"]), (K::Boot, &["ipxe", "pxe", "http-ipxe"]), (K::Console, &["no-console", "fake-graphical"]),
        (K::Deploy, &["direct", "ramdisk", "custom-agent", "noop"]), (K::Firmware, &["no-firmware"]),
        (K::Inspect, &["agent", "no-inspect"]), (K::Management, &["noop", "fake"]), (K::Network, &["noop"]),
        (K::Power, &["agent", "fake"]), (K::Raid, &["no-raid", "agent"]), (K::Rescue, &["no-rescue", "agent"]),
        (K::Storage, &["noop"]), (K::Vendor, &["no-vendor"]),
    ] },
    HardwareType { name: "redfish", takes_any: false, supported: &[
        (K::Bios, &["redfish", "no-bios"]), (K::Boot, &["ipxe", "pxe", "http-ipxe", "redfish-virtual-media"]),
        (K::Console, &["ipmitool-socat", "no-console", "fake-graphical"]), (K::Deploy, &["direct", "ramdisk", "custom-agent"]),
        (K::Firmware, &["redfish", "no-firmware"]), (K::Inspect, &["redfish", "agent", "no-inspect"]),
        (K::Management, &["redfish", "noop"]), (K::Network, &["noop"]), (K::Power, &["redfish"]),
        (K::Raid, &["redfish", "no-raid", "agent"]), (K::Rescue, &["no-rescue", "agent"]), (K::Storage, &["noop"]),
        (K::Vendor, &["redfish", "no-vendor"]),
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

    /// Whether a node of this type may have the interface.
    pub fn takes(&self, kind: InterfaceKind, name: &str) -> bool {
        implementation(kind, name).is_some() && (self.takes_any || self.enabled(kind).any(|enabled| enabled == name))
    }

    /// What a new node gets if the client names none.
    pub fn default(&self, kind: InterfaceKind) -> Option<&'static str> {
        self.enabled(kind).next()
    }
}

/// A node's driver: one implementation of each kind, chosen by the names in its row.
#[derive(Clone, Copy)]
pub struct Driver {
    pub bios: &'static dyn Bios,
    pub boot: &'static dyn Boot,
    pub console: &'static dyn Console,
    pub deploy: &'static dyn Deploy,
    pub firmware: &'static dyn Firmware,
    pub inspect: &'static dyn Inspect,
    pub management: &'static dyn Management,
    pub network: &'static dyn Network,
    pub power: &'static dyn Power,
    pub raid: &'static dyn Raid,
    pub rescue: &'static dyn Rescue,
    pub storage: &'static dyn Storage,
    pub vendor: &'static dyn Vendor,
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
        Ok(Driver {
            bios: chosen!(Bios),
            boot: chosen!(Boot),
            console: chosen!(Console),
            deploy: chosen!(Deploy),
            firmware: chosen!(Firmware),
            inspect: chosen!(Inspect),
            management: chosen!(Management),
            network: chosen!(Network),
            power: chosen!(Power),
            raid: chosen!(Raid),
            rescue: chosen!(Rescue),
            storage: chosen!(Storage),
            vendor: chosen!(Vendor),
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
            task.node.set_restarting(true);
        }
        task.node.power_epoch += 1;
        task.save().await?;
        task.prepare_family(target).await?;
        let (trace, node) = (task.env.trace.clone(), task.node.uuid);
        trace.node(node, Kind::PowerOrdered, target.as_str());
        let _calling = trace.calling(node, longest_change(task, target, within));
        let state = self.power.set(task, target, within).await;
        task.node.set_restarting(false);
        match &state {
            Ok(state) => trace.node(node, Kind::PowerReached, state.as_str()),
            Err(error) => trace.node(node, Kind::BmcFailed, error.to_string()),
        }
        let state = state?;
        task.node.power_state = Some(state);
        let now = without_zone(task.env.clock.now());
        task.node.driver_internal_info.set("last_power_state_change", now);
        Ok(state)
    }

    /// The implementation of any kind, as far as all kinds are alike.
    pub fn interface(&self, kind: InterfaceKind) -> &'static dyn Interface {
        match kind {
            K::Bios => self.bios,
            K::Boot => self.boot,
            K::Console => self.console,
            K::Deploy => self.deploy,
            K::Firmware => self.firmware,
            K::Inspect => self.inspect,
            K::Management => self.management,
            K::Network => self.network,
            K::Power => self.power,
            K::Raid => self.raid,
            K::Rescue => self.rescue,
            K::Storage => self.storage,
            K::Vendor => self.vendor,
        }
    }
}

/// How long a change of power may take: one that goes through off takes its time twice.
fn longest_change(task: &Task, target: PowerTarget, within: Option<Duration>) -> Duration {
    let settings = &task.env.settings;
    let usual = if target.is_soft() { settings.soft_power_off } else { settings.power_change };
    let first = within.unwrap_or(usual);
    match target {
        PowerTarget::Reboot => first.saturating_mul(2),
        PowerTarget::SoftReboot => first.saturating_add(settings.power_change),
        _ => first,
    }
}

/// The instance may bring interfaces of its own, for as long as it lives; else the node's are used, else the type's.
fn pick(node: &Node, kind: InterfaceKind) -> Result<&'static Implementation, DriverError> {
    let hardware = hardware_type(&node.driver);
    if let Some(name) = of_instance(node, kind) {
        let found = implementation(kind, &name).filter(|_| hardware.is_some_and(|it| it.takes(kind, &name)));
        return found.ok_or_else(|| {
            DriverError::misconfigured(format!(
                "instance_info/{}_interface: {name} is not available for driver {}",
                kind.as_str(),
                node.driver
            ))
        });
    }
    let name = match node.interface(kind) {
        Some(name) => Some(name),
        None => hardware.and_then(|hardware| hardware.default(kind)),
    };
    name.and_then(|name| implementation(kind, name)).ok_or_else(|| absent(node, kind))
}

fn of_instance(node: &Node, kind: InterfaceKind) -> Option<String> {
    // Most instances bring none, and this is asked for every kind of every node that is looked at.
    if !node.instance_info.as_str().contains("_interface") {
        return None;
    }
    node.instance_info.text(&format!("{}_interface", kind.as_str())).filter(|name| !name.is_empty())
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

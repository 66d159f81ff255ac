//! What a report changes: Ironic's inspection hooks, as rows. Which of them run, and in which order, is configured.
//!
//! | hook | effect |
//! |---|---|
//! | ramdisk-error | a report with an error fails the inspection |
//! | validate-interfaces | at least one usable card, or it fails; `all_interfaces`, `valid_interfaces` and `macs` for the others |
//! | ports | a port for each card that `add_ports` says; which of the ports booted; `keep_ports` says which go |
//! | architecture, cpus, memory | `properties.cpu_arch`, `cpus`, `memory_mb` |
//! | root-device | the disk that the node's hints mean; `properties.local_gb` |
//! | raid-device | the one disk that was not there at the last inspection becomes `properties.root_device` |
//! | boot-mode, cpu-capabilities, pci-devices | capabilities |
//! | accelerators | `properties.accelerators` |
//! | extra-hardware | the lists of hardware-detect as objects, in `plugin_data.extra` |
//! | local-link-connection, parse-lldp | which switch a port is connected to |
//! | physical-network | of a port, by the address that its card was leased |
//!
//! First every hook's check runs, then every hook's work, as in Ironic. The report comes from an unauthenticated sender:
//! nothing in it is believed beyond its shape.

mod facts;
pub(super) mod hints;
mod lldp;
mod ports;
mod root_device;

use serde_json::{Map, Value, json};

use crate::driver::inspection::Settings;
use crate::driver::{DriverError, Task};
use crate::model::{Node, Port};

type Done = Result<(), DriverError>;

/// One hook.
struct Hook {
    name: &'static str,
    /// Hooks that must stand before it.
    after: &'static [&'static str],
    check: fn(&mut Found<'_>) -> Done,
    work: fn(&mut Found<'_>) -> Done,
}

/// What the hooks work on.
struct Found<'a> {
    node: &'a mut Node,
    /// The node's ports and those to be made, whose `id` is 0.
    ports: Vec<Port>,
    inventory: &'a Map<String, Value>,
    plugin_data: Map<String, Value>,
    /// The disks that the last inspection found.
    known: Option<&'a Value>,
    settings: &'a Settings,
    /// Makes the ports that are to be made.
    new_port: &'a dyn Fn(String) -> Port,
}

fn nothing(_: &mut Found<'_>) -> Done {
    Ok(())
}

const fn work(name: &'static str, work: fn(&mut Found<'_>) -> Done) -> Hook {
    Hook { name, after: &[], check: nothing, work }
}

const INTERFACES: &str = "validate-interfaces";

#[rustfmt::skip]
static HOOKS: &[Hook] = &[
    Hook { name: "ramdisk-error", after: &[], check: facts::ramdisk_error, work: nothing },
    Hook { name: INTERFACES, after: &[], check: ports::validate, work: nothing },
    Hook { name: "ports", after: &[INTERFACES], check: nothing, work: ports::make },
    Hook { name: "physical-network", after: &[INTERFACES], check: nothing, work: ports::physical_network },
    Hook { name: "local-link-connection", after: &[INTERFACES], check: nothing, work: lldp::local_link_connection },
    work("parse-lldp", lldp::parse),
    work("architecture", facts::architecture),
    work("cpus", facts::cpus),
    work("memory", facts::memory),
    work("boot-mode", facts::boot_mode),
    work("cpu-capabilities", facts::cpu_capabilities),
    work("pci-devices", facts::pci_devices),
    work("accelerators", facts::accelerators),
    work("extra-hardware", facts::extra_hardware),
    work("root-device", root_device::root_device),
    work("raid-device", root_device::raid_device),
];

/// The hooks that there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    HOOKS.iter().map(|hook| hook.name)
}

fn refused(text: impl std::fmt::Display) -> DriverError {
    DriverError::Refused(format!("the inspection report {text}"))
}

/// The configured hooks. A wrong list fails every inspection, and says why.
fn chosen(names: &[String]) -> Result<Vec<&'static Hook>, DriverError> {
    let mut chosen: Vec<&'static Hook> = Vec::new();
    for name in names {
        let hook = HOOKS.iter().find(|hook| hook.name == name);
        let hook =
            hook.ok_or_else(|| DriverError::misconfigured(format!("inspection.hooks: there is no hook {name}")))?;
        if let Some(missing) = hook.after.iter().find(|after| !chosen.iter().any(|known| known.name == **after)) {
            return Err(DriverError::misconfigured(format!("inspection.hooks: {name} needs {missing} before it")));
        }
        chosen.push(hook);
    }
    Ok(chosen)
}

/// Runs the configured hooks and leaves what was found in [`Task::inspected`]. Errors: what the report says is wrong, or is
/// missing in it.
pub fn run(task: &mut Task, data: &Map<String, Value>) -> Result<(), DriverError> {
    let env = task.env.clone();
    let hooks = chosen(&env.settings.inspection.hooks)?;
    let mut plugin_data = data.clone();
    let Some(Value::Object(inventory)) = plugin_data.shift_remove("inventory") else {
        return Err(refused("has no inventory"));
    };
    // They are long, and looked at elsewhere.
    plugin_data.shift_remove("logs");
    let uuid = task.node.uuid;
    let new_port = |address| Port::new(env.random.uuid(), uuid, address, env.clock.now());
    let known = task.known_inventory.take();
    let mut found = Found {
        node: &mut task.node,
        ports: task.ports.clone(),
        inventory: &inventory,
        plugin_data,
        known: known.as_ref(),
        settings: &env.settings.inspection,
        new_port: &new_port,
    };
    for hook in &hooks {
        (hook.check)(&mut found)?;
    }
    for hook in &hooks {
        (hook.work)(&mut found)?;
    }
    let Found { ports, plugin_data, .. } = found;
    record(task, ports);
    task.inspected = Some(json!({"inventory": inventory, "plugin_data": plugin_data}));
    Ok(())
}

/// What has become of the ports.
fn record(task: &mut Task, ports: Vec<Port>) {
    let gone = task.ports.iter().filter(|old| !ports.iter().any(|port| port.uuid == old.uuid));
    task.changes.removed_ports.extend(gone.map(|port| port.uuid));
    for port in ports {
        match task.ports.iter().find(|old| old.uuid == port.uuid) {
            Some(old) if *old == port => {}
            Some(_) => task.changes.ports.push(port),
            None => task.changes.new_ports.push(port),
        }
    }
}

/// The cards in an inventory, with their names.
fn interfaces(inventory: &Map<String, Value>) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    let all = inventory.get("interfaces").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|card| {
        let card = card.as_object()?;
        Some((card.get("name")?.as_str().filter(|name| !name.is_empty())?, card))
    })
}

fn text<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v str> {
    map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

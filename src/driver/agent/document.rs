//! The node and its ports as the agent is shown them, with every command about a step.
//!
//! The agent reads root device hints, RAID configurations and erase settings from here. Secrets are masked: columns hold
//! none, and the agent needs none.

use serde_json::{Map, Value, json};

use super::raid;
use crate::driver::{DriverError, Task};
use crate::model::{FlowName, InterfaceKind, Step};

/// The `node` and `ports` parameters.
pub fn node_and_ports(task: &Task) -> Map<String, Value> {
    let node = &task.node;
    let mut internal = node.driver_internal_info.map();
    // The agent knows its own certificate, and clients' step lists are long.
    for key in ["agent_verify_ca", "clean_steps", "deploy_steps", "service_steps"] {
        internal.shift_remove(key);
    }
    let ports: Vec<Value> = task
        .ports
        .iter()
        .map(|port| {
            json!({
                "id": port.id, "uuid": port.uuid.to_string(), "node_id": node.id, "address": port.address,
                "pxe_enabled": port.pxe_enabled, "extra": port.extra.value(),
                "local_link_connection": port.local_link_connection.value(),
            })
        })
        .collect();
    let document = json!({
        "id": node.id,
        "uuid": node.uuid.to_string(),
        "name": node.name,
        "driver": node.driver,
        "provision_state": node.provision_state.as_str(),
        "target_provision_state": node.target_provision_state.map(|state| state.as_str()),
        "power_state": node.power_state.map(|state| state.as_str()),
        "instance_uuid": node.instance_uuid.map(|uuid| uuid.to_string()),
        "resource_class": node.resource_class,
        "properties": node.properties.value(),
        "instance_info": node.instance_info.value(),
        "driver_info": node.driver_info.value(),
        "driver_internal_info": internal,
        "raid_config": node.raid_config.value(),
        "target_raid_config": node.target_raid_config.value(),
        "extra": node.extra.value(),
        "traits": task.traits,
    });
    Map::from_iter([("node".to_owned(), document), ("ports".to_owned(), ports.into())])
}

/// The words by which the agent tells its three sets of steps apart: `deploy.get_deploy_steps`, `clean_version`.
pub fn kind(flow: FlowName) -> &'static str {
    match flow {
        FlowName::Deploy => "deploy",
        FlowName::Service => "service",
        _ => "clean",
    }
}

/// The command that asks for the steps of a flow.
pub fn question(flow: FlowName) -> String {
    let kind = kind(flow);
    format!("{kind}.get_{kind}_steps")
}

/// The command that carries the steps of a flow.
pub fn execute(flow: FlowName) -> String {
    let kind = kind(flow);
    format!("{kind}.execute_{kind}_step")
}

/// The parameters of that command. `args` takes the place of the step's own; `drive` is shown with the node.
pub fn execute_params(
    task: &Task,
    flow: FlowName,
    step: &Step,
    args: Option<Map<String, Value>>,
    drive: Option<Value>,
) -> Result<Map<String, Value>, DriverError> {
    let mut params = node_and_ports(task);
    let mut args = args.unwrap_or_else(|| step.args.clone());
    if let Some(target) = raid::wanted(task, step)? {
        params["node"]["target_raid_config"] = target;
    }
    if step.interface == InterfaceKind::Raid {
        args = raid::arguments(step);
    }
    if let Some(drive) = drive {
        // Steps that deploy by themselves find it where the client put it.
        params["node"]["instance_info"]["configdrive"] = drive;
    }
    let step = json!({
        "interface": step.interface.as_str(), "step": step.step, "priority": step.priority,
        "args": args, "abortable": step.abortable,
        "reboot_requested": step.reboot_requested, "requires_ramdisk": step.requires_ramdisk,
    });
    params.insert("step".to_owned(), step);
    let version = task.node.driver_internal_info.get("hardware_manager_version").unwrap_or_default();
    params.insert(format!("{}_version", kind(flow)), version);
    Ok(params)
}

//! `PUT …/states/provision`: a client asks for a verb.
//!
//! The order in which mistakes are found is part of the contract: the body's form, the node, the verb's version, the
//! state, the arguments, and last the versions of arguments.

use serde_json::{Map, Value};

use super::find;
use super::states::location;
use crate::api::request::{brief, flag, required, text};
use crate::api::surface::{params, verbs};
use crate::api::{Answer, Call, Fault};
use crate::model::{InterfaceKind, Node};
use crate::provision::steps::AskedStep;
use crate::service::provision::{self, Request};

/// Bounds a request's step list, which is stored and walked.
const MOST_STEPS: usize = 1000;

pub async fn set(call: Call) -> Result<Answer, Fault> {
    call.no_query()?;
    let arguments = call.arguments()?;
    let (request, malformed) = parse(&arguments)?;
    let node = find(&call).await?;
    let target = request.target.as_deref().unwrap_or_default();
    if verbs::is_too_new(target, call.version) {
        return Err(Fault::not_acceptable());
    }
    provision::precheck(&node, &request)?;
    check_configdrive(&call, target, request.configdrive.as_ref())?;
    if let Some(fault) = malformed {
        return Err(fault);
    }
    if let Some(runbook) = &request.runbook {
        return Err(Fault::not_found(format!("Runbook {runbook} could not be found.")));
    }
    check_versions(&call, &node, &request)?;
    call.state.engine.provision(node.uuid, request).await?;
    Ok(Answer::accepted().at(location(&call)))
}

/// The body's form. What is wrong within steps is told later than what the node's state has to say, so it comes beside
/// the request, in which such steps only count as given.
fn parse(arguments: &Map<String, Value>) -> Result<(Request, Option<Fault>), Fault> {
    required(arguments, "target")?;
    let mut malformed = None;
    let mut steps = |name: &'static str, deploy: bool| -> Result<Option<Vec<AskedStep>>, Fault> {
        let list = match arguments.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(Fault::invalid(format!("Expected a list or null for {name}: {}", brief(other)))),
        };
        if list.len() > MOST_STEPS {
            return Err(Fault::invalid(format!("{name}: expected at most {MOST_STEPS} steps, got {}", list.len())));
        }
        let mut asked = Vec::new();
        for item in list {
            match step(item, deploy) {
                Ok(step) => asked.push(step),
                Err(why) => {
                    malformed.get_or_insert_with(|| Fault::invalid(format!("Invalid {name}: {why}")));
                    asked.push(AskedStep {
                        interface: InterfaceKind::Deploy,
                        step: String::new(),
                        args: Map::new(),
                        priority: None,
                    });
                }
            }
        }
        Ok(Some(asked))
    };
    let request = Request {
        target: text(arguments, "target")?,
        configdrive: match arguments.get("configdrive") {
            None | Some(Value::Null) => None,
            Some(drive @ (Value::String(_) | Value::Object(_))) => Some(drive.clone()),
            Some(other) => {
                return Err(Fault::invalid(format!(
                    "Expected a string or an object for configdrive: {}",
                    brief(other)
                )));
            }
        },
        clean_steps: steps("clean_steps", false)?,
        deploy_steps: steps("deploy_steps", true)?,
        service_steps: steps("service_steps", false)?,
        runbook: text(arguments, "runbook")?,
        rescue_password: text(arguments, "rescue_password")?,
        disable_ramdisk: flag(arguments, "disable_ramdisk")?,
    };
    Ok((request, malformed))
}

/// One step: deploy steps say all four things, others may leave arguments out and are done in the order given.
fn step(item: &Value, deploy: bool) -> Result<AskedStep, String> {
    let map = item.as_object().ok_or_else(|| format!("{} is not an object", brief(item)))?;
    let known: &[&str] = if deploy {
        &["interface", "step", "args", "priority"]
    } else {
        &["interface", "step", "args", "order", "execute_on_child_nodes", "limit_child_node_execution"]
    };
    if let Some(other) = map.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("'{other}' was unexpected"));
    }
    if map.get("execute_on_child_nodes").is_some_and(|value| *value != Value::Bool(false)) {
        return Err("execute_on_child_nodes: steps on child nodes are not supported".to_owned());
    }
    let word = |name: &str| match map.get(name) {
        Some(Value::String(word)) if !word.is_empty() => Ok(word.clone()),
        Some(other) => Err(format!("{name}: {} is not a name", brief(other))),
        None => Err(format!("'{name}' is a required property")),
    };
    let interface = word("interface")?;
    let interface = InterfaceKind::parse(&interface).filter(|kind| kind.rank() > 0).ok_or_else(|| {
        format!("'{interface}' is not one of 'vendor', 'power', 'management', 'firmware', 'deploy', 'bios', 'raid'")
    })?;
    let args = match map.get("args") {
        Some(Value::Object(args)) => args.clone(),
        Some(other) => return Err(format!("args: {} is not an object", brief(other))),
        None if deploy => return Err("'args' is a required property".to_owned()),
        None => Map::new(),
    };
    let priority = match map.get("priority") {
        Some(value) => match value.as_i64() {
            Some(priority @ 0..) => Some(priority),
            _ => return Err(format!("priority: {} is not a number, 0 or more", brief(value))),
        },
        None if deploy => return Err("'priority' is a required property".to_owned()),
        None => None,
    };
    if map.get("order").is_some_and(|order| order.as_i64().is_none_or(|order| order < 0)) {
        return Err("order: expected a number, 0 or more".to_owned());
    }
    Ok(AskedStep { interface, step: word("step")?, args, priority })
}

fn check_configdrive(call: &Call, target: &str, drive: Option<&Value>) -> Result<(), Fault> {
    let Some(drive) = drive else { return Ok(()) };
    if target == "rebuild" && !params::REBUILD_CONFIGDRIVE.at(call.version) {
        return Err(Fault::invalid("configdrive: only valid with target active at this API version"));
    }
    let Value::Object(parts) = drive else { return check_drive_text(drive.as_str().unwrap_or_default()) };
    if !params::CONFIGDRIVE_OBJECT.at(call.version) {
        return Err(Fault::invalid("configdrive: an object needs a newer API version; send text"));
    }
    for (name, value) in parts {
        let good = match name.as_str() {
            "meta_data" | "network_data" => value.is_object(),
            "user_data" => value.is_object() || value.is_array() || value.is_string(),
            "vendor_data" if !params::CONFIGDRIVE_VENDOR_DATA.at(call.version) => false,
            "vendor_data" => value.is_object(),
            _ => false,
        };
        if !good && !value.is_null() {
            return Err(Fault::invalid(format!("configdrive: {name} is not expected here, or not in this form")));
        }
    }
    Ok(())
}

/// Text is an address or base64. Whether it is a drive is for the interface to say that is to write it.
fn check_drive_text(text: &str) -> Result<(), Fault> {
    let base64 = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || matches!(c, '+' | '/' | '=');
    if text.contains("://") || text.chars().all(base64) {
        return Ok(());
    }
    Err(Fault::invalid("configdrive: expected an object, the address of a config drive, or base64 of a gzipped one"))
}

/// What an older version does not know, although the node's state and the arguments fit.
fn check_versions(call: &Call, node: &Node, request: &Request) -> Result<(), Fault> {
    let target = request.target.as_deref().unwrap_or_default();
    let ramdisk = if target == "service" { &params::SERVICE_WITHOUT_RAMDISK } else { &params::CLEAN_WITHOUT_RAMDISK };
    let too_new = verbs::is_too_new_here(target, node.provision_state, call.version)
        || (request.disable_ramdisk.is_some() && !ramdisk.at(call.version))
        || (request.deploy_steps.is_some() && !params::DEPLOY_STEPS.at(call.version))
        || (request.runbook.is_some() && !params::RUNBOOK.at(call.version));
    if too_new { Err(Fault::not_acceptable()) } else { Ok(()) }
}

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
use crate::model::secret::Sealed;
use crate::model::{InterfaceKind, Node};
use crate::provision::asked::{self, AskedStep, Grammar, MOST_STEPS};
use crate::service::provision::{self, Request};

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
    let mut steps = |name: &'static str, grammar: Grammar| -> Result<Option<Vec<AskedStep>>, Fault> {
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
            match asked::read(item, grammar) {
                Ok(step) => asked.push(step),
                Err(why) => {
                    malformed.get_or_insert_with(|| Fault::invalid(format!("Invalid {name}: {why}")));
                    asked.push(AskedStep::new(InterfaceKind::Deploy, ""));
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
        clean_steps: steps("clean_steps", asked::IN_ORDER)?,
        deploy_steps: steps("deploy_steps", asked::BY_PRIORITY)?,
        service_steps: steps("service_steps", asked::IN_ORDER)?,
        runbook: text(arguments, "runbook")?,
        rescue_password: text(arguments, "rescue_password")?.map(|text| Sealed::seal(text.into())),
        rescue_hash: None,
        disable_ramdisk: flag(arguments, "disable_ramdisk")?,
    };
    Ok((request, malformed))
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

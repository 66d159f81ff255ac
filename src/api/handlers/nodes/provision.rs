//! `PUT …/states/provision`: a client asks for a verb.
//!
//! The order in which mistakes are found is part of the contract: the body's form, the node, the verb's version, the
//! state, the arguments, and last the versions of arguments.

use serde_json::{Map, Value};

use super::find;
use super::states::location;
use crate::api::request::{brief, flag, required, text};
use crate::api::surface::{Quirk, params, verbs};
use crate::api::{Answer, Call, Fault};
use crate::model::secret::Sealed;
use crate::model::{InterfaceKind, Node};
use crate::provision::asked::{self, AskedStep, Grammar, MOST_STEPS};
use crate::provision::verbs::{Verb, VerbArgs};
use crate::service::names;
use crate::service::provision::{self, Request};
use crate::service::runbooks;

pub async fn set(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    let (mut request, malformed) = parse(&arguments)?;
    let node = find(&call).await?;
    let target = request.target.clone().unwrap_or_default();
    if verbs::is_too_new(&target, call.version) {
        return Err(Fault::not_acceptable());
    }
    // Before the lock is looked at: the work of a node that waits in hold has it, and asking again would not help.
    call.state.engine.refuse_in_hold().await?;
    let verb = provision::possible(&node, &request)?;
    check_configdrive(&call, &target, verb, request.configdrive.as_ref())?;
    // An empty one is none, as in Ironic.
    if let Some(runbook) = request.runbook.clone().filter(|runbook| !runbook.is_empty()) {
        follow(&call, &node, verb, &runbook, &mut request).await?;
    }
    check_versions(&call, &node, verb, &request)?;
    provision::precheck(&node, &request, call.state.engine.rules())?;
    if let Some(fault) = malformed {
        return Err(fault);
    }
    let asked = request.clone();
    call.state.store.read(move |read| provision::check_children(read, &asked)).await?;
    call.state.engine.provision(node.uuid, request).await?;
    Ok(Answer::accepted().at(location(&call)))
}

/// Puts what a runbook says in the place of steps.
async fn follow(call: &Call, node: &Node, verb: &Verb, runbook: &str, request: &mut Request) -> Result<(), Fault> {
    if !params::RUNBOOK.at(call.version) {
        return Err(Fault::not_acceptable());
    }
    if !names::is_logical(runbook) {
        return Err(Fault::invalid(format!("Expected a logical name or UUID but received {runbook}.")));
    }
    let (ident, node) = (runbook.to_owned(), node.clone());
    let by_name = !call.version.has(Quirk::RunbooksHaveTraits);
    let read = call.state.store.read(move |read| runbooks::use_on(read, &node, &ident, by_name));
    let (steps, disable_ramdisk) = read.await?;
    request.disable_ramdisk = Some(disable_ramdisk);
    let (name, place) = match verb.args {
        VerbArgs::Clean => ("clean_steps", &mut request.clean_steps),
        VerbArgs::Service => ("service_steps", &mut request.service_steps),
        _ => return Ok(()),
    };
    if place.as_ref().is_some_and(|given| !given.is_empty()) {
        return Err(Fault::invalid(format!("{name}: give either steps or a runbook, but not both")));
    }
    *place = Some(steps);
    Ok(())
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
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::Object(parts)) if parts.is_empty() => None,
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
        runbook: text(arguments, "runbook")?.filter(|ident| !ident.is_empty()),
        rescue_password: text(arguments, "rescue_password")?.map(|text| Sealed::seal(text.into())),
        rescue_hash: None,
        disable_ramdisk: flag(arguments, "disable_ramdisk")?,
    };
    Ok((request, malformed))
}

fn check_configdrive(call: &Call, target: &str, verb: &Verb, drive: Option<&Value>) -> Result<(), Fault> {
    let Some(drive) = drive else { return Ok(()) };
    let too_new = target == "rebuild" && !params::REBUILD_CONFIGDRIVE.at(call.version);
    if verb.args != VerbArgs::Deploy || too_new {
        return Err(provision::misplaced(verb, "configdrive").into());
    }
    if let Value::String(text) = drive {
        // A URL, or base64 with line breaks.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"+/=\n\r\t ".contains(&b);
        if !text.contains("://") && !text.bytes().all(plain) {
            return Err(Fault::invalid("configdrive: it is neither an object, nor a URL, nor base64"));
        }
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

/// What an older version does not know, although the node's state fits. An argument that the verb does not take is a
/// mistake of another kind, which comes first where Ironic has it so.
fn check_versions(call: &Call, node: &Node, verb: &Verb, request: &Request) -> Result<(), Fault> {
    let given = |steps: &Option<Vec<AskedStep>>| steps.as_ref().is_some_and(|steps| !steps.is_empty());
    if request.disable_ramdisk.is_some() {
        let since = match verb.args {
            VerbArgs::Clean => &params::CLEAN_WITHOUT_RAMDISK,
            VerbArgs::Service => &params::SERVICE_WITHOUT_RAMDISK,
            _ => return Err(provision::misplaced(verb, "disable_ramdisk").into()),
        };
        if !since.at(call.version) {
            return Err(Fault::not_acceptable());
        }
    }
    if given(&request.clean_steps) && verb.args != VerbArgs::Clean {
        return Err(provision::misplaced(verb, "clean_steps").into());
    }
    if given(&request.deploy_steps) && !params::DEPLOY_STEPS.at(call.version) {
        return Err(Fault::not_acceptable());
    }
    if request.rescue_password.is_some() && verb.args != VerbArgs::Rescue {
        return Err(provision::misplaced(verb, "rescue_password").into());
    }
    match verbs::is_too_new_here(verb.target, node.provision_state, call.version) {
        true => Err(Fault::not_acceptable()),
        false => Ok(()),
    }
}

//! A client asks for a provisioning verb: `PUT …/states/provision`.
//!
//! The order of the checks is Ironic's, because clients tell their mistakes apart by it: state before arguments, then
//! the lock, then maintenance.

use serde_json::Value;
use uuid::Uuid;

use super::rules::Disallowed;
use super::why::{after, with_next};
use super::{Refusal, Refused, Rules, deploy_templates, flow, hold, rescue};
use crate::model::secret::Sealed;
use crate::model::{FlowName, Node, Object, Phase, Stage, State, Step, WaitFor};
use crate::provision::asked::AskedStep;
use crate::provision::machine::next;
use crate::provision::verbs::{Verb, VerbArgs, verb};
use crate::provision::{Event, flows, steps};
use crate::store::blobs::{self, BlobKind};
use crate::store::{Read, Tx, nodes, work};

/// The parsed body. Types and unknown keys have been checked; nothing else has.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub target: Option<String>,
    /// Text (URL or base64) or an object.
    pub configdrive: Option<Value>,
    pub clean_steps: Option<Vec<AskedStep>>,
    pub deploy_steps: Option<Vec<AskedStep>>,
    pub service_steps: Option<Vec<AskedStep>>,
    pub runbook: Option<String>,
    pub rescue_password: Option<Sealed>,
    /// Its hash, which is what is kept. The engine makes it before it decides.
    pub rescue_hash: Option<Sealed>,
    pub disable_ramdisk: Option<bool>,
}

impl Request {
    pub fn target(target: &str) -> Self {
        Request { target: Some(target.to_owned()), ..Request::default() }
    }

    /// The config drive as it is kept: text as it came, an object as JSON.
    pub fn drive_bytes(&self) -> Option<Vec<u8>> {
        Some(match self.configdrive.as_ref()? {
            Value::String(text) => text.clone().into_bytes(),
            other => other.to_string().into_bytes(),
        })
    }

    fn steps(&self, asked: &Option<Vec<AskedStep>>) -> bool {
        asked.as_ref().is_some_and(|steps| !steps.is_empty())
    }
}

/// Checks that need no lock and no hardware; the verb if all is well.
pub fn precheck(node: &Node, request: &Request, rules: &Rules) -> Refused<&'static Verb> {
    let verb = possible(node, request)?;
    check_args(verb, request)?;
    check_steps(request, rules)?;
    Ok(verb)
}

/// Whether the node's state has the verb.
pub fn possible(node: &Node, request: &Request) -> Refused<&'static Verb> {
    let target = request.target.as_deref().unwrap_or_default();
    if node.maintenance && matches!(target, "active" | "rebuild") {
        return Err(in_maintenance(node, target));
    }
    let found = verb(target).filter(|verb| next(node.provision_state, verb.event).is_some());
    // Two events that end a flow are called like verbs, and are none there.
    let inner = matches!(node.provision_state, State::Cleaning | State::Deleting);
    if let Some(verb) = found.filter(|_| !inner) {
        return Ok(verb);
    }
    if node.reservation.is_some() {
        return Err(Refusal::locked(node));
    }
    Err(Refusal::not_in_state(node, target, node.provision_state.as_str()))
}

/// An argument that belongs to another verb.
pub fn misplaced(verb: &Verb, name: &str) -> Refusal {
    Refusal::invalid(format!("{name} cannot be given with target {}", verb.target))
}

fn check_args(verb: &Verb, request: &Request) -> Refused<()> {
    let target = verb.target;
    let stepped = matches!(verb.args, VerbArgs::Clean | VerbArgs::Service);
    for (name, given, allowed) in [
        ("configdrive", request.configdrive.is_some(), verb.args == VerbArgs::Deploy),
        ("runbook", request.runbook.is_some(), stepped),
        ("disable_ramdisk", request.disable_ramdisk.is_some(), stepped),
        ("clean_steps", request.steps(&request.clean_steps), verb.args == VerbArgs::Clean),
        ("deploy_steps", request.steps(&request.deploy_steps), verb.args == VerbArgs::Deploy),
        ("rescue_password", request.rescue_password.is_some(), verb.args == VerbArgs::Rescue),
        ("service_steps", request.steps(&request.service_steps), verb.args == VerbArgs::Service),
    ] {
        if given && !allowed {
            return Err(misplaced(verb, name));
        }
    }
    let missing = match verb.args {
        VerbArgs::Clean => !request.steps(&request.clean_steps),
        VerbArgs::Service => !request.steps(&request.service_steps),
        _ => false,
    };
    if missing {
        let name = if verb.args == VerbArgs::Clean { "clean_steps" } else { "service_steps" };
        return Err(Refusal::invalid(format!("{name}: target {target} needs at least one step, or a runbook")));
    }
    if verb.args == VerbArgs::Rescue
        && request.rescue_password.as_ref().and_then(|it| it.open().as_str()).is_none_or(|it| it.trim().is_empty())
    {
        return Err(Refusal::invalid("rescue_password: target rescue needs one that is not blank"));
    }
    Ok(())
}

/// Whether the operator lets these steps be asked for.
fn check_steps(request: &Request, rules: &Rules) -> Refused<()> {
    let Disallowed { clean, deploy, service } = &rules.disallowed;
    for (kind, asked, disallowed) in [
        ("clean", &request.clean_steps, clean),
        ("deploy", &request.deploy_steps, deploy),
        ("service", &request.service_steps, service),
    ] {
        if let Some(step) = asked.iter().flatten().find(|step| disallowed.contains(&step.name())) {
            return Err(Refusal::invalid(format!("The {kind} step {} is not allowed by the operator.", step.name())));
        }
    }
    Ok(())
}

/// Whether the children that steps are for exist; 404 if not.
pub fn check_children(read: &Read, request: &Request) -> Refused<()> {
    let asked = [&request.clean_steps, &request.service_steps];
    for child in asked.into_iter().flatten().flatten().filter_map(|step| step.children.as_ref()).flat_map(|it| &it.only)
    {
        super::ident::node(read, child)?;
    }
    Ok(())
}

fn in_maintenance(node: &Node, what: &str) -> Refusal {
    Refusal::invalid(format!(
        "The {what} operation can't be performed on node {} because it's in maintenance mode.",
        node.uuid
    ))
}

/// The decision: state, reservation, work and event in one transaction. A 202 means that this was committed.
pub fn request(tx: &Tx, uuid: Uuid, request: &Request, rules: &Rules) -> Refused<()> {
    let before = flow::load(tx, uuid)?;
    let verb = precheck(&before, request, rules)?;
    hold::refuse(tx)?;
    if before.reservation.is_some() {
        return Err(Refusal::locked(&before));
    }
    if verb.blocked_by_maintenance && before.maintenance {
        return Err(in_maintenance(&before, verb.target));
    }
    if before.protected && matches!(verb.event, Event::Delete | Event::Rebuild) {
        return Err(Refusal::Forbidden(format!(
            "Node {} is protected and cannot be undeployed, rebuilt or deleted.",
            before.uuid
        )));
    }
    if before.retired && verb.event == Event::Provide {
        return Err(Refusal::invalid(format!(
            "Node {} is retired and cannot be made available; remove the retired flag first.",
            before.uuid
        )));
    }
    let mut node = before.clone();
    match verb.event {
        Event::Abort => abort(tx, &mut node, rules)?,
        Event::Unhold => unhold(tx, &mut node, rules)?,
        // Only a machine that was never looked at is verified; the other ways to `manageable` are decisions.
        Event::Manage if node.provision_state != State::Enroll => {
            flow::fire(tx, &mut node, Event::Manage)?;
            drop_work(tx, &node)?;
        }
        event => {
            let name = verb.flow.ok_or_else(|| Refusal::invalid("this verb starts no flow"))?;
            begin(tx, &mut node, event, name, request, rules)?;
        }
    }
    nodes::update(tx, &before, &node)?;
    Ok(())
}

fn begin(tx: &Tx, node: &mut Node, event: Event, name: FlowName, request: &Request, rules: &Rules) -> Refused<()> {
    let was = node.provision_state;
    flow::fire(tx, node, event)?;
    node.last_error = None;
    let mut args = Object::default();
    let mut asked = Vec::new();
    match name {
        FlowName::Clean if event == Event::Clean => {
            node.target_provision_state = Some(State::Manageable);
            args.set("manual", true);
            asked = request.clean_steps.clone().unwrap_or_default();
        }
        FlowName::Service => asked = request.service_steps.clone().unwrap_or_default(),
        FlowName::Deploy => {
            infer_image_type(node);
            asked = deploy_steps(tx, node, request, rules)?;
            args.set("rebuild", event == Event::Rebuild);
            if let Some(bytes) = request.drive_bytes() {
                blobs::put(tx, node.uuid, BlobKind::ConfigDrive, &bytes)?;
                node.instance_info.set("configdrive", crate::model::secret::MASK);
            }
        }
        // A machine in rescue, or half way there, has its ramdisk removed first.
        FlowName::Delete => args.set("from", was.as_str()),
        FlowName::Rescue => {
            if let Some(hash) = &request.rescue_hash {
                rescue::remember(tx, node, hash)?;
            }
        }
        _ => {}
    }
    if request.disable_ramdisk == Some(true) {
        args.set("disable_ramdisk", true);
    }
    // Not in the work's row: their arguments may hold passwords.
    blobs::put_json(tx, node.uuid, BlobKind::AskedSteps, &asked)?;
    flow::start(tx, node, name, args, rules)?;
    Ok(())
}

/// Says what kind of image the node's is, where clients and agents read it: as the client says, or one file system if a
/// kernel or ramdisk comes with it. Of an image that is only a name in an image service nothing is known.
fn infer_image_type(node: &mut Node) {
    let given = |key: &str| node.instance_info.text(key).filter(|text| !text.is_empty());
    node.driver_internal_info.remove("is_whole_disk_image");
    let Some(source) = given("image_source") else { return };
    let named = source.starts_with("glance://") || Uuid::try_parse(&source).is_ok();
    let partition = match given("image_type") {
        Some(kind) => kind == "partition",
        None if named => return,
        None => given("kernel").is_some() || given("ramdisk").is_some(),
    };
    node.driver_internal_info.set("is_whole_disk_image", !partition);
    node.instance_info.set("image_type", if partition { "partition" } else { "whole-disk" });
}

/// The steps of a deploy: the request's, and those of the templates that the instance calls for. What the operator does
/// not allow is left out of a template, and refused in a request.
pub fn deploy_steps(read: &Read, node: &Node, request: &Request, rules: &Rules) -> Refused<Vec<AskedStep>> {
    let templates = deploy_templates::matching(read, &node.instance_info)?;
    let mut theirs: Vec<AskedStep> = templates.iter().flat_map(|template| template.steps.clone()).collect();
    if let Some(twice) = steps::twice(&theirs) {
        let names: Vec<_> = templates.iter().map(|template| template.name.as_str()).collect();
        return Err(Refusal::invalid(format!(
            "The deploy templates {} that match instance_info.traits have the step {} more than once.",
            names.join(", "),
            twice.name()
        )));
    }
    theirs.retain(|step| !rules.disallowed.deploy.contains(&step.name()));
    Ok(steps::with_templates(request.deploy_steps.as_deref().unwrap_or_default(), theirs))
}

/// What an instance asks for must be what the machine has.
pub fn check_instance_traits(read: &Read, node: &Node) -> Refused<()> {
    let wanted = match node.instance_info.get("traits") {
        None | Some(Value::Null) => return Ok(()),
        Some(wanted) => wanted,
    };
    let names: Option<Vec<&str>> = wanted.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    let names = names.ok_or_else(|| Refusal::invalid("instance_info.traits: a list of strings is expected"))?;
    let has = nodes::traits(read, node.uuid)?;
    let missing: Vec<_> = names.into_iter().filter(|name| !has.iter().any(|it| it == name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "instance_info.traits: node {} does not have the traits {}",
        node.uuid,
        missing.join(", ")
    )))
}

/// Ends a wait at the client's word. If a step is being done that may not be interrupted, the abort is carried out once
/// it is over.
fn abort(tx: &Tx, node: &mut Node, rules: &Rules) -> Refused<()> {
    let state = node.provision_state;
    let owed = work::of_node(tx, node.uuid)?;
    let name = owed.as_ref().map(|work| work.flow).or_else(|| flow_of(state)).unwrap_or(FlowName::Clean);
    if state == State::ServiceFailed && node.maintenance {
        return Err(Refusal::conflict(format!("Node {} is in maintenance; clear that first.", node.uuid)));
    }
    if let Some(owed) = &owed
        && !may_abort(tx, node, owed)?
    {
        let mut later = owed.clone();
        later.abort_requested = true;
        work::update(tx, owed, &later)?;
        if let Some(column) = flow::step_column(node, name) {
            column.set("abort_after", true);
        }
        return Ok(());
    }
    unwind(tx, node, name, Event::Abort, &aborted(state, name), rules)?;
    Ok(())
}

/// What is said of a flow that ended at the client's word.
pub fn aborted(state: State, name: FlowName) -> String {
    match state {
        State::InspectWait => "Inspection was aborted by request.".to_owned(),
        State::DeployWait | State::DeployHold => "Deployment was aborted by request.".to_owned(),
        _ => format!("The {} was aborted by request.", name.as_str()),
    }
}

/// Leaves a flow through its failed state, and owes it the cleaning up.
pub fn unwind(
    tx: &Tx,
    node: &mut Node,
    name: FlowName,
    event: Event,
    why: &str,
    rules: &Rules,
) -> Result<(), crate::store::StoreError> {
    // A service that has failed already is aborted too. Its way to `active` is open once the ramdisk is gone.
    if node.provision_state != State::ServiceFailed {
        flow::fire(tx, node, event)?;
    }
    let told = with_next(why, after(name, event));
    super::journal::failure(tx, node, flow::event_type(name), &told)?;
    node.last_error = Some(told);
    flow::forget_step(node, name);
    if name == FlowName::Rescue {
        rescue::forget(tx, node)?;
    }
    let mut args = flow::args([("aborted", (event == Event::Abort).into())]);
    let bare = work::of_node(tx, node.uuid)?.and_then(|ended| ended.args.get("bare"));
    if let Some(bare) = bare {
        // No ramdisk was booted, so none is taken down.
        args.set("bare", bare);
    }
    flow::start(tx, node, name, args, rules)?;
    if let Some(started) = work::of_node(tx, node.uuid)? {
        work::update(tx, &started, &crate::model::Work { stage: Stage::Unwind, ..started.clone() })?;
    }
    Ok(())
}

/// Whether nothing is being done to the machine that an abort would spoil.
fn may_abort(tx: &Tx, node: &Node, owed: &crate::model::Work) -> Refused<bool> {
    if owed.stage != Stage::Step || owed.attempt == 0 || owed.phase == Phase::Held {
        return Ok(true);
    }
    let steps: Option<Vec<Step>> = blobs::load_json(tx, node.uuid, BlobKind::Steps)?;
    let step = steps.as_ref().and_then(|steps| steps.get(usize::try_from(owed.step).ok()?));
    Ok(step.is_none_or(|step| step.abortable))
}

fn unhold(tx: &Tx, node: &mut Node, rules: &Rules) -> Refused<()> {
    let Some(held) = work::of_node(tx, node.uuid)? else {
        return Err(Refusal::conflict(format!("Nothing is held on node {}.", node.uuid)));
    };
    flow::fire(tx, node, Event::Unhold)?;
    let mut next = held.clone();
    next.phase = Phase::Waiting;
    next.step += 1;
    next.attempt = 0;
    next.why = Some(WaitFor::NextHeartbeat.as_str().to_owned());
    next.since = tx.now();
    next.deadline_at = flow::deadline(tx, held.flow, rules);
    // A held service goes on at once, and so does what has no agent; the others wait for theirs to show that it is still
    // there.
    next.heartbeat = held.flow == FlowName::Service || held.args.get("bare").is_some();
    work::update(tx, &held, &next)?;
    Ok(())
}

fn drop_work(tx: &Tx, node: &Node) -> Refused<()> {
    if let Some(owed) = work::of_node(tx, node.uuid)? {
        work::delete(tx, owed.id)?;
    }
    Ok(())
}

/// The flow that a state belongs to.
pub fn flow_of(state: State) -> Option<FlowName> {
    flows::FLOWS
        .iter()
        .find(|flow| {
            flow.running == state
                || flow.waiting == Some(state)
                || flow.holding == Some(state)
                || (flow.failed == state && state.is_failed())
        })
        .map(|flow| flow.name)
}

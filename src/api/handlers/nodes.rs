//! Nodes: lists, single ones, and their coming, changing and going. What lies below a node has files of its own.

pub mod bios;
pub mod boot_mode;
pub mod console;
mod filters;
pub mod firmware;
pub mod hardware;
pub mod indicators;
pub mod provision;
pub mod raid;
pub mod states;
pub mod traits;
pub mod vendor;
pub mod views;
pub mod vifs;
pub mod vmedia;

use hyper::StatusCode;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::api::fault::Whose;
use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::nodes::NODE;
use crate::api::surface::routes::ROUTES;
use crate::api::surface::{Quirk, Version, Write};
use crate::api::view::{View, Wanted, string};
use crate::api::{Answer, Call, Fault, patch};
use crate::model::{Node, Record, State};
use crate::service::nodes::{self, Ident, Patch};
use crate::service::patch::Op;
use crate::service::{Refused, names};
use crate::store::StoreError;

/// `GET /v1/nodes`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Query, None).await
}

/// `GET /v1/nodes/detail`
pub async fn detail(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Path, None).await
}

/// `GET /v1/chassis/{chassis}/nodes`
pub async fn list_of_chassis(call: Call) -> Result<Answer, Fault> {
    let chassis = call.uuid(0, "chassis_uuid")?;
    page(call, Detail::Query, Some(chassis)).await
}

/// `GET /v1/chassis/{chassis}/nodes/detail`
pub async fn detail_of_chassis(call: Call) -> Result<Answer, Fault> {
    let chassis = call.uuid(0, "chassis_uuid")?;
    page(call, Detail::Path, Some(chassis)).await
}

async fn page(call: Call, detail: Detail, of_chassis: Option<Uuid>) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, &NODE, &mut query, detail)?;
    let asked = filters::parse(&call, &mut query, &mut listing, of_chassis)?;
    let state = call.state.clone();
    let body = call.state.store.read(move |read| {
        let filters = asked.resolve(read)?;
        listing.write(read, &filters, &mut |_, _, out| special(&state.settings.conductor, out))
    });
    Ok(Answer::ok(body.await?))
}

/// `GET /v1/nodes/{node}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let view = listing::single(&call, &NODE)?;
    one(call, view).await
}

/// The node of the path through a view.
async fn one(call: Call, view: View) -> Result<Answer, Fault> {
    let ident = ident(&call)?;
    let state = call.state.clone();
    let body = call.state.store.glance(move |read| {
        let (column, value) = match &ident {
            Ident::Uuid(uuid) => ("uuid", uuid.to_string()),
            Ident::Name(name) => ("name", name.clone()),
        };
        let found = listing::object(read, &NODE, &view, column, &value, &mut |_, _, out| {
            special(&state.settings.conductor, out)
        })?;
        found.ok_or_else(|| Fault::not_found(format!("Node {ident} could not be found.")))
    });
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/nodes`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let sent = call.object("node")?;
    check_new(&call, &sent)?;
    let state = if call.version.has(Quirk::NodesStartInEnroll) { State::Enroll } else { State::Available };
    let view = View::new(&NODE, call.version, &call.base, &Wanted::All)?;
    let shared = call.state.clone();
    let created = call.state.write(move |tx| {
        let node = nodes::create(tx, &sent, state)?;
        Ok((node.uuid, whole(&view, &shared.settings.conductor, &node)?))
    });
    let (uuid, body) = created.await?;
    Ok(Answer::created(body, format!("/v1/nodes/{uuid}")))
}

/// Which fields a client may send, and what of the version there is to say about them.
fn check_new(call: &Call, sent: &Map<String, Value>) -> Result<(), Fault> {
    for name in sent.keys() {
        let writable = NODE.field(name).is_some_and(|field| matches!(field.write, Write::Create | Write::Always));
        if !writable {
            return Err(Fault::invalid(format!(
                "Schema error for node: Additional properties are not allowed ('{name}' was unexpected)"
            )));
        }
    }
    for (name, value) in sent {
        // A field that says nothing is no use of the field.
        let empty = value.is_null() || (name == "conductor_group" && value == "");
        if !empty && NODE.field(name).is_some_and(|field| !field.at(call.version)) {
            return Err(Fault::not_acceptable());
        }
    }
    match sent.get("name") {
        Some(Value::String(name)) => check_name(call.version, name, "Cannot create node with invalid name"),
        _ => Ok(()),
    }
}

fn check_name(version: Version, name: &str, refusal: &str) -> Result<(), Fault> {
    let valid = if version.has(Quirk::FreeNodeNames) { names::is_valid(name) } else { names::is_host(name) };
    if !valid {
        return Err(Fault::invalid(format!("{refusal} '{name}'")));
    }
    if names::RESERVED.contains(&name) {
        return Err(Fault::invalid(format!(
            "The word \"{name}\" is reserved and can not be used as a node name. Reserved words are: {}.",
            names::RESERVED.join(", ")
        )));
    }
    Ok(())
}

/// `PATCH /v1/nodes/{node}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let reset = query.take_bool("reset_interfaces")?;
    let operations = patch::parse(&call)?;
    for operation in operations.iter().filter(|operation| operation.root() == "name" && operation.is_whole()) {
        if let Op::Add(Value::String(name)) | Op::Replace(Value::String(name)) = &operation.op {
            let refusal = format!("Node {}: Cannot change name to invalid name", call.param(0));
            check_name(call.version, name, &refusal)?;
        }
    }
    let patch = Patch {
        operations,
        reset_interfaces: reset == Some(true),
        locked_while_inspecting: call.version.has(Quirk::InspectWaitHasAName),
        chassis_unsettable: call.version.has(Quirk::ChassisUnsettable),
    };
    let ident = ident(&call)?;
    let view = View::new(&NODE, call.version, &call.base, &Wanted::All)?;
    let shared = call.state.clone();
    let updated = call.state.write(move |tx| {
        let mut node = nodes::patch(tx, &ident, &patch)?;
        // The answer is written while the node is held for this change, and says so, as Ironic's does.
        node.reservation = Some(shared.settings.conductor.clone());
        whole(&view, &shared.settings.conductor, &node)
    });
    Ok(Answer::ok(updated.await?))
}

/// `DELETE /v1/nodes/{node}`
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call)?;
    call.state.write(move |tx| nodes::delete(tx, &ident)).await?;
    Ok(Answer::nothing())
}

/// `PATCH` and `DELETE /v1/nodes`: which node?
pub async fn which(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: node_ident"))
}

/// `PUT` and `DELETE /v1/nodes/{node}/maintenance`
pub async fn set_maintenance(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    let reason = crate::api::request::text(&arguments, "reason")?;
    maintenance(call, Some(reason)).await
}

pub async fn clear_maintenance(call: Call) -> Result<Answer, Fault> {
    maintenance(call, None).await
}

async fn maintenance(call: Call, reason: Option<Option<String>>) -> Result<Answer, Fault> {
    let ident = ident(&call)?;
    call.state.write(move |tx| nodes::set_maintenance(tx, &ident, reason.clone())).await?;
    Ok(Answer::accepted())
}

/// A path below a node that leads nowhere: 404, of the node if that is what is missing.
pub async fn nowhere(call: Call) -> Result<Answer, Fault> {
    find(&call).await?;
    // Something that only has things below it cannot be got itself, but it is there.
    let below = format!("/v1/nodes/{{node}}/{}/", call.param(1));
    if ROUTES.iter().any(|route| route.path.starts_with(&below)) {
        return Err(Fault::Method { allow: String::new(), whose: Whose::Router });
    }
    Err(Fault::not_found("The resource could not be found."))
}

/// How the path addresses its node. Text that can be no name is the client's mistake; a name under a version that knows
/// none is not found.
pub(super) fn ident(call: &Call) -> Result<Ident, Fault> {
    named(call, call.param(0))
}

pub(super) fn named(call: &Call, text: &str) -> Result<Ident, Fault> {
    let ident = Ident::parse(text);
    if let Ident::Name(name) = &ident {
        if !names::is_logical(name) {
            return Err(Fault::routing(StatusCode::BAD_REQUEST, format!("Expected UUID or name for node: {name}")));
        }
        if !call.version.has(Quirk::NodesHaveNames) {
            return Err(Fault::not_found(format!("Node {name} could not be found.")));
        }
    }
    Ok(ident)
}

/// The node of the path.
pub(super) async fn find(call: &Call) -> Result<Node, Fault> {
    let ident = ident(call)?;
    Ok(call.state.store.glance(move |read| nodes::find(read, &ident)).await?)
}

fn whole(view: &View, conductor: &str, node: &Node) -> Refused<Vec<u8>> {
    let mut out = Vec::with_capacity(4096);
    view.record(&mut out, node, &mut |_, _, out| special(conductor, out))?;
    Ok(out)
}

/// The field of a node that is no column: there is one conductor.
fn special(conductor: &str, out: &mut Vec<u8>) -> Result<(), StoreError> {
    string(out, conductor);
    Ok(())
}

/// What a list of settings shows: what is asked for and the times, which are always there. Nothing `listed` is all.
fn settings_wanted(call: &Call, listed: &[&str]) -> Result<Wanted, Fault> {
    let mut query = call.query.clone();
    let (detail, names) = (query.take_bool("detail")?, query.take_list("fields")?);
    match (detail, names) {
        (Some(true), Some(_)) => Err(Fault::invalid("Can't fetch a subset of fields with 'detail' set")),
        (Some(true), None) => Ok(Wanted::All),
        (_, Some(mut names)) => {
            names.retain(|name| !matches!(name.as_str(), "created_at" | "updated_at"));
            names.extend(["created_at".to_owned(), "updated_at".to_owned()]);
            Ok(Wanted::Named(names))
        }
        (_, None) if listed.is_empty() => Ok(Wanted::All),
        (_, None) => Ok(Wanted::Listed),
    }
}

/// Records under the key of their list.
fn written<R: Record>(key: &str, records: &[R], view: &View) -> Result<Answer, Fault> {
    let mut out = format!("{{\"{key}\":[").into_bytes();
    for (i, record) in records.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        view.record(&mut out, record, &mut |_, _, _| Ok(()))?;
    }
    out.extend_from_slice(b"]}");
    Ok(Answer::ok(out))
}

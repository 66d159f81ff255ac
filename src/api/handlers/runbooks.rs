//! Runbooks and their traits.

use hyper::StatusCode;
use serde_json::Value;

use super::deploy_templates::{ident, marker, written};
use crate::api::listing::{self, Detail, Listing};
use crate::api::request::brief;
use crate::api::surface::runbooks::RUNBOOK;
use crate::api::surface::{Quirk, params};
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::model::Runbook;
use crate::service::{runbooks, traits};
use crate::store::Tx;
use crate::store::page::Filter;

/// `GET /v1/runbooks`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, &RUNBOOK, &mut query, Detail::Query).map_err(unknown)?;
    let project = query.take_bool("project")?;
    marker(&listing)?;
    let mut filters = Vec::new();
    if project == Some(true) {
        // What somebody of a project could see; here nobody is of one.
        filters.push(Filter::boolean("public", true));
        listing.carry("project", "True");
    }
    Ok(Answer::ok(call.state.store.read(move |read| listing.write(read, &filters, &mut |_, _, _| Ok(()))).await?))
}

/// `POST /v1/runbooks`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let map = body::create(&call).map_err(unknown)?;
    let by_name = !call.version.has(Quirk::RunbooksHaveTraits);
    let made = call.state.store.write(move |tx| runbooks::create(tx, &map, by_name)).await?;
    let location = format!("/v1/runbooks/{}", made.uuid);
    Ok(Answer::created(shown(&call, &made)?, location))
}

/// `GET /v1/runbooks/{runbook}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call, "runbook_ident")?;
    let view = listing::single(&call, &RUNBOOK).map_err(unknown)?;
    let found = call.state.store.read(move |read| runbooks::find(read, &ident)).await?;
    Ok(Answer::ok(written(&view, &found)?))
}

/// `PATCH /v1/runbooks/{runbook}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call, "runbook_ident")?;
    let operations = patch::parse(&call).map_err(unknown)?;
    let changed = call.state.store.write(move |tx| runbooks::update(tx, &ident, &operations)).await?;
    Ok(Answer::ok(shown(&call, &changed)?))
}

/// `DELETE /v1/runbooks/{runbook}`
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    call.arguments()?;
    let ident = ident(&call, "runbook_ident")?;
    call.state.store.write(move |tx| runbooks::delete(tx, &ident)).await?;
    Ok(Answer::nothing())
}

/// `PATCH` and `DELETE /v1/runbooks`: which?
pub async fn which(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: runbook_ident"))
}

/// `GET /v1/runbooks/{runbook}/traits`
pub async fn list_traits(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call, "runbook_ident")?;
    let found = call.state.store.read(move |read| runbooks::find(read, &ident)).await?;
    Ok(Answer::ok(format!("{{\"traits\":{}}}", found.traits.as_str()).into_bytes()))
}

/// `PUT /v1/runbooks/{runbook}/traits` with `{"traits": […]}`
pub async fn replace_traits(call: Call) -> Result<Answer, Fault> {
    let names = traits_in(&call)?.ok_or_else(one_or_all)?;
    let ident = ident(&call, "runbook_ident")?;
    let job = move |tx: &Tx| runbooks::change_traits(tx, &ident, |have| *have = names.clone());
    call.state.store.write(job).await?;
    Ok(Answer::nothing())
}

/// `DELETE /v1/runbooks/{runbook}/traits`
pub async fn clear_traits(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call, "runbook_ident")?;
    call.state.store.write(move |tx| runbooks::change_traits(tx, &ident, Vec::clear)).await?;
    Ok(Answer::nothing())
}

/// `PUT /v1/runbooks/{runbook}/traits/{trait}`, without a body
pub async fn add_trait(call: Call) -> Result<Answer, Fault> {
    let name = call.param(1).to_owned();
    check(&name, "trait")?;
    if traits_in(&call)?.is_some() {
        return Err(one_or_all());
    }
    let ident = ident(&call, "runbook_ident")?;
    let location = format!("/v1/runbooks/{}/traits/{}", call.param(0), name);
    let job = move |tx: &Tx| runbooks::change_traits(tx, &ident, |have| have.push(name.clone()));
    call.state.store.write(job).await?;
    Ok(Answer::nothing().at(location))
}

/// `DELETE /v1/runbooks/{runbook}/traits/{trait}`: one that is not there is gone already.
pub async fn remove_trait(call: Call) -> Result<Answer, Fault> {
    let (ident, name) = (ident(&call, "runbook_ident")?, call.param(1).to_owned());
    let job = move |tx: &Tx| runbooks::change_traits(tx, &ident, |have| have.retain(|known| *known != name));
    call.state.store.write(job).await?;
    Ok(Answer::nothing())
}

/// The list in the body; none if there is no word of one.
fn traits_in(call: &Call) -> Result<Option<Vec<String>>, Fault> {
    let arguments = call.object("body")?;
    if let Some(other) = arguments.keys().find(|key| *key != "traits") {
        return Err(Fault::invalid(format!(
            "Schema error for body: Additional properties are not allowed ('{other}' was unexpected)"
        )));
    }
    let Some(value) = arguments.get("traits") else { return Ok(None) };
    let wrong = |value: &Value, kind: &str| {
        Fault::invalid(format!("Schema error for body: traits: {} is not of type '{kind}'", brief(value)))
    };
    let items = value.as_array().ok_or_else(|| wrong(value, "array"))?;
    if items.len() > params::MOST_RUNBOOK_TRAITS {
        return Err(Fault::invalid(format!(
            "Schema error for body: traits: expected at most {} of them",
            params::MOST_RUNBOOK_TRAITS
        )));
    }
    let mut names = Vec::new();
    for item in items {
        let name = item.as_str().ok_or_else(|| wrong(item, "string"))?;
        check(name, "body")?;
        names.push(name.to_owned());
    }
    Ok(Some(names))
}

fn check(name: &str, what: &str) -> Result<(), Fault> {
    if traits::is_valid(name) {
        return Ok(());
    }
    Err(Fault::invalid(format!(
        "Schema error for {what}: '{name}' does not match CUSTOM_[A-Z0-9_]+ and is no standard trait"
    )))
}

fn one_or_all() -> Fault {
    Fault::invalid(
        "A single runbook trait may be added via PUT /v1/runbooks/<runbook identifier>/traits/<trait> with no body, or \
         all runbook traits may be replaced via PUT /v1/runbooks/<runbook identifier>/traits with the list of traits \
         specified in the request body.",
    )
}

/// A field of a runbook that is newer than the client is to Ironic one that it has never heard of.
fn unknown(fault: Fault) -> Fault {
    match fault.status() {
        StatusCode::NOT_ACCEPTABLE => Fault::invalid("Field(s) of a newer version are not valid"),
        _ => fault,
    }
}

fn shown(call: &Call, runbook: &Runbook) -> Result<Vec<u8>, Fault> {
    written(&View::new(&RUNBOOK, call.version, &call.base, &Wanted::All)?, runbook)
}

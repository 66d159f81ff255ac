//! Deploy templates.

use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::deploy_templates::DEPLOY_TEMPLATE;
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::model::{DeployTemplate, Record};
use crate::service::{deploy_templates, names};

/// `GET /v1/deploy_templates`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let listing = Listing::parse(&call, &DEPLOY_TEMPLATE, &mut query, Detail::Query)?;
    marker(&listing)?;
    Ok(Answer::ok(call.state.store.read(move |read| listing.write(read, &[], &mut |_, _, _| Ok(()))).await?))
}

/// `POST /v1/deploy_templates`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let map = body::create(&call)?;
    let made = call.state.store.write(move |tx| deploy_templates::create(tx, &map)).await?;
    let location = format!("/v1/deploy_templates/{}", made.uuid);
    Ok(Answer::created(shown(&call, &made)?, location))
}

/// `GET /v1/deploy_templates/{template}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call, "template_ident")?;
    let view = listing::single(&call, &DEPLOY_TEMPLATE)?;
    let found = call.state.store.read(move |read| deploy_templates::find(read, &ident)).await?;
    Ok(Answer::ok(written(&view, &found)?))
}

/// `PATCH /v1/deploy_templates/{template}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call, "template_ident")?;
    let operations = patch::parse(&call)?;
    let changed = call.state.store.write(move |tx| deploy_templates::update(tx, &ident, &operations)).await?;
    Ok(Answer::ok(shown(&call, &changed)?))
}

/// `DELETE /v1/deploy_templates/{template}`
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    call.arguments()?;
    let ident = ident(&call, "template_ident")?;
    call.state.store.write(move |tx| deploy_templates::delete(tx, &ident)).await?;
    Ok(Answer::nothing())
}

/// `PATCH` and `DELETE /v1/deploy_templates`: which?
pub async fn which(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: template_ident"))
}

/// How the path addresses its object: by UUID or by a name.
pub(super) fn ident(call: &Call, what: &str) -> Result<String, Fault> {
    let ident = call.param(0);
    if names::is_logical(ident) {
        return Ok(ident.to_owned());
    }
    Err(Fault::invalid(format!("Expected UUID or name for {what}: {ident}")))
}

/// A marker is the UUID of an object; what could not even be a name is a mistake of another kind.
pub(super) fn marker(listing: &Listing) -> Result<(), Fault> {
    match listing.marker() {
        Some(marker) if !names::is_logical(marker) => {
            Err(Fault::invalid(format!("Expected name for marker: {marker}")))
        }
        _ => Ok(()),
    }
}

/// An object without fields that are no columns.
pub(super) fn written<R: Record>(view: &View, record: &R) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(1024);
    view.record(&mut out, record, &mut |_, _, _| Ok(()))?;
    Ok(out)
}

fn shown(call: &Call, template: &DeployTemplate) -> Result<Vec<u8>, Fault> {
    written(&View::new(&DEPLOY_TEMPLATE, call.version, &call.base, &Wanted::All)?, template)
}

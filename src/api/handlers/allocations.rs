//! Allocations.

use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::allocations::ALLOCATION;
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::model::Allocation;
use crate::service::{allocations, ident};
use crate::store::Tx;
use crate::store::page::Filter;

/// `GET /v1/allocations`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, &ALLOCATION, &mut query, Detail::Query)?;
    let node = query.take("node")?;
    let mut filters = Vec::new();
    for name in ["resource_class", "state", "owner"] {
        let Some(value) = query.take(name)? else { continue };
        filters.push(Filter::text(name, &value));
        listing.carry(name, value);
    }
    if let Some(ident) = &node {
        listing.carry("node", ident);
    }
    let body = call.state.store.read(move |read| {
        if let Some(name) = &node {
            filters.push(Filter::text("node_uuid", &ident::mentioned_node(read, name)?.uuid.to_string()));
        }
        listing.write(read, &filters, &mut |_, _, _| Ok(()))
    });
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/allocations`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let map = body::create(&call)?;
    let wanted = allocations::Wanted::read(&map)?;
    let made = call.state.engine.write_when_free(move |tx| allocations::create(tx, &wanted)).await?;
    let location = format!("/v1/allocations/{}", made.uuid);
    Ok(Answer::created(shown(&call, &made)?, location))
}

/// `GET /v1/allocations/{allocation}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let view = listing::single(&call, &ALLOCATION)?;
    let ident = call.param(0).to_owned();
    let found = call.state.store.glance(move |read| allocations::find(read, &ident)).await?;
    Ok(Answer::ok(written(&view, &found)?))
}

/// `PATCH /v1/allocations/{allocation}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let operations = patch::parse(&call)?;
    let ident = call.param(0).to_owned();
    let changed = call.state.store.write(move |tx| allocations::update(tx, &ident, &operations)).await?;
    Ok(Answer::ok(shown(&call, &changed)?))
}

/// `DELETE /v1/allocations/{allocation}`
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    let ident = call.param(0).to_owned();
    call.state.engine.write_when_free(move |tx| allocations::delete(tx, &ident)).await?;
    Ok(Answer::nothing())
}

/// `GET /v1/nodes/{node}/allocation`
pub async fn show_of_node(call: Call) -> Result<Answer, Fault> {
    let view = listing::single(&call, &ALLOCATION)?;
    let name = call.param(0).to_owned();
    let read = call.state.store.read(move |read| allocations::of_node(read, &ident::mentioned_node(read, &name)?));
    Ok(Answer::ok(written(&view, &read.await?)?))
}

/// `DELETE /v1/nodes/{node}/allocation`
pub async fn delete_of_node(call: Call) -> Result<Answer, Fault> {
    let name = call.param(0).to_owned();
    let job = move |tx: &Tx| {
        let allocation = allocations::of_node(tx, &ident::node(tx, &name)?)?;
        allocations::delete(tx, &allocation.uuid.to_string())
    };
    call.state.engine.write_when_free(job).await?;
    Ok(Answer::nothing())
}

fn shown(call: &Call, allocation: &Allocation) -> Result<Vec<u8>, Fault> {
    written(&View::new(&ALLOCATION, call.version, &call.base, &Wanted::All)?, allocation)
}

fn written(view: &View, allocation: &Allocation) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(1024);
    view.record(&mut out, allocation, &mut |_, _, _| Ok(()))?;
    Ok(out)
}

//! Port groups. Their members are listed by [`super::ports`].

use hyper::StatusCode;
use uuid::Uuid;

use super::nodes;
use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::Quirk;
use crate::api::surface::portgroups::PORTGROUP;
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::service::{ident, names, portgroups, ports};
use crate::store::page::Filter;

/// `GET /v1/portgroups`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Query, None).await
}

/// `GET /v1/portgroups/detail`
pub async fn detail(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Path, None).await
}

/// `GET /v1/nodes/{node}/portgroups`
pub async fn list_of_node(call: Call) -> Result<Answer, Fault> {
    let node = nodes::ident(&call)?.to_string();
    page(call, Detail::Query, Some(node)).await
}

/// `GET /v1/nodes/{node}/portgroups/detail`
pub async fn detail_of_node(call: Call) -> Result<Answer, Fault> {
    let node = nodes::ident(&call)?.to_string();
    page(call, Detail::Path, Some(node)).await
}

async fn page(call: Call, detail: Detail, of_node: Option<String>) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, &PORTGROUP, &mut query, detail)?.unveiled(&call)?;
    let mut filters = Vec::new();
    if let Some(shards) = query.take("shard")?.filter(|text| !text.is_empty()) {
        filters.push(Filter::one_of("shard", shards.split(',').map(str::trim)).of_node());
        listing.carry("shard", shards);
    }
    if let Some(address) = query.take("address")? {
        let canonical = ports::mac(&address)
            .ok_or_else(|| Fault::invalid(format!("Expected valid MAC address for address: {address}")))?;
        filters.push(Filter::text("address", &canonical));
        listing.carry("address", address);
    }
    if let Some(groups) = query.take("conductor_groups")?.filter(|text| !text.is_empty()) {
        let lower = groups.to_lowercase();
        filters.push(Filter::one_of("conductor_group", lower.split(',').map(str::trim)).of_node());
        listing.carry("conductor_groups", groups);
    }
    let node = query.take_ident("node")?;
    if let Some(name) = &node {
        listing.carry("node", name);
    }
    let node = of_node.or(node);
    if filters.len() + usize::from(node.is_some()) > 1 {
        return Err(Fault::invalid(
            "Filtering by node, address, shard or conductor_groups simultaneously is not supported.",
        ));
    }
    let body = call.state.store.read(move |read| {
        if let Some(name) = &node {
            filters.push(Filter::text("node_uuid", &ident::node(read, name)?.uuid.to_string()));
        }
        listing.write(read, &filters, &mut |_, _, _| Ok(()))
    });
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/portgroups`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let map = body::checked(&call, portgroups::check)?;
    let view = View::new(&PORTGROUP, call.version, &call.base, &Wanted::All)?;
    let made = call.state.write(move |tx| {
        let uuid = portgroups::create(tx, &map)?;
        Ok((uuid, listing::whole(tx, &PORTGROUP, &view, uuid)?))
    });
    let (uuid, body) = made.await?;
    Ok(Answer::created(body, format!("/v1/portgroups/{uuid}")))
}

/// `GET /v1/portgroups/{portgroup}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let ident = group(&call)?;
    let view = listing::single(&call, &PORTGROUP)?;
    let body = call.state.store.read(move |read| {
        let found = portgroups::find(read, &ident)?;
        listing::whole(read, &PORTGROUP, &view, found.uuid)
    });
    Ok(Answer::ok(body.await?))
}

/// The group's UUID or name in the path.
pub(super) fn group(call: &Call) -> Result<String, Fault> {
    let text = call.param(0);
    if Uuid::try_parse(text).is_ok() || names::is_logical(text) {
        return Ok(text.to_owned());
    }
    Err(Fault::routing(StatusCode::BAD_REQUEST, format!("Expected UUID or name for portgroup: {text}")))
}

/// `PATCH /v1/portgroups/{portgroup}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let ident = group(&call)?;
    let operations = patch::parse(&call)?;
    let blocks = call.version.has(Quirk::InspectWaitHasAName);
    let view = View::new(&PORTGROUP, call.version, &call.base, &Wanted::All)?;
    let changed = call.state.write(move |tx| {
        let uuid = portgroups::update(tx, &ident, &operations, blocks)?;
        listing::whole(tx, &PORTGROUP, &view, uuid)
    });
    Ok(Answer::ok(changed.await?))
}

/// `DELETE /v1/portgroups/{portgroup}`
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    let ident = group(&call)?;
    call.state.write(move |tx| portgroups::delete(tx, &ident)).await?;
    Ok(Answer::nothing())
}

/// `DELETE` and `PATCH` of the list: which one?
pub async fn which(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: portgroup_ident"))
}

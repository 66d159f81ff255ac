//! Ports.

use serde_json::Value;
use uuid::Uuid;

use super::{nodes, portgroups};
use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::Quirk;
use crate::api::surface::ports::{LINK_KEYS, PORT};
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::service::patch::Operation;
use crate::service::{self, Refused, ident, names, ports};
use crate::store::Read;
use crate::store::page::Filter;
use crate::store::ports::described;

/// `GET /v1/ports`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Query, None).await
}

/// `GET /v1/ports/detail`
pub async fn detail(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Path, None).await
}

/// `GET /v1/nodes/{node}/ports`
pub async fn list_of_node(call: Call) -> Result<Answer, Fault> {
    let node = Parent::Node(nodes::ident(&call)?.to_string());
    page(call, Detail::Query, Some(node)).await
}

/// `GET /v1/nodes/{node}/ports/detail`
pub async fn detail_of_node(call: Call) -> Result<Answer, Fault> {
    let node = Parent::Node(nodes::ident(&call)?.to_string());
    page(call, Detail::Path, Some(node)).await
}

/// `GET /v1/portgroups/{portgroup}/ports`
pub async fn list_of_portgroup(call: Call) -> Result<Answer, Fault> {
    let group = Parent::Group(portgroups::group(&call)?);
    page(call, Detail::Query, Some(group)).await
}

/// `GET /v1/portgroups/{portgroup}/ports/detail`
pub async fn detail_of_portgroup(call: Call) -> Result<Answer, Fault> {
    let group = Parent::Group(portgroups::group(&call)?);
    page(call, Detail::Path, Some(group)).await
}

/// What ports belong to, by UUID or name.
enum Parent {
    Node(String),
    Group(String),
}

impl Parent {
    fn filter(&self, read: &Read) -> Refused<Filter> {
        Ok(match self {
            Parent::Node(name) => Filter::text("node_uuid", &ident::node(read, name)?.uuid.to_string()),
            Parent::Group(name) => {
                Filter::text("portgroup_uuid", &service::portgroups::find(read, name)?.uuid.to_string())
            }
        })
    }
}

async fn page(call: Call, detail: Detail, below: Option<Parent>) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, &PORT, &mut query, detail)?;
    let mut parents: Vec<Parent> = below.into_iter().collect();
    let mut filters = Vec::new();
    let node = query.take_ident("node")?;
    if node.as_ref().is_some_and(|name| !call.version.has(Quirk::NodesHaveNames) && Uuid::try_parse(name).is_err()) {
        return Err(Fault::not_acceptable());
    }
    if let Some(name) = query.take("node_uuid")?.or(node) {
        listing.carry("node", &name);
        // What the path says goes without saying in the query.
        if !matches!(parents.first(), Some(Parent::Node(_))) {
            parents.push(Parent::Node(name));
        }
    }
    if let Some(name) = query.take_ident("portgroup")? {
        listing.carry("portgroup", &name);
        if !matches!(parents.first(), Some(Parent::Group(_))) {
            parents.push(Parent::Group(name));
        }
    }
    if let Some(shards) = query.take("shard")?.filter(|text| !text.is_empty()) {
        filters.push(Filter::one_of("shard", shards.split(',').map(str::trim)).of_node());
        listing.carry("shard", shards);
    }
    if filters.len() + parents.len() > 1 {
        return Err(Fault::forbidden("node, portgroup and shard cannot be asked for together"));
    }
    let address = query.take("address")?;
    let mac = address.as_ref().map(|text| {
        ports::mac(text).ok_or_else(|| Fault::invalid(format!("Expected valid MAC address for address: {text}")))
    });
    let mac = mac.transpose()?;
    if let Some(groups) = query.take("conductor_groups")?.filter(|text| !text.is_empty()) {
        if !parents.is_empty() || mac.is_some() {
            return Err(Fault::invalid("conductor_groups cannot be asked for together with other filters"));
        }
        let lower = groups.to_lowercase();
        filters.push(Filter::one_of("conductor_group", lower.split(',').map(str::trim)).of_node());
        listing.carry("conductor_groups", groups);
    }
    if let Some(text) = query.take("description_contains")?.filter(|text| !text.is_empty()) {
        filters.push(described(&text));
        listing.carry("description_contains", text);
    }
    // There is one at most, so what else is asked for adds nothing; but a node or a group that is named goes first.
    if let (Some(mac), Some(address), true) = (mac, address, parents.is_empty()) {
        filters = vec![Filter::text("address", &mac)];
        listing.carry("address", address);
    }
    let body = call.state.store.read(move |read| {
        for parent in &parents {
            filters.push(parent.filter(read)?);
        }
        listing.write(read, &filters, &mut |_, _, _| Ok(()))
    });
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/ports`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    let map = body::checked(&call, ports::check)?;
    if let Some(Value::Object(connection)) = map.get("local_link_connection")
        && LINK_KEYS.iter().any(|(key, during)| !during.contains(&call.version) && connection.contains_key(*key))
    {
        return Err(Fault::not_acceptable());
    }
    let view = whole(&call)?;
    let made = call.state.write(move |tx| {
        let uuid = ports::create(tx, &map)?.uuid;
        Ok((uuid, listing::whole(tx, &PORT, &view, uuid)?))
    });
    let (uuid, body) = made.await?;
    Ok(Answer::created(body, format!("/v1/ports/{uuid}")))
}

/// `GET /v1/ports/{port}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let name = port(&call)?;
    // Whether it is there is said before what is wrong with the fields that are asked for.
    let view = listing::single(&call, &PORT);
    let body = call.state.store.glance(move |read| {
        let found = ports::find(read, &name)?;
        Ok::<_, Fault>(listing::whole(read, &PORT, &view?, found.uuid)?)
    });
    Ok(Answer::ok(body.await?))
}

/// A port's UUID or name. Older versions show no names, but know ports by them all the same.
fn port(call: &Call) -> Result<String, Fault> {
    let ident = call.param(0);
    if names::is_logical(ident) {
        return Ok(ident.to_owned());
    }
    Err(Fault::invalid(format!("Expected UUID or name for port_ident: {ident}")))
}

/// `PATCH /v1/ports/{port}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    let name = port(&call)?;
    let operations = patch::parse(&call)?;
    let newer = |operation: &Operation| operation.path == ["local_link_connection", "network_type"];
    if operations.iter().any(newer) && !call.version.has(Quirk::NetworkType) {
        return Err(Fault::not_acceptable());
    }
    let blocks = call.version.has(Quirk::InspectWaitHasAName);
    let theirs = call.version.has(Quirk::PortgroupNetworks);
    let view = whole(&call)?;
    let changed = call.state.write(move |tx| {
        let port = ports::update(tx, &name, &operations, blocks, theirs)?;
        listing::whole(tx, &PORT, &view, port.uuid)
    });
    Ok(Answer::ok(changed.await?))
}

/// `DELETE /v1/ports/{port}`: by UUID only, lest a name hit the wrong card.
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    let ident = call.param(0);
    let uuid = Uuid::try_parse(ident).map_err(|_| Fault::invalid(format!("Expected UUID for port_uuid: {ident}")))?;
    call.state.engine.write_when_free(move |tx| ports::delete(tx, uuid)).await?;
    Ok(Answer::nothing())
}

/// `DELETE` and `PATCH` of a list: which one?
pub async fn missing(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: port_uuid"))
}

fn whole(call: &Call) -> Result<View, Fault> {
    View::new(&PORT, call.version, &call.base, &Wanted::All)
}

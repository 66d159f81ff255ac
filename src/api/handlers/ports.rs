//! Ports.

use serde_json::Value;
use uuid::Uuid;

use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::Quirk;
use crate::api::surface::ports::{LINK_KEYS, PORT};
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::model::Port;
use crate::service::patch::{Op, Operation};
use crate::service::{ident, ports};
use crate::store::page::Filter;
use crate::store::ports as rows;

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
    let node = call.param(0).to_owned();
    page(call, Detail::Query, Some(node)).await
}

/// `GET /v1/nodes/{node}/ports/detail`
pub async fn detail_of_node(call: Call) -> Result<Answer, Fault> {
    let node = call.param(0).to_owned();
    page(call, Detail::Path, Some(node)).await
}

async fn page(call: Call, detail: Detail, of_node: Option<String>) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, &PORT, &mut query, detail)?;
    let mut filters = Vec::new();
    let (node, node_uuid) = (query.take("node")?, query.take("node_uuid")?);
    let mut node = node.or(node_uuid);
    let group = query.take("portgroup")?;
    let shards = query.take("shard")?;
    if [node.is_some(), group.is_some(), shards.is_some()].iter().filter(|given| **given).count() > 1 {
        return Err(Fault::forbidden("node, portgroup and shard cannot be asked for together"));
    }
    if let Some(group) = group {
        return Err(Fault::not_found(format!("Portgroup {group} could not be found.")));
    }
    if let Some(shards) = shards {
        filters.push(rows::of_shards(shards.split(',')));
        listing.carry("shard", shards);
    }
    if let Some(text) = query.take("description_contains")? {
        filters.push(Filter::contains("description", &text));
        listing.carry("description_contains", text);
    }
    if let Some(address) = query.take("address")? {
        let canonical = ports::mac(&address)
            .ok_or_else(|| Fault::invalid(format!("Expected valid MAC address for address: {address}")))?;
        // There is one at most, so a node adds nothing; Ironic, given both, looks at the node.
        if node.is_none() {
            filters.push(Filter::text("address", &canonical));
            listing.unpaged();
        }
    }
    if let Some(groups) = query.take("conductor_groups")? {
        if !filters.is_empty() || node.is_some() {
            return Err(Fault::invalid("conductor_groups cannot be asked for together with other filters"));
        }
        filters.push(rows::of_conductor_groups(groups.split(',')));
        listing.carry("conductor_groups", groups);
    }
    query.end()?;
    if let Some(node) = &node {
        listing.carry("node", node);
    }
    node = of_node.or(node);
    let body = call.state.store.read(move |read| {
        if let Some(name) = &node {
            filters.push(Filter::text("node_uuid", &ident::node(read, name)?.uuid.to_string()));
        }
        listing.write(read, &filters, &mut |_, _, _| Ok(()))
    });
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/ports`
pub async fn create(call: Call) -> Result<Answer, Fault> {
    call.no_query()?;
    let map = body::create(&call)?;
    link_keys(&call, map.get("local_link_connection"))?;
    let made = call.state.store.write(move |tx| ports::create(tx, &map)).await?;
    let location = format!("/v1/ports/{}", made.uuid);
    Ok(Answer::created(shown(&call, &made)?, location))
}

/// Refuses keys of the connection that are newer than the version.
fn link_keys(call: &Call, connection: Option<&Value>) -> Result<(), Fault> {
    let Some(Value::Object(map)) = connection else { return Ok(()) };
    match LINK_KEYS.iter().any(|(key, since)| *since > call.version && map.contains_key(*key)) {
        true => Err(Fault::not_acceptable()),
        false => Ok(()),
    }
}

/// `GET /v1/ports/{port}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let view = listing::single(&call, &PORT)?;
    let name = port(&call)?;
    let found = call.state.store.read(move |read| ports::find(read, &name)).await?;
    Ok(Answer::ok(written(&view, &found)?))
}

/// A port's UUID, or its name since there are names.
fn port(call: &Call) -> Result<String, Fault> {
    let ident = call.param(0);
    let named = PORT.field("name").is_some_and(|field| field.at(call.version));
    if !named && Uuid::try_parse(ident).is_err() {
        return Err(Fault::not_found(format!("Port {ident} could not be found.")));
    }
    Ok(ident.to_owned())
}

/// `PATCH /v1/ports/{port}`
pub async fn update(call: Call) -> Result<Answer, Fault> {
    call.no_query()?;
    let operations = patch::parse(&call)?;
    for operation in operations.iter().filter(|operation| operation.root() == "local_link_connection") {
        match &operation.op {
            Op::Add(value) | Op::Replace(value) if operation.is_whole() => link_keys(&call, Some(value))?,
            _ => inner_link_key(&call, operation)?,
        }
    }
    let name = port(&call)?;
    let blocks = call.version.has(Quirk::InspectWaitHasAName);
    let engine = &call.state.engine;
    let changed = engine.write_when_free(move |tx| ports::update(tx, &name, &operations, blocks)).await?;
    Ok(Answer::ok(shown(&call, &changed)?))
}

fn inner_link_key(call: &Call, operation: &Operation) -> Result<(), Fault> {
    let key = operation.path.get(1);
    match LINK_KEYS.iter().find(|(name, _)| key.is_some_and(|key| key == name)) {
        Some((_, since)) if *since > call.version => Err(Fault::not_acceptable()),
        _ => Ok(()),
    }
}

/// `DELETE /v1/ports/{port}`: by UUID only, lest a name hit the wrong card.
pub async fn delete(call: Call) -> Result<Answer, Fault> {
    call.no_query()?;
    let ident = call.param(0);
    let uuid = Uuid::try_parse(ident).map_err(|_| Fault::invalid(format!("Expected UUID for port_uuid: {ident}")))?;
    call.state.engine.write_when_free(move |tx| ports::delete(tx, uuid)).await?;
    Ok(Answer::nothing())
}

/// `DELETE` and `PATCH` of a list: which one?
pub async fn missing(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: port_uuid"))
}

fn shown(call: &Call, port: &Port) -> Result<Vec<u8>, Fault> {
    written(&View::new(&PORT, call.version, &call.base, &Wanted::All)?, port)
}

fn written(view: &View, port: &Port) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(1024);
    view.record(&mut out, port, &mut |_, _, _| Ok(()))?;
    Ok(out)
}

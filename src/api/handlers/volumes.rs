//! Volume connectors and targets: two nouns that live below `/v1/volume` and are handled alike.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::nodes;
use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::Noun;
use crate::api::surface::volumes::{CONNECTOR, TARGET};
use crate::api::view::{View, Wanted};
use crate::api::{Answer, Call, Fault, body, patch};
use crate::service::patch::Operation;
use crate::service::{Refused, ident, volumes};
use crate::store::Tx;
use crate::store::page::Filter;

/// `GET /v1/volume`
pub async fn root(call: Call) -> Result<Answer, Fault> {
    Ok(links(&call, "volume/"))
}

/// `GET /v1/nodes/{node}/volume`
pub async fn root_of_node(call: Call) -> Result<Answer, Fault> {
    nodes::find(&call).await?;
    let path = format!("nodes/{}/volume/", call.param(0));
    Ok(links(&call, &path))
}

fn links(call: &Call, path: &str) -> Answer {
    let base = &call.base;
    let pair = |below: &str| {
        json!([{"href": format!("{base}/v1/{path}{below}"), "rel": "self"},
               {"href": format!("{base}/{path}{below}"), "rel": "bookmark"}])
    };
    Answer::json(&json!({"links": pair(""), "connectors": pair("connectors"), "targets": pair("targets")}))
}

/// `GET /v1/volume/connectors`
pub async fn connectors(call: Call) -> Result<Answer, Fault> {
    page(call, &CONNECTOR, None).await
}

/// `GET /v1/volume/targets`
pub async fn targets(call: Call) -> Result<Answer, Fault> {
    page(call, &TARGET, None).await
}

/// `GET /v1/nodes/{node}/volume/connectors`
pub async fn connectors_of_node(call: Call) -> Result<Answer, Fault> {
    let node = nodes::ident(&call)?.to_string();
    page(call, &CONNECTOR, Some(node)).await
}

/// `GET /v1/nodes/{node}/volume/targets`
pub async fn targets_of_node(call: Call) -> Result<Answer, Fault> {
    let node = nodes::ident(&call)?.to_string();
    page(call, &TARGET, Some(node)).await
}

fn path(noun: &Noun) -> String {
    format!("volume/{}", noun.collection)
}

async fn page(call: Call, noun: &'static Noun, of_node: Option<String>) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let mut listing = Listing::parse(&call, noun, &mut query, Detail::Query)?;
    let node = query.take_ident("node")?;
    if let Some(name) = &node {
        listing.carry("node", name);
    }
    let node = of_node.or(node);
    let body = call.state.store.read(move |read| {
        let mut filters = Vec::new();
        if let Some(name) = &node {
            filters.push(Filter::text("node_uuid", &ident::node(read, name)?.uuid.to_string()));
        }
        listing.below(read, &filters, &path(noun), &mut |_, _, _| Ok(()))
    });
    Ok(Answer::ok(body.await?))
}

/// `POST /v1/volume/connectors`
pub async fn create_connector(call: Call) -> Result<Answer, Fault> {
    create(call, &CONNECTOR, volumes::create_connector).await
}

/// `POST /v1/volume/targets`
pub async fn create_target(call: Call) -> Result<Answer, Fault> {
    create(call, &TARGET, volumes::create_target).await
}

type Make = fn(&Tx, &Map<String, Value>) -> Refused<Uuid>;
type Change = fn(&Tx, Uuid, &[Operation]) -> Refused<()>;

async fn create(call: Call, noun: &'static Noun, make: Make) -> Result<Answer, Fault> {
    let map = body::create(&call)?;
    let view = whole(&call, noun)?;
    let made = call.state.write(move |tx| {
        let uuid = make(tx, &map)?;
        Ok((uuid, listing::whole(tx, noun, &view, uuid)?))
    });
    let (uuid, body) = made.await?;
    Ok(Answer::created(body, format!("/v1/{}/{uuid}", path(noun))))
}

/// `GET /v1/volume/connectors/{connector}`
pub async fn connector(call: Call) -> Result<Answer, Fault> {
    show(call, &CONNECTOR).await
}

/// `GET /v1/volume/targets/{target}`
pub async fn target(call: Call) -> Result<Answer, Fault> {
    show(call, &TARGET).await
}

async fn show(call: Call, noun: &'static Noun) -> Result<Answer, Fault> {
    let uuid = uuid(&call, noun)?;
    let view = listing::single(&call, noun)?.at(path(noun));
    let body = call.state.store.read(move |read| listing::whole(read, noun, &view, uuid));
    Ok(Answer::ok(body.await?))
}

/// `PATCH /v1/volume/connectors/{connector}`
pub async fn update_connector(call: Call) -> Result<Answer, Fault> {
    update(call, &CONNECTOR, volumes::update_connector).await
}

/// `PATCH /v1/volume/targets/{target}`
pub async fn update_target(call: Call) -> Result<Answer, Fault> {
    update(call, &TARGET, volumes::update_target).await
}

async fn update(call: Call, noun: &'static Noun, change: Change) -> Result<Answer, Fault> {
    let uuid = uuid(&call, noun)?;
    let operations = patch::parse(&call)?;
    let view = whole(&call, noun)?;
    let changed = call.state.write(move |tx| {
        change(tx, uuid, &operations)?;
        listing::whole(tx, noun, &view, uuid)
    });
    Ok(Answer::ok(changed.await?))
}

/// `DELETE /v1/volume/connectors/{connector}`
pub async fn delete_connector(call: Call) -> Result<Answer, Fault> {
    let uuid = uuid(&call, &CONNECTOR)?;
    call.state.write(move |tx| volumes::delete_connector(tx, uuid)).await?;
    Ok(Answer::nothing())
}

/// `DELETE /v1/volume/targets/{target}`
pub async fn delete_target(call: Call) -> Result<Answer, Fault> {
    let uuid = uuid(&call, &TARGET)?;
    call.state.write(move |tx| volumes::delete_target(tx, uuid)).await?;
    Ok(Answer::nothing())
}

/// `DELETE` and `PATCH` of a list: which one?
pub async fn which(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: the UUID of a volume connector or target"))
}

fn whole(call: &Call, noun: &'static Noun) -> Result<View, Fault> {
    Ok(View::new(noun, call.version, &call.base, &Wanted::All)?.at(path(noun)))
}

fn uuid(call: &Call, noun: &Noun) -> Result<Uuid, Fault> {
    call.uuid(0, &format!("{}_uuid", noun.collection.trim_end_matches('s')))
}

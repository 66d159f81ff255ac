//! What is known of a node beside its row: children, history, inventory.

use serde_json::json;
use uuid::Uuid;

use super::find;
use crate::api::listing::{Detail, Listing};
use crate::api::surface::history_records::HISTORY_RECORD;
use crate::api::view::{View, Wanted, string};
use crate::api::{Answer, Call, Fault};
use crate::store::blobs::{self, BlobKind};
use crate::store::page::Filter;
use crate::store::{self, StoreError};

/// `GET …/children`
pub async fn children(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let uuid = node.uuid;
    let children: Vec<String> = call
        .state
        .store
        .read(move |read| store::nodes::children(read, uuid))
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    let href = format!("{}/v1/nodes?parent_node={uuid}", call.base);
    Ok(Answer::json(&json!({"children": children, "links": {"href": href, "rel": "children"}})))
}

/// `GET …/inventory`
pub async fn inventory(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let found = call.state.store.read(move |read| blobs::load(read, node.uuid, BlobKind::Inventory));
    let found: Option<Vec<u8>> = found.await.map_err(|error: StoreError| Fault::from(error))?;
    found
        .map(Answer::ok)
        .ok_or_else(|| Fault::not_found(format!("Node inventory record for node {} could not be found.", node.uuid)))
}

/// `GET …/history`
pub async fn history(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let mut query = call.query.clone();
    let listing = Listing::parse(&call, &HISTORY_RECORD, &mut query, Detail::Query)?;
    let state = call.state.clone();
    let body = call.state.store.read(move |read| {
        let uuid = node.uuid.to_string();
        let filters = [Filter::text("node_uuid", &uuid), Filter::one_of("kind", ["transition", "failure"])];
        listing.below(read, &filters, &format!("nodes/{uuid}/history"), &mut |field, _, out| {
            record_special(&state.settings.conductor, field, out)
        })
    });
    Ok(Answer::ok(body.await?))
}

/// `GET …/history/{record}`
pub async fn history_record(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let text = call.param(1).to_owned();
    let missing = move || Fault::not_found(format!("Node history record {text} could not be found."));
    let record = Uuid::try_parse(call.param(1)).map_err(|_| missing())?;
    let path = format!("nodes/{}/history", node.uuid);
    let view = View::new(&HISTORY_RECORD, call.version, &call.base, &Wanted::All)?.at(path);
    let state = call.state.clone();
    let found = call.state.store.read(move |read| store::events::find(read, node.uuid, record));
    let event = found.await.map_err(|error: StoreError| Fault::from(error))?.ok_or_else(missing)?;
    let mut out = Vec::new();
    view.record(&mut out, &event, &mut |field, _, out| record_special(&state.settings.conductor, field, out))?;
    Ok(Answer::ok(out))
}

fn record_special(conductor: &str, field: &str, out: &mut Vec<u8>) -> Result<(), StoreError> {
    match field {
        "conductor" => string(out, conductor),
        _ => out.extend_from_slice(b"null"),
    }
    Ok(())
}

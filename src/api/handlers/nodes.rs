//! Nodes: lists and single ones.

use crate::api::listing::{self, Detail, Listing};
use crate::api::surface::nodes::NODE;
use crate::api::{Answer, Call, Fault};
use crate::store::{self, Read, StoreError};

/// `GET /v1/nodes`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Query).await
}

/// `GET /v1/nodes/detail`
pub async fn detail(call: Call) -> Result<Answer, Fault> {
    page(call, Detail::Path).await
}

async fn page(call: Call, detail: Detail) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let listing = Listing::parse(&call, &NODE, &mut query, detail)?;
    query.end()?;
    let state = call.state.clone();
    let body = call.state.store.read(move |read| {
        listing.write(read, &[], &mut |field, uuid, out| special(read, &state.settings.conductor, field, uuid, out))
    });
    Ok(Answer::ok(body.await?))
}

/// `GET /v1/nodes/{node}`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let view = listing::single(&call, &NODE)?;
    let ident = call.param(0).to_owned();
    let state = call.state.clone();
    let body: Option<Vec<u8>> = call
        .state
        .store
        .read(move |read| {
            listing::object(read, &NODE, &view, "uuid", &ident, &mut |field, uuid, out| {
                special(read, &state.settings.conductor, field, uuid, out)
            })
        })
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    body.map(Answer::ok).ok_or_else(|| Fault::not_found(format!("Node {} could not be found.", call.param(0))))
}

/// The fields of a node that are no columns.
fn special(read: &Read, conductor: &str, field: &str, uuid: &str, out: &mut Vec<u8>) -> Result<(), StoreError> {
    match field {
        "conductor" => crate::api::view::string(out, conductor),
        _ => {
            out.push(b'[');
            store::nodes::each_trait(read, uuid, |i, name| {
                if i > 0 {
                    out.push(b',');
                }
                crate::api::view::string(out, name);
            })?;
            out.push(b']');
        }
    }
    Ok(())
}

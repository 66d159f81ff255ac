//! Shards: the groups into which the operator of several schedulers parts the nodes.

use serde_json::{Value, json};

use crate::api::{Answer, Call, Fault};
use crate::store::{StoreError, nodes};

/// `GET /v1/shards`: each with its number of nodes, the largest first. Nodes without a shard are counted as `None`.
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let counts = call.state.store.read(nodes::count_shards).await.map_err(|error: StoreError| Fault::from(error))?;
    let shown =
        counts.into_iter().map(|(name, count)| json!({"name": name.as_deref().unwrap_or("None"), "count": count}));
    Ok(Answer::json(&json!({"shards": shown.collect::<Vec<Value>>()})))
}

/// `GET /v1/shards/{shard}`: there is nothing to be seen of one.
pub async fn show(_: Call) -> Result<Answer, Fault> {
    Err(Fault::not_found("The resource could not be found."))
}

//! Applies the inspection rules to a node whose report the hooks have gone through.
//!
//! The node is reserved by the row of work, so nobody else decides about it meanwhile. Each rule is a decision of its own
//! (`service::inspection::actions`), interrupted only where it has another service called. After a crash the report is
//! gone through again from the start: what a rule sets it sets again, what it adds without `unique` it adds again.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use serde_json::json;

use super::Engine;
use crate::clock::Clock;
use crate::driver::{Changes, DriverError, Task};
use crate::model::InspectionRule;
use crate::net::http::{Limits, Reach, Request, Trust, Url};
use crate::service::inspection::actions::{Call, Progress, applies, carry_on};
use crate::service::{Refusal, flow};
use crate::store::{StoreError, inspection_rules, ports};

/// Bytes of an answer that nobody reads.
const ANSWER_BYTES: u64 = 1 << 20;

/// Applies all rules, highest priority first. What the report has become is kept in the task's changes; if a rule fails,
/// nothing of it is.
pub async fn apply_rules(engine: &Engine, task: &mut Task) -> Result<(), DriverError> {
    let Some(found) = task.inspected.take() else { return Ok(()) };
    // The hooks' work first: rules see the node and the ports as they have left them.
    task.save().await?;
    let rules = engine.store.read(inspection_rules::in_order).await.map_err(|error: StoreError| stored(error))?;
    let plugin_data = found["plugin_data"].as_object().cloned().unwrap_or_default();
    let mut at = Progress::new(found["inventory"].clone(), plugin_data);
    for rule in rules {
        at = apply(engine, task, rule, at).await?;
        at.rewind();
    }
    let uuid = task.node.uuid;
    let now = engine.store.read(move |read| Ok((flow::load(read, uuid)?, ports::of_node(read, uuid)?)));
    let (node, ports) = now.await.map_err(refused)?;
    task.rebase(node, &Changes::default());
    task.ports = ports;
    task.changes.inventory = Some(json!({"inventory": at.inventory, "plugin_data": at.plugin_data}));
    Ok(())
}

async fn apply(engine: &Engine, task: &Task, rule: InspectionRule, at: Progress) -> Result<Progress, DriverError> {
    let uuid = task.node.uuid;
    let (asked, looked_at) = (rule.clone(), at.clone());
    let wanted = engine.store.read(move |read| applies(read, uuid, &asked, &looked_at)).await.map_err(refused)?;
    if !wanted {
        tracing::debug!(node = %uuid, rule = %rule.uuid, "the inspection rule does not apply");
        return Ok(at);
    }
    tracing::info!(node = %uuid, rule = %rule.uuid, "applies the inspection rule");
    let mut at = at;
    loop {
        let (asked, from) = (rule.clone(), at);
        let done = engine.insist(move |tx| carry_on(tx, uuid, &asked, from.clone())).await;
        let (progress, call) = done.map_err(refused)?;
        at = progress;
        let Some(call) = call else { return Ok(at) };
        make(engine, &call).await.map_err(|why| {
            // A sensitive rule may have its secret in the address.
            let why = if rule.sensitive { "the call failed".to_owned() } else { why };
            DriverError::Refused(format!("inspection rule {}: api-call: {why}", rule.uuid))
        })?;
    }
}

fn refused(refusal: Refusal) -> DriverError {
    match refusal {
        Refusal::Store(error) => stored(error),
        other => DriverError::Refused(other.to_string()),
    }
}

fn stored(error: StoreError) -> DriverError {
    DriverError::Refused(format!("the inspection rules could not be applied: {error}"))
}

/// Makes a call, and again if the other side is out of breath. Any status below 400 is good.
async fn make(engine: &Engine, call: &Call) -> Result<(), String> {
    let request = request(engine, call)?;
    let mut pause = call.backoff_secs;
    let mut left = call.retries;
    loop {
        let (why, again) = match engine.env.http.send(request.clone()).await {
            Ok(answer) if answer.status.as_u16() < 400 => return Ok(()),
            Ok(answer) => {
                let status = answer.status.as_u16();
                (format!("{} answered {status}", call.url), matches!(status, 429 | 500 | 502 | 503 | 504))
            }
            Err(error) => (error.to_string(), error.retryable()),
        };
        if !again || left == 0 {
            return Err(why);
        }
        left -= 1;
        nap(&engine.env.clock, pause).await;
        pause = (pause * 2.0).min(60.0);
    }
}

async fn nap(clock: &Clock, secs: f64) {
    clock.sleep(Duration::try_from_secs_f64(secs).unwrap_or_default()).await;
}

fn request(engine: &Engine, call: &Call) -> Result<Request, String> {
    let url = Url::parse(&call.url).map_err(|error| error.to_string())?;
    let mut request = Request::get(url);
    request.trust = Trust::PublicRoots;
    let bound = Duration::try_from_secs_f64(call.timeout_secs).unwrap_or(Duration::from_secs(5));
    request.limits =
        Limits { connect: bound, first_byte: bound, idle: bound, body_bytes: ANSWER_BYTES, ..Limits::default() };
    request.reach = if engine.env.settings.inspection.local_calls { Reach::any() } else { engine.env.reach.clone() };
    for (name, value) in &call.headers {
        let name = HeaderName::try_from(name).map_err(|_| format!("headers: '{name}' is no name of a header"))?;
        let value = HeaderValue::try_from(value).map_err(|_| format!("headers: the value of {name} cannot be sent"))?;
        request.headers.insert(name, value);
    }
    Ok(request)
}

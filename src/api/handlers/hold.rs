//! `/bessemer/v1/hold`: whether a restored store waits to be released, and its release.

use serde_json::{Value, json};

use crate::api::view::zoned;
use crate::api::{Answer, Call, Fault};
use crate::service::hold::{self, Released, Report};

/// `GET /bessemer/v1/hold`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let report = call.state.store.read(hold::report).await?;
    Ok(Answer::json(&document(&report)))
}

/// The answer, which is also what the command line shows of a store that nobody serves.
pub fn document(report: &Report) -> Value {
    let work = report.work.iter().map(|pending| {
        json!({
            "flow": pending.flow.as_str(),
            "uuid": pending.uuid.map(|uuid| uuid.to_string()),
            "name": pending.name,
            "provision_state": pending.state,
            "stands": pending.stands,
            "on_release": pending.on_release,
        })
    });
    let held = report.hold.as_ref();
    json!({
        "held": held.is_some(),
        "why": held.map(hold::sentence),
        "since": held.map(|hold| zoned(hold.since_at())),
        "backup_taken_at": held.and_then(|hold| hold.taken_at()).map(zoned),
        "owed": report.owed,
        "work": work.collect::<Vec<Value>>(),
        "free_but_on": report.suspected,
        "free_but_on_nodes": report.suspects,
    })
}

/// `DELETE /bessemer/v1/hold`
pub async fn release(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let abandon = query.take_bool("abandon_work")?.unwrap_or(false);
    let rules = call.state.engine.rules().clone();
    let done = call.state.store.write(move |tx| hold::release(tx, abandon, &rules)).await?;
    if done.was_held {
        tracing::warn!(goes_on = done.goes_on, abandoned = done.abandoned, user = call.user, "released from hold");
    }
    Ok(Answer::json(&done_document(&done)))
}

/// What a release did, likewise.
pub fn done_document(done: &Released) -> Value {
    json!({"was_held": done.was_held, "goes_on": done.goes_on, "abandoned": done.abandoned})
}

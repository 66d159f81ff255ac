//! `/bessemer/v1/backups`: the backups that the service makes by itself.

use serde_json::{Value, json};

use crate::api::view::zoned;
use crate::api::{Answer, Call, Fault};

/// `GET /bessemer/v1/backups`
pub async fn show(call: Call) -> Result<Answer, Fault> {
    let status = call.state.backups.status();
    let backups = status.backups.iter().map(|backup| {
        json!({"file": backup.path.display().to_string(), "taken_at": zoned(backup.taken_at), "bytes": backup.bytes})
    });
    let failure = status.failure.as_ref();
    Ok(Answer::json(&json!({
        "enabled": status.plan.is_some(),
        "dir": status.plan.as_ref().map(|plan| plan.dir.display().to_string()),
        "interval_secs": status.plan.as_ref().map_or(0, |plan| plan.interval.as_secs()),
        "keep": status.plan.as_ref().map_or(0, |plan| plan.keep),
        "next_at": status.next_at.map(zoned),
        "running": status.running,
        "failure": failure.map(|it| json!({"at": zoned(it.at), "why": it.why, "in_a_row": it.in_a_row})),
        "backups": backups.collect::<Vec<Value>>(),
    })))
}

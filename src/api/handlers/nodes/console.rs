//! `…/states/console`: whether the machine's console is open, and where.

use serde_json::{Value, json};

use super::hardware::{LONG, WITHIN, validated_for};
use super::{find, states::location};
use crate::api::request::{flag, required};
use crate::api::{Answer, Call, Fault};
use crate::engine::{Act, Lock};
use crate::model::InterfaceKind;

pub async fn show(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let info = if node.console_enabled {
        let asked = call.state.engine.call(node.uuid, Lock::Shared, WITHIN, |task, driver| {
            Box::pin(async move {
                driver.console.validate(task).await?;
                driver.console.info(task).await
            })
        });
        asked.await?
    } else {
        Value::Null
    };
    Ok(Answer::json(&json!({"console_enabled": node.console_enabled, "console_info": info})))
}

pub async fn set(call: Call) -> Result<Answer, Fault> {
    let arguments = call.arguments()?;
    required(&arguments, "enabled")?;
    let enabled = flag(&arguments, "enabled")?.unwrap_or(false);
    let node = find(&call).await?;
    validated_for(&call, &node, InterfaceKind::Console).await?;
    if enabled != node.console_enabled {
        let doing = if enabled { "enabling" } else { "disabling" };
        let act = Act::new(format!("Error {doing} the console on node {}", node.uuid)).recorded_as("console");
        let begun = call.state.engine.begin(node.uuid, LONG, act, move |task, driver| {
            Box::pin(async move {
                if enabled {
                    driver.console.start(task).await?
                } else {
                    driver.console.stop(task).await?
                }
                task.node.console_enabled = enabled;
                Ok(())
            })
        });
        begun.await?;
    }
    Ok(Answer::accepted().at(format!("{}/console", location(&call))))
}

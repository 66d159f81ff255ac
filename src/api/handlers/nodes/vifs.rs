//! Virtual interfaces of a node. The only network interface so far is `noop`: it accepts everything and keeps nothing.

use serde_json::Value;

use super::find;
use crate::api::request::brief;
use crate::api::surface::params::VIF_PORT;
use crate::api::{Answer, Call, Fault};

/// `GET …/vifs`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    find(&call).await?;
    Ok(Answer::ok(b"{\"vifs\":[]}".to_vec()))
}

/// `POST …/vifs`
pub async fn attach(call: Call) -> Result<Answer, Fault> {
    let vif = call.object("vif")?;
    match vif.get("id") {
        Some(Value::String(id)) if !id.is_empty() => {}
        Some(other) => return Err(Fault::invalid(format!("Schema error for vif: id: {} is not a name", brief(other)))),
        None => return Err(Fault::invalid("Schema error for vif: 'id' is a required property")),
    }
    let (port, group) = (vif.contains_key("port_uuid"), vif.contains_key("portgroup_uuid"));
    if (port || group) && !VIF_PORT.at(call.version) {
        return Err(Fault::not_acceptable());
    }
    if port && group {
        return Err(Fault::invalid("Cannot specify both port_uuid and portgroup_uuid"));
    }
    find(&call).await?;
    Ok(Answer::nothing())
}

/// `DELETE …/vifs/{vif}`
pub async fn detach(call: Call) -> Result<Answer, Fault> {
    find(&call).await?;
    Ok(Answer::nothing())
}

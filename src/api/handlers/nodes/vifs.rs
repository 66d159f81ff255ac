//! Virtual interfaces of a node. The only network interface so far is `noop`: it accepts everything and keeps nothing.

use serde_json::Value;

use super::find;
use crate::api::request::brief;
use crate::api::{Answer, Call, Fault};
use crate::service::names;

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
    // Ironic forgets to look at the version of these two.
    if vif.contains_key("port_uuid") && vif.contains_key("portgroup_uuid") {
        return Err(Fault::invalid("Cannot specify both port_uuid and portgroup_uuid"));
    }
    find(&call).await?;
    Ok(Answer::nothing())
}

/// `DELETE …/vifs`: which one?
pub async fn which(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Missing mandatory parameter: vif_id"))
}

/// `DELETE …/vifs/{vif}`
pub async fn detach(call: Call) -> Result<Answer, Fault> {
    let vif = call.param(1);
    if !names::is_logical(vif) {
        return Err(Fault::invalid(format!("Expected UUID or name for vif_id: {vif}")));
    }
    find(&call).await?;
    Ok(Answer::nothing())
}

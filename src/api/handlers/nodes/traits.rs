//! Traits of a node.

use serde_json::Value;

use super::{find, ident};
use crate::api::request::brief;
use crate::api::{Answer, Call, Fault};
use crate::service::nodes::{add_trait, remove_trait, replace_traits};

/// `GET …/traits`
pub async fn list(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    Ok(Answer::ok(format!("{{\"traits\":{}}}", node.traits.as_str()).into_bytes()))
}

/// `PUT …/traits` with `{"traits": […]}`
pub async fn replace(call: Call) -> Result<Answer, Fault> {
    let arguments = call.object("body")?;
    let (Some(traits), 1) = (arguments.get("traits"), arguments.len()) else {
        return Err(Fault::invalid(
            "A single node trait may be added via PUT /v1/nodes/<node>/traits/<trait> with no body, or all node traits \
             may be replaced via PUT /v1/nodes/<node>/traits with the list of new traits as \"traits\" in the body",
        ));
    };
    let wrong = |value: &Value| {
        Fault::invalid(format!("Schema error for body: traits: {} is not a list of names", brief(value)))
    };
    let names = traits.as_array().ok_or_else(|| wrong(traits))?;
    let names = names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(|| wrong(name)));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let ident = ident(&call)?;
    call.state.write(move |tx| replace_traits(tx, &ident, &names)).await?;
    Ok(Answer::nothing())
}

/// `PUT …/traits/{trait}`, without a body
pub async fn add(call: Call) -> Result<Answer, Fault> {
    if !call.object("body")?.is_empty() {
        return Err(Fault::invalid("No body should be provided when adding a single trait"));
    }
    let (ident, name) = (ident(&call)?, call.param(1).to_owned());
    call.state.write(move |tx| add_trait(tx, &ident, &name)).await?;
    Ok(Answer::nothing().at(format!("/v1/nodes/{}/traits/{}", call.param(0), call.param(1))))
}

/// `DELETE …/traits/{trait}`
pub async fn remove(call: Call) -> Result<Answer, Fault> {
    let (ident, name) = (ident(&call)?, call.param(1).to_owned());
    call.state.write(move |tx| remove_trait(tx, &ident, &name)).await?;
    Ok(Answer::nothing())
}

/// `DELETE …/traits`
pub async fn clear(call: Call) -> Result<Answer, Fault> {
    let ident = ident(&call)?;
    call.state.write(move |tx| replace_traits(tx, &ident, &[])).await?;
    Ok(Answer::nothing())
}

//! Vendor passthru: methods that only one kind of hardware has.

use hyper::Method;
use serde_json::{Map, Value, json};

use super::find;
use super::hardware::{LONG, WITHIN};
use crate::api::{Answer, Call, Fault};
use crate::driver::VendorMethod;
use crate::engine::{Act, Lock};
use crate::model::Node;

/// `GET …/vendor_passthru/methods`
pub async fn methods(call: Call) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let body: Map<String, Value> = offered(&call, &node)
        .await?
        .iter()
        .map(|method| {
            let value = json!({
                "async": method.asynchronous,
                "attach": false,
                "description": method.description,
                "http_methods": method.http_methods,
                "require_exclusive_lock": method.exclusive,
            });
            (method.name.to_owned(), value)
        })
        .collect();
    Ok(Answer::json(&Value::Object(body)))
}

/// Any method of `…/vendor_passthru?method=M`
pub async fn call_in_query(call: Call) -> Result<Answer, Fault> {
    let mut query = call.query.clone();
    let name = query.take("method")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Fault::invalid("Missing mandatory parameter: method"))?;
    passed(call, name).await
}

/// Any method of `…/vendor_passthru/M`
pub async fn call_in_path(call: Call) -> Result<Answer, Fault> {
    let name = call.param(1).to_owned();
    passed(call, name).await
}

async fn passed(call: Call, name: String) -> Result<Answer, Fault> {
    let node = find(&call).await?;
    let arguments = call.object("body")?;
    let methods = offered(&call, &node).await?;
    let method = *methods
        .iter()
        .find(|method| method.name == name)
        .ok_or_else(|| Fault::invalid(format!("No handler for method {name}")))?;
    if !method.http_methods.contains(&call.method.as_str()) {
        return Err(Fault::invalid(format!("The method {name} does not support HTTP {}", call.method)));
    }
    let engine = &call.state.engine;
    if call.method != Method::GET {
        engine.refuse_in_hold().await?;
    }
    let asked = arguments.clone();
    let fine = engine.call(node.uuid, Lock::Shared, WITHIN, move |task, driver| {
        Box::pin(async move { driver.vendor.check(task, method.name, &asked).await })
    });
    fine.await?;
    if method.asynchronous && method.exclusive {
        let act = Act::new(format!("Failed to run vendor method {}", method.name)).keeping_last_error();
        let begun = engine.begin(node.uuid, LONG, act, move |task, driver| {
            Box::pin(async move { driver.vendor.call(task, method.name, &arguments).await.map(drop) })
        });
        begun.await?;
        return Ok(Answer::accepted());
    }
    // One that takes no lock is waited for even if Ironic would not: its client learns more.
    let lock = if method.exclusive { Lock::Exclusive } else { Lock::Shared };
    let done = engine.call(node.uuid, lock, WITHIN, move |task, driver| {
        Box::pin(async move { driver.vendor.call(task, method.name, &arguments).await })
    });
    let value = done.await?;
    Ok(if method.asynchronous { Answer::accepted() } else { Answer::json(&value) })
}

async fn offered(call: &Call, node: &Node) -> Result<&'static [VendorMethod], Fault> {
    let asked = call
        .state
        .engine
        .call(node.uuid, Lock::Shared, WITHIN, |_, driver| Box::pin(async move { Ok(driver.vendor.methods()) }));
    Ok(asked.await?)
}

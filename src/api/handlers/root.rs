//! Discovery: which versions there are, and which resources at this one.

use serde_json::{Map, Value, json};

use crate::api::surface::Version;
use crate::api::surface::routes::RESOURCES;
use crate::api::{Answer, Call, Fault};

/// `GET /`
pub async fn root(call: Call) -> Result<Answer, Fault> {
    let version = version(&call.base);
    // Name and description belong to the API, not to who serves it: clients recognise it by them.
    Ok(Answer::json(&json!({
        "name": "OpenStack Ironic API",
        "description": "Ironic is an OpenStack project which enables the provision and management of baremetal machines.",
        "default_version": version,
        "versions": [version],
    })))
}

/// `GET /v1`
pub async fn v1(call: Call) -> Result<Answer, Fault> {
    let base = &call.base;
    let mut body: Map<String, Value> = Map::new();
    body.insert("id".into(), json!("v1"));
    body.insert(
        "links".into(),
        json!([
            {"href": format!("{base}/v1/"), "rel": "self"},
            {
                "href": "https://docs.openstack.org//ironic/latest/contributor//webapi.html",
                "rel": "describedby",
                "type": "text/html",
            },
        ]),
    );
    let media = json!({"base": "application/json", "type": "application/vnd.openstack.ironic.v1+json"});
    body.insert("media_types".into(), media);
    body.insert("version".into(), version(base));
    for (resource, since) in RESOURCES {
        if *since <= call.version {
            let links = json!([
                {"href": format!("{base}/v1/{resource}/"), "rel": "self"},
                {"href": format!("{base}/{resource}/"), "rel": "bookmark"},
            ]);
            body.insert((*resource).into(), links);
        }
    }
    Ok(Answer::json(&Value::Object(body)))
}

fn version(base: &str) -> Value {
    json!({
        "id": "v1",
        "links": [{"href": format!("{base}/v1/"), "rel": "self"}],
        "status": "CURRENT",
        "min_version": Version::MIN.to_string(),
        "version": Version::MAX.to_string(),
    })
}

/// Below something else objects are listed only; each is addressed at its own collection.
pub async fn malformed(_call: Call) -> Result<Answer, Fault> {
    Err(Fault::invalid("Malformed request URI."))
}

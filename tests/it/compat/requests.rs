//! Requests that clients' own test suites make and nobody else does.

use serde_json::{Value, json};

use crate::api::service::{LATEST, Outcome, Service};

/// ironic-tempest-plugin posts its heartbeats so.
#[tokio::test]
async fn a_heartbeat_may_name_its_node_in_the_body() -> Outcome {
    let service = Service::start().await?;
    let uuid = service.free_nodes(1).await?[0].to_string();
    let beat = |ident: &str| json!({"node_ident": ident, "callback_url": "http://10.0.0.9:9999", "agent_token": "x"});
    let mut in_path = beat(&uuid);
    in_path.as_object_mut().ok_or("an object")?.shift_remove("node_ident");
    for (version, body, status) in [
        (LATEST, beat("nobody"), 404),
        (LATEST, beat("bad name"), 400),
        (LATEST, in_path.clone(), 400),
        (LATEST, json!({"node_ident": uuid}), 400),
        ("1.22", beat(&uuid), 400),
        ("1.21", beat(&uuid), 404),
    ] {
        let reply = service.call(version, "POST", "/v1/heartbeat", Some(body.clone())).await?;
        assert_eq!(reply.status, status, "{version} {body}: {reply:?}");
    }
    let path = format!("/v1/heartbeat/{uuid}");
    let (one, other) = (service.post("/v1/heartbeat", beat(&uuid)).await?, service.post(&path, in_path).await?);
    assert_eq!((one.status, one.fault()), (other.status, other.fault()));
    assert_ne!(one.json, Value::Null, "the token vouches for nothing");
    Ok(())
}

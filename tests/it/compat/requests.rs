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

/// python-ironicclient's tests look for these words in what is refused.
#[tokio::test]
async fn refusals_say_the_words_that_clients_look_for() -> Outcome {
    let service = Service::start().await?;
    let step = json!({"interface": "bios", "step": "factory_reset", "args": {}, "priority": 1});
    for (path, body, words) in [
        ("/v1/nodes", json!({"driver": "fake-hardware", "uuid": "bad"}), "Expected UUID for uuid"),
        (
            "/v1/nodes",
            json!({"driver": "wrongdriver"}),
            "No valid host was found. Reason: No conductor service registered which supports driver wrongdriver.",
        ),
        ("/v1/allocations", json!({"resource_class": "x", "traits": ["foo"]}), "does not match"),
        ("/v1/deploy_templates", json!({"name": "foo", "steps": [step]}), "does not match"),
    ] {
        let reply = service.post(path, body).await?;
        assert_eq!((reply.status, reply.fault().contains(words)), (400, true), "{words}: {reply:?}");
    }
    Ok(())
}

/// ironic-tempest-plugin reads the console this way, and expects no trace of what a version does not have.
#[tokio::test]
async fn the_console_answers_in_both_orders_and_hidden_paths_for_no_method() -> Outcome {
    let service = Service::start().await?;
    let made = service.post("/v1/nodes", json!({"driver": "fake-hardware"})).await?.json;
    let uuid = made["uuid"].as_str().unwrap_or_default();
    let (one, other) = (format!("/v1/nodes/states/console/{uuid}"), format!("/v1/nodes/{uuid}/states/console"));
    let (one, other) = (service.get(&one).await?, service.get(&other).await?);
    assert_eq!((one.status, one.json), (200, other.json));
    let media = format!("/v1/nodes/{uuid}/vmedia");
    for (version, status) in [("1.79", 404), ("1.88", 404), ("1.89", 405)] {
        let reply = service.call(version, "PUT", &media, Some(json!({}))).await?;
        assert_eq!(reply.status, status, "{version}: {reply:?}");
    }
    Ok(())
}

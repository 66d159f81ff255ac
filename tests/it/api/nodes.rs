//! `/v1/nodes`: what may be written, in which state, and how it is shown.

use bessemer::model::State;
use serde_json::{Value, json};
use uuid::Uuid;

use super::service::{LATEST, Outcome, Service};

async fn with_node(body: Value) -> Outcome<(Service, String)> {
    let service = Service::start().await?;
    let mut node = json!({"driver": "fake-hardware", "name": "one"});
    for (key, value) in body.as_object().into_iter().flatten() {
        node[key] = value.clone();
    }
    let made = service.post("/v1/nodes", node).await?;
    assert_eq!(made.status, 201, "{made:?}");
    let uuid = made.json["uuid"].as_str().unwrap_or_default().to_owned();
    assert!(made.headers["location"].ends_with(&format!("/v1/nodes/{uuid}")), "{made:?}");
    Ok((service, uuid))
}

fn set(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

#[tokio::test]
async fn a_new_node_has_its_drivers_interfaces_and_no_history_of_changes() -> Outcome {
    let (service, uuid) = with_node(json!({"extra": {"a": [1, {"b": null}]}})).await?;
    let shown = service.get("/v1/nodes/one").await?.json;
    assert_eq!((&shown["uuid"], &shown["provision_state"]), (&json!(uuid), &json!("enroll")));
    assert_eq!((&shown["power_interface"], &shown["network_interface"]), (&json!("fake"), &json!("noop")));
    assert_eq!((&shown["updated_at"], &shown["conductor"]), (&Value::Null, &json!("here")));
    assert_eq!(shown["extra"], json!({"a": [1, {"b": null}]}));
    let old = service.call("1.10", "POST", "/v1/nodes", Some(json!({"driver": "fake-hardware"}))).await?;
    assert_eq!(old.json["provision_state"], "available", "before 1.11 nodes were born free");
    Ok(())
}

#[tokio::test]
async fn a_wrong_new_node_is_refused_by_the_name_of_its_field() -> Outcome {
    let (service, uuid) = with_node(json!({})).await?;
    let long = "x".repeat(81);
    let cases = [
        (json!({}), 400, "driver"),
        (json!({"driver": "nope"}), 400, "nope"),
        (json!({"driver": "fake-hardware", "color": "red"}), 400, "color"),
        (json!({"driver": "fake-hardware", "power_state": "power on"}), 400, "power_state"),
        (json!({"driver": "fake-hardware", "protected": true}), 400, "protected"),
        (json!({"driver": "fake-hardware", "uuid": uuid}), 409, uuid.as_str()),
        (json!({"driver": "fake-hardware", "name": "one"}), 409, "one"),
        (json!({"driver": "fake-hardware", "name": ""}), 400, "name"),
        (json!({"driver": "fake-hardware", "name": "detail"}), 400, "reserved"),
        (json!({"driver": "fake-hardware", "name": Uuid::nil().to_string()}), 400, "name"),
        (json!({"driver": "fake-hardware", "name": 5}), 400, "name"),
        (json!({"driver": "fake-hardware", "extra": []}), 400, "extra"),
        (json!({"driver": "fake-hardware", "resource_class": long}), 400, "resource_class"),
        (json!({"driver": "fake-hardware", "automated_clean": "maybe"}), 400, "automated_clean"),
        (json!({"driver": "fake-hardware", "instance_uuid": "x"}), 400, "instance_uuid"),
        (json!({"driver": "fake-hardware", "parent_node": "nobody"}), 400, "parent_node"),
        (json!({"driver": "fake-hardware", "conductor_group": "far"}), 400, "conductor_group"),
        (json!({"driver": "fake-hardware", "network_data": {"bad": 1}}), 400, "network_data"),
        (json!({"driver": "fake-hardware", "deploy_interface": "nope"}), 400, "deploy_interface"),
        (json!({"driver": "ipmi", "power_interface": "fake"}), 400, "power_interface"),
        (json!({"driver": "fake-hardware", "driver_info": {"x_password": "******"}}), 400, "x_password"),
        (json!([1]), 400, "node"),
        (json!(null), 400, "node"),
    ];
    for (body, status, named) in cases {
        let reply = service.post("/v1/nodes", body.clone()).await?;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        assert!(reply.fault().contains(named), "{body}: {}", reply.fault());
    }
    assert_eq!(service.get("/v1/nodes").await?.column("nodes", "uuid"), [json!(uuid)], "nothing was half written");
    Ok(())
}

#[tokio::test]
async fn a_secret_is_never_shown_and_its_mask_keeps_it() -> Outcome {
    let (service, uuid) = with_node(json!({"driver_info": {"ipmi_password": "hide me", "ipmi_port": 623}})).await?;
    let path = format!("/v1/nodes/{uuid}");
    let id: Uuid = uuid.parse()?;
    let stored = async || {
        let secrets = service.store.read(move |read| bessemer::store::secrets::of_column(read, id, "driver_info"));
        let secrets: Vec<_> = secrets.await.map_err(|error: bessemer::store::StoreError| error)?;
        let values = secrets.iter().map(|(pointer, sealed)| (pointer.clone(), sealed.open().clone()));
        Outcome::Ok(values.collect::<Vec<_>>())
    };
    assert_eq!(stored().await?, [("/ipmi_password".to_owned(), json!("hide me"))]);
    let shown = service.get(&path).await?.json["driver_info"].clone();
    assert_eq!(shown, json!({"ipmi_password": "******", "ipmi_port": 623}));
    let mut again = shown;
    again["ipmi_port"] = json!(624);
    assert_eq!(service.patch(&path, set("/driver_info", again)).await?.status, 200);
    assert_eq!(stored().await?, [("/ipmi_password".to_owned(), json!("hide me"))], "a mask keeps what it stands for");
    let lost = service.patch(&path, set("/driver_info", json!({"other_password": "******"}))).await?;
    assert_eq!((lost.status, lost.fault().contains("other_password")), (400, true), "{lost:?}");
    assert_eq!(service.patch(&path, set("/driver_info", json!({}))).await?.status, 200);
    assert_eq!(stored().await?, []);
    Ok(())
}

#[tokio::test]
async fn parallel_patches_of_one_field_keep_every_change() -> Outcome {
    let (service, uuid) = with_node(json!({})).await?;
    let path = format!("/v1/nodes/{uuid}");
    let patches: Vec<Value> =
        (0..20).map(|i| json!([{"op": "add", "path": format!("/extra/k{i}"), "value": i}])).collect();
    let calls = patches.into_iter().map(|patch| service.patch(&path, patch));
    for reply in futures(calls).await {
        assert_eq!(reply?.status, 200);
    }
    let extra = service.get(&path).await?.json["extra"].clone();
    assert_eq!(extra.as_object().map(|map| map.len()), Some(20), "{extra}");
    Ok(())
}

/// All of them at once.
async fn futures<F: Future>(calls: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = calls.map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|cx| {
        for (call, done) in pending.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = call.as_mut().poll(cx) {
                *done = Some(output);
            }
        }
        if pending.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pending.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn a_patch_is_all_or_nothing_and_says_what_is_wrong() -> Outcome {
    let (service, uuid) = with_node(json!({"extra": {"x": 1}})).await?;
    let path = format!("/v1/nodes/{uuid}");
    let cases = [
        (json!({}), 400, "array"),
        (json!([1]), 400, "object"),
        (json!([{"op": "replace"}]), 400, "path"),
        (json!([{"op": "replace", "path": "/name"}]), 400, "value"),
        (json!([{"op": "test", "path": "/driver", "value": "x"}]), 400, "test"),
        (json!([{"op": "add", "path": "/name", "value": "a", "from": "/b"}]), 400, "from"),
        (set("name", json!("a")), 400, "path"),
        (set("", json!({})), 400, "path"),
        (set("/provision_state", json!("active")), 400, "provision_state"),
        (set("/traits", json!(["CUSTOM_A"])), 400, "traits"),
        (json!([{"op": "replace", "path": "/extra/x", "value": 2}, {"op": "remove", "path": "/extra/y"}]), 400, "y"),
        (json!([{"op": "remove", "path": "/driver"}]), 400, "driver"),
        (set("/driver", json!("nope")), 400, "nope"),
        (set("/deploy_interface", json!("nope")), 400, "deploy_interface"),
        (set("/name", json!("bad name")), 400, "bad name"),
        (set("/maintenance", json!("nope")), 400, "maintenance"),
        (set("/protected_reason", json!("why")), 400, "protected"),
        (set("/protected", json!(true)), 409, "protected"),
        (set("/retired_reason", json!("why")), 400, "retired"),
    ];
    for (patch, status, named) in cases {
        let reply = service.patch(&path, patch.clone()).await?;
        assert_eq!(reply.status, status, "{patch}: {reply:?}");
        assert!(reply.fault().contains(named), "{patch}: {}", reply.fault());
    }
    let shown = service.get(&path).await?.json;
    assert_eq!((&shown["extra"], &shown["updated_at"]), (&json!({"x": 1}), &Value::Null));
    assert_eq!(service.patch(&path, json!([])).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn removing_a_field_gives_it_its_default() -> Outcome {
    let body = json!({"extra": {"a": 1}, "maintenance": true, "description": "d", "bios_interface": "no-bios",
                      "automated_clean": false, "disable_power_off": true});
    let (service, uuid) = with_node(body).await?;
    let fields = [
        "name",
        "extra",
        "maintenance",
        "description",
        "bios_interface",
        "automated_clean",
        "disable_power_off",
        "conductor_group",
        "instance_uuid",
    ];
    let patch: Vec<_> = fields.iter().map(|name| json!({"op": "remove", "path": format!("/{name}")})).collect();
    let reply = service.patch(&format!("/v1/nodes/{uuid}"), json!(patch)).await?;
    assert_eq!(reply.status, 200, "{reply:?}");
    let shown: Vec<_> = fields.iter().map(|name| reply.json[*name].clone()).collect();
    assert_eq!(json!(shown), json!([null, {}, false, null, "fake", null, false, "", null]));
    Ok(())
}

#[tokio::test]
async fn the_state_of_a_node_says_what_may_be_changed() -> Outcome {
    let (service, uuid) = with_node(json!({"resource_class": "metal"})).await?;
    let (path, id) = (format!("/v1/nodes/{uuid}"), uuid.parse::<Uuid>()?);
    type Prepared = fn(&mut bessemer::model::Node);
    let cases: [(Prepared, Value, u16); 9] = [
        (|node| node.provision_state = State::Active, set("/power_interface", json!("fake")), 200),
        (|node| node.provision_state = State::Active, set("/bios_interface", json!("no-bios")), 409),
        (|node| node.provision_state = State::Active, set("/resource_class", json!("other")), 409),
        (|node| node.provision_state = State::Active, set("/protected", json!(true)), 200),
        (|node| node.provision_state = State::Available, set("/retired", json!(true)), 409),
        (
            |node| {
                node.provision_state = State::DeployFailed;
                node.target_provision_state = Some(State::Active);
            },
            set("/extra", json!({})),
            200,
        ),
        (
            |node| {
                node.provision_state = State::Deploying;
                node.target_provision_state = Some(State::Active);
            },
            set("/extra", json!({})),
            409,
        ),
        (|node| node.provision_state = State::Inspecting, set("/extra", json!({})), 409),
        (|node| node.reservation = Some("else".to_owned()), set("/extra", json!({"b": 1})), 409),
    ];
    for (i, (change, patch, status)) in cases.into_iter().enumerate() {
        service
            .change_node(id, |node| {
                node.provision_state = State::Manageable;
                node.target_provision_state = None;
                node.protected = false;
            })
            .await?;
        service.change_node(id, change).await?;
        let reply = service.patch(&path, patch.clone()).await?;
        assert_eq!(reply.status, status, "case {i}: {patch}: {reply:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_node_is_deleted_only_when_nothing_stands_against_it() -> Outcome {
    let (service, uuid) = with_node(json!({})).await?;
    let (path, id) = (format!("/v1/nodes/{uuid}"), uuid.parse::<Uuid>()?);
    service.change_node(id, |node| node.provision_state = State::Active).await?;
    assert_eq!(service.delete(&path).await?.status, 409, "active");
    service.change_node(id, |node| node.maintenance = true).await?;
    service.change_node(id, |node| node.protected = true).await?;
    assert_eq!(service.delete(&path).await?.status, 403, "protected");
    service.change_node(id, |node| node.protected = false).await?;
    assert_eq!(service.delete(&path).await?.status, 204, "in maintenance everything else may go");
    assert_eq!(service.delete(&path).await?.status, 404);
    assert_eq!(service.delete("/v1/nodes").await?.status, 400);
    Ok(())
}

#[tokio::test]
async fn maintenance_is_set_with_a_reason_and_cleared_with_it() -> Outcome {
    let (service, uuid) = with_node(json!({})).await?;
    let path = format!("/v1/nodes/{uuid}/maintenance");
    assert_eq!(service.call(LATEST, "PUT", &path, Some(json!({"reason": "fan"}))).await?.status, 202);
    let shown = service.get("/v1/nodes/one?fields=maintenance,maintenance_reason").await?.json;
    assert_eq!((&shown["maintenance"], &shown["maintenance_reason"]), (&json!(true), &json!("fan")));
    assert_eq!(service.delete(&path).await?.status, 202);
    let shown = service.get("/v1/nodes/one?fields=maintenance,maintenance_reason").await?.json;
    assert_eq!((&shown["maintenance"], &shown["maintenance_reason"]), (&json!(false), &Value::Null));
    Ok(())
}

#[tokio::test]
async fn traits_are_checked_kept_sorted_and_bounded() -> Outcome {
    let (service, uuid) = with_node(json!({})).await?;
    let path = format!("/v1/nodes/{uuid}/traits");
    let put = async |body: Value| Outcome::Ok(service.call(LATEST, "PUT", &path, Some(body)).await?.status);
    assert_eq!(put(json!({"traits": ["HW_CPU_X86_VMX", "CUSTOM_A", "CUSTOM_A"]})).await?, 204);
    assert_eq!(service.get(&path).await?.json, json!({"traits": ["CUSTOM_A", "HW_CPU_X86_VMX"]}));
    let added = service.call(LATEST, "PUT", &format!("{path}/CUSTOM_B"), None).await?;
    assert_eq!(added.status, 204);
    assert!(added.headers["location"].ends_with("/traits/CUSTOM_B"));
    assert_eq!(service.delete(&format!("{path}/CUSTOM_A")).await?.status, 204);
    assert_eq!(service.delete(&format!("{path}/CUSTOM_A")).await?.status, 404);
    let many: Vec<_> = (0..51).map(|i| format!("CUSTOM_{i}")).collect();
    for bad in [json!({}), json!({"traits": null}), json!({"traits": ["bad"]}), json!({"traits": many})] {
        assert_eq!(put(bad.clone()).await?, 400, "{bad}");
    }
    let shown = service.get("/v1/nodes/one?fields=traits").await?.json;
    assert_eq!(shown["traits"], json!(["CUSTOM_B", "HW_CPU_X86_VMX"]));
    Ok(())
}

//! `/v1/volume/connectors`, `/v1/volume/targets`, and both below a node.

use bessemer::model::{PowerState, State};
use bessemer::store::{StoreError, secrets};
use serde_json::{Value, json};
use uuid::Uuid;

use super::service::{LATEST, Outcome, Service};

const CONNECTOR: &str = "9cdfa740-8253-5813-baaa-ea36ff70e6e6";
const TARGET: &str = "c4c0ecf4-1221-5d2c-89e8-0a2019352363";
const NOBODY: &str = "ea978e70-ed27-51ad-b29a-e0abf6c097aa";

/// A service with two nodes that are off; the first has a connector and a target.
async fn with_volumes() -> Outcome<(Service, Vec<Uuid>)> {
    let service = Service::start().await?;
    let nodes = service.free_nodes(2).await?;
    let node = nodes[0].to_string();
    let connector = json!({"uuid": CONNECTOR, "node_uuid": node, "type": "iqn", "connector_id": "iqn.2026.a"});
    let made = service.post("/v1/volume/connectors", connector).await?;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.headers["location"].ends_with(&format!("/v1/volume/connectors/{CONNECTOR}")));
    let target = json!({"uuid": TARGET, "node_uuid": node, "volume_type": "iscsi", "volume_id": "v", "boot_index": 0,
                        "properties": {"target_iqn": "iqn.x", "auth_password": "sesame"}});
    let made = service.post("/v1/volume/targets", target).await?;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.json["properties"], json!({"target_iqn": "iqn.x", "auth_password": "******"}));
    Ok((service, nodes))
}

/// The secrets that the store keeps for the target, under a node.
async fn kept(service: &Service, node: Uuid) -> Outcome<Vec<Value>> {
    let read = service.store.read(move |read| secrets::of_column(read, node, &format!("volume_targets/{TARGET}")));
    let found: Result<_, StoreError> = read.await;
    Ok(found?.into_iter().map(|(_, sealed)| sealed.open().clone()).collect())
}

#[tokio::test]
async fn connectors_are_shown_listed_changed_and_deleted() -> Outcome {
    let (service, _) = with_volumes().await?;
    let path = format!("/v1/volume/connectors/{CONNECTOR}");
    let shown = service.get(&path).await?.json;
    assert_eq!((&shown["type"], &shown["connector_id"]), (&json!("iqn"), &json!("iqn.2026.a")));
    assert!(
        shown["links"][1]["href"].as_str().unwrap_or_default().ends_with(&format!("/volume/connectors/{CONNECTOR}"))
    );
    for list in ["/v1/volume/connectors?node=node-0", "/v1/nodes/node-0/volume/connectors?detail=true"] {
        assert_eq!(service.get(list).await?.column("connectors", "uuid"), [json!(CONNECTOR)], "{list}");
    }
    assert_eq!(service.get("/v1/nodes/node-1/volume/connectors").await?.json["connectors"], json!([]));
    let patch =
        json!([{"op": "replace", "path": "/type", "value": "ip"}, {"op": "add", "path": "/extra/a", "value": 1}]);
    let changed = service.patch(&path, patch).await?;
    assert_eq!((changed.status, &changed.json["type"]), (200, &json!("ip")), "{changed:?}");
    assert_eq!(service.delete(&path).await?.status, 204);
    assert_eq!(service.get(&path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn the_password_of_a_target_is_kept_and_never_shown() -> Outcome {
    let (service, nodes) = with_volumes().await?;
    let path = format!("/v1/volume/targets/{TARGET}");
    assert_eq!(kept(&service, nodes[0]).await?, [json!("sesame")]);
    let again = json!([{"op": "add", "path": "/properties/volume", "value": 1}]);
    let shown = service.patch(&path, again).await?;
    assert_eq!(shown.json["properties"], json!({"target_iqn": "iqn.x", "auth_password": "******", "volume": 1}));
    assert_eq!(kept(&service, nodes[0]).await?, [json!("sesame")], "stars keep the secret");
    let moved = json!([{"op": "replace", "path": "/node_uuid", "value": nodes[1].to_string()}]);
    assert_eq!(service.patch(&path, moved).await?.status, 200);
    assert_eq!(kept(&service, nodes[0]).await?, Vec::<Value>::new());
    assert_eq!(kept(&service, nodes[1]).await?, [json!("sesame")], "it goes where the target goes");
    assert_eq!(service.get("/v1/nodes/node-1/volume/targets").await?.column("targets", "uuid"), [json!(TARGET)]);
    assert_eq!(service.delete(&path).await?.status, 204);
    assert_eq!(kept(&service, nodes[1]).await?, Vec::<Value>::new());
    Ok(())
}

#[tokio::test]
async fn volumes_of_a_running_machine_stay_as_they_are() -> Outcome {
    let (service, nodes) = with_volumes().await?;
    let patch = json!([{"op": "add", "path": "/extra/a", "value": 1}]);
    let paths = [format!("/v1/volume/connectors/{CONNECTOR}"), format!("/v1/volume/targets/{TARGET}")];
    service.change_node(nodes[0], |node| node.power_state = Some(PowerState::On)).await?;
    for path in &paths {
        assert_eq!(service.patch(path, patch.clone()).await?.status, 400, "{path}");
        assert_eq!(service.delete(path).await?.status, 400, "{path}");
    }
    service.change_node(nodes[0], |node| node.provision_state = State::Manageable).await?;
    for path in &paths {
        assert_eq!(service.patch(path, patch.clone()).await?.status, 400, "{path}");
        assert_eq!(service.delete(path).await?.status, 204, "{path}: nobody has put the node to use");
    }
    Ok(())
}

#[tokio::test]
async fn the_root_leads_to_both_kinds() -> Outcome {
    let (service, _) = with_volumes().await?;
    for (path, below) in [("/v1/volume", "/v1/volume/"), ("/v1/nodes/node-0/volume", "/v1/nodes/node-0/volume/")] {
        let root = service.get(path).await?.json;
        for (key, end) in [("links", ""), ("connectors", "connectors"), ("targets", "targets")] {
            let href = root[key][0]["href"].as_str().unwrap_or_default();
            assert!(href.ends_with(&format!("{below}{end}")), "{path} {key}: {href}");
        }
    }
    assert_eq!(service.get("/v1/nodes/nobody/volume").await?.status, 404);
    assert_eq!(service.get("/v1/volume/bogus").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn mistakes_are_named_and_leave_nothing() -> Outcome {
    let (service, nodes) = with_volumes().await?;
    let node = nodes[0].to_string();
    let connector = |key: &str, value: Value| {
        let mut body = json!({"node_uuid": node, "type": "ip", "connector_id": "10.0.0.1"});
        body[key] = value;
        body
    };
    let target = |key: &str, value: Value| {
        let mut body = json!({"node_uuid": node, "volume_type": "iscsi", "volume_id": "w", "boot_index": 1});
        body[key] = value;
        body
    };
    let add = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let (c, t) = (format!("/connectors/{CONNECTOR}"), format!("/targets/{TARGET}"));
    let missing = format!("/targets/{NOBODY}");
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "/connectors", json!({}), 400, "required"),
        (LATEST, "POST", "/connectors", connector("node_uuid", json!(NOBODY)), 400, "node_uuid"),
        (LATEST, "POST", "/connectors", connector("node_uuid", json!("node-0")), 400, "node_uuid"),
        (LATEST, "POST", "/connectors", connector("type", json!(5)), 400, "type"),
        (LATEST, "POST", "/connectors", connector("uuid", json!(CONNECTOR)), 409, CONNECTOR),
        (LATEST, "POST", "/connectors", connector("foo", json!(1)), 400, "foo"),
        (
            LATEST,
            "POST",
            "/connectors",
            json!({"node_uuid": nodes[1].to_string(), "type": "iqn", "connector_id": "iqn.2026.a"}),
            409,
            "iqn.2026.a",
        ),
        (LATEST, "POST", "/targets", target("boot_index", json!("1")), 400, "boot_index"),
        (LATEST, "POST", "/targets", target("boot_index", json!(0)), 409, "boot index"),
        (LATEST, "POST", "/targets", target("properties", json!({"password": "******"})), 400, "properties"),
        (LATEST, "POST", "/targets", target("uuid", json!(TARGET)), 409, TARGET),
        (LATEST, "PATCH", &c, add("/node_uuid", json!(NOBODY)), 400, "node_uuid"),
        (LATEST, "PATCH", &c, add("/uuid", json!(NOBODY)), 400, "uuid"),
        (LATEST, "PATCH", &c, json!([{"op": "remove", "path": "/type"}]), 400, "type"),
        (LATEST, "PATCH", &t, add("/boot_index", json!("x")), 400, "boot_index"),
        (LATEST, "PATCH", &missing, json!([]), 404, NOBODY),
        (LATEST, "PATCH", "/targets/bad", json!([]), 400, "target_uuid"),
        (LATEST, "DELETE", "/connectors/bad", Value::Null, 400, "connector_uuid"),
        (LATEST, "DELETE", "/connectors", Value::Null, 400, "connector"),
        (LATEST, "GET", "/connectors/bad", Value::Null, 400, "connector_uuid"),
        (LATEST, "GET", "/targets?sort_key=properties", Value::Null, 400, "properties"),
        (LATEST, "GET", "/targets?fields=bogus", Value::Null, 400, "bogus"),
        (LATEST, "GET", "/targets?fields=uuid&detail=true", Value::Null, 400, "detail"),
        (LATEST, "GET", "/targets?node=nobody", Value::Null, 404, "nobody"),
        ("1.31", "GET", "", Value::Null, 404, ""),
        ("1.31", "GET", "/connectors", Value::Null, 404, ""),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("/v1/volume{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    assert_eq!(service.get("/v1/volume/connectors").await?.column("connectors", "uuid"), [json!(CONNECTOR)]);
    assert_eq!(service.get("/v1/volume/targets").await?.column("targets", "uuid"), [json!(TARGET)]);
    Ok(())
}

#[tokio::test]
async fn a_deleted_node_takes_what_belongs_to_it_along() -> Outcome {
    let (service, nodes) = with_volumes().await?;
    let node = nodes[0].to_string();
    let group = json!({"node_uuid": node, "name": "bond0"});
    assert_eq!(service.post("/v1/portgroups", group).await?.status, 201);
    let port = json!({"node_uuid": node, "address": "52:54:00:a8:00:01"});
    assert_eq!(service.post("/v1/ports", port).await?.status, 201);
    assert_eq!(service.delete("/v1/nodes/node-0").await?.status, 204);
    for (path, list) in [
        ("/v1/volume/connectors", "connectors"),
        ("/v1/volume/targets", "targets"),
        ("/v1/portgroups", "portgroups"),
        ("/v1/ports", "ports"),
    ] {
        assert_eq!(service.get(path).await?.json[list], json!([]), "{path}");
    }
    assert_eq!(kept(&service, nodes[0]).await?, Vec::<Value>::new());
    Ok(())
}

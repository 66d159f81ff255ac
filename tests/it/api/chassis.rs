//! `/v1/chassis` and the nodes in it.

use serde_json::{Value, json};

use super::service::{LATEST, Outcome, Service};

const RACK: &str = "fc82a994-1c62-5bf8-9f82-cab8cea0e3ed";
const NOBODY: &str = "6eae168e-b11f-5cb1-b0aa-a324b71b270e";

async fn with_rack() -> Outcome<Service> {
    let service = Service::start().await?;
    let made = service.post("/v1/chassis", json!({"uuid": RACK, "description": "rack", "extra": {"row": 1}})).await?;
    assert_eq!(made.status, 201, "{made:?}");
    Ok(service)
}

#[tokio::test]
async fn a_chassis_is_created_shown_changed_and_deleted() -> Outcome {
    let service = with_rack().await?;
    let path = format!("/v1/chassis/{RACK}");
    let shown = service.get(&path).await?.json;
    assert_eq!((&shown["description"], &shown["extra"]), (&json!("rack"), &json!({"row": 1})));
    assert_eq!(shown["nodes"][0][0]["rel"], "self", "the links are in a list of their own");
    assert!(shown["nodes"][0][1]["href"].as_str().unwrap_or_default().ends_with(&format!("/chassis/{RACK}/nodes")));
    let patch = json!([{"op": "add", "path": "/extra/z", "value": [1]}, {"op": "remove", "path": "/description"},
                       {"op": "replace", "path": "/uuid", "value": RACK}]);
    let changed = service.patch(&path, patch).await?;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.json["description"], &changed.json["extra"]), (&Value::Null, &json!({"row": 1, "z": [1]})));
    assert_eq!(service.delete(&path).await?.status, 204);
    assert_eq!(service.get(&path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn nodes_stand_in_a_chassis_that_exists_and_it_stays_while_they_do() -> Outcome {
    let service = with_rack().await?;
    let body = |name: &str, chassis: &str| json!({"driver": "fake-hardware", "name": name, "chassis_uuid": chassis});
    assert_eq!(service.post("/v1/nodes", body("one", NOBODY)).await?.status, 400);
    assert_eq!(service.post("/v1/nodes", body("one", RACK)).await?.status, 201);
    assert_eq!(service.post("/v1/nodes", json!({"driver": "fake-hardware", "name": "two"})).await?.status, 201);
    let one = [json!("one")];
    for path in [
        format!("/v1/chassis/{RACK}/nodes"),
        format!("/v1/chassis/{RACK}/nodes/detail"),
        format!("/v1/chassis/{RACK}/nodes?driver=fake-hardware&associated=false"),
        format!("/v1/nodes?chassis_uuid={RACK}"),
    ] {
        assert_eq!(service.get(&path).await?.column("nodes", "name"), one, "{path}");
    }
    let filtered = service.get(&format!("/v1/chassis/{RACK}/nodes?maintenance=true")).await?;
    assert_eq!(filtered.json["nodes"], json!([]));
    let page = service.get(&format!("/v1/chassis/{RACK}/nodes?limit=1")).await?;
    assert!(page.json["next"].as_str().unwrap_or_default().contains(&format!("/v1/chassis/{RACK}/nodes?")), "{page:?}");
    assert_eq!(service.delete(&format!("/v1/chassis/{RACK}")).await?.status, 400);
    let leave = json!([{"op": "remove", "path": "/chassis_uuid"}]);
    let older = service.call("1.24", "PATCH", "/v1/nodes/one", Some(leave.clone())).await?;
    assert_eq!(older.status, 406, "once in a chassis, always in one");
    assert_eq!(service.patch("/v1/nodes/one", leave).await?.status, 200);
    assert_eq!(service.delete(&format!("/v1/chassis/{RACK}")).await?.status, 204);
    Ok(())
}

#[tokio::test]
async fn mistakes_are_named_and_leave_nothing() -> Outcome {
    let service = with_rack().await?;
    let add = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let rack = format!("/{RACK}");
    let nobody = format!("/{NOBODY}");
    let after = format!("?marker={NOBODY}");
    let lost = format!("/{NOBODY}/nodes");
    let twice = format!("/{RACK}/nodes?chassis_uuid={RACK}");
    let below = format!("/{RACK}/nodes");
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "", json!({"uuid": "bad"}), 400, "uuid"),
        (LATEST, "POST", "", json!({"uuid": RACK}), 409, RACK),
        (LATEST, "POST", "", json!({"description": "x".repeat(256)}), 400, "description"),
        (LATEST, "POST", "", json!({"extra": "x"}), 400, "extra"),
        (LATEST, "POST", "", json!({"foo": 1}), 400, "foo"),
        (LATEST, "POST", "", json!([]), 400, "chassis"),
        (LATEST, "PATCH", &rack, add("/uuid", json!(NOBODY)), 400, "UUID"),
        (LATEST, "PATCH", &rack, json!([{"op": "remove", "path": "/uuid"}]), 400, "UUID"),
        (LATEST, "PATCH", &rack, add("/nodes", json!([])), 400, "nodes"),
        (LATEST, "PATCH", &rack, json!([{"op": "remove", "path": "/extra/absent"}]), 400, "absent"),
        (LATEST, "PATCH", &nobody, add("/description", json!("x")), 404, NOBODY),
        (LATEST, "PATCH", "/bad", json!([]), 400, "bad"),
        (LATEST, "PATCH", "", json!([]), 400, "chassis_uuid"),
        (LATEST, "DELETE", &nobody, Value::Null, 404, NOBODY),
        (LATEST, "DELETE", "/bad", Value::Null, 400, "bad"),
        (LATEST, "DELETE", "", Value::Null, 400, "chassis_uuid"),
        (LATEST, "GET", "?fields=bogus", Value::Null, 400, "bogus"),
        (LATEST, "GET", "?marker=bad", Value::Null, 400, "marker"),
        (LATEST, "GET", &after, Value::Null, 404, NOBODY),
        (LATEST, "GET", "?sort_key=extra", Value::Null, 400, "extra"),
        (LATEST, "GET", "/detail?fields=uuid", Value::Null, 400, "fields"),
        ("1.42", "GET", "?detail=true", Value::Null, 400, "detail"),
        ("1.7", "GET", "?fields=uuid", Value::Null, 406, ""),
        (LATEST, "GET", "/bad/nodes", Value::Null, 400, "bad"),
        (LATEST, "GET", &lost, Value::Null, 404, NOBODY),
        (LATEST, "GET", &twice, Value::Null, 400, "chassis_uuid"),
        (LATEST, "POST", &below, json!({"driver": "ipmi"}), 400, "URI"),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("/v1/chassis{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    let left = service.get("/v1/chassis").await?;
    assert_eq!(left.column("chassis", "description"), [json!("rack")]);
    assert_eq!(left.json["chassis"][0].as_object().map(|it| it.len()), Some(3), "uuid, description, links");
    Ok(())
}

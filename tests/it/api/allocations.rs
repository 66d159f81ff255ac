//! `/v1/allocations` and `/v1/nodes/{node}/allocation`.

use std::time::Duration;

use bessemer::model::State;
use serde_json::{Value, json};
use uuid::Uuid;

use super::service::{Client, LATEST, Outcome, Service};
use crate::race::invariants::breaches;

fn metal() -> Value {
    json!({"resource_class": "metal"})
}

#[tokio::test]
async fn a_created_allocation_is_shown_as_asked_and_found_active() -> Outcome {
    let service = Service::start().await?;
    let nodes = service.free_nodes(1).await?;
    let uuid = "23113444-f969-5d47-ba39-226206b0ae6e";
    let body = json!({"uuid": uuid, "name": "one", "resource_class": "metal", "extra": {"why": "x"},
                      "candidate_nodes": ["node-0"]});
    let made = service.post("/v1/allocations", body).await?;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.headers["location"].ends_with(&format!("/v1/allocations/{uuid}")));
    assert_eq!(made.json["state"], "allocating");
    assert_eq!(made.json["node_uuid"], Value::Null);
    assert_eq!(made.json["candidate_nodes"], json!([nodes[0].to_string()]));
    let node = nodes[0].to_string();
    for path in [format!("/v1/allocations/{uuid}"), "/v1/allocations/one".into(), "/v1/nodes/node-0/allocation".into()]
    {
        let found = service.get(&path).await?;
        assert_eq!(found.status, 200, "{path}");
        assert_eq!((&found.json["state"], &found.json["node_uuid"]), (&json!("active"), &json!(node)), "{path}");
        assert_eq!(found.json["extra"], json!({"why": "x"}));
    }
    assert_eq!(service.delete("/v1/nodes/node-0/allocation").await?.status, 204);
    assert_eq!(service.get("/v1/nodes/node-0/allocation").await?.status, 404);
    assert_eq!(breaches(&service.store, &[], true).await?, Vec::<String>::new());
    Ok(())
}

/// What is asked at which version, the answer, and what its text must name.
#[tokio::test]
async fn mistakes_are_named() -> Outcome {
    let service = Service::start().await?;
    service.free_nodes(2).await?;
    let taken = "23113444-f969-5d47-ba39-226206b0ae6e";
    let first = json!({"uuid": taken, "name": "taken", "resource_class": "metal"});
    assert_eq!(service.post("/v1/allocations", first).await?.status, 201);
    let nobody = "e5545d85-ef48-5589-b723-52c5a6fb4243";
    let with = |key: &str, value: Value| {
        let mut body = metal();
        body[key] = value;
        body
    };
    let long = "r".repeat(81);
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "", json!({}), 400, "resource_class"),
        (LATEST, "POST", "", json!({"resource_class": ""}), 400, "resource_class"),
        (LATEST, "POST", "", json!({"resource_class": 5}), 400, "resource_class"),
        (LATEST, "POST", "", json!({"resource_class": long}), 400, "resource_class"),
        (LATEST, "POST", "", with("uuid", json!("x")), 400, "uuid"),
        (LATEST, "POST", "", with("uuid", json!(taken)), 409, taken),
        (LATEST, "POST", "", with("name", json!("taken")), 409, "taken"),
        (LATEST, "POST", "", with("name", json!("bad name")), 400, "bad name"),
        (LATEST, "POST", "", with("traits", json!("X")), 400, "traits"),
        (LATEST, "POST", "", with("traits", json!(["lower_case"])), 400, "lower_case"),
        (LATEST, "POST", "", with("candidate_nodes", json!("x")), 400, "candidate_nodes"),
        (LATEST, "POST", "", with("candidate_nodes", json!([nobody])), 400, nobody),
        (LATEST, "POST", "", with("node", json!("nobody")), 400, "nobody"),
        (LATEST, "POST", "", with("node", json!("node-0")), 409, ""),
        (LATEST, "POST", "", with("owner", json!(5)), 400, "owner"),
        (LATEST, "POST", "", with("foo", json!(1)), 400, "foo"),
        (LATEST, "POST", "", with("last_error", json!("x")), 400, "last_error"),
        ("1.59", "POST", "", with("owner", json!("me")), 406, ""),
        ("1.57", "POST", "", with("node", json!("node-0")), 400, "node"),
        ("1.51", "POST", "", metal(), 405, ""),
        ("1.51", "GET", "", Value::Null, 404, ""),
        ("1.51", "GET", "/taken", Value::Null, 404, ""),
        ("1.51", "DELETE", "/taken", Value::Null, 405, ""),
        ("1.56", "PATCH", "/taken", json!([]), 405, ""),
        ("1.59", "GET", "?owner=me", Value::Null, 406, ""),
        (LATEST, "GET", "?node=nobody", Value::Null, 400, "nobody"),
        (LATEST, "GET", "?sort_key=traits", Value::Null, 400, "traits"),
        (LATEST, "GET", "?bogus=1", Value::Null, 400, "bogus"),
        (LATEST, "GET", "?limit=0", Value::Null, 400, ""),
        (LATEST, "GET", "?marker=x", Value::Null, 400, "marker"),
        (LATEST, "GET", "?marker=d5f8d3a2-2d00-550a-bbc8-4c9a593b8ae8", Value::Null, 404, ""),
        (LATEST, "GET", "/nobody", Value::Null, 404, "nobody"),
        (LATEST, "DELETE", "/nobody", Value::Null, 404, "nobody"),
        (LATEST, "PATCH", "/nobody", json!([]), 404, "nobody"),
        (LATEST, "PATCH", "/taken", json!([{"op": "replace", "path": "/owner", "value": "x"}]), 400, "owner"),
        (LATEST, "PATCH", "/taken", json!([{"op": "replace", "path": "/name", "value": "bad name"}]), 400, "bad name"),
        (LATEST, "PATCH", "/taken", json!([{"op": "add", "path": "/extra", "value": 5}]), 400, "extra"),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("/v1/allocations{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    let left = service.get("/v1/allocations").await?.column("allocations", "uuid");
    assert_eq!(left, [json!(taken)], "no refusal left a row");
    Ok(())
}

#[tokio::test]
async fn lists_filter_page_and_choose_fields() -> Outcome {
    let service = Service::start().await?;
    service.free_nodes(2).await?;
    for name in ["a", "b", "c"] {
        service.post("/v1/allocations", json!({"name": name, "resource_class": "metal"})).await?;
    }
    let names = |path: &'static str| {
        let service = &service;
        async move {
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(service.get(path).await?.column("allocations", "name"))
        }
    };
    assert_eq!(names("/v1/allocations").await?, [json!("a"), json!("b"), json!("c")]);
    assert_eq!(names("/v1/allocations?state=error").await?, [json!("c")]);
    assert_eq!(names("/v1/allocations?state=bogus").await?, [] as [Value; 0]);
    assert_eq!(names("/v1/allocations?resource_class=none").await?, [] as [Value; 0]);
    assert_eq!(names("/v1/allocations?sort_key=name&sort_dir=desc&limit=1").await?, [json!("c")]);
    assert_eq!(
        names("/v1/allocations?node=node-0").await?.len() + names("/v1/allocations?node=node-1").await?.len(),
        2
    );
    let page = service.get("/v1/allocations?limit=2&resource_class=metal&fields=uuid,state").await?;
    let next = page.json["next"].as_str().unwrap_or_default().to_owned();
    assert!(next.contains("resource_class=metal") && next.contains("fields=uuid,state"), "{next}");
    let path = next.split_once("/v1").map(|(_, rest)| format!("/v1{rest}")).unwrap_or_default();
    let rest = service.get(&path).await?;
    assert_eq!(rest.column("allocations", "state"), [json!("error")]);
    assert_eq!(rest.json["allocations"][0].as_object().map(|it| it.len()), Some(3), "uuid, state and links");
    Ok(())
}

#[tokio::test]
async fn name_and_extra_can_be_patched_while_the_rest_stays() -> Outcome {
    let service = Service::start().await?;
    service.post("/v1/allocations", json!({"name": "a", "resource_class": "metal", "extra": {"k": 1}})).await?;
    let patch =
        json!([{"op": "replace", "path": "/name", "value": "b"}, {"op": "add", "path": "/extra/z", "value": 2}]);
    let patched = service.patch("/v1/allocations/a", patch).await?;
    assert_eq!((patched.status, &patched.json["name"]), (200, &json!("b")));
    assert_eq!(patched.json["extra"], json!({"k": 1, "z": 2}));
    let removed = service.patch("/v1/allocations/b", json!([{"op": "remove", "path": "/extra"}])).await?;
    assert_eq!((&removed.json["extra"], &removed.json["name"]), (&json!({}), &json!("b")));
    Ok(())
}

/// The client need not know that somebody had the node for a moment.
#[tokio::test]
async fn a_reserved_node_is_waited_for_by_creates_and_deletes() -> Outcome {
    let service = Service::start().await?;
    let node = service.free_nodes(1).await?[0];
    service.change_node(node, |node| node.reservation = Some("somebody".to_owned())).await?;
    let made = service.post("/v1/allocations", metal()).await?;
    let path = format!("/v1/allocations/{}", made.json["uuid"].as_str().unwrap_or_default());
    assert_eq!(service.get(&path).await?.json["state"], "allocating");
    service.change_node(node, |node| node.reservation = None).await?;
    wait_for(&service, &path, "active").await?;
    service.change_node(node, |node| node.reservation = Some("somebody".to_owned())).await?;
    let (deleted, released) = tokio::join!(service.delete(&path), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        service.change_node(node, |node| node.reservation = None).await
    });
    released?;
    assert_eq!(deleted?.status, 204);
    assert_eq!(breaches(&service.store, &[], true).await?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn the_engine_gives_up_on_a_node_that_stays_reserved() -> Outcome {
    let service = Service::start().await?;
    let node = service.free_nodes(1).await?[0];
    service.change_node(node, |node| node.reservation = Some("somebody".to_owned())).await?;
    let made = service.post("/v1/allocations", metal()).await?;
    let path = format!("/v1/allocations/{}", made.json["uuid"].as_str().unwrap_or_default());
    wait_for(&service, &path, "error").await?;
    let shown = service.get(&path).await?;
    assert!(shown.json["last_error"].as_str().is_some_and(|why| why.contains("could not reserve")), "{shown:?}");
    assert_eq!(breaches(&service.store, &[], true).await?, Vec::<String>::new());
    Ok(())
}

async fn wait_for(service: &Service, path: &str, state: &str) -> Outcome {
    let mut changed = service.store.work_changed();
    let becoming = async {
        loop {
            changed.mark_unchanged();
            if service.get(path).await?.json["state"] == state {
                return Outcome::Ok(());
            }
            // Most changes of an allocation that waits touch its work; the bound is for those that do not.
            let _ = tokio::time::timeout(Duration::from_millis(100), changed.changed()).await;
        }
    };
    let became = tokio::time::timeout(Duration::from_secs(60), becoming).await;
    became.map_err(|_| format!("{path} did not become {state}"))?
}

#[tokio::test]
async fn an_active_node_keeps_its_allocation_unless_in_maintenance() -> Outcome {
    let service = Service::start().await?;
    let node = service.free_nodes(1).await?[0];
    service.post("/v1/allocations", json!({"name": "a", "resource_class": "metal"})).await?;
    service.change_node(node, |node| node.provision_state = State::Active).await?;
    let refused = service.delete("/v1/allocations/a").await?;
    assert_eq!(refused.status, 409);
    assert!(refused.fault().contains("because the node is active"), "{refused:?}");
    service.change_node(node, |node| node.maintenance = true).await?;
    assert_eq!(service.delete("/v1/allocations/a").await?.status, 204);
    Ok(())
}

/// 64 clients over HTTP: no 5xx, nothing left, nothing half.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_over_http_ends_clean() -> Outcome {
    let service = Service::start().await?;
    service.free_nodes(20).await?;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..64_usize {
        let address = service.address;
        clients.spawn(async move {
            let (mut one, mut two) = (Client::new(address), Client::new(address));
            let mut deleted = Vec::new();
            for round in 0..6_usize {
                let made = one.call(LATEST, "POST", "/v1/allocations", Some(metal())).await?;
                assert_eq!(made.status, 201, "{made:?}");
                let uuid = made.json["uuid"].as_str().unwrap_or_default().to_owned();
                let path = format!("/v1/allocations/{uuid}");
                match (client + round) % 3 {
                    0 => assert_eq!(one.call(LATEST, "DELETE", &path, None).await?.status, 204),
                    1 => {
                        tokio::time::sleep(Duration::from_millis(((client + round) % 5) as u64)).await;
                        assert_eq!(one.call(LATEST, "DELETE", &path, None).await?.status, 204);
                    }
                    _ => {
                        let (a, b) = tokio::join!(
                            one.call(LATEST, "DELETE", &path, None),
                            two.call(LATEST, "DELETE", &path, None)
                        );
                        let mut both = [a?.status, b?.status];
                        both.sort_unstable();
                        assert_eq!(both, [204, 404]);
                    }
                }
                assert_eq!(two.call(LATEST, "GET", &path, None).await?.status, 404);
                deleted.push(Uuid::try_parse(&uuid)?);
            }
            Outcome::Ok(deleted)
        });
    }
    let mut deleted = Vec::new();
    while let Some(client) = clients.join_next().await {
        deleted.extend(client??);
    }
    assert_eq!(deleted.len(), 64 * 6);
    assert_eq!(breaches(&service.store, &deleted, true).await?, Vec::<String>::new());
    assert_eq!(service.get("/v1/allocations").await?.json["allocations"], json!([]));
    Ok(())
}

//! `/v1/ports` and `/v1/nodes/{node}/ports`.

use bessemer::model::State;
use serde_json::{Value, json};
use uuid::Uuid;

use super::service::{LATEST, Outcome, Service};

const MAC: &str = "52:54:00:a8:00:01";

/// A service with one node that is in `enroll`, so that everything may be changed.
async fn with_node() -> Outcome<(Service, Uuid)> {
    let service = Service::start().await?;
    let node = service.free_nodes(1).await?[0];
    service.change_node(node, |node| node.provision_state = State::Enroll).await?;
    Ok((service, node))
}

#[tokio::test]
async fn a_port_is_created_shown_changed_and_deleted() -> Outcome {
    let (service, node) = with_node().await?;
    let body = json!({"address": "52:54:00:A8:00:01", "node_uuid": node.to_string(), "name": "eth0", "extra": {"k": "v"},
                      "local_link_connection": {"switch_id": "0A:1B:2C:3D:4E:5F", "port_id": "1/1"}});
    let made = service.post("/v1/ports", body).await?;
    assert_eq!(made.status, 201, "{made:?}");
    let uuid = made.json["uuid"].as_str().unwrap_or_default().to_owned();
    assert!(made.headers["location"].ends_with(&format!("/v1/ports/{uuid}")));
    assert_eq!((&made.json["address"], &made.json["pxe_enabled"]), (&json!(MAC), &json!(true)));
    assert_eq!(made.json["local_link_connection"]["switch_id"], "0a:1b:2c:3d:4e:5f");
    let by_name = service.get("/v1/ports/eth0?fields=uuid,address,links").await?;
    assert_eq!(by_name.json["uuid"], uuid);
    assert_eq!(by_name.json["name"], Value::Null, "not asked for");
    let patch = json!([{"op": "replace", "path": "/pxe_enabled", "value": false}, {"op": "add", "path": "/extra/z", "value": 1},
                       {"op": "remove", "path": "/name"}, {"op": "remove", "path": "/node_uuid"}]);
    let changed = service.patch("/v1/ports/eth0", patch).await?;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.json["pxe_enabled"], &changed.json["extra"]), (&json!(false), &json!({"k": "v", "z": 1})));
    assert_eq!((&changed.json["name"], &changed.json["node_uuid"]), (&Value::Null, &json!(node.to_string())));
    let reset = service.patch(&format!("/v1/ports/{uuid}"), json!([{"op": "remove", "path": "/is_smartnic"}])).await?;
    assert_eq!(reset.json["is_smartnic"], false, "a removed field has its default");
    assert_eq!(service.delete(&format!("/v1/ports/{uuid}")).await?.status, 204);
    assert_eq!(service.get(&format!("/v1/ports/{uuid}")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn mistakes_are_named_and_leave_nothing() -> Outcome {
    let (service, node) = with_node().await?;
    let first = json!({"address": MAC, "node_uuid": node.to_string(), "name": "eth0"});
    assert_eq!(service.post("/v1/ports", first).await?.status, 201);
    let with = |key: &str, value: Value| {
        let mut body = json!({"address": "52:54:00:a8:00:09", "node_uuid": node.to_string()});
        body[key] = value;
        body
    };
    let nobody = "df787e04-1677-5268-bd84-2ccff82049db";
    let add = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let vtep = json!({"port_id": "1", "vtep-logical-switch": "a", "vtep-physical-switch": "b"});
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "", json!({}), 400, "address"),
        (LATEST, "POST", "", with("available_for_dynamic_portgroup", json!("true")), 400, "true or false"),
        (LATEST, "GET", "?node_uuid=node-0", Value::Null, 400, "node_uuid"),
        (LATEST, "GET", "?sort_key=portgroup_uuid", Value::Null, 400, "portgroup_uuid"),
        (LATEST, "GET", "?sort_dir=", Value::Null, 400, "direction"),
        (LATEST, "PATCH", "/eth0", json!([{"op": "remove", "path": "/pxe_enabled"}]), 400, "removed"),
        (LATEST, "POST", "", json!({"address": MAC}), 400, "node_uuid"),
        (LATEST, "POST", "", with("address", json!(MAC)), 409, MAC),
        (LATEST, "POST", "", with("address", json!("52-54-00-a8-00-09")), 400, "address"),
        (LATEST, "POST", "", with("node_uuid", json!(nobody)), 400, nobody),
        (LATEST, "POST", "", with("node", json!("x")), 400, "node"),
        (LATEST, "POST", "", with("node_ident", json!("node-0")), 400, "node_ident"),
        (LATEST, "POST", "", with("uuid", json!("bad")), 400, "uuid"),
        (LATEST, "POST", "", with("name", json!("eth0")), 409, "eth0"),
        (LATEST, "POST", "", with("pxe_enabled", json!("x")), 400, "pxe_enabled"),
        (LATEST, "POST", "", with("physical_network", json!("p".repeat(65))), 400, "physical_network"),
        (LATEST, "POST", "", with("physical_network", json!("")), 400, "physical_network"),
        (LATEST, "POST", "", with("description", json!("d".repeat(256))), 400, "description"),
        (LATEST, "POST", "", with("vendor", json!("v".repeat(33))), 400, "vendor"),
        (LATEST, "POST", "", with("category", json!(5)), 400, "category"),
        (LATEST, "POST", "", with("extra", json!([])), 400, "extra"),
        (LATEST, "POST", "", with("internal_info", json!({})), 400, "internal_info"),
        (LATEST, "POST", "", with("portgroup_uuid", json!(nobody)), 400, nobody),
        (LATEST, "POST", "", with("local_link_connection", json!({"foo": 1})), 400, "foo"),
        (LATEST, "POST", "", with("local_link_connection", json!({"switch_id": MAC})), 400, "port_id"),
        (
            LATEST,
            "POST",
            "",
            with("local_link_connection", json!({"switch_id": "x", "port_id": "1"})),
            400,
            "switch_id",
        ),
        ("1.18", "POST", "", with("pxe_enabled", json!(true)), 406, ""),
        ("1.18", "POST", "", with("pxe_enabled", json!("x")), 400, "pxe_enabled"),
        ("1.18", "GET", "?sort_key=local_link_connection", Value::Null, 406, ""),
        ("1.18", "GET", "/nobody?fields=bogus", Value::Null, 404, "nobody"),
        ("1.18", "GET", "/eth0?fields=bogus", Value::Null, 400, "bogus"),
        ("1.63", "POST", "", with("local_link_connection", json!({"network_type": "unmanaged"})), 406, ""),
        ("1.93", "POST", "", with("node_ident", json!("node-0")), 406, ""),
        ("1.63", "PATCH", "/eth0", add("/local_link_connection/network_type", json!("managed")), 406, ""),
        ("1.89", "POST", "", with("local_link_connection", vtep.clone()), 406, ""),
        (LATEST, "POST", "", with("local_link_connection", vtep), 406, ""),
        (LATEST, "GET", "/nobody", Value::Null, 404, "nobody"),
        (LATEST, "GET", "?address=bad", Value::Null, 400, "address"),
        (LATEST, "GET", "?node=nobody", Value::Null, 404, "nobody"),
        (LATEST, "GET", "?node=node-0&shard=a", Value::Null, 403, ""),
        ("1.81", "GET", "?shard=a", Value::Null, 406, ""),
        (LATEST, "GET", "?sort_key=extra", Value::Null, 400, "extra"),
        (LATEST, "GET", "?bogus=1", Value::Null, 400, "bogus"),
        (LATEST, "GET", "/detail?fields=uuid", Value::Null, 400, "fields"),
        (LATEST, "DELETE", "/eth0", Value::Null, 400, "port_uuid"),
        (LATEST, "DELETE", "", Value::Null, 400, "port_uuid"),
        (LATEST, "PATCH", "/eth0", add("/address", json!("bad")), 400, "address"),
        (LATEST, "PATCH", "/eth0", json!([{"op": "remove", "path": "/address"}]), 400, "address"),
        (LATEST, "PATCH", "/eth0", add("/node_uuid", json!(nobody)), 400, "node_uuid"),
        (LATEST, "PATCH", "/eth0", add("/uuid", json!(nobody)), 400, "uuid"),
        (LATEST, "PATCH", "/nobody", add("/extra/a", json!(1)), 404, "nobody"),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("/v1/ports{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    assert_eq!(service.get("/v1/ports").await?.column("ports", "address"), [json!(MAC)]);
    Ok(())
}

#[tokio::test]
async fn what_a_machine_in_use_boots_by_stays_as_it_is() -> Outcome {
    let (service, node) = with_node().await?;
    service.post("/v1/ports", json!({"address": MAC, "node_uuid": node.to_string(), "name": "eth0"})).await?;
    let address = json!([{"op": "replace", "path": "/address", "value": "52:54:00:a8:00:02"}]);
    let wiring = json!([{"op": "replace", "path": "/pxe_enabled", "value": false}]);
    service.change_node(node, |node| node.provision_state = State::Active).await?;
    assert_eq!(service.patch("/v1/ports/eth0", address.clone()).await?.status, 409);
    assert_eq!(service.patch("/v1/ports/eth0", wiring.clone()).await?.status, 409);
    service.change_node(node, |node| node.provision_state = State::Available).await?;
    assert_eq!(service.patch("/v1/ports/eth0", wiring.clone()).await?.status, 409);
    service.change_node(node, |node| node.provision_state = State::Inspecting).await?;
    assert_eq!(service.patch("/v1/ports/eth0", wiring.clone()).await?.status, 409);
    service.change_node(node, |node| node.provision_state = State::Active).await?;
    service.change_node(node, |node| node.maintenance = true).await?;
    assert_eq!(service.patch("/v1/ports/eth0", address).await?.status, 200);
    assert_eq!(service.patch("/v1/ports/eth0", wiring).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn lists_show_two_fields_or_all_and_filter_by_node_address_and_shard() -> Outcome {
    let service = Service::start().await?;
    let nodes = service.free_nodes(2).await?;
    service.change_node(nodes[1], |node| node.shard = Some("s".to_owned())).await?;
    for (i, node) in nodes.iter().enumerate() {
        service
            .post("/v1/ports", json!({"address": format!("52:54:00:a8:00:0{i}"), "node_uuid": node.to_string()}))
            .await?;
    }
    let all = service.get("/v1/ports").await?;
    assert_eq!(all.json["ports"][0].as_object().map(|port| port.len()), Some(3), "uuid, address, links");
    let second = [json!("52:54:00:a8:00:01")];
    for path in [
        "/v1/ports?node=node-1",
        "/v1/nodes/node-1/ports",
        "/v1/nodes/node-1/ports/detail",
        "/v1/ports?shard=x,s",
        "/v1/ports?address=52:54:00:A8:00:01",
        "/v1/ports/detail?node=node-1",
        "/v1/ports?sort_key=address&sort_dir=desc&limit=1",
    ] {
        assert_eq!(service.get(path).await?.column("ports", "address"), second, "{path}");
    }
    assert_eq!(service.get("/v1/ports?shard=x").await?.json["ports"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_connection_is_hidden_from_versions_that_do_not_know_its_keys() -> Outcome {
    let (service, node) = with_node().await?;
    let connection = json!({"port_id": "1", "vtep-logical-switch": "a", "vtep-physical-switch": "b"});
    let body =
        json!({"address": MAC, "node_uuid": node.to_string(), "name": "eth0", "local_link_connection": connection});
    assert_eq!(service.call("1.90", "POST", "/v1/ports", Some(body)).await?.status, 201);
    for (version, shown) in
        [("1.89", json!({})), ("1.90", connection.clone()), ("1.104", connection), ("1.105", json!({}))]
    {
        let port = service.call(version, "GET", "/v1/ports/eth0", None).await?;
        assert_eq!(port.json["local_link_connection"], shown, "{version}");
    }
    Ok(())
}

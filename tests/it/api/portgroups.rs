//! `/v1/portgroups`, their members, and `/v1/nodes/{node}/portgroups`.

use bessemer::model::State;
use serde_json::{Value, json};
use uuid::Uuid;

use super::service::{LATEST, Outcome, Reply, Service};

const BOND: &str = "95ffc857-fb4d-50d1-9888-bed337ec19fc";
const NOBODY: &str = "df787e04-1677-5268-bd84-2ccff82049db";

/// A service with two nodes that may be rewired, the first of which has a bond.
async fn with_bond() -> Outcome<(Service, Vec<Uuid>)> {
    let service = Service::start().await?;
    let nodes = service.free_nodes(2).await?;
    for node in &nodes {
        service.change_node(*node, |node| node.provision_state = State::Enroll).await?;
    }
    let body = json!({"uuid": BOND, "node_uuid": nodes[0].to_string(), "name": "bond0",
                      "address": "52:54:00:A8:00:1E", "properties": {"miimon": 100}});
    let made = service.post("/v1/portgroups", body).await?;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.headers["location"].ends_with(&format!("/v1/portgroups/{BOND}")));
    Ok((service, nodes))
}

async fn member(service: &Service, node: Uuid, last: u8, more: Value) -> Outcome<Reply> {
    let mut body = json!({"node_uuid": node.to_string(), "address": format!("52:54:00:a8:00:{last:02x}"),
                          "portgroup_uuid": BOND, "name": format!("eth{last}")});
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    service.post("/v1/ports", body).await
}

#[tokio::test]
async fn a_group_is_created_shown_changed_and_deleted() -> Outcome {
    let (service, _) = with_bond().await?;
    let shown = service.get("/v1/portgroups/bond0").await?.json;
    assert_eq!((&shown["address"], &shown["mode"]), (&json!("52:54:00:a8:00:1e"), &json!("active-backup")));
    assert_eq!((&shown["standalone_ports_supported"], &shown["dynamic_portgroup"]), (&json!(true), &json!(false)));
    assert!(shown["ports"][0]["href"].as_str().unwrap_or_default().ends_with(&format!("/portgroups/{BOND}/ports")));
    let patch = json!([{"op": "replace", "path": "/mode", "value": "802.3ad"}, {"op": "remove", "path": "/properties"},
                       {"op": "add", "path": "/extra/a", "value": 1}, {"op": "remove", "path": "/node_uuid"},
                       {"op": "remove", "path": "/name"}]);
    let changed = service.patch("/v1/portgroups/bond0", patch).await?;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.json["mode"], &changed.json["properties"]), (&json!("802.3ad"), &json!({})));
    assert_eq!((&changed.json["name"], &changed.json["standalone_ports_supported"]), (&Value::Null, &json!(true)));
    assert_eq!(service.delete(&format!("/v1/portgroups/{BOND}")).await?.status, 204);
    assert_eq!(service.get(&format!("/v1/portgroups/{BOND}")).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn members_are_listed_below_the_group_and_keep_it() -> Outcome {
    let (service, nodes) = with_bond().await?;
    assert_eq!(member(&service, nodes[0], 1, json!({})).await?.status, 201);
    let alone = json!({"portgroup_uuid": null});
    assert_eq!(member(&service, nodes[0], 2, alone).await?.status, 201);
    let first = [json!("52:54:00:a8:00:01")];
    for path in [
        "/v1/portgroups/bond0/ports".to_owned(),
        format!("/v1/portgroups/{BOND}/ports/detail"),
        "/v1/ports?portgroup=bond0".to_owned(),
        format!("/v1/ports?portgroup={BOND}&limit=1"),
    ] {
        assert_eq!(service.get(&path).await?.column("ports", "address"), first, "{path}");
    }
    assert_eq!(service.delete("/v1/portgroups/bond0").await?.status, 400);
    let leave = json!([{"op": "remove", "path": "/portgroup_uuid"}]);
    assert_eq!(service.patch("/v1/ports/eth1", leave).await?.status, 200);
    assert_eq!(service.delete("/v1/portgroups/bond0").await?.status, 204);
    Ok(())
}

#[tokio::test]
async fn members_are_of_the_groups_node_and_in_its_physical_network() -> Outcome {
    let (service, nodes) = with_bond().await?;
    assert_eq!(member(&service, nodes[1], 1, json!({})).await?.status, 400, "another node's group");
    assert_eq!(member(&service, nodes[0], 1, json!({"physical_network": "left"})).await?.status, 201);
    let group = service.get("/v1/portgroups/bond0").await?;
    assert_eq!(group.json["physical_network"], "left", "the first member gives the group its network");
    assert_eq!(member(&service, nodes[0], 2, json!({"physical_network": "right"})).await?.status, 409);
    assert_eq!(member(&service, nodes[0], 2, json!({"physical_network": "left"})).await?.status, 201);
    let network = |name: &str| json!([{"op": "replace", "path": "/physical_network", "value": name}]);
    assert_eq!(service.patch("/v1/ports/eth2", network("right")).await?.status, 400, "that is the group's now");
    assert_eq!(
        service.call("1.101", "PATCH", "/v1/ports/eth2", Some(network("right"))).await?.status,
        409,
        "and was a contradiction before"
    );
    assert_eq!(service.patch("/v1/portgroups/bond0", network("right")).await?.status, 200);
    let ports = service.get("/v1/ports/detail").await?;
    assert_eq!(ports.column("ports", "physical_network"), [json!("right"), json!("right")]);
    let late = json!({"portgroup_uuid": null});
    assert_eq!(member(&service, nodes[0], 4, late).await?.status, 201);
    let join = json!([{"op": "add", "path": "/portgroup_uuid", "value": BOND}]);
    assert_eq!(service.patch("/v1/ports/eth4", join).await?.status, 409, "it is in no network");
    let join = json!([{"op": "add", "path": "/portgroup_uuid", "value": BOND},
                      {"op": "add", "path": "/physical_network", "value": "right"}]);
    assert_eq!(service.patch("/v1/ports/eth4", join).await?.status, 200);
    let solid = json!([{"op": "replace", "path": "/standalone_ports_supported", "value": false}]);
    assert_eq!(service.patch("/v1/portgroups/bond0", solid).await?.status, 200);
    let booting = json!({"physical_network": "right", "pxe_enabled": true});
    assert_eq!(member(&service, nodes[0], 3, booting).await?.status, 409, "no member boots alone");
    let silent = json!({"physical_network": "right", "pxe_enabled": false});
    assert_eq!(member(&service, nodes[0], 3, silent).await?.status, 201);
    Ok(())
}

#[tokio::test]
async fn a_group_stays_as_it_is_while_its_node_is_inspected_or_worked_on() -> Outcome {
    let (service, nodes) = with_bond().await?;
    let patch = json!([{"op": "add", "path": "/extra/a", "value": 1}]);
    service.change_node(nodes[0], |node| node.provision_state = State::Inspecting).await?;
    assert_eq!(service.patch("/v1/portgroups/bond0", patch.clone()).await?.status, 409);
    let older = service.call("1.38", "PATCH", "/v1/portgroups/bond0", Some(patch.clone())).await?;
    assert_eq!(older.status, 200, "older clients know no such state");
    service.change_node(nodes[0], |node| node.provision_state = State::Enroll).await?;
    service.change_node(nodes[0], |node| node.reservation = Some("somebody".to_owned())).await?;
    let (changed, deleted) =
        tokio::join!(service.patch("/v1/portgroups/bond0", patch), service.delete("/v1/portgroups/bond0"));
    assert_eq!((changed?.status, deleted?.status), (409, 409));
    Ok(())
}

#[tokio::test]
async fn lists_filter_by_node_address_and_shard_one_at_a_time() -> Outcome {
    let (service, nodes) = with_bond().await?;
    service.change_node(nodes[1], |node| node.shard = Some("East".to_owned())).await?;
    let body = json!({"node_uuid": nodes[1].to_string(), "name": "bond1"});
    assert_eq!(service.post("/v1/portgroups", body).await?.status, 201);
    for (query, names) in [
        ("", vec!["bond0", "bond1"]),
        ("?node=node-0", vec!["bond0"]),
        ("?address=52:54:00:A8:00:1E", vec!["bond0"]),
        ("?address=52:54:00:a8:00:1f", vec![]),
        ("?shard=West,East", vec!["bond1"]),
        ("?conductor_groups=nowhere", vec![]),
        ("?sort_key=name&sort_dir=desc", vec!["bond1", "bond0"]),
        ("/detail?node=node-1", vec!["bond1"]),
    ] {
        let reply = service.get(&format!("/v1/portgroups{query}")).await?;
        assert_eq!(reply.column("portgroups", "name"), names, "{query}: {reply:?}");
    }
    for path in ["/v1/nodes/node-1/portgroups", "/v1/nodes/node-1/portgroups/detail"] {
        assert_eq!(service.get(path).await?.column("portgroups", "name"), [json!("bond1")], "{path}");
    }
    let page = service.get("/v1/portgroups?node=node-0&limit=1").await?;
    assert!(page.json["next"].as_str().unwrap_or_default().contains("&node=node-0&"), "{page:?}");
    Ok(())
}

#[tokio::test]
async fn mistakes_are_named_and_leave_nothing() -> Outcome {
    let (service, nodes) = with_bond().await?;
    let node = nodes[0].to_string();
    let with = |key: &str, value: Value| {
        let mut body = json!({"node_uuid": node});
        body[key] = value;
        body
    };
    let add = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let bond = format!("/{BOND}");
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "", json!({}), 400, "node_uuid"),
        (LATEST, "POST", "", with("node_uuid", json!(NOBODY)), 400, NOBODY),
        (LATEST, "POST", "", with("name", json!("bond0")), 409, "bond0"),
        (LATEST, "POST", "", with("name", json!("bad name")), 400, "bad name"),
        (LATEST, "POST", "", with("address", json!("bad")), 400, "address"),
        (LATEST, "POST", "", with("address", json!("52:54:00:a8:00:1e")), 409, "52:54:00:a8:00:1e"),
        (LATEST, "POST", "", with("uuid", json!(BOND)), 409, BOND),
        (LATEST, "POST", "", with("properties", json!([])), 400, "properties"),
        (LATEST, "POST", "", with("standalone_ports_supported", json!("x")), 400, "standalone_ports_supported"),
        (LATEST, "POST", "", with("physical_network", json!("p".repeat(65))), 400, "physical_network"),
        (LATEST, "POST", "", with("category", json!("c".repeat(81))), 400, "category"),
        (LATEST, "POST", "", with("foo", json!(1)), 400, "foo"),
        ("1.25", "POST", "", with("mode", json!("802.3ad")), 406, ""),
        ("1.25", "POST", "", with("properties", json!([])), 400, "properties"),
        ("1.25", "GET", "?sort_key=mode", Value::Null, 406, ""),
        ("1.22", "POST", "", with("name", json!("x")), 404, ""),
        (LATEST, "PATCH", &bond, json!([{"op": "remove", "path": "/mode"}]), 400, "mode"),
        (LATEST, "PATCH", &bond, json!([{"op": "remove", "path": "/standalone_ports_supported"}]), 400, "removed"),
        (LATEST, "PATCH", &bond, add("/node_uuid", json!(nodes[1].to_string())), 400, "node_uuid"),
        (LATEST, "PATCH", &bond, add("/foo", json!(1)), 400, "foo"),
        (LATEST, "PATCH", &bond, add("/uuid", json!(NOBODY)), 400, "uuid"),
        (LATEST, "PATCH", &bond, add("/name", json!("a b")), 400, "a b"),
        (LATEST, "PATCH", "/nobody", json!([]), 404, "nobody"),
        (LATEST, "PATCH", "", json!([]), 400, "portgroup_ident"),
        (LATEST, "DELETE", "/nobody", Value::Null, 404, "nobody"),
        (LATEST, "DELETE", "", Value::Null, 400, "portgroup_ident"),
        (LATEST, "GET", "/a%20b", Value::Null, 400, "a b"),
        (LATEST, "GET", "?address=bad", Value::Null, 400, "address"),
        (LATEST, "GET", "?fields=bogus", Value::Null, 400, "bogus"),
        (LATEST, "GET", "?sort_key=properties", Value::Null, 400, "properties"),
        (LATEST, "GET", "?node=nobody", Value::Null, 404, "nobody"),
        (LATEST, "GET", "?node=node-0&shard=a", Value::Null, 400, "shard"),
        (LATEST, "GET", "/nobody/ports", Value::Null, 404, "nobody"),
        ("1.105", "GET", "?shard=a", Value::Null, 406, ""),
        ("1.23", "GET", "/bond0/ports", Value::Null, 404, ""),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("/v1/portgroups{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    assert_eq!(service.get("/v1/portgroups").await?.column("portgroups", "name"), [json!("bond0")]);
    Ok(())
}

/// Where Ironic forgets to hide and to refuse, clients of older versions have got used to it.
#[tokio::test]
async fn older_versions_see_newer_fields_in_lists_and_may_set_two_of_them() -> Outcome {
    let (service, nodes) = with_bond().await?;
    let body =
        json!({"node_uuid": nodes[0].to_string(), "name": "bond1", "category": "fast", "physical_network": "left"});
    let made = service.call("1.72", "POST", "/v1/portgroups", Some(body)).await?;
    assert_eq!((made.status, made.json.get("category")), (201, None));
    let list = service.call("1.72", "GET", "/v1/portgroups/detail", None).await?;
    assert_eq!(list.column("portgroups", "category"), [Value::Null, json!("fast")]);
    let one = service.call("1.72", "GET", "/v1/portgroups/bond1?fields=name,category", None).await?;
    assert_eq!((&one.json["name"], one.json.get("category")), (&json!("bond1"), None));
    let patch = json!([{"op": "remove", "path": "/category"}]);
    assert_eq!(service.call("1.72", "PATCH", "/v1/portgroups/bond1", Some(patch)).await?.status, 200);
    assert_eq!(service.get("/v1/portgroups/bond1").await?.json["category"], Value::Null);
    Ok(())
}

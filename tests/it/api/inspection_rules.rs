//! `/v1/inspection_rules`, `/v1/shards` and `/v1/events`.

use bessemer::api::surface::inspection_rules::INSPECTION_RULE;
use bessemer::model::Node;
use serde_json::{Value, json};

use super::service::{LATEST, Outcome, Service};

const RULES: &str = "/v1/inspection_rules";
const UUID: &str = "adc4b684-22f2-5a28-a8ff-aebcc2cc15f1";

fn rule() -> Value {
    json!({"uuid": UUID, "description": "one", "priority": 5,
           "conditions": [{"op": "!eq", "args": {"values": ["{node.driver}", "x"]}, "loop": [1]},
                          {"op": "is-true", "args": ["{item}"], "multiple": "all", "note": "kept, not shown"}],
           "actions": [{"op": "set-attribute", "args": ["/extra/a", "b"], "loop": []},
                       {"op": "set-plugin-data", "args": {"path": "a", "value": 1}}]})
}

#[tokio::test]
async fn a_rule_is_created_shown_changed_and_deleted() -> Outcome {
    let service = Service::start().await?;
    let made = service.post(RULES, rule()).await?;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.headers["location"].ends_with(&format!("{RULES}/{UUID}")));
    assert_eq!(
        made.json["conditions"],
        json!([{"op": "!eq", "args": {"values": ["{node.driver}", "x"]}, "loop": [1], "multiple": "any"},
               {"op": "is-true", "args": ["{item}"]}])
    );
    assert_eq!(
        made.json["actions"],
        json!([{"op": "set-attribute", "args": ["/extra/a", "b"]},
               {"op": "set-plugin-data", "args": {"path": "a", "value": 1, "plugin_data": {}}}])
    );
    assert_eq!((&made.json["phase"], &made.json["sensitive"]), (&json!("main"), &json!(false)));
    assert_eq!(made.json["links"][0]["href"], format!("http://{}/v1/inspection/{UUID}", service.address));
    let one = format!("{RULES}/{UUID}");
    assert_eq!(service.get(&one).await?.json, made.json);
    let changed = service
        .patch(
            &one,
            json!([{"op": "replace", "path": "/priority", "value": 7}, {"op": "remove", "path": "/description"},
                   {"op": "replace", "path": "/actions/0/op", "value": "del-attribute"},
                   {"op": "remove", "path": "/actions/0/args/1"}, {"op": "remove", "path": "/conditions"},
                   {"op": "add", "path": "/scope", "value": "ignored"}]),
        )
        .await?;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.json["priority"], &changed.json["description"]), (&json!(7), &Value::Null));
    assert_eq!(changed.json["actions"][0], json!({"op": "del-attribute", "args": ["/extra/a"]}));
    assert_eq!(changed.json["conditions"], json!([]));
    assert!(changed.json["updated_at"].is_string());
    assert_eq!(service.delete(&one).await?.status, 204);
    assert_eq!(service.delete(&one).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_sensitive_rule_hides_what_it_does_for_ever() -> Outcome {
    let service = Service::start().await?;
    let mut body = rule();
    body["sensitive"] = json!(true);
    let made = service.post(RULES, body).await?;
    assert_eq!((&made.json["conditions"], &made.json["actions"]), (&Value::Null, &Value::Null));
    let one = format!("{RULES}/{UUID}");
    for operations in [
        json!([{"op": "replace", "path": "/sensitive", "value": false}]),
        json!([{"op": "replace", "path": "/sensitive", "value": null}]),
        json!([{"op": "remove", "path": "/sensitive"}]),
        json!([{"op": "add", "path": "/sensitive", "value": true}, {"op": "add", "path": "/sensitive", "value": false}]),
    ] {
        assert_eq!(service.patch(&one, operations.clone()).await?.status, 400, "{operations}");
    }
    // It can be changed all the same, and stays hidden.
    let changed = service.patch(&one, json!([{"op": "replace", "path": "/actions/0/op", "value": "fail"}])).await?;
    assert_eq!((changed.status, &changed.json["actions"]), (200, &Value::Null), "{changed:?}");
    let changed = service.patch(&one, json!([{"op": "replace", "path": "/description", "value": "two"}])).await?;
    assert_eq!((changed.status, &changed.json["actions"]), (200, &Value::Null));
    let listed = service.get(&format!("{RULES}?detail=true")).await?;
    assert_eq!(listed.json["inspection_rules"][0]["conditions"], Value::Null);
    Ok(())
}

/// What is asked at which version, the answer, and what its text must name.
#[tokio::test]
async fn mistakes_are_named() -> Outcome {
    let service = Service::start().await?;
    assert_eq!(service.post(RULES, rule()).await?.status, 201);
    let with = |key: &str, value: Value| {
        let mut body = json!({"actions": [{"op": "fail", "args": ["no"]}]});
        body[key] = value;
        body
    };
    let action = |action: Value| with("actions", json!([action]));
    let condition = |condition: Value| with("conditions", json!([condition]));
    let replace = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
    let one = format!("/{UUID}");
    let other = "/03690b47-ce8d-533e-b5ef-53252e8d6595";
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "", json!({}), 400, "actions"),
        (LATEST, "POST", "", json!([]), 400, "object"),
        (LATEST, "POST", "", with("actions", json!([])), 400, "actions"),
        (LATEST, "POST", "", with("actions", json!(null)), 400, "actions"),
        (LATEST, "POST", "", with("actions", json!(["x"])), 400, "actions/0"),
        (LATEST, "POST", "", action(json!({"op": "fail"})), 400, "args"),
        (LATEST, "POST", "", action(json!({"args": []})), 400, "op"),
        (LATEST, "POST", "", action(json!({"op": "bogus", "args": []})), 400, "set-attribute"),
        (LATEST, "POST", "", action(json!({"op": "!fail", "args": ["x"]})), 400, "!fail"),
        (LATEST, "POST", "", action(json!({"op": "fail", "args": "x"})), 400, "list or dictionary"),
        (LATEST, "POST", "", action(json!({"op": "set-attribute", "args": ["/extra/a"]})), 400, "value"),
        (LATEST, "POST", "", action(json!({"op": "fail", "args": {"msg": "x", "to": 1}})), 400, "to"),
        (LATEST, "POST", "", action(json!({"op": "fail", "args": ["x"], "loop": "x"})), 400, "loop"),
        (LATEST, "POST", "", with("conditions", json!(null)), 400, "conditions"),
        (LATEST, "POST", "", condition(json!({"op": "!!eq", "args": [[]]})), 400, "!!eq"),
        (LATEST, "POST", "", condition(json!({"op": "eq", "args": {"value": 1}})), 400, "values"),
        (LATEST, "POST", "", condition(json!({"op": "eq", "args": [[]], "multiple": "x"})), 400, "multiple"),
        (LATEST, "POST", "", with("priority", json!(-1)), 400, "priority"),
        (LATEST, "POST", "", with("priority", json!(10000)), 400, "9999"),
        (LATEST, "POST", "", with("priority", json!(1.5)), 400, "priority"),
        (LATEST, "POST", "", with("priority", json!("5")), 400, "priority"),
        (LATEST, "POST", "", with("priority", json!(null)), 400, "priority"),
        (LATEST, "POST", "", with("phase", json!("early")), 400, "early"),
        (LATEST, "POST", "", with("phase", json!(null)), 400, "phase"),
        (LATEST, "POST", "", with("sensitive", json!("x")), 400, "sensitive"),
        (LATEST, "POST", "", with("description", json!("d".repeat(256))), 400, "description"),
        (LATEST, "POST", "", with("uuid", json!("x")), 400, "UUID"),
        (LATEST, "POST", "", with("uuid", json!(UUID)), 409, UUID),
        (LATEST, "POST", "", with("scope", json!("x")), 400, "scope"),
        (LATEST, "GET", "?fields=scope", Value::Null, 400, "scope"),
        (LATEST, "GET", "?scope=x", Value::Null, 400, "scope"),
        (LATEST, "GET", "?sort_key=actions", Value::Null, 400, "actions"),
        (LATEST, "GET", "?fields=uuid&detail=true", Value::Null, 400, "detail"),
        (LATEST, "GET", "/abc", Value::Null, 400, "abc"),
        (LATEST, "GET", other, Value::Null, 404, other.trim_start_matches('/')),
        (LATEST, "PATCH", other, json!([]), 404, ""),
        (LATEST, "PATCH", &one, replace("/uuid", json!("03690b47-ce8d-533e-b5ef-53252e8d6595")), 404, "03690b47"),
        (LATEST, "PATCH", &one, replace("/uuid", json!(null)), 400, "uuid"),
        (LATEST, "PATCH", &one, replace("/priority", json!(10000)), 400, "9999"),
        (LATEST, "PATCH", &one, replace("/links", json!([])), 400, "links"),
        (LATEST, "PATCH", &one, json!([{"op": "remove", "path": "/actions"}]), 400, "actions"),
        (LATEST, "PATCH", &one, json!([{"op": "remove", "path": "/actions/0/args/0"}]), 400, "value"),
        (LATEST, "PATCH", &one, replace("/conditions/0", json!(null)), 400, "conditions/0"),
        (LATEST, "PATCH", "", json!([]), 400, "inspection_rule_uuid"),
        (LATEST, "DELETE", "", Value::Null, 400, "inspection_rule_uuid"),
        (LATEST, "DELETE", "?confirm=true", Value::Null, 400, "confirm"),
        ("1.95", "GET", "", Value::Null, 404, "inspection rules"),
        ("1.95", "GET", &one, Value::Null, 404, "inspection rules"),
        ("1.95", "POST", "", rule(), 405, ""),
        ("1.95", "PATCH", &one, json!([]), 405, ""),
        ("1.95", "DELETE", &one, Value::Null, 405, ""),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("{RULES}{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    let left = service.get(RULES).await?.column("inspection_rules", "uuid");
    assert_eq!(left, [json!(UUID)], "no refusal left or took a row");
    Ok(())
}

#[tokio::test]
async fn lists_show_four_fields_all_or_some_and_page_with_links_that_lead_on() -> Outcome {
    let service = Service::start().await?;
    for (priority, name) in [(5, "a"), (9, "b"), (1, "c")] {
        let body = json!({"actions": [{"op": "fail", "args": ["x"]}], "priority": priority, "description": name});
        assert_eq!(service.post(RULES, body).await?.status, 201);
    }
    let keys = |reply: &super::service::Reply| {
        let first = reply.json["inspection_rules"][0].as_object().cloned().unwrap_or_default();
        let mut keys: Vec<String> = first.keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&service.get(RULES).await?), ["description", "links", "phase", "priority", "uuid"]);
    assert_eq!(keys(&service.get(&format!("{RULES}?detail=true")).await?).len(), INSPECTION_RULE.fields.len());
    assert_eq!(keys(&service.get(&format!("{RULES}?fields=priority")).await?), ["links", "priority"]);
    let page = service.get(&format!("{RULES}?sort_key=priority&sort_dir=desc&limit=2&phase=main")).await?;
    assert_eq!(page.column("inspection_rules", "description"), [json!("b"), json!("a")]);
    let next = page.json["next"].as_str().unwrap_or_default();
    let path = next.split_once("/v1").map(|(_, rest)| format!("/v1{rest}")).unwrap_or_default();
    assert!(path.starts_with(RULES) && path.contains("phase=main"), "{next}");
    assert_eq!(service.get(&path).await?.column("inspection_rules", "description"), [json!("c")]);
    Ok(())
}

#[tokio::test]
async fn shards_are_counted_the_largest_first() -> Outcome {
    let service = Service::start().await?;
    assert_eq!(service.get("/v1/shards").await?.json, json!({"shards": []}));
    let nodes = service.free_nodes(4).await?;
    let shard = |node: &mut Node| node.shard = Some("a".to_owned());
    for node in &nodes[..3] {
        service.change_node(*node, shard).await?;
    }
    let found = service.get("/v1/shards").await?;
    assert_eq!(found.json, json!({"shards": [{"name": "a", "count": 3}, {"name": "None", "count": 1}]}));
    assert_eq!(service.get("/v1/shards/a").await?.status, 404);
    assert_eq!(service.call("1.81", "GET", "/v1/shards", None).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn events_are_taken_if_they_are_ones() -> Outcome {
    let service = Service::start().await?;
    let event = json!({"event": "network.bind_port", "port_id": UUID, "mac_address": "52:54:00:aa:bb:01",
                       "status": "ACTIVE", "device_id": null});
    let changed = |key: &str, value: Value| {
        let mut event = event.clone();
        event[key] = value;
        json!({"events": [event]})
    };
    for (body, status) in [
        (json!({"events": [event]}), 204),
        (json!({"events": []}), 400),
        (json!({}), 400),
        (json!({"events": "x"}), 400),
        (json!({"events": [5]}), 400),
        (json!({"events": [event], "more": 1}), 400),
        (changed("event", json!("network.dance")), 400),
        (changed("port_id", json!("x")), 400),
        (changed("mac_address", json!("x")), 400),
        (changed("status", json!(5)), 400),
        (changed("device_id", json!("x")), 400),
        (changed("binding:host_id", json!(UUID)), 204),
        (changed("binding:vnic_type", json!("baremetal")), 204),
        (changed("bogus", json!(1)), 400),
        (json!({"events": [{"event": "network.bind_port"}]}), 400),
    ] {
        let reply = service.post("/v1/events", body.clone()).await?;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
    assert_eq!(service.call("1.53", "POST", "/v1/events", Some(json!({"events": [event]}))).await?.status, 404);
    Ok(())
}

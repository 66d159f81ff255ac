//! `/v1/deploy_templates`.

use serde_json::{Value, json};

use super::service::{LATEST, Outcome, Service};

const ONE: &str = "ee443451-fd34-5a71-98c9-f6fd5664a75f";

fn step(name: &str, priority: i64) -> Value {
    json!({"interface": "bios", "step": name, "args": {}, "priority": priority})
}

fn template(name: &str) -> Value {
    json!({"name": name, "steps": [step("factory_reset", 10)]})
}

#[tokio::test]
async fn a_template_lives_from_its_creation_to_its_end() -> Outcome {
    let service = Service::start().await?;
    let mut body = template("CUSTOM_ONE");
    (body["uuid"], body["extra"], body["description"]) = (json!(ONE), json!({"k": 1}), json!("forgotten"));
    let made = service.post("/v1/deploy_templates", body).await?;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.headers["location"].ends_with(&format!("/v1/deploy_templates/{ONE}")));
    assert_eq!((&made.json["updated_at"], &made.json["extra"]), (&Value::Null, &json!({"k": 1})));
    assert!(made.json.get("description").is_none(), "Ironic shows none");
    for path in [format!("/v1/deploy_templates/{ONE}"), "/v1/deploy_templates/CUSTOM_ONE".to_owned()] {
        assert_eq!(service.get(&path).await?.json, made.json, "{path}");
    }
    let path = format!("/v1/deploy_templates/{ONE}");
    let patch = json!([
        {"op": "replace", "path": "/name", "value": "HW_CPU_X86_VMX"},
        {"op": "add", "path": "/steps/-", "value": {"interface": "raid", "step": "b", "args": {}, "priority": "7", "odd": 1}},
        {"op": "remove", "path": "/extra"},
    ]);
    let changed = service.patch(&path, patch).await?;
    assert_eq!(changed.status, 200, "{changed:?}");
    let steps = json!([step("factory_reset", 10), {"interface": "raid", "step": "b", "args": {}, "priority": 7}]);
    assert_eq!((&changed.json["steps"], &changed.json["extra"]), (&steps, &json!({})));
    assert!(changed.json["updated_at"].is_string());
    assert_eq!(service.get("/v1/deploy_templates/CUSTOM_ONE").await?.status, 404, "it has another name now");
    assert_eq!(service.delete("/v1/deploy_templates/HW_CPU_X86_VMX").await?.status, 204);
    assert_eq!(service.get(&path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn passwords_in_steps_are_masked_and_a_mask_stands_for_what_is_stored() -> Outcome {
    let service = Service::start().await?;
    let secret = |password: &str| json!([{"interface": "bios", "step": "apply", "args": {"users": [{"password": password}], "n": 1}, "priority": 1}]);
    let mut body = template("CUSTOM_SECRET");
    (body["uuid"], body["steps"]) = (json!(ONE), secret("geheim"));
    let made = service.post("/v1/deploy_templates", body).await?;
    assert_eq!(made.json["steps"], secret("******"));
    let path = format!("/v1/deploy_templates/{ONE}");
    let kept = service.patch(&path, json!([{"op": "replace", "path": "/steps", "value": secret("******")}])).await?;
    assert_eq!((kept.status, &kept.json["steps"]), (200, &secret("******")), "{kept:?}");
    let stored = service
        .store
        .read(|read| {
            let template = bessemer::service::deploy_templates::find(read, ONE)?;
            bessemer::service::steps::open(read, template.uuid, &template.steps)
        })
        .await?;
    assert_eq!(stored[0].args["users"], json!([{"password": "geheim"}]));
    let other = json!([{"interface": "raid", "step": "b", "args": {"password": "******"}, "priority": 1}]);
    let lost = service.patch(&path, json!([{"op": "replace", "path": "/steps", "value": other}])).await?;
    assert_eq!(lost.status, 400, "nothing stands behind this mask: {lost:?}");
    Ok(())
}

#[tokio::test]
async fn mistakes_are_named() -> Outcome {
    let service = Service::start().await?;
    let mut taken = template("CUSTOM_TAKEN");
    taken["uuid"] = json!(ONE);
    assert_eq!(service.post("/v1/deploy_templates", taken).await?.status, 201);
    let with = |key: &str, value: Value| {
        let mut body = template("CUSTOM_X");
        body[key] = value;
        body
    };
    let odd = |key: &str, value: Value| {
        let mut one = step("a", 1);
        one[key] = value;
        with("steps", json!([one]))
    };
    let replace = |path: &str, value: Value| json!([{"op": "replace", "path": path, "value": value}]);
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "", json!({}), 400, "steps"),
        (LATEST, "POST", "", json!([]), 400, "object"),
        (LATEST, "POST", "", json!({"steps": [step("a", 1)]}), 400, "name"),
        (LATEST, "POST", "", template("bad name"), 400, "bad name"),
        (LATEST, "POST", "", template("lower"), 400, "lower"),
        (LATEST, "POST", "", template("CUSTOM_TAKEN"), 409, "CUSTOM_TAKEN"),
        (LATEST, "POST", "", with("uuid", json!(ONE)), 409, ONE),
        (LATEST, "POST", "", with("uuid", json!("bad")), 400, "uuid"),
        (LATEST, "POST", "", with("extra", json!([])), 400, "extra"),
        (LATEST, "POST", "", with("description", json!(5)), 400, "description"),
        (LATEST, "POST", "", with("owner", json!("x")), 400, "owner"),
        (LATEST, "POST", "", with("steps", json!([])), 400, "non-empty"),
        (LATEST, "POST", "", with("steps", json!("x")), 400, "array"),
        (LATEST, "POST", "", with("steps", json!([5])), 400, "object"),
        (LATEST, "POST", "", with("steps", json!([step("a", 1), step("a", 2)])), 400, "Duplicate"),
        (LATEST, "POST", "", odd("priority", json!(-1)), 400, "priority"),
        (LATEST, "POST", "", odd("priority", json!("x")), 400, "priority"),
        (LATEST, "POST", "", odd("interface", json!("network")), 400, "network"),
        (LATEST, "POST", "", odd("args", json!(1)), 400, "args"),
        (LATEST, "POST", "", odd("order", json!(1)), 400, "order"),
        (LATEST, "POST", "?x=1", template("CUSTOM_X"), 400, "x"),
        (LATEST, "GET", "?fields=description", Value::Null, 400, "description"),
        (LATEST, "GET", "?sort_key=steps", Value::Null, 400, "steps"),
        (LATEST, "GET", "?detail=true&fields=name", Value::Null, 400, ""),
        (LATEST, "GET", "?marker=CUSTOM_TAKEN", Value::Null, 404, "CUSTOM_TAKEN"),
        (LATEST, "GET", "?marker=a%20b", Value::Null, 400, "marker"),
        (LATEST, "GET", "/nobody", Value::Null, 404, "nobody"),
        (LATEST, "GET", "/bad%20name", Value::Null, 400, "bad name"),
        (LATEST, "PATCH", "", json!([]), 400, "template_ident"),
        (LATEST, "PATCH", "/nobody", json!([]), 404, "nobody"),
        (LATEST, "PATCH", "/CUSTOM_TAKEN", replace("/uuid", json!(ONE)), 400, "uuid"),
        (LATEST, "PATCH", "/CUSTOM_TAKEN", replace("/description", json!("x")), 400, "description"),
        (LATEST, "PATCH", "/CUSTOM_TAKEN", replace("/name", json!("bad")), 400, "bad"),
        (LATEST, "PATCH", "/CUSTOM_TAKEN", replace("/steps", json!(null)), 400, "steps"),
        (LATEST, "PATCH", "/CUSTOM_TAKEN", replace("/steps", json!("x")), 400, "steps"),
        (LATEST, "PATCH", "/CUSTOM_TAKEN", replace("/steps/0/priority", json!(-1)), 400, "priority"),
        (LATEST, "PATCH", "/CUSTOM_TAKEN", json!([{"op": "remove", "path": "/steps/5"}]), 400, "/steps/5"),
        (LATEST, "DELETE", "/nobody", Value::Null, 404, "nobody"),
        ("1.54", "GET", "", Value::Null, 404, "deploy templates"),
        ("1.54", "POST", "", template("CUSTOM_X"), 405, "deploy templates"),
        ("1.54", "DELETE", "/CUSTOM_TAKEN", Value::Null, 405, "deploy templates"),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("/v1/deploy_templates{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    let left = service.get("/v1/deploy_templates").await?.column("deploy_templates", "uuid");
    assert_eq!(left, [json!(ONE)], "no refusal left a row");
    Ok(())
}

#[tokio::test]
async fn lists_page_order_and_choose_fields() -> Outcome {
    let service = Service::start().await?;
    for name in ["CUSTOM_B", "CUSTOM_A", "CUSTOM_C"] {
        assert_eq!(service.post("/v1/deploy_templates", template(name)).await?.status, 201);
    }
    let list = service.get("/v1/deploy_templates?sort_key=name&limit=2").await?;
    assert_eq!(list.column("deploy_templates", "name"), ["CUSTOM_A", "CUSTOM_B"]);
    assert!(list.json["deploy_templates"][0].get("steps").is_none(), "the short form");
    let next = list.json["next"].as_str().unwrap_or_default();
    assert!(next.contains("fields=uuid,name&limit=2&marker="), "{next}");
    let path = next.split_once("/v1/").map_or("", |(_, path)| path);
    let rest = service.get(&format!("/v1/{path}")).await?;
    assert_eq!(rest.column("deploy_templates", "name"), ["CUSTOM_C"]);
    let detail = service.get("/v1/deploy_templates?detail=true").await?;
    assert_eq!(detail.json["deploy_templates"][0]["steps"], json!([step("factory_reset", 10)]));
    Ok(())
}

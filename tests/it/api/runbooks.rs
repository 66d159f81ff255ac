//! `/v1/runbooks` and their traits.

use serde_json::{Value, json};

use super::service::{LATEST, Outcome, Service};

const ONE: &str = "11f45ba6-b424-5bfc-9bf2-f2fba1bd0cd0";

fn step(name: &str, order: i64) -> Value {
    json!({"interface": "bios", "step": name, "args": {}, "order": order})
}

fn runbook(name: &str) -> Value {
    json!({"name": name, "steps": [step("factory_reset", 1)]})
}

fn set(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

#[tokio::test]
async fn a_runbook_lives_from_its_creation_to_its_end() -> Outcome {
    let service = Service::start().await?;
    let mut body = runbook("reset.all");
    (body["uuid"], body["description"], body["owner"]) = (json!(ONE), json!("d"), json!("me"));
    let made = service.post("/v1/runbooks", body).await?;
    assert_eq!(made.status, 201, "{made:?}");
    assert!(made.headers["location"].ends_with(&format!("/v1/runbooks/{ONE}")));
    let seen = (&made.json["traits"], &made.json["public"], &made.json["disable_ramdisk"], &made.json["owner"]);
    assert_eq!(seen, (&json!([]), &json!(false), &json!(false), &json!("me")));
    assert_eq!(service.get("/v1/runbooks/reset.all").await?.json, made.json);
    let old = service.call("1.111", "GET", "/v1/runbooks/reset.all", None).await?.json;
    assert!(old.get("traits").is_none() && old.get("description").is_none() && old.get("public").is_some(), "{old}");
    let path = format!("/v1/runbooks/{ONE}");
    let patch = json!([
        set("/steps/0/order", json!("3")),
        set("/disable_ramdisk", json!(true)),
        set("/description", json!(null))
    ]);
    let changed = service.patch(&path, patch).await?;
    assert_eq!(changed.json["steps"], json!([step("factory_reset", 3)]), "{changed:?}");
    assert_eq!((&changed.json["disable_ramdisk"], &changed.json["description"]), (&json!(true), &Value::Null));
    assert_eq!(service.delete("/v1/runbooks/reset.all").await?.status, 204);
    assert_eq!(service.get(&path).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn a_public_runbook_has_no_owner() -> Outcome {
    let service = Service::start().await?;
    let mut body = runbook("one");
    body["owner"] = json!("me");
    service.post("/v1/runbooks", body).await?;
    let path = "/v1/runbooks/one";
    for (patch, status, owner) in [
        (json!([set("/public", json!(true))]), 200, Value::Null),
        (json!([set("/owner", json!("me"))]), 400, Value::Null),
        (json!([set("/public", json!(true)), set("/owner", json!("me"))]), 400, Value::Null),
        (json!([set("/public", json!(false)), set("/owner", json!("me"))]), 200, json!("me")),
        (json!([set("/public", json!(false))]), 200, Value::Null),
    ] {
        let reply = service.patch(path, patch.clone()).await?;
        assert_eq!(reply.status, status, "{patch}: {reply:?}");
        assert_eq!(service.get(path).await?.json["owner"], owner, "{patch}");
    }
    Ok(())
}

#[tokio::test]
async fn traits_are_set_added_and_removed() -> Outcome {
    let service = Service::start().await?;
    service.post("/v1/runbooks", runbook("one")).await?;
    let path = "/v1/runbooks/one/traits";
    for (method, below, body, status, left) in [
        ("PUT", "", json!({"traits": ["CUSTOM_B", "CUSTOM_A", "CUSTOM_B"]}), 204, json!(["CUSTOM_A", "CUSTOM_B"])),
        ("PUT", "/HW_CPU_X86_VMX", Value::Null, 204, json!(["CUSTOM_A", "CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("PUT", "/CUSTOM_A", Value::Null, 204, json!(["CUSTOM_A", "CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("DELETE", "/CUSTOM_A", Value::Null, 204, json!(["CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("DELETE", "/CUSTOM_A", Value::Null, 204, json!(["CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("PUT", "/bad", Value::Null, 400, json!(["CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("PUT", "/CUSTOM_C", json!({"traits": []}), 400, json!(["CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("PUT", "", json!({"traits": ["bad"]}), 400, json!(["CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("PUT", "", json!({}), 400, json!(["CUSTOM_B", "HW_CPU_X86_VMX"])),
        ("DELETE", "", Value::Null, 204, json!([])),
    ] {
        let sent = (!body.is_null()).then(|| body.clone());
        let reply = service.call(LATEST, method, &format!("{path}{below}"), sent).await?;
        assert_eq!(reply.status, status, "{method} {below} {body}: {reply:?}");
        assert_eq!(service.get(path).await?.json["traits"], left, "{method} {below} {body}");
        assert_eq!(service.get("/v1/runbooks/one").await?.json["traits"], left);
    }
    assert_eq!(service.call("1.111", "GET", path, None).await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn mistakes_are_named() -> Outcome {
    let service = Service::start().await?;
    let mut taken = runbook("taken");
    taken["uuid"] = json!(ONE);
    assert_eq!(service.post("/v1/runbooks", taken).await?.status, 201);
    let with = |key: &str, value: Value| {
        let mut body = runbook("other");
        body[key] = value;
        body
    };
    let cases: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        (LATEST, "POST", "", json!({}), 400, "steps"),
        (LATEST, "POST", "", runbook("bad name"), 400, "bad name"),
        (LATEST, "POST", "", runbook(""), 400, "name"),
        (LATEST, "POST", "", runbook("taken"), 409, "taken"),
        (LATEST, "POST", "", with("uuid", json!(ONE)), 409, ONE),
        (LATEST, "POST", "", with("public", json!("x")), 400, "public"),
        (LATEST, "POST", "", with("disable_ramdisk", json!(1)), 400, "disable_ramdisk"),
        (LATEST, "POST", "", with("traits", json!(["CUSTOM_A"])), 400, "traits"),
        (LATEST, "POST", "", with("steps", json!([{"interface": "bios", "step": "a"}])), 400, "order"),
        (LATEST, "POST", "", with("steps", json!([step("a", -1)])), 400, "order"),
        ("1.111", "POST", "", runbook("lower"), 400, "lower"),
        ("1.111", "POST", "", with("description", json!("d")), 400, ""),
        ("1.111", "GET", "?fields=traits", Value::Null, 400, ""),
        ("1.111", "PATCH", "/taken", json!([set("/description", json!("d"))]), 400, ""),
        ("1.91", "GET", "", Value::Null, 404, "runbooks"),
        ("1.91", "POST", "", runbook("CUSTOM_A"), 405, "runbooks"),
        (LATEST, "GET", "?owner=me", Value::Null, 400, "owner"),
        (LATEST, "GET", "?sort_key=traits", Value::Null, 400, "traits"),
        (LATEST, "GET", "/nobody", Value::Null, 404, "nobody"),
        (LATEST, "PATCH", "/taken", json!([set("/traits", json!([]))]), 400, "traits"),
        (LATEST, "PATCH", "/taken", json!([set("/public", json!("x"))]), 400, "public"),
        (LATEST, "PATCH", "/taken", json!([{"op": "remove", "path": "/name"}]), 400, "name"),
        (LATEST, "DELETE", "/nobody", Value::Null, 404, "nobody"),
    ];
    for (version, method, path, body, status, names) in cases {
        let asked = format!("{version} {method} {path} {body}");
        let body = (!body.is_null()).then_some(body);
        let reply = service.call(version, method, &format!("/v1/runbooks{path}"), body).await?;
        assert_eq!(reply.status, status, "{asked}: {reply:?}");
        assert!(reply.fault().contains(names), "{asked}: {reply:?}");
    }
    let left = service.get("/v1/runbooks").await?.column("runbooks", "uuid");
    assert_eq!(left, [json!(ONE)], "no refusal left a row");
    Ok(())
}

//! The tables against the running service: what a row says is not there before its version, and is there from it on.

use bessemer::api::surface::chassis::CHASSIS;
use bessemer::api::surface::nodes::{NODE, NODE_STATES};
use bessemer::api::surface::params::NODE_FILTERS;
use bessemer::api::surface::portgroups::PORTGROUP;
use bessemer::api::surface::ports::PORT;
use bessemer::api::surface::route::TooOld;
use bessemer::api::surface::routes::{RESOURCES, ROUTES};
use bessemer::api::surface::verbs::{POWER_TARGETS, VERBS};
use bessemer::api::surface::volumes::{CONNECTOR, TARGET};
use bessemer::api::surface::{Noun, Source, Version, Write};
use serde_json::{Value, json};

use super::service::{Outcome, Service};

async fn with_node() -> Outcome<(Service, String)> {
    let service = Service::start().await?;
    let made = service.post("/v1/nodes", json!({"driver": "fake-hardware", "name": "one"})).await?;
    assert_eq!(made.status, 201, "{made:?}");
    let uuid = made.json["uuid"].as_str().unwrap_or_default().to_owned();
    Ok((service, uuid))
}

/// Every field of `noun` is absent before its version and present from it on, in what `path` answers.
async fn fields_appear(service: &Service, noun: &Noun, path: &str) -> Outcome {
    for field in noun.fields {
        let at = service.call(&field.since.to_string(), "GET", path, None).await?;
        assert!(at.json.get(field.name).is_some(), "{} is missing at {}", field.name, field.since);
        if let Some(before) = field.since.previous() {
            let early = service.call(&before.to_string(), "GET", path, None).await?;
            assert_eq!(early.status, 200);
            assert!(early.json.get(field.name).is_none(), "{} is there at {before}", field.name);
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_field_of_a_node_appears_at_its_version() -> Outcome {
    let (service, node) = with_node().await?;
    fields_appear(&service, &NODE, &format!("/v1/nodes/{node}")).await?;
    fields_appear(&service, &NODE_STATES, &format!("/v1/nodes/{node}/states")).await
}

#[tokio::test]
async fn each_field_of_the_plain_resources_appears_at_its_version() -> Outcome {
    let (service, node) = with_node().await?;
    let made = [
        ("/v1/chassis", json!({}), &CHASSIS),
        ("/v1/portgroups", json!({"node_uuid": node}), &PORTGROUP),
        ("/v1/ports", json!({"node_uuid": node, "address": "52:54:00:a8:00:01"}), &PORT),
        ("/v1/volume/connectors", json!({"node_uuid": node, "type": "ip", "connector_id": "10.0.0.1"}), &CONNECTOR),
        (
            "/v1/volume/targets",
            json!({"node_uuid": node, "volume_type": "iscsi", "volume_id": "v", "boot_index": 0}),
            &TARGET,
        ),
    ];
    for (path, body, noun) in made {
        let reply = service.post(path, body).await?;
        assert_eq!(reply.status, 201, "{path}: {reply:?}");
        let path = format!("{path}/{}", reply.json["uuid"].as_str().unwrap_or_default());
        let oldest = noun.field("uuid").map_or(Version::MIN, |field| field.since);
        for field in noun.fields {
            let since = field.since.max(oldest);
            let at = service.call(&since.to_string(), "GET", &path, None).await?;
            assert!(at.json.get(field.name).is_some(), "{path}: {} is missing at {since}", field.name);
            if let Some(before) = since.previous().filter(|before| *before >= oldest) {
                let early = service.call(&before.to_string(), "GET", &path, None).await?;
                assert!(early.json.get(field.name).is_none(), "{path}: {} is there at {before}", field.name);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_field_of_a_node_is_asked_for_and_written_from_its_version_on() -> Outcome {
    let (service, node) = with_node().await?;
    for field in NODE.fields.iter().filter(|field| !matches!(field.source, Source::Links | Source::LinksTo(_))) {
        let Some(before) = field.since.previous() else { continue };
        let path = format!("/v1/nodes/{node}?fields={}", field.name);
        let early = service.call(&before.to_string(), "GET", &path, None).await?;
        assert_eq!(early.status, 406, "{} at {before}", field.name);
        let version = field.since.max(Version::new(8).unwrap_or(Version::MAX)).to_string();
        assert_eq!(service.call(&version, "GET", &path, None).await?.status, 200, "{} at {version}", field.name);
        if matches!(field.write, Write::Patch | Write::Always) {
            let patch = json!([{"op": "remove", "path": format!("/{}", field.name)}]);
            let path = format!("/v1/nodes/{node}");
            let early = service.call(&before.to_string(), "PATCH", &path, Some(patch.clone())).await?;
            assert_eq!(early.status, 406, "{} at {before}", field.name);
            let reply = service.call(&field.since.to_string(), "PATCH", &path, Some(patch)).await?;
            assert_eq!(reply.status, 200, "{}: {reply:?}", field.name);
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_a_browser_asks_before_it_asks_is_answered_emptily_for_every_path() -> Outcome {
    let (service, node) = with_node().await?;
    for path in ["/v1", "/v1/nodes", &format!("/v1/nodes/{node}"), "/v1/nothing"] {
        let reply = service.call("1.115", "OPTIONS", path, None).await?;
        assert_eq!((reply.status, reply.json.is_null()), (200, true), "{path}");
    }
    assert!(!service.call("1.115", "OPTIONS", "/", None).await?.json.is_null(), "the root describes itself");
    Ok(())
}

#[tokio::test]
async fn each_route_refuses_older_versions_in_its_own_way() -> Outcome {
    let (service, node) = with_node().await?;
    for route in ROUTES.iter().filter(|route| route.too_old != TooOld::HandlerSays) {
        let Some(before) = route.since.previous() else { continue };
        let path = route.path.replace("{node}", &node).replace(['{', '}'], "");
        let early = service.call(&before.to_string(), route.method.as_str(), &path, None).await?;
        let status = match route.too_old {
            TooOld::NoRoute(_) | TooOld::Missing(_) => 404,
            TooOld::NotAcceptable => 406,
            TooOld::NotAllowed | TooOld::NoMethod(_) => 405,
            TooOld::Invalid(_) => 400,
            TooOld::HandlerSays => continue,
        };
        assert_eq!(early.status, status, "{} {path} at {before}", route.method);
        let inner: Value = serde_json::from_str(early.json["error_message"].as_str().unwrap_or_default())?;
        assert_eq!(
            inner.get("code").is_some(),
            matches!(route.too_old, TooOld::NoRoute(_) | TooOld::NoMethod(_)),
            "{path}: {inner}"
        );
        assert_eq!(early.headers["x-openstack-ironic-api-version"], before.to_string());
        let from = service.call(&route.since.to_string(), route.method.as_str(), &path, None).await?;
        assert!(from.status != status || from.json != early.json, "{} {path}: {from:?}", route.method);
        assert!(from.status < 500, "{} {path}: {from:?}", route.method);
    }
    Ok(())
}

#[tokio::test]
async fn each_filter_of_nodes_is_refused_before_its_version() -> Outcome {
    let (service, node) = with_node().await?;
    for filter in NODE_FILTERS {
        let value = match filter.name {
            "instance_uuid" | "chassis_uuid" | "parent_node" => node.as_str(),
            "provision_state" => "enroll",
            "fault" => "power%20failure",
            "associated" | "maintenance" | "retired" | "sharded" | "include_children" => "true",
            _ => "x",
        };
        let path = format!("/v1/nodes?{}={value}", filter.name);
        let from = service.call(&filter.since.to_string(), "GET", &path, None).await?;
        let expected = if filter.name == "chassis_uuid" { 404 } else { 200 };
        assert_eq!(from.status, expected, "{path}: {from:?}");
        if let Some(before) = filter.since.previous() {
            assert_eq!(service.call(&before.to_string(), "GET", &path, None).await?.status, 406, "{path} at {before}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn each_verb_and_power_target_is_refused_before_its_version() -> Outcome {
    let (service, node) = with_node().await?;
    let path = format!("/v1/nodes/{node}/states/provision");
    for verb in VERBS.iter().filter(|verb| verb.first && verb.target != "manage") {
        let body = Some(json!({"target": verb.target}));
        let from = service.call(&verb.since.to_string(), "PUT", &path, body.clone()).await?;
        assert_eq!(from.status, 400, "{}: not possible in enroll, but known: {from:?}", verb.target);
        if let Some(before) = verb.since.previous() {
            assert_eq!(service.call(&before.to_string(), "PUT", &path, body).await?.status, 406, "{}", verb.target);
        }
    }
    let path = format!("/v1/nodes/{node}/states/power");
    for (target, since) in POWER_TARGETS {
        let body = Some(json!({"target": target.as_str()}));
        if let Some(before) = since.previous() {
            assert_eq!(service.call(&before.to_string(), "PUT", &path, body.clone()).await?.status, 406, "{target}");
        }
        assert_eq!(service.call(&since.to_string(), "PUT", &path, body).await?.status, 202, "{target}");
    }
    Ok(())
}

#[tokio::test]
async fn discovery_names_each_resource_from_its_version_on() -> Outcome {
    let service = Service::start().await?;
    for (resource, since) in RESOURCES {
        assert!(service.call(&since.to_string(), "GET", "/v1", None).await?.json.get(resource).is_some(), "{resource}");
        if let Some(before) = since.previous() {
            let early = service.call(&before.to_string(), "GET", "/v1", None).await?;
            assert!(early.json.get(resource).is_none(), "{resource} at {before}");
        }
    }
    Ok(())
}

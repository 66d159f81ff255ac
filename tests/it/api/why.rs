//! Why a machine hangs, as clients ask for it.

use bessemer::api::auth::Auth;
use bessemer::api::{Listener, server};
use bessemer::clock::Clock;
use bessemer::model::{AllocationState, State};
use bessemer::store::{StoreError, nodes};
use serde_json::json;

use super::service::{Outcome, Service};

fn path(what: &str) -> String {
    format!("/bessemer/v1/nodes/{what}/why")
}

#[tokio::test]
async fn a_node_is_asked_for_by_uuid_name_or_card_and_a_stranger_is_not_found() -> Outcome {
    let service = Service::start().await?;
    let made = service.post("/v1/nodes", json!({"driver": "fake-hardware", "name": "m1"})).await?.json;
    let uuid = made["uuid"].as_str().unwrap_or_default().to_owned();
    service.post("/v1/ports", json!({"node_uuid": uuid, "address": "52:54:00:00:00:01"})).await?;
    for ident in ["m1", uuid.as_str(), "52:54:00:00:00:01", "52-54-00-00-00-01"] {
        // Ours has one version: what Ironic's versions lack is no matter here.
        for version in ["1.1", "latest"] {
            let answer = service.call(version, "GET", &path(ident), None).await?;
            assert_eq!((answer.status, &answer.json["node"]), (200, &made["uuid"]), "{ident}: {answer:?}");
            assert_eq!((&answer.json["verdict"], &answer.json["rule"]), (&json!("at rest"), &json!("enrolled")));
        }
    }
    for (ident, says) in [("nobody", "Node nobody could not be found"), ("52:54:00:00:00:02", "No port has the card")] {
        let answer = service.get(&path(ident)).await?;
        assert!(answer.status == 404 && answer.json.to_string().contains(says), "{answer:?}");
    }
    assert_eq!(service.get(&format!("{}?a=b", path("m1"))).await?.status, 400);
    assert_eq!(service.call("latest", "POST", &path("m1"), None).await?.status, 405);
    Ok(())
}

#[tokio::test]
async fn an_allocation_says_what_speaks_against_each_node() -> Outcome {
    let service = Service::start().await?;
    let free = service.free_nodes(4).await?;
    let changed = service.store.write(move |tx| {
        for (at, uuid) in free.iter().enumerate() {
            let Some(before) = nodes::find(tx, *uuid)? else { continue };
            let mut node = before.clone();
            match at {
                0 => node.maintenance = true,
                1 => node.provision_state = State::Manageable,
                2 => node.power_state = None,
                _ => {}
            }
            nodes::update(tx, &before, &node)?;
        }
        Ok::<_, StoreError>(())
    });
    changed.await?;
    let wanted = json!({"name": "web", "resource_class": "metal", "traits": ["CUSTOM_GPU"]});
    let made = service.post("/v1/allocations", wanted).await?;
    assert_eq!(made.status, 201, "{made:?}");
    let answer = service.get("/bessemer/v1/allocations/web/why").await?.json;
    assert_eq!((&answer["state"], &answer["verdict"]), (&json!(AllocationState::Error.as_str()), &json!("failed")));
    let why = answer["why"].as_str().unwrap_or_default();
    for part in [
        "node-0 is in maintenance",
        "node-1 is \"manageable\"",
        "node-2 is available, but its power state is not known",
        "node-3 lacks the traits CUSTOM_GPU",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(service.get("/bessemer/v1/allocations/none/why").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn it_is_told_to_users_and_never_to_the_machines() -> Outcome {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("users"), "")?;
    let service = Service::start_with(Auth::basic(dir.path().join("users"), Clock::system())).await?;
    assert_eq!(service.get(&path("m1")).await?.status, 401);
    let fallback: server::Fallback = std::sync::Arc::new(|_, _| {
        Box::pin(async {
            let mut response = hyper::Response::new(bessemer::pxe::http::file::whole("{}"));
            *response.status_mut() = hyper::StatusCode::IM_A_TEAPOT;
            response
        })
    });
    let machines = Service::start_as(Auth::None, Listener::Provisioning(fallback)).await?;
    assert_eq!(machines.get(&path("m1")).await?.status, 418, "the provisioning listener knows no such path");
    Ok(())
}

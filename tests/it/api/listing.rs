//! Lists: filters, order, pages, and the link to the next one.

use serde_json::{Value, json};

use super::service::{Outcome, Service};

/// Six nodes in two classes; the names are not in the order of creation, and two have no description.
async fn with_nodes() -> Outcome<Service> {
    let service = Service::start().await?;
    for (name, class, description) in [
        ("n3", "a", json!("first 100% one")),
        ("n1", "b", json!(null)),
        ("n5", "a", json!("second")),
        ("n2", "b", json!("third")),
        ("n6", "a", json!(null)),
        ("n4", "b", json!("fourth")),
    ] {
        let body = json!({"driver": "fake-hardware", "name": name, "resource_class": class, "description": description,
                          "owner": "me"});
        assert_eq!(service.post("/v1/nodes", body).await?.status, 201);
    }
    Ok(service)
}

async fn names(service: &Service, query: &str) -> Outcome<Vec<Value>> {
    let reply = service.get(&format!("/v1/nodes?{query}")).await?;
    assert_eq!(reply.status, 200, "{query}: {reply:?}");
    Ok(reply.column("nodes", "name"))
}

#[tokio::test]
async fn walking_the_next_links_gives_every_node_once_in_order() -> Outcome {
    let service = with_nodes().await?;
    for (query, order) in [
        ("limit=2", ["n3", "n1", "n5", "n2", "n6", "n4"]),
        ("limit=2&sort_dir=desc", ["n4", "n6", "n2", "n5", "n1", "n3"]),
        ("limit=2&sort_key=name", ["n1", "n2", "n3", "n4", "n5", "n6"]),
        ("limit=2&sort_key=resource_class", ["n3", "n5", "n6", "n1", "n2", "n4"]),
        ("limit=1&sort_key=description", ["n1", "n6", "n3", "n4", "n5", "n2"]),
        ("limit=1&sort_key=description&sort_dir=desc", ["n2", "n5", "n4", "n3", "n6", "n1"]),
        ("limit=2&owner=me&maintenance=false", ["n3", "n1", "n5", "n2", "n6", "n4"]),
    ] {
        let (mut path, mut seen) = (format!("/v1/nodes?{query}"), Vec::new());
        for _ in 0..10 {
            let page = service.get(&path).await?;
            seen.extend(page.column("nodes", "name"));
            let Some(next) = page.json["next"].as_str() else { break };
            path = next.split_once("/v1/").map(|(_, rest)| format!("/v1/{rest}")).unwrap_or_default();
        }
        assert_eq!(seen, order, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn the_next_link_carries_every_filter() -> Outcome {
    let service = with_nodes().await?;
    let page = service.get("/v1/nodes?limit=1&resource_class=a&description_contains=100%25%20one&fields=uuid").await?;
    let next = page.json["next"].as_str().unwrap_or_default();
    for part in ["resource_class=a", "description_contains=100%25%20one", "fields=uuid", "limit=1", "marker="] {
        assert!(next.contains(part), "{part} is missing in {next}");
    }
    let detail = service.get("/v1/nodes?limit=1&detail=true&maintenance=False").await?;
    let next = detail.json["next"].as_str().unwrap_or_default();
    assert!(next.contains("detail=True") && next.contains("maintenance=False") && !next.contains("fields"), "{next}");
    Ok(())
}

#[tokio::test]
async fn filters_choose() -> Outcome {
    let service = with_nodes().await?;
    let parent = service.get("/v1/nodes/n1").await?.json["uuid"].clone();
    let child = json!({"driver": "fake-hardware", "name": "kid", "parent_node": "n1", "shard": "s1", "owner": "me",
                       "instance_uuid": "73731805-4279-5449-a811-b484694110fc"});
    assert_eq!(service.post("/v1/nodes", child).await?.status, 201);
    let parent = parent.as_str().unwrap_or_default();
    for (query, expected) in [
        ("resource_class=a", vec!["n3", "n5", "n6"]),
        ("description_contains=o", vec!["n3", "n5", "n4"]),
        ("description_contains=100%25", vec!["n3"]),
        ("description_contains=_", vec![]),
        ("driver=ipmi", vec![]),
        ("owner=you", vec![]),
        ("project=me&resource_class=b&sort_key=name", vec!["n1", "n2", "n4"]),
        ("conductor=nobody", vec![]),
        ("conductor=here&resource_class=b", vec!["n1", "n2", "n4"]),
        ("associated=true&include_children=true", vec!["kid"]),
        ("associated=true", vec![]),
        ("shard=s1,s2&include_children=yes", vec!["kid"]),
        ("sharded=false&resource_class=b", vec!["n1", "n2", "n4"]),
        (&format!("parent_node={parent}"), vec!["kid"]),
        // A filter takes the UUID, as Ironic's does.
        ("parent_node=n1", vec![]),
        ("parent_node=n2", vec![]),
    ] {
        assert_eq!(names(&service, query).await?, expected, "{query}");
    }
    let children = service.get("/v1/nodes/n1/children").await?.json;
    assert_eq!(children["children"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_wrong_query_is_refused() -> Outcome {
    let service = with_nodes().await?;
    let unknown = "ecf8a3e6-f750-5bec-9940-4a43829df24d";
    for (query, status) in [
        ("limit=0", 400),
        ("limit=-1", 400),
        ("limit=", 400),
        ("limit=1.5", 400),
        ("limit=1&limit=2", 400),
        ("sort_key=extra", 400),
        ("sort_key=nothing", 400),
        ("sort_dir=sideways", 400),
        ("marker=n1", 400),
        (&format!("marker={unknown}"), 404),
        ("fields=nothing", 400),
        ("fields=uuid,links", 400),
        ("fields=uuid&detail=true", 400),
        ("detail=perhaps", 400),
        ("provision_state=bogus", 400),
        ("fault=bogus", 400),
        ("maintenance=maybe", 400),
        ("instance_uuid=x", 400),
        (&format!("chassis_uuid={unknown}"), 404),
        ("bogus=1", 400),
    ] {
        assert_eq!(service.get(&format!("/v1/nodes?{query}")).await?.status, status, "{query}");
    }
    assert_eq!(service.get("/v1/nodes/detail?fields=uuid").await?.status, 400);
    assert_eq!(service.get("/v1/nodes?limit=100000").await?.status, 200, "capped");
    Ok(())
}

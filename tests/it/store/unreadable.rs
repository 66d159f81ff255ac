//! One row holds what no version has written: it is left out of lists, its own request names it, and all the others are as
//! ever.

use std::net::Ipv4Addr;
use std::path::Path;

use bessemer::model::{Node, State};
use bessemer::store::leases::{self, Lease};
use bessemer::store::{StoreError, nodes};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::service::{Outcome, Service};

/// Runs SQL on the file behind the service's back.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(path: &Path, sql: &str) -> Outcome {
    let connection = rusqlite::Connection::open(path)?;
    Ok(connection.execute_batch(sql)?)
}

/// A kind of object: its table, its list with all fields, the key of the list, the path of one, and two bodies.
struct Kind {
    table: &'static str,
    list: &'static str,
    key: &'static str,
    path: &'static str,
    bodies: fn(&Value) -> [Value; 2],
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { table: "nodes", list: "/v1/nodes/detail", key: "nodes", path: "/v1/nodes",
        bodies: |_| ["one", "two"].map(|name| json!({"name": name, "driver": "fake-hardware"})) },
    Kind { table: "ports", list: "/v1/ports/detail", key: "ports", path: "/v1/ports",
        bodies: |node| ["01", "02"].map(|end| json!({"node_uuid": node, "address": format!("52:54:00:00:00:{end}")})) },
    Kind { table: "portgroups", list: "/v1/portgroups/detail", key: "portgroups", path: "/v1/portgroups",
        bodies: |node| ["one", "two"].map(|name| json!({"node_uuid": node, "name": name})) },
    Kind { table: "chassis", list: "/v1/chassis/detail", key: "chassis", path: "/v1/chassis",
        bodies: |_| ["one", "two"].map(|text| json!({"description": text})) },
    Kind { table: "allocations", list: "/v1/allocations", key: "allocations", path: "/v1/allocations",
        bodies: |_| ["one", "two"].map(|name| json!({"name": name, "resource_class": "none-such"})) },
    Kind { table: "volume_connectors", list: "/v1/volume/connectors?detail=True", key: "connectors", path: "/v1/volume/connectors",
        bodies: |node| ["one", "two"].map(|name| json!({"node_uuid": node, "type": "iqn", "connector_id": name})) },
    Kind { table: "volume_targets", list: "/v1/volume/targets?detail=True", key: "targets", path: "/v1/volume/targets",
        bodies: |node| [1, 2].map(|at| json!({"node_uuid": node, "volume_type": "iscsi", "volume_id": "v", "boot_index": at})) },
    Kind { table: "deploy_templates", list: "/v1/deploy_templates?detail=True", key: "deploy_templates", path: "/v1/deploy_templates",
        bodies: |_| ["CUSTOM_A", "CUSTOM_B"].map(|name| json!({"name": name,
            "steps": [{"interface": "bios", "step": "factory_reset", "args": {}, "priority": 1}]})) },
    Kind { table: "runbooks", list: "/v1/runbooks?detail=True", key: "runbooks", path: "/v1/runbooks",
        bodies: |_| ["CUSTOM_A", "CUSTOM_B"].map(|name| json!({"name": name,
            "steps": [{"interface": "bios", "step": "factory_reset", "args": {}, "order": 1}]})) },
    Kind { table: "inspection_rules", list: "/v1/inspection_rules?detail=True", key: "inspection_rules", path: "/v1/inspection_rules",
        bodies: |_| ["one", "two"].map(|text| json!({"description": text, "actions": [{"op": "fail", "args": {"msg": "no"}}]})) },
];

#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_no_other_from_being_listed_and_is_named_when_asked_for() -> Outcome {
    let service = Service::start().await?;
    let node =
        service.post("/v1/nodes", json!({"name": "host", "driver": "fake-hardware"})).await?.json["uuid"].clone();
    for kind in KINDS {
        let mut made = Vec::new();
        for body in (kind.bodies)(&node) {
            let reply = service.post(kind.path, body).await?;
            assert!(reply.status < 300, "{}: {}", kind.path, reply.fault());
            made.push(reply.json["uuid"].as_str().unwrap_or_default().to_owned());
        }
        let table = kind.table;
        meddle(service.store.path(), &format!("UPDATE {table} SET created_at = 'once' WHERE uuid = '{}'", made[0]))?;
        let list = service.get(kind.list).await?;
        let listed = list.column(kind.key, "uuid");
        assert_eq!(list.status, 200, "{table}: {}", list.fault());
        assert!(listed.contains(&json!(made[1])) && !listed.contains(&json!(made[0])), "{table}: {listed:?}");
        let bad = service.get(&format!("{}/{}", kind.path, made[0])).await?;
        let named = bad.fault().starts_with(&format!("{table} row ")) && bad.fault().contains("column created_at");
        assert!(
            bad.status == 500 && named && bad.fault().contains("`bessemer check`"),
            "{table}: {} {}",
            bad.status,
            bad.fault()
        );
        let good = service.get(&format!("{}/{}", kind.path, made[1])).await?;
        assert_eq!(good.status, 200, "{table}: {}", good.fault());
        let change = json!([{"op": "replace", "path": "/description", "value": "new"}]);
        if ["nodes", "ports"].contains(&table) {
            let bad = service.patch(&format!("{}/{}", kind.path, made[0]), change.clone()).await?;
            assert!(bad.status == 500 && bad.fault().contains(" row "), "{table}: {}", bad.fault());
            let good = service.patch(&format!("{}/{}", kind.path, made[1]), change).await?;
            assert_eq!(good.status, 200, "{table}: {}", good.fault());
        }
    }
    Ok(())
}

/// What is no JSON would make the answer none, and what is no text has no place in it. A page is as long as ever.
#[tokio::test]
async fn pages_go_past_rows_that_cannot_be_read() -> Outcome {
    let service = Service::start().await?;
    for i in 0..9 {
        service.post("/v1/nodes", json!({"name": format!("n{i}"), "driver": "fake-hardware"})).await?;
    }
    for (node, damage) in [
        ("n1", "extra = '{\"half'"),
        ("n2", "description = x'ff00'"),
        ("n4", "provision_state = 'melting'"),
        ("n7", "updated_at = 1e300"),
        ("n8", "driver_info = x'7b7d'"),
    ] {
        meddle(service.store.path(), &format!("UPDATE nodes SET {damage} WHERE name = '{node}'"))?;
    }
    for sort in ["id", "name", "provision_state"] {
        let (mut names, mut pages) = (Vec::new(), 0);
        let mut next = Some(format!("/v1/nodes/detail?limit=2&sort_key={sort}"));
        while let Some(path) = next {
            let page = service.get(&path).await?;
            assert_eq!(page.status, 200, "{path}: {}", page.fault());
            names.extend(page.column("nodes", "name"));
            next = page.json["next"].as_str().and_then(|url| url.find("/v1/").map(|at| url[at..].to_owned()));
            pages += 1;
            assert!(pages < 9, "it goes round in circles: {names:?}");
        }
        assert_eq!(names, ["n0", "n3", "n5", "n6"], "by {sort}");
    }
    // What is not asked for is not looked at.
    let short = service.get("/v1/nodes?fields=name").await?;
    assert_eq!(short.column("nodes", "name").len(), 9);
    Ok(())
}

/// What is read column by column goes past them like whole records do.
#[tokio::test]
async fn leases_and_what_is_owed_are_found_beside_rows_that_cannot_be_read() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = super::open(&dir, false)?;
    let nodes: Vec<Uuid> = store
        .write(|tx| {
            let mut made = Vec::new();
            for last in 1..=3u8 {
                let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
                node.provision_state = State::Cleaning;
                nodes::insert(tx, &node)?;
                made.push(node.uuid);
                let (mac, address) = (format!("52:54:00:00:00:0{last}"), Ipv4Addr::new(10, 0, 0, last));
                leases::put(tx, &Lease { mac, address, expires_at: tx.now(), hostname: None })?;
            }
            Ok::<_, StoreError>(made)
        })
        .await?;
    meddle(
        store.path(),
        &format!(
            "UPDATE leases SET expires_at = 'once' WHERE address = '10.0.0.1';
             UPDATE nodes SET uuid = x'ff' WHERE uuid = '{}'",
            nodes[0]
        ),
    )?;
    let addresses: Vec<u8> = store.read(leases::all).await?.iter().map(|lease| lease.address.octets()[3]).collect();
    assert_eq!(addresses, [2, 3]);
    let mut owed = store.read(|read| nodes::unsettled(read, &[State::Cleaning])).await?;
    owed.sort_by_key(|uuid| nodes.iter().position(|it| it == uuid));
    assert_eq!(owed, nodes[1..]);
    Ok(())
}

#[tokio::test]
async fn an_allocation_takes_a_node_that_can_be_read() -> Outcome {
    let service = Service::start().await?;
    let nodes = service.free_nodes(12).await?;
    let spared = nodes[5];
    meddle(service.store.path(), &format!("UPDATE nodes SET extra = '{{' WHERE uuid <> '{spared}'"))?;
    // Its own name would be preferred, and that node cannot be read.
    let made = service.post("/v1/allocations", json!({"name": "node-3", "resource_class": "metal"})).await?;
    assert_eq!(made.status, 201, "{}", made.fault());
    let found = service.get("/v1/allocations/node-3").await?.json;
    assert_eq!((&found["state"], &found["node_uuid"]), (&json!("active"), &json!(spared.to_string())));
    Ok(())
}

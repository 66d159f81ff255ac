//! The service on a disk that fails: what cannot be kept is refused with a reason, what was kept is still read, nothing
//! dies, and it goes on by itself when the disk does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bessemer::store::check;
use serde_json::{Value, json};

use super::disk::{Disk, Mood};
use super::released;
use crate::api::service::{Outcome, Reply, Service};

const READS: &[&str] = &[
    "/v1",
    "/v1/nodes",
    "/v1/nodes/detail",
    "/v1/nodes/used",
    "/v1/nodes/used/states",
    "/v1/nodes/used/history",
    "/v1/ports/detail",
    "/v1/allocations",
    "/v1/chassis",
    "/v1/portgroups",
    "/v1/volume/targets",
    "/v1/deploy_templates",
    "/v1/runbooks",
    "/v1/drivers",
];

/// A store with something of everything, as an older version has left it, on a disk of its own.
async fn served() -> Outcome<(Service, Disk, PathBuf)> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().canonicalize()?.join("db");
    released::make(released::newest()? - 1, &path)?;
    let disk = Disk::under(dir.path())?;
    let service = Service::start_in(dir).await?;
    Ok((service, disk, path))
}

/// One of every kind of request that changes something.
async fn changes(service: &Service) -> Outcome<Vec<(&'static str, String, Value)>> {
    let first = async |path: &str, list: &str| -> Outcome<String> {
        let found = service.get(path).await?.column(list, "uuid");
        Ok(found.first().and_then(Value::as_str).ok_or(format!("{path} is empty"))?.to_owned())
    };
    let new = service.get("/v1/nodes/new").await?.json["uuid"].clone();
    let (chassis, port) = (first("/v1/chassis", "chassis").await?, first("/v1/ports", "ports").await?);
    let connector = first("/v1/volume/connectors", "connectors").await?;
    let extra = json!([{"op": "add", "path": "/extra/late", "value": 1}]);
    let steps = json!([{"interface": "bios", "step": "factory_reset", "args": {}, "priority": 1}]);
    let ordered = json!([{"interface": "bios", "step": "factory_reset", "args": {}, "order": 1}]);
    let nothing = Value::Null;
    let list = [
        ("POST", "/v1/nodes", json!({"name": "late", "driver": "fake-hardware"})),
        ("PATCH", "/v1/nodes/free", extra.clone()),
        ("PUT", "/v1/nodes/free/maintenance", json!({"reason": "late"})),
        ("PUT", "/v1/nodes/free/states/power", json!({"target": "power on"})),
        ("PUT", "/v1/nodes/new/states/provision", json!({"target": "manage"})),
        ("PUT", "/v1/nodes/free/management/boot_device", json!({"boot_device": "pxe"})),
        ("PUT", "/v1/nodes/free/traits/CUSTOM_LATE", nothing.clone()),
        ("PUT", "/v1/nodes/free/traits", json!({"traits": ["CUSTOM_LATE"]})),
        ("DELETE", "/v1/nodes/free/traits/CUSTOM_A", nothing.clone()),
        ("POST", "/v1/ports", json!({"node_uuid": new, "address": "52:54:00:00:09:00"})),
        ("PATCH", &format!("/v1/ports/{port}"), extra.clone()),
        ("DELETE", &format!("/v1/ports/{port}"), nothing.clone()),
        ("POST", "/v1/portgroups", json!({"node_uuid": new, "name": "late"})),
        ("PATCH", "/v1/portgroups/bond0", extra.clone()),
        ("DELETE", "/v1/portgroups/bond0", nothing.clone()),
        ("POST", "/v1/volume/connectors", json!({"node_uuid": new, "type": "iqn", "connector_id": "late"})),
        ("DELETE", &format!("/v1/volume/connectors/{connector}"), nothing.clone()),
        (
            "POST",
            "/v1/volume/targets",
            json!({"node_uuid": new, "volume_type": "iscsi", "volume_id": "late", "boot_index": 7}),
        ),
        ("POST", "/v1/chassis", json!({"description": "late"})),
        ("PATCH", &format!("/v1/chassis/{chassis}"), extra.clone()),
        ("POST", "/v1/allocations", json!({"name": "late", "resource_class": "metal"})),
        ("PATCH", "/v1/allocations/nobody", extra.clone()),
        ("DELETE", "/v1/allocations/nobody", nothing.clone()),
        ("POST", "/v1/deploy_templates", json!({"name": "CUSTOM_LATE", "steps": steps})),
        ("PATCH", "/v1/deploy_templates/CUSTOM_TEMPLATE", extra.clone()),
        ("DELETE", "/v1/deploy_templates/CUSTOM_TEMPLATE", nothing.clone()),
        ("POST", "/v1/runbooks", json!({"name": "CUSTOM_LATE", "steps": ordered})),
        ("PATCH", "/v1/runbooks/CUSTOM_BOOK", extra),
        ("DELETE", "/v1/runbooks/CUSTOM_BOOK", nothing.clone()),
        ("POST", "/v1/inspection_rules", json!({"actions": [{"op": "fail", "args": {"msg": "late"}}]})),
        ("DELETE", "/v1/nodes/new", nothing),
    ];
    Ok(list.into_iter().map(|(method, path, body)| (method, path.to_owned(), body)).collect())
}

async fn ask(service: &Service, method: &str, path: &str, body: &Value) -> Outcome<Reply> {
    service.call("latest", method, path, Some(body.clone()).filter(|body| !body.is_null())).await
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_503_and_works_again_when_the_disk_does() -> Outcome {
    let (service, disk, path) = served().await?;
    let changes = changes(&service).await?;
    let tables = released::tables(&released::connect(&path)?)?;
    for (round, (mood, said)) in [
        (Mood::Full, "the store is full"),
        (Mood::Frozen, "the store cannot use its disk"),
        (Mood::Unsynced, "the store cannot use its disk"),
        (Mood::Dead, "the store cannot use its disk"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = released::contents(&path, &tables)?;
        disk.set(mood);
        for (method, path, body) in &changes {
            let reply = ask(&service, method, path, body).await?;
            let fault = reply.fault();
            assert_eq!(reply.status, 503, "{mood:?}: {method} {path}: {fault}");
            assert!(fault.starts_with(said) && fault.contains("nothing of this request was kept"), "{mood:?}: {fault}");
        }
        assert!(disk.refusals() > 0);
        for path in READS.iter().filter(|_| mood != Mood::Dead) {
            let reply = service.get(path).await?;
            assert_eq!(reply.status, 200, "{mood:?}: GET {path}: {}", reply.fault());
        }
        disk.set(Mood::Well);
        assert_eq!(before, released::contents(&path, &tables)?, "{mood:?}: something was kept");
        let patch = json!([{"op": "add", "path": "/extra/round", "value": round}]);
        let reply = service.patch("/v1/nodes/free", patch).await?;
        assert_eq!(reply.status, 200, "after {mood:?}: {}", reply.fault());
    }
    // The requests were good ones: with a disk they are carried out.
    for (method, path, body) in &changes {
        let reply = ask(&service, method, path, body).await?;
        let gone = *method != "POST" && [404, 400].contains(&reply.status);
        assert!(
            reply.status < 300 || gone || reply.status == 409,
            "{method} {path}: {} {}",
            reply.status,
            reply.fault()
        );
    }
    Ok(())
}

/// A reservation whose holder could not write that it is over would hold the node until the next start.
#[tokio::test]
async fn a_call_that_ends_while_the_disk_is_full_gives_the_node_back_later() -> Outcome {
    let (service, disk, _) = served().await?;
    let mut changed = service.store.work_changed();
    let ask = service.call("latest", "PUT", "/v1/nodes/free/states/power", Some(json!({"target": "power on"})));
    let cut = async {
        // Whatever has been kept by then, the rest is not.
        changed.changed().await;
        disk.set(Mood::Full);
        Outcome::Ok(())
    };
    let (reply, cut) = tokio::join!(ask, cut);
    cut?;
    assert!([202, 503].contains(&reply?.status));
    disk.set(Mood::Well);
    for _ in 0..3000 {
        let node = service.get("/v1/nodes/free").await?.json;
        if node["reservation"].is_null() && node["target_power_state"].is_null() {
            return Ok(());
        }
        let _ = tokio::time::timeout(Duration::from_millis(50), changed.changed()).await;
    }
    Err("the node is still reserved".into())
}

#[tokio::test]
async fn a_store_that_rots_is_written_no_more_and_says_what_to_do() -> Outcome {
    let (service, disk, path) = served().await?;
    disk.set(Mood::Rotten);
    let mut said = String::new();
    for round in 0..200 {
        // A commit makes the readers read again.
        let patch = json!([{"op": "add", "path": "/extra/round", "value": round}]);
        let reply = service.patch("/v1/nodes/free", patch).await?;
        if reply.status == 500 && reply.fault().starts_with("the store is damaged") {
            said = reply.fault();
            break;
        }
        for path in READS {
            assert!([200, 404, 500].contains(&service.get(path).await?.status), "{path}");
        }
    }
    assert!(
        said.contains("`bessemer check --db ") && said.contains("newest backup: `bessemer restore FILE"),
        "{said:?}"
    );
    // From here on nothing is written, whatever is asked, also when the disk is well again.
    let beside = |suffix: &str| std::fs::read(path.with_file_name(format!("db{suffix}")));
    let before = (beside("")?, beside("-wal")?);
    for mood in [Mood::Rotten, Mood::Well] {
        disk.set(mood);
        let late = json!({"name": "late", "driver": "fake-hardware"});
        let reply = service.post("/v1/nodes", late).await?;
        assert_eq!((reply.status, reply.fault().starts_with("the store is damaged")), (500, true), "{}", reply.fault());
        assert_eq!(service.get("/v1").await?.status, 200);
    }
    let kept = tempfile::tempdir()?;
    service.into_dir(kept.path())?;
    for _ in 0..3000 {
        if check::check(&kept.path().join("db")).notes.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let beside = |suffix: &str| std::fs::read(kept.path().join(format!("db{suffix}")));
    assert!(before == (beside("")?, beside("-wal")?), "the evidence was touched");
    Ok(())
}

/// Damage that is there before the start: refused with what to do, or served as far as it goes.
#[tokio::test]
async fn a_store_that_is_damaged_before_the_start_is_refused_or_served_as_far_as_it_goes() -> Outcome {
    let made = tempfile::tempdir()?;
    released::make(released::newest()? - 1, &made.path().join("db"))?;
    drop(bessemer::store::Store::open(&made.path().join("db"), super::options(false))?);
    let good = std::fs::read(made.path().join("db"))?;
    let pages = (1..good.len() / 4096).step_by(5).map(|page| page * 4096);
    let mut outcomes = BTreeMap::new();
    for at in [0, 16, 18, 24, 56, 68, 100].into_iter().chain(pages) {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("db");
        let mut damaged = good.clone();
        damaged[at..at + 40].fill(0xa5);
        std::fs::write(&path, &damaged)?;
        let keeper = path.clone();
        // So that the file outlives a start that fails.
        let kept = std::fs::File::open(&keeper)?;
        let outcome = match Service::start_in(dir).await {
            Err(refusal) => {
                let said = refusal.to_string();
                assert!(
                    said.contains("bessemer check") || said.contains("untouched") || said.contains("malformed"),
                    "{at}: {said}"
                );
                let mut now = Vec::new();
                std::io::Read::read_to_end(&mut { kept }, &mut now)?;
                assert!(now == damaged, "{at}: refused and touched");
                "refused"
            }
            Ok(service) => {
                for path in READS {
                    let reply = service.get(path).await?;
                    let told = reply.fault().contains("bessemer check");
                    assert!(reply.status < 500 || told, "{at}: {path}: {} {}", reply.status, reply.fault());
                }
                let patch = json!([{"op": "add", "path": "/extra/late", "value": 1}]);
                let reply = service.patch("/v1/nodes/free", patch).await?;
                let told = reply.fault().contains("bessemer check") || reply.fault() == "the store failed";
                assert!(reply.status < 500 || told, "{at}: {} {}", reply.status, reply.fault());
                assert_eq!(service.get("/v1").await?.status, 200, "{at}: it died");
                "served"
            }
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    Ok(())
}

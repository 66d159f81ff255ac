//! The disk is full for a moment, at every point of a deploy: clients are told, and the machine, its agent and the engine
//! go on where they were.

use std::time::Duration;

use serde_json::json;

use super::site::{Fallible, Site};
use crate::store::disk::{Disk, Mood};

/// How often somebody has to be refused before there is room again, if there is somebody.
const REFUSALS: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_goes_on_after_the_disk_was_full_at_each_of_its_points() -> Fallible {
    let dir = tempfile::tempdir()?;
    let disk = Disk::under(dir.path())?;
    let site = Site::on(dir, 93, 1, "").await?;
    site.enrol(0, json!({})).await?;
    site.patch(0, &site.image_fields()).await?;
    let (status, answer) = site.ask(0, "active", json!({})).await?;
    assert_eq!(status, 202, "{answer}");
    let mut seen = Vec::new();
    while let Some(point) = site.next_point(0, "active", &seen).await? {
        disk.set(Mood::Full);
        let path = format!("/v1/nodes/{}", site.machine(0).model.name);
        let chassis = json!({"description": point});
        let (status, answer) = site.call(hyper::Method::POST, "/v1/chassis", Some(chassis)).await?;
        assert_eq!(status, 503, "{point}: {answer}");
        assert_eq!(site.call(hyper::Method::GET, &path, None).await?.0, 200, "{point}");
        // Heartbeats, addresses and the engine's own steps come when they come; not each point has some.
        for _ in 0..30 {
            if disk.refusals() >= REFUSALS {
                break;
            }
            site.seams.clock.sleep(Duration::from_millis(10)).await;
        }
        disk.set(Mood::Well);
        seen.push(point);
    }
    site.settled(0, "active").await.map_err(|error| format!("full at {seen:?}: {error}"))?;
    site.runs_instance(0).await?;
    assert!(seen.len() > 5, "{seen:?}");
    Ok(())
}

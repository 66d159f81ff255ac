//! The way back from a rescue, interrupted.

use serde_json::json;

use super::site::{Fallible, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unrescue_goes_on_from_every_point_at_which_the_service_can_die() -> Fallible {
    let mut site = Site::new(105, 1, "").await?;
    site.enrol(0, json!({"rescue_interface": "agent"})).await?;
    site.deploy(0).await?;
    site.walk(0, "rescue", json!({"rescue_password": "open"}), "rescue").await?;
    let mut kills = 0;
    loop {
        let before = site.starts(0);
        assert_eq!(site.ask(0, "unrescue", json!({})).await?.0, 202);
        if kills < 3 {
            // Each time a little later.
            site.seams.clock.sleep(std::time::Duration::from_millis(40 * kills)).await;
            site.restart().await?;
        }
        site.settled(0, "active").await?;
        site.runs_instance(0).await?;
        assert!(site.starts(0) > before);
        kills += 1;
        if kills > 3 {
            return Ok(());
        }
        site.walk(0, "rescue", json!({"rescue_password": "open"}), "rescue").await?;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unrescue_that_the_bmc_refuses_fails_and_can_be_tried_again() -> Fallible {
    let site = Site::new(106, 1, "[timeouts]\npower_change_secs = 5").await?;
    site.enrol(0, json!({"rescue_interface": "agent"})).await?;
    site.deploy(0).await?;
    site.walk(0, "rescue", json!({"rescue_password": "open"}), "rescue").await?;
    site.machine(0).bmc.misbehave(|faults| faults.ignore_power = true);
    let node = site.walk(0, "unrescue", json!({}), "unrescue failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| !why.is_empty()), "{node}");
    site.machine(0).bmc.misbehave(|faults| faults.ignore_power = false);
    site.walk(0, "unrescue", json!({}), "active").await?;
    site.runs_instance(0).await
}

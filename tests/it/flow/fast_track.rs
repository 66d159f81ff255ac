//! A ramdisk that runs is used for what comes next.

use bessemer::service::boot;
use bessemer::sim::machine::Doing;
use serde_json::{Value, json};

use super::site::{Fallible, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inspection_cleaning_and_deployment_share_one_boot_of_the_ramdisk() -> Fallible {
    let site = Site::new(128, 1, "").await?;
    let port = json!({"inspect_interface": "agent"});
    site.enrol(0, port).await?;
    site.walk(0, "manage", json!({}), "manageable").await?;
    let info = [("/driver_info/fast_track", json!(true)), ("/automated_clean", json!(true))];
    site.patch(0, &info).await?;
    site.walk(0, "inspect", json!({}), "manageable").await?;
    assert_eq!(site.starts(0), 1);
    let alive = |node: &Value| node["driver_internal_info"]["agent_url"].is_string();
    // The agent looks itself up when it has reported.
    let mut node = site.node(0).await?;
    for _ in 0..4800 {
        if alive(&node) {
            break;
        }
        site.seams.clock.sleep(std::time::Duration::from_millis(50)).await;
        node = site.node(0).await?;
    }
    assert!(alive(&node), "{node}");
    let node = site.walk(0, "provide", json!({}), "available").await?;
    assert!(alive(&node) && node["power_state"] == "power on", "{node}");
    assert!(matches!(site.machine(0).doing(), Doing::Ramdisk(_)));
    assert_eq!(site.starts(0), 1, "cleaned by the ramdisk that inspected");
    site.deploy(0).await?;
    assert_eq!(site.starts(0), 2, "the second start is the instance's");
    Ok(())
}

/// What is adopted is on the disk: the ramdisk that was kept is not booted again, and nobody listens to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ramdisk_that_was_kept_is_forgotten_when_its_node_is_adopted() -> Fallible {
    let site = Site::new(146, 1, "").await?;
    site.enrol(0, json!({"inspect_interface": "agent"})).await?;
    site.walk(0, "manage", json!({}), "manageable").await?;
    site.patch(0, &[("/driver_info/fast_track", json!(true)), ("/automated_clean", json!(true))]).await?;
    site.walk(0, "provide", json!({}), "available").await?;
    let kept = site.walk(0, "manage", json!({}), "manageable").await?;
    assert!(kept["driver_internal_info"]["agent_url"].is_string(), "{kept}");
    let adopted = site.walk(0, "adopt", json!({}), "active").await?;
    assert!(adopted["driver_internal_info"]["agent_url"].is_null(), "{adopted}");
    let uuid = adopted["uuid"].as_str().unwrap_or_default().parse()?;
    let plan = site.store()?.read(move |read| boot::plan(read, uuid)).await?;
    assert_eq!(plan, None);
    Ok(())
}

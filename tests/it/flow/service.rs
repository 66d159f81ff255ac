//! An instance is serviced: its machine runs the ramdisk for a while, and the instance comes back.

use bessemer::sim::machine::Doing;
use serde_json::{Value, json};

use super::site::{Fallible, Site};

async fn active(net: u8, node: Value, config: &str) -> Fallible<Site> {
    let site = Site::new(net, 1, config).await?;
    site.enrol(0, node).await?;
    site.deploy(0).await?;
    Ok(site)
}

fn steps(list: &[(&str, &str)]) -> Value {
    let steps: Vec<Value> =
        list.iter().map(|(interface, step)| json!({"interface": interface, "step": step})).collect();
    json!({"service_steps": steps})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agents_steps_are_done_in_the_order_given_and_the_instance_runs_again() -> Fallible {
    let site = active(110, json!({}), "").await?;
    let starts = site.starts(0);
    let (status, _) = site.ask(0, "service", steps(&[("deploy", "burnin_memory"), ("deploy", "burnin_cpu")])).await?;
    assert_eq!(status, 202);
    let waiting = site.reach(0, &["service wait"], false).await?;
    assert_eq!(waiting["target_provision_state"], "active");
    site.doing(0, |doing| matches!(doing, Doing::Ramdisk(_))).await?;
    let node = site.settled(0, "active").await?;
    site.runs_instance(0).await?;
    assert_eq!(
        (&node["service_step"], &node["last_error"], &node["maintenance"]),
        (&json!({}), &Value::Null, &json!(false))
    );
    assert_eq!(node["driver_internal_info"]["agent_url"], Value::Null);
    assert_eq!(site.starts(0), starts + 2, "once into the ramdisk, once out of it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_that_need_no_ramdisk_leave_the_instance_running() -> Fallible {
    let site = active(111, json!({}), "").await?;
    let starts = site.starts(0);
    let asked = steps(&[("deploy", "hold"), ("power", "reboot")]);
    site.walk(0, "service", asked, "service hold").await?;
    assert_eq!(site.starts(0), starts);
    site.walk(0, "unhold", json!({}), "active").await?;
    assert_eq!(site.starts(0), starts + 1, "the step's own reboot");
    site.runs_instance(0).await?;
    // A step that only an agent can have is none without a ramdisk, and nothing happens.
    let mut asked = steps(&[("deploy", "burnin_cpu")]);
    asked["disable_ramdisk"] = true.into();
    let node = site.walk(0, "service", asked, "service failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("burnin_cpu")), "{node}");
    assert_eq!((site.starts(0), &node["maintenance"]), (starts + 1, &json!(false)));
    site.walk(0, "abort", json!({}), "active").await?;
    assert_eq!(site.starts(0), starts + 1, "the instance never went, so it is not brought back");
    site.runs_instance(0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_step_leaves_the_machine_as_it_is_and_an_abort_brings_the_instance_back() -> Fallible {
    let site = active(112, json!({}), "").await?;
    site.machine(0).agent_faults.set(|knobs| knobs.failing_step = Some("burnin_cpu".into()));
    let node = site.walk(0, "service", steps(&[("deploy", "burnin_cpu")]), "service failed").await?;
    assert_eq!((&node["maintenance"], &node["fault"]), (&json!(true), &json!("service failure")));
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("does not want to")), "{node}");
    assert!(matches!(site.machine(0).doing(), Doing::Ramdisk(_)), "{:?}", site.machine(0).doing());
    let logs: Vec<_> = std::fs::read_dir(site.file("store.logs"))?.collect::<std::io::Result<_>>()?;
    let name = logs.first().map(|log| log.file_name().to_string_lossy().into_owned()).unwrap_or_default();
    assert!(logs.len() == 1 && name.contains("_service_"), "{name}");
    // In maintenance it is somebody's business.
    assert_eq!(site.ask(0, "abort", json!({})).await?.0, 409);
    site.patch(0, &[("/maintenance", json!(false))]).await?;
    let node = site.walk(0, "abort", json!({}), "active").await?;
    site.runs_instance(0).await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("aborted")), "{node}");
    assert_eq!(node["fault"], Value::Null);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_agent_is_silent_is_aborted_into_the_instance_or_runs_out() -> Fallible {
    let site = active(113, json!({}), "").await?;
    site.machine(0).agent_faults.set(|knobs| knobs.silent = true);
    site.walk(0, "service", steps(&[("deploy", "burnin_cpu")]), "service wait").await?;
    let (status, _) = site.ask(0, "abort", json!({})).await?;
    assert_eq!(status, 202);
    // `active` is not said before the instance runs.
    let node = site.settled(0, "active").await?;
    assert!(!matches!(site.machine(0).doing(), Doing::Ramdisk(_)), "{:?}", site.machine(0).doing());
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("aborted")), "{node}");
    site.runs_instance(0).await?;
    site.walk(0, "service", steps(&[("deploy", "burnin_cpu")]), "service wait").await?;
    site.expire(0).await?;
    let node = site.settled(0, "service failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("Timeout")), "{node}");
    assert_eq!(node["maintenance"], false, "no step had begun");
    site.runs_instance(0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raid_that_the_agent_makes_is_written_into_the_node() -> Fallible {
    let site = active(114, json!({"raid_interface": "agent"}), "").await?;
    let disks = json!([
        {"size_gb": 10, "raid_level": "1", "controller": "software", "is_root_volume": true},
        {"size_gb": "MAX", "raid_level": "0", "controller": "software"},
    ]);
    let asked = json!({"service_steps": [
        {"interface": "raid", "step": "apply_configuration", "args": {"raid_config": {"logical_disks": disks}}},
    ]});
    let node = site.walk(0, "service", asked, "active").await?;
    assert_eq!(node["raid_config"]["logical_disks"], disks);
    assert!(node["raid_config"]["last_updated"].is_string(), "{node}");
    assert_eq!(node["properties"]["local_gb"], 10);
    assert_eq!(node["properties"]["capabilities"], "boot_mode:uefi,raid_level:1");
    let node = site.walk(0, "service", steps(&[("raid", "delete_configuration")]), "active").await?;
    assert_eq!((&node["raid_config"], &node["properties"]["root_device"]), (&json!({}), &Value::Null));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raid_that_is_not_the_agents_is_not_the_agents_to_change() -> Fallible {
    let site = active(115, json!({"raid_interface": "no-raid"}), "").await?;
    let node = site.walk(0, "service", steps(&[("raid", "delete_configuration")]), "service failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("raid.delete_configuration")), "{node}");
    Ok(())
}

/// Its answer would be the only one with a token, and the ramdisk that is about to start would wait in vain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ramdisk_that_is_being_switched_off_takes_no_token_away() -> Fallible {
    let site = active(117, json!({}), "").await?;
    site.machine(0).bmc.misbehave(|faults| faults.ignore_power = true);
    assert_eq!(site.ask(0, "service", steps(&[("deploy", "burnin_cpu")])).await?.0, 202);
    let restarting = async {
        while site.node(0).await?["driver_internal_info"]["machine_restarting"].is_null() {
            site.seams.clock.sleep(std::time::Duration::from_millis(5)).await;
        }
        Fallible::Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(240), restarting).await??;
    let mac = site.machine(0).model.mac.map(|byte| format!("{byte:02x}")).join(":");
    let (status, answer) = site.call(hyper::Method::GET, &format!("/v1/lookup?addresses={mac}"), None).await?;
    assert_eq!(status, 404, "{answer}");
    site.machine(0).bmc.misbehave(|faults| faults.ignore_power = false);
    site.settled(0, "active").await?;
    site.runs_instance(0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_goes_on_from_every_point_at_which_the_process_can_die() -> Fallible {
    let mut site = active(116, json!({}), "").await?;
    let mut seen = Vec::new();
    let asked = steps(&[("deploy", "burnin_cpu"), ("deploy", "burnin_memory")]);
    // There is no way back to walk: an active node is serviced again.
    loop {
        assert_eq!(site.ask(0, "service", asked.clone()).await?.0, 202, "after {seen:?}");
        let point = site.next_point(0, "active", &seen).await?;
        let last = point.is_none();
        if let Some(point) = point {
            site.restart().await?;
            seen.push(point);
        }
        site.settled(0, "active").await.map_err(|error| format!("after {seen:?}: {error}"))?;
        site.runs_instance(0).await?;
        if last {
            break;
        }
    }
    assert!(seen.len() >= 6, "{seen:?}");
    Ok(())
}

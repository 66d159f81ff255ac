//! A machine hangs or fails: the service says why, and what to do.

use std::time::Duration;

use bessemer::sim::netboot::StageKind;
use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::site::{Fallible, Site};

async fn why(site: &Site, at: usize) -> Fallible<Value> {
    let path = format!("/bessemer/v1/nodes/{}/why", site.machine(at).model.name);
    let (status, answer) = site.call(Method::GET, &path, None).await?;
    if status == 200 { Ok(answer) } else { Err(format!("{status} {answer}").into()) }
}

/// Waits until the service tells of a machine what `wanted` looks for.
async fn told(site: &Site, at: usize, wanted: impl Fn(&Value) -> bool) -> Fallible<Value> {
    for _ in 0..4800 {
        let answer = why(site, at).await?;
        if wanted(&answer) {
            return Ok(answer);
        }
        site.seams.clock.sleep(Duration::from_millis(50)).await;
    }
    Err(format!("machine {at} {:?}: {}", site.machine(at).doing(), why(site, at).await?).into())
}

/// A `last_error` names the cause and the next step.
fn names(at: usize, node: &Value, cause: &str, next: &str) {
    let error = node["last_error"].as_str().unwrap_or_default();
    let parts = error.split_once("Next: ");
    assert!(
        parts.is_some_and(|(before, after)| before.contains(cause) && after.contains(next)),
        "{at}: {error:?} does not name {cause:?} and {next:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_a_machine_hangs_it_is_told_how_far_it_came() -> Fallible {
    use StageKind::*;
    let site = Site::new(90, 7, "").await?;
    let hangs = [
        (Some(FirmwareDhcp), "nothing was heard", "No DHCP request of its cards"),
        (Some(Loader), "firmware has an address", "has not asked for it"),
        (Some(IpxeDhcp), "loader was fetched", "secure boot"),
        (Some(Script), "iPXE has an address", "has not fetched its boot script"),
        (Some(Kernel), "script was fetched", "neither kernel nor ramdisk"),
        (Some(Ramdisk), "fetches its files", "has not ended"),
        (None, "ramdisk was fetched", "nothing was heard since"),
    ];
    for (at, (stage, ..)) in hangs.iter().enumerate() {
        site.enrol(at, json!({})).await?;
        site.patch(at, &site.image_fields()).await?;
        match stage {
            Some(stage) => site.machine(at).boot_faults.set(|knobs| knobs.hang_before = Some(*stage)),
            None => site.machine(at).agent_faults.set(|knobs| knobs.silent = true),
        }
    }
    for at in 0..hangs.len() {
        assert_eq!(site.ask(at, "active", json!({})).await?.0, 202);
    }
    for (at, (_, rule, cause)) in hangs.iter().enumerate() {
        let waits = "the agent's first heartbeat";
        let answer = told(&site, at, |it| it["rule"] == *rule && it["waiting_for"] == waits).await?;
        assert!(
            answer["until"].is_string() && answer["then"].as_str().is_some_and(|it| it.contains("fails")),
            "{answer}"
        );
        assert!(answer["last"].as_array().is_some_and(|all| all.iter().any(|it| it["event"] == "ordered")), "{answer}");
        site.expire(at).await?;
        let node = site.settled(at, "deploy failed").await?;
        assert!(
            node["last_error"]
                .as_str()
                .is_some_and(|it| it.starts_with("Timeout reached while waiting for the agent's"))
        );
        names(at, &node, cause, "deploy again");
        let answer = why(&site, at).await?;
        assert_eq!((&answer["verdict"], &answer["trouble"]), (&json!("failed"), &json!(true)), "{answer}");
        assert!(!answer["why"].as_str().is_some_and(|it| it.contains("Next:")), "{answer}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_that_goes_well_is_no_trouble_and_leaves_its_traces() -> Fallible {
    let site = Site::new(91, 2, "").await?;
    for at in [0, 1] {
        site.enrol(at, json!({})).await?;
        site.deploy(at).await?;
        let answer = why(&site, at).await?;
        assert_eq!(
            (&answer["verdict"], &answer["trouble"], &answer["rule"]),
            (&json!("at rest"), &json!(false), &json!("in use"))
        );
        let seen: Vec<&str> =
            answer["last"].as_array().into_iter().flatten().filter_map(|it| it["event"].as_str()).collect();
        for event in ["reached", "image", "heartbeat", "looked up", "ramdisk", "kernel", "boot script", "iPXE", "sent"]
        {
            assert!(seen.contains(&event), "{event} is not in {seen:?}");
        }
    }
    // A card with an error in the port's address: the machine asks as a stranger, and both ways lead to that.
    site.walk(0, "deleted", json!({}), "available").await?;
    let name = &site.machine(0).model.name;
    let (_, ports) = site.call(Method::GET, &format!("/v1/ports?node={name}"), None).await?;
    let port = ports["ports"][0]["uuid"].as_str().unwrap_or_default().to_owned();
    let card = ports["ports"][0]["address"].as_str().unwrap_or_default().to_owned();
    let wrong = json!([{"op": "replace", "path": "/address", "value": "52:54:00:00:00:99"}]);
    assert_eq!(site.call(Method::PATCH, &format!("/v1/ports/{port}"), Some(wrong)).await?.0, 200);
    site.patch(0, &site.image_fields()).await?;
    assert_eq!(site.ask(0, "active", json!({})).await?.0, 202);
    let asked = |it: &Value| it["next"]["you"].to_string().contains(&card);
    let answer = told(&site, 0, |it| it["rule"] == "nothing was heard").await?;
    assert!(answer["why"].as_str().is_some_and(|it| it.contains("52:54:00:00:00:99")), "{answer}");
    for _ in 0..4800 {
        let (status, answer) = site.call(Method::GET, &format!("/bessemer/v1/nodes/{card}/why"), None).await?;
        if status == 200 {
            assert!(answer["node"].is_null() && asked(&answer), "{answer}");
            return Ok(());
        }
        site.seams.clock.sleep(Duration::from_millis(50)).await;
    }
    Err(format!("nobody saw {card}").into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_error_names_the_cause_and_the_next_step() -> Fallible {
    let site = Site::new(92, 9, "[timeouts]\npower_change_secs = 5").await?;
    for at in 0..9 {
        site.enrol(at, json!({})).await?;
        site.patch(at, &site.image_fields()).await?;
    }
    let (_, root) = site.call(Method::GET, "/", None).await?;
    let admin = root["default_version"]["links"][0]["href"].as_str().unwrap_or_default().to_owned();
    let large = vec![7; 9 << 20];
    std::fs::write(site.file("large"), &large)?;
    let large_sum: String = Sha256::digest(&large).iter().map(|byte| format!("{byte:02x}")).collect();
    let deploys = |at, cause: &'static str| (at, "active", json!({}), "deploy failed", cause, "deploy again");
    site.machine(0).bmc.misbehave(|faults| faults.refuse_power = Some(0xd4));
    site.machine(1).bmc.misbehave(|faults| faults.ignore_power = true);
    site.patch(2, &[("/instance_info/image_checksum", "0".repeat(64).into())]).await?;
    // Another checksum, too: the cache has the others' image by then.
    let absent = [
        ("/instance_info/image_source", Value::from(format!("{admin}absent"))),
        ("/instance_info/image_checksum", "1".repeat(64).into()),
    ];
    site.patch(3, &absent).await?;
    let disk = [
        ("/instance_info/image_source", Value::from(format!("file://{}", site.file("large").display()))),
        ("/instance_info/image_checksum", large_sum.into()),
    ];
    site.patch(4, &disk).await?;
    site.machine(5).agent_faults.set(|knobs| knobs.failing_step = Some("erase_devices_metadata".into()));
    site.walk(5, "manage", json!({}), "manageable").await?;
    let clean = json!({"clean_steps": [{"interface": "deploy", "step": "erase_devices_metadata"}]});
    let wrong = [("/driver_info/ipmi_password", json!("another"))];
    site.patch(6, &wrong).await?;
    site.machine(7).bmc.misbehave(|faults| faults.silent = true);
    site.machine(8).agent_faults.set(|knobs| knobs.inspection_error = Some("no disk was found".into()));
    site.walk(8, "manage", json!({}), "manageable").await?;
    site.patch(8, &[("/inspect_interface", json!("agent"))]).await?;
    let cases = [
        deploys(0, "Give the user more privilege"),
        deploys(1, "did not reach"),
        deploys(2, "sha256"),
        deploys(3, "404"),
        deploys(4, "deploy.write_image"),
        (5, "clean", clean, "clean failed", "erase_devices_metadata", "\"manage\""),
        deploys(6, "Correct driver_info/ipmi_password"),
        deploys(7, "Check that the BMC has power"),
        (8, "inspect", json!({}), "inspect failed", "no disk was found", "inspect it again"),
    ];
    let mut refused = 0;
    for (at, verb, more, ..) in &cases {
        let (status, answer) = site.ask(*at, verb, more.clone()).await?;
        if status != 202 {
            // What can be known at the verb is refused there.
            assert!(status == 400 && *at == 3, "{at}: {status} {answer}");
            refused = *at;
        }
    }
    for (at, _, _, state, cause, next) in cases.iter().filter(|case| refused == 0 || case.0 != refused) {
        let node = site.settled(*at, state).await?;
        names(*at, &node, cause, next);
        let answer = why(&site, *at).await?;
        assert!(
            answer["trouble"] == true && answer["next"]["you"].as_array().is_some_and(|you| !you.is_empty()),
            "{answer}"
        );
    }
    // A power change that fails, and one that succeeds and leaves nothing behind.
    let path = format!("/v1/nodes/{}/states/power", site.machine(0).model.name);
    assert_eq!(site.call(Method::PUT, &path, Some(json!({"target": "power on"}))).await?.0, 202);
    let node = site.settled(0, "deploy failed").await?;
    names(0, &node, "Failed to change power state: IPMI of", "set the power again");
    Ok(())
}

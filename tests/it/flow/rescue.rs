//! A machine is rescued by the ramdisk's agent, and its instance comes back.

use bessemer::sim::machine::Doing;
use serde_json::{Value, json};
use sha_crypt::{PasswordHash, PasswordVerifier as _, ShaCrypt};

use super::site::{Fallible, Site};

const PASSWORD: &str = "correct horse battery staple";

fn password() -> Value {
    json!({"rescue_password": PASSWORD})
}

/// A machine with a running instance.
async fn active(net: u8, config: &str) -> Fallible<Site> {
    let site = Site::new(net, 1, config).await?;
    site.enrol(0, json!({"rescue_interface": "agent"})).await?;
    site.deploy(0).await?;
    Ok(site)
}

/// That nothing knows the password or its hash any more, in the row, beside it, and in the files.
async fn nobody_knows(site: &Site, node: &Value) -> Fallible {
    assert_eq!(
        (&node["instance_info"]["rescue_password"], &node["instance_info"]["hashed_rescue_password"]),
        (&Value::Null, &Value::Null)
    );
    let uuid = node["uuid"].as_str().unwrap_or_default().parse()?;
    let kept = site.store()?.read(move |read| bessemer::store::secrets::pointers(read, uuid, "instance_info")).await?;
    assert_eq!(kept, [""; 0]);
    for name in ["store.sqlite", "store.sqlite-wal"] {
        let bytes = std::fs::read(site.file(name)).unwrap_or_default();
        let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "{name} has the password");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rescued_machine_lets_its_owner_in_and_boots_the_instance_again() -> Fallible {
    let site = active(100, "").await?;
    let (status, _) = site.ask(0, "rescue", password()).await?;
    assert_eq!(status, 202);
    let waiting = site.reach(0, &["rescue wait"], false).await?;
    assert_eq!(waiting["instance_info"]["rescue_password"], "******");
    assert_eq!(waiting["target_provision_state"], "rescue");
    let node = site.settled(0, "rescue").await?;
    assert_eq!((&node["last_error"], &node["power_state"]), (&Value::Null, &json!("power on")));
    let Doing::Rescue(hash) = site.doing(0, |doing| matches!(doing, Doing::Rescue(_))).await? else {
        return Err("not rescued".into());
    };
    ShaCrypt::SHA256.verify_password(PASSWORD.as_bytes(), &PasswordHash::new(hash.as_str())?)?;
    nobody_knows(&site, &node).await?;
    assert_eq!(node["driver_internal_info"]["agent_url"], Value::Null);

    let node = site.walk(0, "unrescue", json!({}), "active").await?;
    site.runs_instance(0).await?;
    assert_eq!((&node["last_error"], &node["target_provision_state"]), (&Value::Null, &Value::Null));
    // And from rescue a node can be given back at once.
    site.walk(0, "rescue", password(), "rescue").await?;
    let node = site.walk(0, "deleted", json!({}), "available").await?;
    assert_eq!((&node["instance_info"], &node["power_state"]), (&json!({}), &json!("power off")));
    site.doing(0, |doing| *doing == Doing::Off).await?;
    nobody_knows(&site, &node).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rescue_that_nobody_answers_can_be_aborted_and_else_runs_out() -> Fallible {
    let site = active(101, "").await?;
    site.machine(0).agent_faults.set(|knobs| knobs.silent = true);
    let (status, _) = site.ask(0, "rescue", password()).await?;
    assert_eq!(status, 202);
    site.settled(0, "rescue wait").await?;
    let node = site.walk(0, "abort", json!({}), "rescue failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("aborted")), "{node}");
    assert_eq!(node["maintenance"], false);
    nobody_knows(&site, &node).await?;
    // A failed one may be tried again; now the time runs out, and the machine is switched off.
    site.walk(0, "rescue", password(), "rescue wait").await?;
    site.expire(0).await?;
    let node = site.settled(0, "rescue failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("Timeout")), "{node}");
    nobody_knows(&site, &node).await?;
    site.doing(0, |doing| *doing == Doing::Off).await?;
    site.machine(0).agent_faults.set(|knobs| knobs.silent = false);
    site.walk(0, "unrescue", json!({}), "active").await?;
    site.runs_instance(0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_cannot_rescue_says_why_and_one_whose_answer_is_lost_is_not_asked_in_vain() -> Fallible {
    let site = active(102, "").await?;
    site.machine(0).agent_faults.set(|knobs| knobs.failing_step = Some("finalize_rescue".into()));
    let node = site.walk(0, "rescue", password(), "rescue failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("rescue password")), "{node}");
    site.doing(0, |doing| *doing == Doing::Off).await?;
    nobody_knows(&site, &node).await?;
    // The answer is lost and the agent gone with it.
    site.machine(0).agent_faults.set(|knobs| knobs.lost_answers = 1);
    site.walk(0, "rescue", password(), "rescue").await?;
    site.doing(0, |doing| matches!(doing, Doing::Rescue(_))).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_rescued_is_refused_and_leaves_no_password() -> Fallible {
    let site = Site::new(103, 1, "").await?;
    site.enrol(0, json!({})).await?;
    site.deploy(0).await?;
    for (more, what) in [(json!({}), "rescue_password"), (json!({"rescue_password": "  "}), "rescue_password")] {
        let (status, answer) = site.ask(0, "rescue", more).await?;
        assert!(status == 400 && answer.to_string().contains(what), "{status} {answer}");
    }
    // The node's interface is no-rescue.
    let (status, answer) = site.ask(0, "rescue", password()).await?;
    assert!(status == 400 && answer.to_string().contains("rescue"), "{status} {answer}");
    assert!(!answer.to_string().contains(PASSWORD));
    let node = site.node(0).await?;
    assert_eq!(node["provision_state"], "active");
    nobody_knows(&site, &node).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rescue_goes_on_from_every_point_at_which_the_service_can_die() -> Fallible {
    let mut site = active(104, "").await?;
    let kills = site.killed_everywhere(0, ("rescue", password(), "rescue"), ("unrescue", "active")).await?;
    assert!(kills >= 3, "{kills}");
    site.doing(0, |doing| matches!(doing, Doing::Rescue(_))).await?;
    let node = site.node(0).await?;
    nobody_knows(&site, &node).await
}

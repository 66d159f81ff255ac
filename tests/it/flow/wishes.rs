//! What a node's owner wants of its flows: cleaned or not, never switched off, retired when it is given back.

use bessemer::sim::machine::Doing;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::site::{Fallible, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_cleaned_if_it_says_so_and_a_retired_one_is_not_made_available_again() -> Fallible {
    let site = Site::new(130, 1, "").await?;
    site.enrol(0, json!({})).await?;
    assert_eq!(site.starts(0), 0, "the configuration says that nodes are not cleaned");
    site.deploy(0).await?;
    site.patch(0, &[("/automated_clean", json!(true)), ("/retired", json!(true))]).await?;
    site.change(0, |node| {
        node.lessee = Some("somebody".to_owned());
        node.driver_internal_info.set("automatic_lessee", true);
    })
    .await?;
    let starts = site.starts(0);
    let node = site.walk(0, "deleted", json!({}), "manageable").await?;
    assert_eq!(site.starts(0), starts + 1, "cleaned by the ramdisk");
    site.doing(0, |doing| *doing == Doing::Off).await?;
    assert_eq!((&node["lessee"], &node["retired"], &node["instance_info"]), (&Value::Null, &json!(true), &json!({})));
    let disk = std::fs::read(&site.machine(0).model.disk)?;
    assert!(disk[..512].iter().all(|byte| *byte == 0), "what was on the disk cannot boot any more");
    let (status, _) = site.ask(0, "provide", json!({})).await?;
    assert_eq!(status, 400);
    // Steps of the agent's without a ramdisk are none.
    let steps = json!([{"interface": "deploy", "step": "erase_devices_metadata"}]);
    let asked = json!({"clean_steps": steps, "disable_ramdisk": true});
    let node = site.walk(0, "clean", asked, "clean failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("erase_devices_metadata")), "{node}");
    assert_eq!((site.starts(0), &node["maintenance"]), (starts + 1, &json!(false)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_may_not_be_switched_off_never_is() -> Fallible {
    let site = Site::new(131, 1, "[timeouts]\npower_change_secs = 5").await?;
    site.enrol(0, json!({"rescue_interface": "agent", "disable_power_off": true})).await?;
    let mut watching = JoinSet::new();
    let mut power = site.machine(0).bmc.chassis().watch();
    watching.spawn(async move {
        let _ = power.wait_for(|power| power.on).await;
        // Resolves when it is off again, which must not be before the end.
        let _ = power.wait_for(|power| !power.on).await;
    });
    site.deploy(0).await?;
    let service = json!({"service_steps": [{"interface": "deploy", "step": "burnin_cpu"}]});
    site.walk(0, "service", service, "active").await?;
    site.runs_instance(0).await?;
    site.walk(0, "rescue", json!({"rescue_password": "open"}), "rescue").await?;
    site.doing(0, |doing| matches!(doing, Doing::Rescue(_))).await?;
    site.walk(0, "unrescue", json!({}), "active").await?;
    site.runs_instance(0).await?;
    let (status, answer) = site
        .call(
            hyper::Method::PUT,
            &format!("/v1/nodes/{}/states/power", site.machine(0).model.name),
            Some(json!({"target": "power off"})),
        )
        .await?;
    assert_eq!(status, 409, "{answer}");
    site.walk(0, "deleted", json!({}), "available").await?;
    assert!(watching.try_join_next().is_none(), "the machine was switched off");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wish_for_secure_boot_that_nobody_can_fulfil_is_refused_at_the_verb() -> Fallible {
    let site = Site::new(137, 1, "").await?;
    site.enrol(0, json!({})).await?;
    site.patch(0, &site.image_fields()).await?;
    for (capabilities, interface) in [
        (json!({"secure_boot": "true"}), "direct"),
        (json!("boot_mode:uefi,secure_boot:true"), "custom-agent"),
        (json!({"secure_boot": true}), "direct"),
    ] {
        let wish = [("/instance_info/capabilities", capabilities.clone()), ("/deploy_interface", json!(interface))];
        site.patch(0, &wish).await?;
        let (status, answer) = site.ask(0, "active", json!({})).await?;
        let why = answer.to_string();
        assert!(status == 400 && why.contains("secure_boot is true, but"), "{capabilities}: {status} {why}");
        let path = format!("/v1/nodes/{}/validate", site.machine(0).model.name);
        let (_, validated) = site.call(hyper::Method::GET, &path, None).await?;
        assert_eq!(validated["deploy"]["result"], false, "{validated}");
        assert_eq!(site.node(0).await?["provision_state"], "available");
    }
    assert_eq!(site.starts(0), 0, "the machine was not touched");
    Ok(())
}

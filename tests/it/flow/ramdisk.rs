//! Instances that are never on the disk: booted from the network each time.

use bessemer::sim::machine::Doing;
use serde_json::{Value, json};

use super::site::{Fallible, SYSTEM, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_iso_image_is_booted_at_every_start_until_the_node_is_given_back() -> Fallible {
    let site = Site::new(125, 2, "").await?;
    for at in [0, 1] {
        site.enrol(at, json!({"deploy_interface": "ramdisk"})).await?;
        let (status, answer) = site.ask(at, "active", json!({})).await?;
        assert!(status == 400 && answer.to_string().contains("boot_iso"), "{status} {answer}");
        let iso = format!("file://{}", site.file("image").display());
        site.patch(at, &[("/instance_info/boot_iso", iso.into())]).await?;
        site.walk(at, "active", json!({}), "active").await?;
        site.runs_instance(at).await?;
        let starts = site.starts(at);
        let path = format!("/v1/nodes/{}/states/power", site.machine(at).model.name);
        let (status, answer) = site.call(hyper::Method::PUT, &path, Some(json!({"target": "rebooting"}))).await?;
        assert_eq!(status, 202, "{answer}");
        site.doing(at, |doing| !matches!(doing, Doing::System(_))).await?;
        site.runs_instance(at).await?;
        assert!(site.starts(at) > starts);
        let node = site.walk(at, "deleted", json!({}), "available").await?;
        assert_eq!(node["power_state"], "power off");
        site.doing(at, |doing| *doing == Doing::Off).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kernel_and_a_ramdisk_are_booted_with_the_instances_own_arguments() -> Fallible {
    let mut site = Site::new(126, 1, "").await?;
    site.enrol(0, json!({"deploy_interface": "ramdisk"})).await?;
    let file = |name: &str| Value::from(format!("file://{}", site.file(name).display()));
    let fields = [
        ("/instance_info/kernel", file("kernel")),
        ("/instance_info/ramdisk", file("ramdisk")),
        ("/instance_info/ramdisk_kernel_arguments", json!("role=worker quiet")),
    ];
    site.patch(0, &fields).await?;
    let bad = [("/instance_info/ramdisk_kernel_arguments", json!("a\nreboot"))];
    site.patch(0, &bad).await?;
    let (status, answer) = site.ask(0, "active", json!({})).await?;
    assert!(status == 400 && answer.to_string().contains("ramdisk_kernel_arguments"), "{status} {answer}");
    site.patch(0, &fields[2..]).await?;
    assert_eq!(site.ask(0, "active", json!({})).await?.0, 202);
    // Wherever the process dies, the instance comes up.
    site.restart().await?;
    site.settled(0, "active").await?;
    let doing = site.doing(0, |doing| matches!(doing, Doing::Netbooted(_))).await?;
    let Doing::Netbooted(arguments) = doing else { return Err("not booted".into()) };
    assert!(arguments.contains("root=/dev/ram0") && arguments.contains("role=worker quiet"), "{arguments}");
    assert!(!arguments.contains(SYSTEM) && !arguments.contains("ipa-"), "{arguments}");
    // A step that only an agent could do is refused, as no agent takes part.
    site.walk(0, "deleted", json!({}), "available").await?;
    site.patch(0, &fields).await?;
    let steps = json!({"deploy_steps": [{"interface": "deploy", "step": "burnin_cpu", "args": {}, "priority": 50}]});
    let node = site.walk(0, "active", steps, "deploy failed").await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("burnin_cpu")), "{node}");
    Ok(())
}

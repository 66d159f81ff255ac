//! What an inspection report does to a node.

use bessemer::clock::Clock;
use bessemer::driver::{Driver, Environment, Settings, Task};
use bessemer::model::boot_plan::Boot;
use bessemer::model::{InterfaceKind, Node, Port, PowerState};
use bessemer::net::Net;
use bessemer::random::Random;
use serde_json::{Map, Value, json};

use super::service::{MAC, Tested};

fn task() -> Task {
    let settings = Settings {
        provisioning_url: Some("http://10.0.0.1:8080".into()),
        deploy_kernel: Some("kernel".into()),
        deploy_ramdisk: Some("ramdisk".into()),
        ..Settings::default()
    };
    let env = Environment::new(Clock::system(), Net::system(), Random::system(), settings);
    let mut node = Node::new(env.random.uuid(), "fake-hardware".into(), env.clock.now());
    *node.interface_mut(InterfaceKind::Boot) = Some("ipxe".into());
    *node.interface_mut(InterfaceKind::Management) = Some("noop".into());
    *node.interface_mut(InterfaceKind::Inspect) = Some("agent".into());
    let known = |mac: &str| Port::new(env.random.uuid(), node.uuid, mac.into(), env.clock.now());
    let ports = vec![known(MAC), known("52:54:00:aa:bb:02")];
    Task::new(node, ports, vec![], env)
}

fn report(change: Value) -> Map<String, Value> {
    let mut report = json!({
        "inventory": {
            "interfaces": [
                {"name": "lo", "mac_address": "00:00:00:00:00:00", "ipv4_address": "127.0.0.1"},
                {"name": "eth0", "mac_address": MAC}, {"name": "eth1", "mac_address": "52:54:00:AA:BB:02"},
                {"name": "eth2", "mac_address": "52:54:00:aa:bb:03"}, {"name": "ib0", "mac_address": "garbage"}
            ],
            "cpu": {"architecture": "x86_64", "count": 2}, "boot": {"pxe_interface": "01-52-54-00-aa-bb-03"}
        },
        "error": null, "logs": "aaaa", "root_disk": {"name": "/dev/sda"}
    });
    if let (Some(report), Value::Object(change)) = (report.as_object_mut(), change) {
        report.extend(change);
    }
    report.as_object().cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_card_that_booted_becomes_a_port_and_the_others_stop_booting() -> Tested {
    let mut task = task();
    let driver = Driver::of(&task.node)?;
    driver.inspect.inspect(&mut task).await?;
    let plan = task.boot_plan().cloned().ok_or("no plan")?;
    let Boot::Ramdisk { arguments, .. } = plan.boot else { return Err("no ramdisk".into()) };
    assert!(arguments.contains("ipa-inspection-callback-url=http://10.0.0.1:8080/v1/continue_inspection"));
    assert!(!arguments.contains("ipa-api-url"));
    driver.inspect.continue_inspection(&mut task, &report(json!({}))).await?;
    let new: Vec<_> = task.changes.new_ports.iter().map(|port| (port.address.as_str(), port.pxe_enabled)).collect();
    assert_eq!(new, [("52:54:00:aa:bb:03", true)]);
    let changed: Vec<_> = task.changes.ports.iter().map(|port| (port.address.as_str(), port.pxe_enabled)).collect();
    assert_eq!(changed, [(MAC, false), ("52:54:00:aa:bb:02", false)]);
    assert_eq!(task.node.properties.text("cpu_arch").as_deref(), Some("x86_64"));
    let kept = task.inspected.clone().ok_or("nothing kept")?;
    assert_eq!(kept["plugin_data"]["root_disk"]["name"], "/dev/sda");
    assert!(kept["plugin_data"].get("logs").is_none() && kept["inventory"]["cpu"]["count"] == 2);
    let (all, valid) = (&kept["plugin_data"]["all_interfaces"], &kept["plugin_data"]["valid_interfaces"]);
    assert_eq!((&all["eth0"]["pxe_enabled"], &all["eth2"]["pxe_enabled"]), (&json!(false), &json!(true)));
    assert!(all.get("lo").is_some() && all.get("ib0").is_none(), "{all}");
    assert_eq!(valid, &json!({"eth2": all["eth2"]}), "clients read the card that booted here");
    assert_eq!(kept["plugin_data"]["macs"], json!(["52:54:00:aa:bb:03"]));
    assert_eq!(task.boot_plan(), None);
    assert_eq!(task.node.power_state, Some(PowerState::Off));
    Ok(())
}

#[tokio::test]
async fn a_report_that_is_an_error_or_makes_no_sense_fails_the_inspection() -> Tested {
    let huge: Vec<Value> =
        (0..200).map(|n| json!({"name": "e", "mac_address": format!("52:54:00:00:00:{n:02x}")})).collect();
    for (change, expected) in [
        (json!({"error": "no disk"}), "no disk"),
        (json!({"inventory": null}), "inventory"),
        (json!({"inventory": {"interfaces": []}}), "network card"),
        (json!({"inventory": {"interfaces": [{"name": "lo", "mac_address": "00:00:00:00:00:00"}]}}), "network card"),
        (json!({"inventory": {"interfaces": huge}}), "network card"),
        (json!({"inventory": "none"}), "inventory"),
    ] {
        let mut task = task();
        let driver = Driver::of(&task.node)?;
        let refused = driver.inspect.continue_inspection(&mut task, &report(change)).await;
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(expected)), "{expected}: {refused:?}");
        // The ramdisk is ended in any case.
        assert_eq!(task.node.power_state, Some(PowerState::Off));
    }
    Ok(())
}

//! What lies below a node for its hardware: RAID, boot mode, console, indicators, BIOS, firmware, virtual media, vendor methods.

use std::time::Duration;

use serde_json::{Value, json};

use super::service::{LATEST, Outcome, Reply, Service};

struct Machine {
    service: Service,
    path: String,
}

impl Machine {
    async fn new(body: Value) -> Outcome<Self> {
        let service = Service::start().await?;
        let made = service.post("/v1/nodes", body).await?;
        let path = format!("/v1/nodes/{}", made.json["uuid"].as_str().unwrap_or_default());
        Ok(Machine { service, path })
    }

    async fn fake() -> Outcome<Self> {
        Self::new(json!({"driver": "fake-hardware", "name": "one"})).await
    }

    async fn call(&self, version: &str, method: &str, below: &str, body: Option<Value>) -> Outcome<Reply> {
        self.service.call(version, method, &format!("{}{below}", self.path), body).await
    }

    async fn put(&self, below: &str, body: Value) -> Outcome<Reply> {
        self.call(LATEST, "PUT", below, Some(body)).await
    }

    async fn get(&self, below: &str) -> Outcome<Value> {
        Ok(self.service.get(&format!("{}{below}", self.path)).await?.json)
    }

    /// Waits until nobody works on the node.
    async fn rested(&self) -> Outcome<Value> {
        let mut changed = self.service.store.work_changed();
        let looking = async {
            loop {
                changed.mark_unchanged();
                let node = self.get("").await?;
                if node["reservation"].is_null() && node["target_provision_state"].is_null() {
                    return Outcome::Ok(node);
                }
                // The deadline below ends this; a commit that touches no work is seen at the next look.
                let _ = tokio::time::timeout(Duration::from_millis(50), changed.changed()).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking).await?
    }

    async fn clean(&self, interface: &str, step: &str, args: Value) -> Outcome<Value> {
        let steps = json!([{"interface": interface, "step": step, "args": args}]);
        let body = json!({"target": "clean", "clean_steps": steps});
        assert_eq!(self.put("/states/provision", body).await?.status, 202, "{step}");
        self.rested().await
    }

    async fn manageable(&self) -> Outcome {
        assert_eq!(self.put("/states/provision", json!({"target": "manage"})).await?.status, 202);
        assert_eq!(self.rested().await?["provision_state"], "manageable");
        Ok(())
    }
}

#[tokio::test]
async fn a_raid_is_wished_for_made_and_deleted() -> Outcome {
    let machine = Machine::fake().await?;
    let wanted = json!({"logical_disks": [
        {"raid_level": "1", "size_gb": 100, "is_root_volume": true}, {"raid_level": "5", "size_gb": "MAX"},
    ]});
    for (version, body, status) in [
        ("1.11", json!({}), 406),
        ("1.11", json!([]), 400),
        ("1.12", json!({}), 204),
        (LATEST, json!({"logical_disks": []}), 400),
        (LATEST, json!({"logical_disks": [{"raid_level": "1", "size_gb": -1}]}), 400),
        (LATEST, json!({"more": 1}), 400),
        (LATEST, wanted.clone(), 204),
    ] {
        let reply = machine.call(version, "PUT", "/states/raid", Some(body.clone())).await?;
        assert_eq!(reply.status, status, "{version} {body}: {reply:?}");
    }
    assert_eq!(machine.get("/states").await?["target_raid_config"], wanted);
    machine.manageable().await?;
    let node = machine.clean("raid", "create_configuration", json!({})).await?;
    assert_eq!((&node["provision_state"], &node["last_error"]), (&json!("manageable"), &Value::Null));
    assert_eq!(node["raid_config"]["logical_disks"], wanted["logical_disks"]);
    assert!(node["raid_config"]["last_updated"].is_string());
    assert_eq!(node["properties"], json!({"local_gb": 100, "capabilities": "raid_level:1"}));
    let node = machine.clean("raid", "create_configuration", json!({"create_root_volume": false})).await?;
    assert_eq!(node["raid_config"]["logical_disks"], json!([wanted["logical_disks"][1]]));
    let node = machine.clean("raid", "delete_configuration", json!({})).await?;
    assert_eq!((&node["raid_config"], &node["target_raid_config"]), (&json!({}), &wanted));
    Ok(())
}

#[tokio::test]
async fn where_there_is_no_raid_there_is_no_such_resource() -> Outcome {
    let machine = Machine::new(json!({"driver": "ipmi"})).await?;
    let disks = json!({"logical_disks": [{"raid_level": "1", "size_gb": 1}]});
    assert_eq!(machine.put("/states/raid", disks).await?.status, 404);
    assert_eq!(machine.put("/states/raid", json!({})).await?.status, 204, "wishing for none is fine");
    Ok(())
}

#[tokio::test]
async fn bios_settings_are_what_was_applied_last() -> Outcome {
    let machine = Machine::fake().await?;
    machine.manageable().await?;
    let settings = json!([{"name": "virt", "value": "on"}, {"name": "smt", "value": "off"}]);
    machine.clean("bios", "apply_configuration", json!({"settings": settings})).await?;
    let list = machine.get("/bios").await?["bios"].clone();
    assert_eq!(
        (&list[0]["name"], &list[0]["value"], &list[0]["updated_at"]),
        (&json!("smt"), &json!("off"), &Value::Null)
    );
    assert_eq!(list[0].as_object().map(|setting| setting.len()), Some(5), "times, name, value, links: {list}");
    let one = machine.get("/bios/virt").await?;
    assert_eq!((&one["virt"]["value"], &one["virt"]["attribute_type"]), (&json!("on"), &Value::Null));
    assert_eq!(one["virt"]["allowable_values"], json!([]), "an empty list if nothing is known, as in Ironic");
    let old = machine.call("1.73", "GET", "/bios/virt", None).await?;
    assert_eq!(old.json["virt"].as_object().map(|setting| setting.len()), Some(5));
    let some = machine.get("/bios?fields=name").await?;
    assert_eq!(some["bios"][0].as_object().map(|setting| setting.len()), Some(4), "{some}");
    machine.clean("bios", "apply_configuration", json!({"settings": [{"name": "virt", "value": "off"}]})).await?;
    let list = machine.get("/bios").await?["bios"].clone();
    assert_eq!(list.as_array().map(Vec::len), Some(1), "the others are gone: {list}");
    assert!(list[0]["updated_at"].is_string(), "{list}");
    machine.clean("bios", "factory_reset", json!({})).await?;
    assert_eq!(machine.get("/bios").await?, json!({"bios": []}));
    Ok(())
}

#[tokio::test]
async fn settings_hide_from_older_clients_and_refuse_what_they_do_not_know() -> Outcome {
    let machine = Machine::fake().await?;
    for (version, below, status) in [
        ("1.39", "/bios", 404),
        ("1.40", "/bios", 200),
        ("1.73", "/bios?detail=true", 400),
        ("1.73", "/bios?fields=name", 400),
        ("1.74", "/bios?detail=true", 200),
        (LATEST, "/bios?fields=bogus", 400),
        (LATEST, "/bios?fields=name&detail=true", 400),
        (LATEST, "/bios?limit=1", 400),
        (LATEST, "/bios/nope", 404),
        ("1.85", "/firmware", 404),
        ("1.86", "/firmware", 200),
        ("1.113", "/firmware?fields=vendor", 400),
        ("1.114", "/firmware?fields=vendor", 200),
        (LATEST, "/firmware?detail=true", 400),
        ("1.92", "/vmedia", 404),
        (LATEST, "/vmedia", 400),
    ] {
        let reply = machine.call(version, "GET", below, None).await?;
        assert_eq!(reply.status, status, "{version} {below}: {reply:?}");
    }
    assert_eq!(machine.get("/firmware").await?, json!({"firmware": []}));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_done_in_the_background_is_told_in_last_error() -> Outcome {
    let machine = Machine::fake().await?;
    let image = json!({"device_type": "cdrom", "image_url": "http://a/b.iso"});
    for (method, below, body, status) in [
        ("PUT", "/states/boot_mode", Some(json!({"target": "uefi"})), 202),
        ("PUT", "/states/secure_boot", Some(json!({"target": "true"})), 202),
        ("POST", "/vmedia", Some(image), 204),
        ("DELETE", "/vmedia", None, 204),
    ] {
        let reply = machine.call(LATEST, method, below, body).await?;
        assert_eq!(reply.status, status, "{below}: {reply:?}");
        if status == 202 {
            assert!(reply.headers["location"].ends_with(&format!("{}/states", machine.path)), "{reply:?}");
        }
        let node = machine.rested().await?;
        assert!(node["last_error"].as_str().is_some_and(|why| why.contains("fake-hardware")), "{below}: {node}");
        assert_eq!((&node["boot_mode"], &node["secure_boot"]), (&Value::Null, &Value::Null));
    }
    let history = machine.get("/history?detail=true").await?["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(2), "Ironic records those of virtual media only: {history}");
    assert_eq!(history[0]["event_type"], "UNKNOWN");
    Ok(())
}

#[tokio::test]
async fn mistakes_about_firmware_and_media_are_told_at_once() -> Outcome {
    let machine = Machine::fake().await?;
    for (version, method, below, body, status) in [
        ("1.75", "PUT", "/states/boot_mode", json!({"target": "uefi"}), 404),
        ("1.75", "PUT", "/states/boot_mode", json!({}), 400),
        (LATEST, "PUT", "/states/boot_mode", json!({"target": "UEFI"}), 400),
        (LATEST, "PUT", "/states/boot_mode", json!({"target": 5}), 400),
        (LATEST, "PUT", "/states/boot_mode", json!({"target": null}), 400),
        ("1.75", "PUT", "/states/secure_boot", json!({"target": true}), 404),
        (LATEST, "PUT", "/states/secure_boot", json!({"target": null}), 400),
        (LATEST, "PUT", "/states/secure_boot", json!({"target": "x"}), 400),
        ("1.88", "POST", "/vmedia", json!({}), 404),
        (LATEST, "POST", "/vmedia", json!({"device_type": "CDROM", "image_url": "http://a"}), 400),
        (LATEST, "POST", "/vmedia", json!({"device_type": "cdrom", "image_url": "ftp://a"}), 400),
        (LATEST, "POST", "/vmedia", json!({"device_type": "cdrom", "image_url": "http://a", "x": 1}), 400),
        (LATEST, "DELETE", "/vmedia?device_types=x", json!({}), 400),
        (LATEST, "PUT", "/states/console", json!({}), 400),
        (LATEST, "PUT", "/states/console", json!({"enabled": "perhaps"}), 400),
    ] {
        let reply = machine.call(version, method, below, Some(body.clone())).await?;
        assert_eq!(reply.status, status, "{version} {method} {below} {body}: {reply:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_console_is_opened_and_closed_and_keeps_the_driver() -> Outcome {
    let machine = Machine::fake().await?;
    assert_eq!(machine.get("/states/console").await?, json!({"console_enabled": false, "console_info": null}));
    let reply = machine.put("/states/console", json!({"enabled": true})).await?;
    assert_eq!(reply.status, 202);
    assert!(reply.headers["location"].ends_with("/states/console"), "{reply:?}");
    assert_eq!(machine.rested().await?["console_enabled"], true);
    assert_eq!(machine.get("/states/console").await?, json!({"console_enabled": true, "console_info": {}}));
    let patch = json!([{"op": "replace", "path": "/driver", "value": "ipmi"}]);
    assert_eq!(machine.service.patch(&machine.path, patch).await?.status, 409);
    machine.put("/states/console", json!({"enabled": "off"})).await?;
    assert_eq!(machine.rested().await?["console_enabled"], false);
    let bare = Machine::new(json!({"driver": "manual-management"})).await?;
    assert_eq!(bare.put("/states/console", json!({"enabled": true})).await?.status, 400);
    let serial = json!({"ipmi_address": "127.0.0.1", "ipmi_terminal_port": 8000});
    let serial = Machine::new(json!({"driver": "ipmi", "driver_info": serial})).await?;
    assert_eq!(serial.put("/states/console", json!({"enabled": true})).await?.status, 202);
    let node = serial.rested().await?;
    assert!(node["last_error"].as_str().is_some_and(|why| why.contains("not built")), "{node}");
    assert_eq!(serial.get("/history?detail=true").await?["history"][0]["event_type"], "console");
    Ok(())
}

#[tokio::test]
async fn indicators_are_seen() -> Outcome {
    let machine = Machine::fake().await?;
    let list = machine.get("/management/indicators").await?["indicators"].clone();
    assert_eq!((&list[1]["name"], &list[1]["readonly"]), (&json!("led@system"), &json!(false)));
    assert_eq!(machine.get("/management/indicators/led@system").await?, json!({"state": "on"}));
    for below in ["led", "led@x", "x@system", "@"] {
        let reply = machine.call(LATEST, "GET", &format!("/management/indicators/{below}"), None).await?;
        assert_eq!(reply.status, 400, "{below}");
    }
    let reply = machine.put("/management/indicators/led@system", json!({"state": "on"})).await?;
    assert_eq!(reply.status, 400, "fake lights cannot be switched, as in Ironic");
    Ok(())
}

#[tokio::test]
async fn vendor_methods_are_checked_first_and_then_done() -> Outcome {
    let machine = Machine::fake().await?;
    for (method, name, body, status, answer) in [
        ("POST", "second_method", json!({"bar": "kazoo"}), 202, Value::Null),
        ("POST", "second_method", json!({}), 400, Value::Null),
        ("POST", "third_method_sync", json!({"bar": "meow"}), 200, json!(true)),
        ("POST", "third_method_sync", json!({"bar": "x"}), 200, json!(false)),
        ("PUT", "third_method_sync", json!({"bar": "x"}), 400, Value::Null),
        ("POST", "fourth_method_shared_lock", json!({"bar": "woof"}), 202, Value::Null),
        ("POST", "log_passthrough", json!({"any": 1}), 202, Value::Null),
        ("POST", "dance", json!({}), 400, Value::Null),
    ] {
        let reply = machine.call(LATEST, method, &format!("/vendor_passthru/{name}"), Some(body.clone())).await?;
        assert_eq!(reply.status, status, "{method} {name} {body}: {reply:?}");
        if status < 300 {
            assert_eq!(reply.json, answer, "{name}");
        }
        machine.rested().await?;
    }
    let methods = machine.get("/vendor_passthru/methods").await?;
    assert_eq!(methods.as_object().map(|methods| methods.len()), Some(4));
    assert_eq!(methods["fourth_method_shared_lock"]["require_exclusive_lock"], false);
    assert_eq!(methods["third_method_sync"]["async"], false);
    let redfish = Machine::new(json!({"driver": "redfish", "driver_info": {"redfish_address": "127.0.0.1"}})).await?;
    let reply = redfish.call(LATEST, "POST", "/vendor_passthru/create_subscription", Some(json!({}))).await?;
    assert!(reply.status == 400 && reply.fault().contains("Destination"), "{reply:?}");
    let reply = redfish.call(LATEST, "POST", "/vendor_passthru/eject_vmedia", Some(json!({}))).await?;
    assert_eq!(reply.status, 202);
    assert!(redfish.rested().await?["last_error"].as_str().is_some_and(|why| why.contains("not built")));
    Ok(())
}

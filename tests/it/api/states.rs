//! Power, provisioning and what else is asked of a node's hardware, on `fake-hardware`.

use std::time::Duration;

use bessemer::model::State;
use serde_json::{Value, json};

use super::service::{LATEST, Outcome, Reply, Service};

struct Machine {
    service: Service,
    path: String,
}

impl Machine {
    async fn new() -> Outcome<Self> {
        let service = Service::start().await?;
        let made = service.post("/v1/nodes", json!({"driver": "fake-hardware", "name": "one"})).await?;
        let path = format!("/v1/nodes/{}", made.json["uuid"].as_str().unwrap_or_default());
        Ok(Machine { service, path })
    }

    async fn put(&self, below: &str, body: Value) -> Outcome<Reply> {
        self.service.call(LATEST, "PUT", &format!("{}{below}", self.path), Some(body)).await
    }

    async fn get(&self, below: &str) -> Outcome<Value> {
        Ok(self.service.get(&format!("{}{below}", self.path)).await?.json)
    }

    /// Waits until the node has come to rest in `state`.
    async fn settled(&self, state: &str) -> Outcome<Value> {
        let mut changed = self.service.store.work_changed();
        let looking = async {
            loop {
                changed.mark_unchanged();
                let node = self.get("").await?;
                if node["provision_state"] == state && node["reservation"].is_null() {
                    return Outcome::Ok(node);
                }
                // The deadline below ends this; a commit that touches no work is seen at the next look.
                let _ = tokio::time::timeout(Duration::from_millis(50), changed.changed()).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking).await?
    }

    async fn provision(&self, target: &str) -> Outcome {
        let reply = self.put("/states/provision", json!({"target": target})).await?;
        assert_eq!((reply.status, &reply.json), (202, &Value::Null), "{target}: {reply:?}");
        assert!(reply.headers["location"].ends_with(&format!("{}/states", self.path)), "{reply:?}");
        Ok(())
    }
}

#[tokio::test]
async fn a_node_goes_from_enroll_to_active_and_back_to_available() -> Outcome {
    let machine = Machine::new().await?;
    for (target, state) in [
        ("manage", "manageable"),
        ("inspect", "manageable"),
        ("provide", "available"),
        ("active", "active"),
        ("deleted", "available"),
    ] {
        machine.provision(target).await?;
        let node = machine.settled(state).await?;
        assert_eq!((&node["last_error"], &node["target_provision_state"]), (&Value::Null, &Value::Null), "{target}");
    }
    let history = machine.get("/history?detail=true").await?;
    let first = &history["history"][0];
    assert_eq!((&first["severity"], &first["conductor"]), (&json!("INFO"), &json!("here")));
    let record = machine.get(&format!("/history/{}", first["uuid"].as_str().unwrap_or_default())).await?;
    assert_eq!(record, *first, "one record is shown as in the detailed list");
    Ok(())
}

#[tokio::test]
async fn mistakes_in_a_verb_are_found_in_the_order_of_the_contract() -> Outcome {
    let machine = Machine::new().await?;
    let step = json!({"interface": "deploy", "step": "erase"});
    let cases = [
        (State::Enroll, json!({}), 400, "target"),
        (State::Enroll, json!({"target": 5}), 400, "target"),
        (State::Enroll, json!({"target": "manage", "extra": 1}), 400, "extra"),
        (State::Enroll, json!({"target": "clean", "clean_steps": "x"}), 400, "clean_steps"),
        (State::Enroll, json!({"target": "clean", "disable_ramdisk": "x"}), 400, "disable_ramdisk"),
        (State::Enroll, json!({"target": "bogus"}), 400, "bogus"),
        (State::Enroll, json!({"target": null}), 400, "state"),
        (State::Enroll, json!({"target": "clean", "clean_steps": [{"interface": "nope"}]}), 400, "state \"enroll\""),
        (State::Manageable, json!({"target": "clean"}), 400, "clean_steps"),
        (State::Manageable, json!({"target": "clean", "clean_steps": []}), 400, "clean_steps"),
        (State::Manageable, json!({"target": "clean", "clean_steps": [{"step": "a"}]}), 400, "interface"),
        (
            State::Manageable,
            json!({"target": "clean", "clean_steps": [{"interface": "nope", "step": "a"}]}),
            400,
            "nope",
        ),
        (
            State::Manageable,
            json!({"target": "clean", "clean_steps": [{"interface": "bios", "step": "a", "other": 1}]}),
            400,
            "other",
        ),
        (State::Manageable, json!({"target": "provide", "clean_steps": [step]}), 400, "clean_steps"),
        (State::Manageable, json!({"target": "provide", "rescue_password": "x"}), 400, "rescue_password"),
        (State::Manageable, json!({"target": "inspect", "configdrive": "x"}), 400, "configdrive"),
        (State::Manageable, json!({"target": "clean", "runbook": "nobody"}), 404, "nobody"),
        (State::Manageable, json!({"target": "clean", "runbook": "no name!"}), 400, "no name!"),
        (State::Manageable, json!({"target": "clean", "runbook": ""}), 400, "clean_steps"),
        (State::Available, json!({"target": "active", "configdrive": {"bad": 1}}), 400, "configdrive"),
        (
            State::Available,
            json!({"target": "active", "deploy_steps": [{"interface": "bios", "step": "a", "args": {}}]}),
            400,
            "priority",
        ),
    ];
    for (state, body, status, named) in cases {
        set_state(&machine, state).await?;
        let reply = machine.put("/states/provision", body.clone()).await?;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
        assert!(reply.fault().contains(named), "{body}: {}", reply.fault());
        assert_eq!(machine.get("").await?["provision_state"], state.as_str(), "nothing was begun");
    }
    Ok(())
}

async fn set_state(machine: &Machine, state: State) -> Outcome {
    let uuid = machine.path.rsplit('/').next().unwrap_or_default().parse()?;
    let changed = machine.service.store.write(move |tx| {
        let Some(before) = bessemer::store::nodes::find(tx, uuid)? else { return Ok(false) };
        let mut after = before.clone();
        after.provision_state = state;
        bessemer::store::nodes::update(tx, &before, &after)
    });
    changed.await.map_err(|error: bessemer::store::StoreError| error)?;
    Ok(())
}

/// A machine that is quicker than its BMC: the agent repeats a 409, and gives up at a 404.
#[tokio::test]
async fn a_report_that_comes_while_the_machine_is_still_being_started_is_to_be_sent_again() -> Outcome {
    let machine = Machine::new().await?;
    let report = json!({"inventory": {"interfaces": [{"name": "eth0", "mac_address": "52:54:00:00:00:77"}]}});
    let node_uuid = machine.path.rsplit('/').next().unwrap_or_default();
    let port = json!({"node_uuid": node_uuid, "address": "52:54:00:00:00:77"});
    assert_eq!(machine.service.post("/v1/ports", port).await?.status, 201);
    let send = || machine.service.post("/v1/continue_inspection", report.clone());
    assert_eq!(send().await?.status, 404, "nobody waits for it");
    set_state(&machine, State::Inspecting).await?;
    assert_eq!(send().await?.status, 404, "nobody is at work on it");
    let uuid = node_uuid.parse()?;
    let reserved = machine.service.store.write(move |tx| {
        let Some(before) = bessemer::store::nodes::find(tx, uuid)? else { return Ok(false) };
        let after = bessemer::model::Node { reservation: Some("here".to_owned()), ..before.clone() };
        bessemer::store::nodes::update(tx, &before, &after)
    });
    reserved.await.map_err(|error: bessemer::store::StoreError| error)?;
    assert_eq!(send().await?.status, 409);
    Ok(())
}

#[tokio::test]
async fn older_clients_see_states_under_their_old_names() -> Outcome {
    let machine = Machine::new().await?;
    for (state, version, shown) in [
        (State::Available, "1.1", Value::Null),
        (State::Available, "1.2", json!("available")),
        (State::InspectWait, "1.38", json!("inspecting")),
        (State::InspectWait, "1.39", json!("inspect wait")),
    ] {
        set_state(&machine, state).await?;
        for path in [machine.path.clone(), format!("{}/states", machine.path)] {
            let reply = machine.service.call(version, "GET", &path, None).await?;
            assert_eq!(reply.json["provision_state"], shown, "{state} at {version}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn power_is_asked_for_and_arrives() -> Outcome {
    let machine = Machine::new().await?;
    for (target, state) in [
        ("power on", "power on"),
        ("rebooting", "power on"),
        ("soft power off", "power off"),
        ("soft rebooting", "power on"),
        ("power off", "power off"),
    ] {
        let reply = machine.put("/states/power", json!({"target": target, "timeout": "30"})).await?;
        assert_eq!((reply.status, &reply.json), (202, &Value::Null), "{target}: {reply:?}");
        let node = machine.settled("enroll").await?;
        assert_eq!((&node["power_state"], &node["target_power_state"]), (&json!(state), &Value::Null), "{target}");
    }
    for (body, status) in [
        (json!({}), 400),
        (json!({"target": "power_on"}), 400),
        (json!({"target": 1}), 400),
        (json!({"target": "error"}), 400),
        (json!({"target": "power on", "timeout": 0}), 400),
        (json!({"target": "power on", "timeout": "soon"}), 400),
        (json!({"target": "power on", "foo": 1}), 400),
    ] {
        assert_eq!(machine.put("/states/power", body.clone()).await?.status, status, "{body}");
    }
    let patch = json!([{"op": "replace", "path": "/disable_power_off", "value": true}]);
    assert_eq!(machine.service.patch(&machine.path, patch).await?.status, 200);
    assert_eq!(machine.put("/states/power", json!({"target": "power off"})).await?.status, 409);
    Ok(())
}

#[tokio::test]
async fn hardware_is_asked_while_the_client_waits() -> Outcome {
    let machine = Machine::new().await?;
    let validated = machine.get("/validate").await?;
    assert_eq!(validated.as_object().map(|kinds| kinds.len()), Some(12), "{validated}");
    assert_eq!(validated["power"], json!({"result": true}));
    assert_eq!(machine.service.get("/v1/nodes/validate?node=one").await?.json, validated);
    assert_eq!(machine.get("/management/boot_device").await?["boot_device"], "pxe");
    let supported = machine.get("/management/boot_device/supported").await?;
    assert_eq!(supported, json!({"supported_boot_devices": ["pxe"]}));
    for (body, status) in [
        (json!({"boot_device": "pxe", "persistent": "yes"}), 204),
        (json!({"boot_device": "disk"}), 400),
        (json!({"boot_device": "nonsense"}), 400),
        (json!({"boot_device": "pxe", "persistent": "x"}), 400),
        (json!({}), 400),
    ] {
        assert_eq!(machine.put("/management/boot_device", body.clone()).await?.status, status, "{body}");
    }
    assert_eq!(machine.get("").await?["reservation"], Value::Null, "given back");
    Ok(())
}

#[tokio::test]
async fn vendor_methods_are_listed_and_called() -> Outcome {
    let machine = Machine::new().await?;
    let methods = machine.get("/vendor_passthru/methods").await?;
    assert_eq!(methods["third_method_sync"]["async"], false, "{methods}");
    let call = async |query: &str, body: Value| {
        machine.service.post(&format!("{}/vendor_passthru{query}", machine.path), body).await
    };
    for (query, body, status, answer) in [
        ("?method=third_method_sync", json!({"bar": "meow"}), 200, json!(true)),
        ("/third_method_sync", json!({"bar": "x"}), 200, json!(false)),
    ] {
        let reply = call(query, body).await?;
        assert_eq!((reply.status, reply.json), (status, answer), "{query}");
    }
    assert_eq!(call("", json!({})).await?.status, 400, "no method");
    assert_eq!(call("?method=nope", json!({})).await?.status, 400, "unknown");
    let get = machine.service.get(&format!("{}/vendor_passthru/third_method_sync", machine.path)).await?;
    assert_eq!(get.status, 400, "not by GET");
    Ok(())
}

#[tokio::test]
async fn vifs_are_accepted_and_forgotten_by_the_noop_network() -> Outcome {
    let machine = Machine::new().await?;
    let path = format!("{}/vifs", machine.path);
    for (body, status) in [
        (json!({"id": "v1"}), 204),
        (json!({"id": "v1", "foo": 1}), 204),
        (json!({}), 400),
        (json!({"id": 5}), 400),
        (json!({"id": "v", "port_uuid": "a", "portgroup_uuid": "b"}), 400),
    ] {
        assert_eq!(machine.service.post(&path, body.clone()).await?.status, status, "{body}");
    }
    assert_eq!(machine.get("/vifs").await?, json!({"vifs": []}));
    assert_eq!(machine.service.delete(&format!("{path}/v1")).await?.status, 204);
    Ok(())
}

#[tokio::test]
async fn what_inspection_has_not_found_is_not_there() -> Outcome {
    let machine = Machine::new().await?;
    assert_eq!(machine.service.get(&format!("{}/inventory", machine.path)).await?.status, 404);
    assert_eq!(machine.get("/history").await?["history"], json!([]));
    Ok(())
}

//! Metal3's bare metal operator: its requests in its order, with the only status codes that its client library takes.
//! Recorded from the operator's own provisioner, which asks for 1.110 and gives up at any other code.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::service::{Outcome, Reply, Service};

const VERSION: &str = "1.110";
const MAC: &str = "52:54:00:77:00:13";

struct Operator {
    service: Service,
    node: String,
}

impl Operator {
    async fn ask(&self, status: u16, method: &str, path: &str, body: Option<Value>) -> Outcome<Reply> {
        let reply = self.service.call(VERSION, method, path, body).await?;
        assert_eq!(reply.status, status, "{method} {path}: {reply:?}");
        if matches!(status, 202 | 204) {
            assert_eq!(reply.json, Value::Null, "{method} {path} must have no body");
        }
        Ok(reply)
    }

    async fn get(&self, below: &str) -> Outcome<Value> {
        Ok(self.ask(200, "GET", &format!("{}{below}", self.node), None).await?.json)
    }

    async fn put(&self, status: u16, below: &str, body: Value) -> Outcome<Reply> {
        self.ask(status, "PUT", &format!("{}{below}", self.node), Some(body)).await
    }

    async fn verb(&self, body: Value, state: &str) -> Outcome<Value> {
        self.put(202, "/states/provision", body).await?;
        self.until(|node| node["provision_state"] == state).await
    }

    async fn power(&self, body: Value, state: &str) -> Outcome {
        self.put(202, "/states/power", body).await?;
        self.until(|node| node["power_state"] == state && node["target_power_state"].is_null()).await?;
        Ok(())
    }

    /// Only `add` for what is wanted, over existing and null keys too.
    async fn add(&self, values: &[(&str, Value)]) -> Outcome<Value> {
        let patch: Vec<Value> = values.iter().map(|(path, v)| json!({"op": "add", "path": path, "value": v})).collect();
        Ok(self.ask(200, "PATCH", &self.node, Some(patch.into())).await?.json)
    }

    /// As the operator polls: a busy node is looked at again.
    async fn until(&self, done: impl Fn(&Value) -> bool) -> Outcome<Value> {
        let mut changed = self.service.store.work_changed();
        let looking = async {
            loop {
                changed.mark_unchanged();
                let node = self.get("").await?;
                if done(&node) && node["reservation"].is_null() {
                    return Outcome::Ok(node);
                }
                let _ = tokio::time::timeout(Duration::from_millis(50), changed.changed()).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking).await?
    }

    async fn start() -> Outcome<Self> {
        Ok(Operator { service: Service::start().await?, node: String::new() })
    }

    /// Ready? Known already? If not: the node, its port, and `manage`.
    async fn register(&mut self, keep_power: bool) -> Outcome {
        let version = self.ask(200, "GET", "/v1/", None).await?.json["version"].clone();
        assert_eq!(
            (&version["id"], &version["version"]),
            (&json!("v1"), &json!("1.115")),
            "1.89 is the least it takes"
        );
        let drivers = self.ask(200, "GET", "/v1/drivers", None).await?;
        assert!(!drivers.column("drivers", "name").is_empty());
        // The tilde between namespace and name is a lawful character.
        self.ask(404, "GET", "/v1/nodes/metal3~host", None).await?;
        self.ask(404, "GET", "/v1/nodes/host", None).await?;
        let by_mac = "/v1/ports?address=52%3A54%3A00%3A77%3A00%3A13&fields=node_uuid%2Cuuid%2Caddress";
        assert_eq!(self.ask(200, "GET", by_mac, None).await?.json["ports"], json!([]));
        let node = json!({
            "bios_interface": "fake", "boot_interface": "fake", "disable_power_off": keep_power, "driver": "fake-hardware",
            "driver_info": {"redfish_address": "https://10.0.0.1", "redfish_password": "pw", "redfish_verify_ca": false},
            "inspect_interface": "agent", "management_interface": "fake", "name": "metal3~host", "power_interface": "fake",
            "properties": {"capabilities": "boot_mode:uefi", "cpu_arch": "x86_64"}, "vendor_interface": "fake",
        });
        let made = self.ask(201, "POST", "/v1/nodes", Some(node)).await?.json;
        let uuid = made["uuid"].as_str().unwrap_or_default();
        self.node = format!("/v1/nodes/{uuid}");
        let ports = format!("/v1/ports?fields=node_uuid%2Cuuid%2Caddress&node_uuid={uuid}");
        assert_eq!(self.ask(200, "GET", &ports, None).await?.json["ports"], json!([]));
        let port = json!({"address": MAC, "node_uuid": uuid, "pxe_enabled": true});
        self.ask(201, "POST", "/v1/ports", Some(port)).await?;
        assert_eq!(self.ask(200, "GET", by_mac, None).await?.column("ports", "node_uuid"), [json!(uuid)]);
        self.verb(json!({"target": "manage"}), "manageable").await?;
        let patched = self
            .add(&[
                ("/driver_info/deploy_kernel", json!("http://127.0.0.1/k")),
                ("/driver_info/deploy_ramdisk", json!("http://127.0.0.1/r")),
                ("/automated_clean", json!(true)),
            ])
            .await?;
        assert_eq!(patched["driver_info"]["redfish_password"], "******");
        Ok(())
    }

    async fn inspect(&self) -> Outcome {
        self.ask(404, "GET", &format!("{}/inventory", self.node), None).await?;
        self.verb(json!({"target": "inspect"}), "inspect wait").await?;
        let report = json!({
            "inventory": {
                "interfaces": [{
                    "name": "eth0", "mac_address": MAC, "ipv4_address": "10.0.0.7", "ipv6_address": "fe80::1",
                    "has_carrier": true, "lldp": null, "vendor": "0x1af4", "product": "0x0001", "speed_mbps": 1000,
                }],
                "cpu": {"model_name": "X", "frequency": "2100.0", "count": 4, "architecture": "x86_64", "flags": ["vmx"]},
                "disks": [{"name": "/dev/sda", "model": "Q", "size": 10_737_418_240_u64, "rotational": true, "serial": "s"}],
                "memory": {"total": 4_294_967_296_u64, "physical_mb": 4096},
                "bmc_address": "10.0.0.1", "hostname": "h",
                "system_vendor": {
                    "product_name": "KVM", "serial_number": "s", "manufacturer": "QEMU",
                    "firmware": {"vendor": "SeaBIOS", "version": "1.16", "build_date": "04/01/2014"},
                },
                "boot": {"current_boot_mode": "uefi", "pxe_interface": MAC},
            },
            "root_disk": {"name": "/dev/sda", "size": 10_737_418_240_u64},
            "boot_interface": "01-52-54-00-77-00-13",
        });
        self.ask_agent("/v1/continue_inspection", report).await?;
        // Well before anybody would look again by the clock.
        tokio::time::timeout(Duration::from_secs(10), self.until(|node| node["provision_state"] == "manageable"))
            .await??;
        let found = self.get("/inventory").await?;
        assert_eq!(found["inventory"]["memory"]["physical_mb"], 4096, "numbers stay numbers");
        assert_eq!(found["plugin_data"]["root_disk"]["name"], "/dev/sda");
        let all = &found["plugin_data"]["all_interfaces"]["eth0"];
        assert_eq!((&all["mac_address"], &all["pxe_enabled"]), (&json!(MAC), &json!(true)), "{found}");
        Ok(())
    }

    async fn ask_agent(&self, path: &str, body: Value) -> Outcome {
        let reply = self.service.call("1.84", "POST", path, Some(body)).await?;
        assert_eq!(reply.status, 202, "{reply:?}");
        Ok(())
    }

    async fn deploy(&self) -> Outcome {
        let busy =
            self.ask(200, "GET", "/v1/nodes?fields=uuid%2Cname%2Cprovision_state%2Cboot_interface", None).await?;
        assert_eq!(busy.column("nodes", "boot_interface"), [json!("fake")]);
        self.verb(json!({"target": "provide"}), "available").await?;
        let asked = [
            ("/instance_uuid", json!("27720611-e5d1-45d3-ba3a-222dcfaa4c13")),
            ("/instance_info/root_device", json!({"name": "s== /dev/sda"})),
            ("/instance_info/capabilities", json!({})),
            ("/instance_info/image_os_hash_algo", json!("sha256")),
            ("/instance_info/image_os_hash_value", json!("abcdef")),
            ("/instance_info/image_source", json!("http://127.0.0.1/image.qcow2")),
            ("/driver_info/force_persistent_boot_device", json!("Default")),
        ];
        let patched = self.add(&asked).await?;
        for (path, value) in asked.iter().filter(|(path, _)| path.starts_with("/instance_info")) {
            assert_eq!(patched.pointer(path), Some(value), "it compares what it reads with what it wrote");
        }
        let valid = self.get("/validate").await?;
        for interface in ["boot", "deploy"] {
            assert_eq!(valid[interface]["result"], true, "{valid}");
        }
        let drive = json!({
            "meta_data": {"local-hostname": "h", "uuid": "27720611-e5d1-45d3-ba3a-222dcfaa4c13"},
            "network_data": {"links": [], "networks": []},
            "user_data": "#cloud-config\n",
        });
        let active = self.verb(json!({"target": "active", "configdrive": drive}), "active").await?;
        assert_eq!(active["instance_info"]["image_source"], "http://127.0.0.1/image.qcow2");
        assert_eq!(active["instance_info"]["configdrive"], "******");
        Ok(())
    }

    async fn delete(&self) -> Outcome {
        self.put(202, "/maintenance", json!({"reason": "forcing deletion in baremetal-operator"})).await?;
        self.ask(204, "DELETE", &self.node, None).await?;
        self.ask(404, "GET", &self.node, None).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_host_is_registered_inspected_provisioned_and_deprovisioned() -> Outcome {
    let mut operator = Operator::start().await?;
    operator.register(false).await?;
    operator.inspect().await?;
    operator.add(&[("/deploy_interface", json!("fake"))]).await?;
    operator.deploy().await?;
    operator.power(json!({"target": "soft power off", "timeout": 180}), "power off").await?;
    operator.power(json!({"target": "power on"}), "power on").await?;
    operator.power(json!({"target": "power off"}), "power off").await?;
    operator.verb(json!({"target": "deleted"}), "available").await?;
    operator.delete().await
}

#[tokio::test]
async fn an_externally_provisioned_host_is_adopted_and_never_switched_off() -> Outcome {
    let mut operator = Operator::start().await?;
    operator.register(true).await?;
    let adopted = operator.verb(json!({"target": "adopt"}), "active").await?;
    assert_eq!((&adopted["disable_power_off"], &adopted["last_error"]), (&json!(true), &Value::Null));
    operator.put(409, "/states/power", json!({"target": "power off"})).await?;
    operator.delete().await
}

#[tokio::test]
async fn a_host_that_waits_for_its_agent_is_given_up() -> Outcome {
    let mut operator = Operator::start().await?;
    operator.register(false).await?;
    operator.verb(json!({"target": "inspect"}), "inspect wait").await?;
    let aborted = operator.verb(json!({"target": "abort"}), "inspect failed").await?;
    assert!(aborted["last_error"].as_str().is_some_and(|why| why.contains("abort")), "a restart is told by this word");
    operator.verb(json!({"target": "manage"}), "manageable").await?;
    operator.delete().await
}

//! Whole inspections: a node, the service and a simulated ramdisk that reports, with rules that change the node.

use std::net::IpAddr;
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::sim::agent::{Agent, Faults, Machine, Nic, Pace, World};
use serde_json::{Value, json};

use crate::api::service::{Outcome, Service};

const MAC: &str = "52:54:00:aa:bb:01";
const PORT: &str = "ff606d65-fcfd-59ef-9dbc-dd9c41d494ff";

/// A service with one node that waits for nothing yet.
struct Bench {
    service: Service,
    node: String,
    dir: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Outcome<Self> {
        let service = Service::start().await?;
        let body = json!({"driver": "fake-hardware", "inspect_interface": "agent", "name": "one", "extra": {"old": 1},
                          "driver_info": {"deploy_kernel": "http://127.0.0.1/k", "deploy_ramdisk": "http://127.0.0.1/r"}});
        let made = service.post("/v1/nodes", body).await?;
        assert_eq!(made.status, 201, "{made:?}");
        let node = made.json["uuid"].as_str().unwrap_or_default().to_owned();
        let port = json!({"node_uuid": node, "address": MAC, "uuid": PORT});
        assert_eq!(service.post("/v1/ports", port).await?.status, 201);
        let bench = Bench { service, node, dir: tempfile::tempdir()? };
        bench.verb("manage", "manageable").await?;
        Ok(bench)
    }

    async fn show(&self) -> Outcome<Value> {
        Ok(self.service.get(&format!("/v1/nodes/{}", self.node)).await?.json)
    }

    async fn verb(&self, verb: &str, state: &str) -> Outcome<Value> {
        let path = format!("/v1/nodes/{}/states/provision", self.node);
        let reply = self.service.call("latest", "PUT", &path, Some(json!({"target": verb}))).await?;
        assert_eq!(reply.status, 202, "{verb}: {reply:?}");
        self.settled(&[state]).await
    }

    /// Waits until the node is in one of these states and nobody works on it.
    async fn settled(&self, states: &[&str]) -> Outcome<Value> {
        let mut changed = self.service.store.work_changed();
        let wait = async {
            loop {
                changed.mark_unchanged();
                let node = self.show().await?;
                let state = node["provision_state"].as_str().unwrap_or_default();
                if states.contains(&state) && node["reservation"].is_null() {
                    return Ok::<_, Box<dyn std::error::Error + Send + Sync>>(node);
                }
                changed.changed().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.map_err(|_| format!("not in {states:?}"))?
    }

    async fn rule(&self, rule: Value) -> Outcome<String> {
        let made = self.service.post("/v1/inspection_rules", rule).await?;
        assert_eq!(made.status, 201, "{made:?}");
        Ok(made.json["uuid"].as_str().unwrap_or_default().to_owned())
    }

    /// Inspects the node with a ramdisk that tells what it finds; the node as it is then.
    async fn inspect(&self) -> Outcome<Value> {
        self.verb("inspect", "inspect wait").await?;
        let (clock, net, random) = (Clock::system(), Net::system(), Random::system());
        let mut machine = Machine::small(IpAddr::from([127, 0, 0, 1]), MAC, self.dir.path().join("disk"));
        machine.nics.push(Nic { name: "eth1".into(), mac: "52:54:00:aa:bb:02".into() });
        let pace = Pace { lookup_pause: Duration::from_millis(10), ..Pace::default() };
        let command_line = format!(
            "ipa-inspection-callback-url=http://{}/v1/continue_inspection BOOTIF=01-52-54-00-aa-bb-01",
            self.service.address
        );
        let world = World { net, clock, random, pace };
        let agent = Agent::boot(machine, &command_line, world, Faults::default());
        let node = self.settled(&["manageable", "inspect failed"]).await?;
        agent.stop().await;
        Ok(node)
    }

    async fn inventory(&self) -> Outcome<Value> {
        Ok(self.service.get(&format!("/v1/nodes/{}/inventory", self.node)).await?.json)
    }
}

#[tokio::test]
async fn rules_change_the_node_its_ports_its_traits_and_the_plugin_data() -> Outcome {
    let bench = Bench::new().await?;
    bench
        .rule(json!({
            "description": "everything",
            "conditions": [
                {"op": "eq", "args": {"values": ["{inventory[cpu][architecture]}", "x86_64", "{node.properties[cpu_arch]}"]}},
                {"op": "!is-empty", "args": ["{inventory[disks]}"]},
                {"op": "is-empty", "args": ["{inventory[gpus]}"]},
                {"op": "contains", "args": ["{inventory[system_vendor][product_name]}", "[Ss]imulated"]},
                {"op": "in-net", "args": {"address": "{inventory[interfaces][0][ipv4_address]}", "subnet": "127.0.0.0/8"}},
                {"op": "eq", "args": {"values": ["{item}", "eth1"]}, "loop": ["eth0", "eth1"], "multiple": "any"}
            ],
            "actions": [
                {"op": "log", "args": {"msg": "found {inventory[hostname]}", "level": "warning"}},
                {"op": "set-attribute", "args": ["/extra/vendor", "{inventory[system_vendor][manufacturer]}"]},
                {"op": "set-attribute", "args": {"path": "resource_class", "value": "c{inventory[cpu][count]}"}},
                {"op": "set-attribute", "args": ["/driver_info/ipmi_password", "secret"]},
                {"op": "set-attribute", "args": {"path": "{item[path]}", "value": "{item[value]}"},
                 "loop": [{"path": "extra/looped/a", "value": "{inventory[memory][physical_mb]}"},
                          {"path": "properties.b", "value": 2}]},
                {"op": "extend-attribute", "args": {"path": "/extra/list", "value": "x"}},
                {"op": "extend-attribute", "args": {"path": "/extra/list", "value": "x", "unique": true}},
                {"op": "extend-attribute", "args": ["/extra/list", "y"]},
                {"op": "del-attribute", "args": ["/extra/old"]},
                {"op": "set-capability", "args": ["boot_mode", "{inventory[boot][current_boot_mode]}"]},
                {"op": "set-capability", "args": ["gone", "1"]},
                {"op": "unset-capability", "args": ["gone"]},
                {"op": "add-trait", "args": ["CUSTOM_A"]},
                {"op": "add-trait", "args": ["CUSTOM_B"]},
                {"op": "remove-trait", "args": ["CUSTOM_B"]},
                {"op": "remove-trait", "args": ["CUSTOM_NEVER"]},
                {"op": "set-plugin-data", "args": ["mine.a", "{plugin_data[root_disk][name]}"]},
                {"op": "extend-plugin-data", "args": {"path": "mine.list", "value": 1}},
                {"op": "unset-plugin-data", "args": ["configuration"]},
                {"op": "set-port-attribute", "args": [PORT, "/extra/seen", "{inventory[hostname]}"]},
                {"op": "extend-port-attribute", "args": [PORT, "extra/tags", "t"]},
                {"op": "set-port-attribute", "args": [PORT, "physical_network", "net1"]}
            ]
        }))
        .await?;
    bench
        .rule(json!({"priority": 9, "conditions": [{"op": "eq", "args": [["a", "b"]]}],
                      "actions": [{"op": "fail", "args": ["its condition does not hold"]}]}))
        .await?;
    let node = bench.inspect().await?;
    assert_eq!((&node["provision_state"], &node["last_error"]), (&json!("manageable"), &Value::Null));
    let extra = json!({"vendor": "Bessemer", "looped": {"a": "4096"}, "list": ["x", "y"]});
    assert_eq!(node["extra"], extra);
    assert_eq!(node["resource_class"], "c2");
    assert_eq!(node["driver_info"]["ipmi_password"], "******");
    assert_eq!(node["properties"], json!({"cpu_arch": "x86_64", "b": "2", "capabilities": "boot_mode:uefi"}));
    assert_eq!(node["traits"], json!(["CUSTOM_A"]));
    let plugin_data = bench.inventory().await?["plugin_data"].clone();
    assert_eq!(plugin_data["mine"], json!({"a": "/dev/sda", "list": [1]}));
    assert!(plugin_data.get("configuration").is_none() && plugin_data.get("root_disk").is_some());
    let port = bench.service.get(&format!("/v1/ports/{PORT}")).await?.json;
    assert_eq!(port["extra"], json!({"seen": "localhost", "tags": ["t"]}));
    assert_eq!(port["physical_network"], "net1");
    Ok(())
}

#[tokio::test]
async fn rules_of_higher_priority_come_first_and_equal_ones_as_they_were_made() -> Outcome {
    let bench = Bench::new().await?;
    for (priority, word) in [(0, "c"), (10, "a"), (0, "d"), (5, "b")] {
        let action = json!({"op": "extend-attribute", "args": ["/extra/order", word]});
        bench.rule(json!({"priority": priority, "actions": [action]})).await?;
    }
    assert_eq!(bench.inspect().await?["extra"]["order"], json!(["a", "b", "c", "d"]));
    Ok(())
}

/// Each rule, and what `last_error` must name beside the rule.
#[tokio::test]
async fn a_rule_that_fails_fails_the_inspection_and_leaves_nothing_of_itself() -> Outcome {
    let bench = Bench::new().await?;
    let ok = json!({"op": "set-attribute", "args": ["/extra/done", "yes"]});
    for (broken, named) in [
        (json!({"op": "fail", "args": ["wrong rack"]}), "wrong rack"),
        (json!({"op": "set-attribute", "args": ["/uuid", "x"]}), "uuid"),
        (json!({"op": "set-attribute", "args": ["/driver", "nothing"]}), "driver"),
        (json!({"op": "set-attribute", "args": ["/extra/old/deep", "x"]}), "old"),
        (json!({"op": "set-attribute", "args": ["/maintenance", "perhaps"]}), "maintenance"),
        (json!({"op": "extend-attribute", "args": ["/extra/old", "x"]}), "list"),
        (json!({"op": "del-attribute", "args": ["/extra/nothing"]}), "nothing"),
        (json!({"op": "add-trait", "args": ["lower"]}), "lower"),
        (json!({"op": "set-capability", "args": ["a", 5]}), "value"),
        (json!({"op": "set-port-attribute", "args": ["03690b47-ce8d-533e-b5ef-53252e8d6595", "/extra/a", 1]}), "Port"),
        (json!({"op": "set-port-attribute", "args": [PORT, "/address", "x"]}), "address"),
        (json!({"op": "log", "args": ["x", "loud"]}), "level"),
        (json!({"op": "api-call", "args": ["http://127.0.0.1:9/"]}), "may not go"),
        (json!({"op": "api-call", "args": ["ftp://192.0.2.1/"]}), "http"),
        (json!({"op": "api-call", "args": {"url": "http://192.0.2.1/", "proxies": {"http": "x"}}}), "proxies"),
    ] {
        let rule = bench.rule(json!({"actions": [ok, broken]})).await?;
        let node = bench.inspect().await?;
        assert_eq!(node["provision_state"], "inspect failed", "{broken}");
        let why = node["last_error"].as_str().unwrap_or_default();
        assert!(why.contains(named) && why.contains(&rule), "{broken}: {why}");
        if !why.contains("api-call") {
            assert_eq!(node["extra"], json!({"old": 1}), "{broken}");
        }
        assert_eq!(bench.inventory().await?["inventory"], Value::Null, "{broken}");
        bench.service.delete(&format!("/v1/inspection_rules/{rule}")).await?;
        bench.verb("manage", "manageable").await?;
    }
    let condition = json!([{"op": "lt", "args": {"values": ["{inventory[cpu][count]}", 5]}}]);
    let rule = bench.rule(json!({"conditions": condition, "actions": [ok]})).await?;
    let why = bench.inspect().await?["last_error"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains("condition 0") && why.contains("force_strings") && why.contains(&rule), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_sensitive_rule_fails_without_saying_what_it_says() -> Outcome {
    let bench = Bench::new().await?;
    let secret = json!({"op": "set-attribute", "args": ["/driver", "hush-hush"]});
    let rule = bench.rule(json!({"sensitive": true, "actions": [secret]})).await?;
    let why = bench.inspect().await?["last_error"].as_str().unwrap_or_default().to_owned();
    assert!(why.contains(&rule) && why.contains("sensitive") && !why.contains("hush"), "{why}");
    Ok(())
}

//! An inspection report, from anybody on the deploy network, through every hook.
//!
//! Oracles: what is kept can be read again and is not much longer than the report; ports that are to be made have MAC addresses,
//! each once, and not those of ports that are there; a report sets only the capabilities that hooks are for.

use std::sync::OnceLock;

use bessemer::clock::Clock;
use bessemer::driver::agent::hooks;
use bessemer::driver::{Environment, Settings, Task};
use bessemer::model::{Node, Port};
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::wire::ipa::{Inspection, Inventory};
use bessemer::wire::mac::Mac;
use serde_json::{Map, Value, json};

use super::json::{MOST_DEPTH, depth, survives_the_store};

const KNOWN: [&str; 2] = ["52:54:00:aa:bb:01", "52:54:00:aa:bb:02"];
/// Words that the hooks write for each byte of a report, and what they write of themselves.
const MOST_GROWTH: (usize, usize) = (24, 4096);
const CAPABILITIES: [&str; 8] =
    ["boot_mode", "cpu_vt", "cpu_aes", "cpu_hugepages", "cpu_hugepages_1g", "cpu_txt", "gpu", "cats"];

pub fn run(data: &[u8]) {
    let Ok(report) = serde_json::from_slice::<Map<String, Value>>(data) else { return };
    let whole = Value::Object(report);
    if depth(&whole) > MOST_DEPTH {
        return;
    }
    let Value::Object(report) = whole else { return };
    if let Ok(read) = serde_json::from_slice::<Inspection>(data)
        && let Some(Ok(inventory)) = read.inventory.map(serde_json::from_value::<Inventory>)
    {
        let text = serde_json::to_string(&inventory).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(serde_json::from_str::<Inventory>(&text).ok(), Some(inventory));
    }
    for hints in
        [json!({}), json!({"size": ">= 4", "name": "<or> /dev/sda <or> /dev/vda"}), json!({"rotational": "no"})]
    {
        look(&report, hints, data.len());
    }
}

/// Every hook, in an order that their needs allow.
fn environment() -> Environment {
    static MADE: OnceLock<Environment> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let mut settings = Settings::default();
        let inspection = &mut settings.inspection;
        inspection.hooks = hooks::names().map(str::to_owned).collect();
        inspection.pci_aliases =
            vec![["10de", "1eb8", "gpu"].map(str::to_owned), ["0", "0", "cats"].map(str::to_owned)];
        inspection.physical_networks = ["10.0.0.0/8", "fe80::/10"]
            .iter()
            .filter_map(|block| Some((block.parse().ok()?, "storage".to_owned())))
            .collect();
        Environment::new(Clock::system(), Net::system(), Random::seeded(3), settings)
    });
    made.clone()
}

fn look(report: &Map<String, Value>, hints: Value, bytes: usize) {
    let env = environment();
    let mut node = Node::new(uuid::Uuid::nil(), "fake-hardware".into(), jiff::Timestamp::UNIX_EPOCH);
    if hints.as_object().is_some_and(|hints| !hints.is_empty()) {
        node.properties.set("root_device", hints);
    }
    let ports = KNOWN.map(|mac| Port::new(env.random.uuid(), node.uuid, mac.into(), jiff::Timestamp::UNIX_EPOCH));
    let mut task = Task::new(node, ports.to_vec(), vec![], env);
    task.known_inventory = Some(json!({"inventory": {"disks": [{"serial": "old"}]}, "plugin_data": {}}));
    let done = hooks::run(&mut task, report);
    if let Err(error) = &done {
        assert!(error.to_string().len() < 16 << 10, "an error of {} bytes", error.to_string().len());
        return;
    }
    let kept = task.inspected.as_ref().unwrap_or_else(|| panic!("nothing is kept"));
    survives_the_store(kept);
    let (each, more) = MOST_GROWTH;
    let longest = bytes * each + more;
    assert!(kept.to_string().len() <= longest, "{} bytes are kept of {bytes}", kept.to_string().len());
    ports_are_sound(&task);
    columns_are_sound(&task, longest);
}

fn ports_are_sound(task: &Task) {
    let new: Vec<&str> = task.changes.new_ports.iter().map(|port| port.address.as_str()).collect();
    assert!(new.len() <= 128);
    for (at, address) in new.iter().enumerate() {
        assert_eq!(address.parse::<Mac>().map(|mac| mac.to_string()).as_deref(), Ok(*address));
        assert!(!new[..at].contains(address) && !KNOWN.contains(address), "{address} twice");
    }
    for port in &task.changes.ports {
        assert!(KNOWN.contains(&port.address.as_str()));
    }
    assert!(task.changes.removed_ports.is_empty(), "keep_ports says that all stay");
}

fn columns_are_sound(task: &Task, longest: usize) {
    let properties = &task.node.properties;
    assert!(properties.as_str().len() <= longest);
    assert!(properties.value().is_object(), "{}", properties.as_str());
    survives_the_store(&properties.value());
    let capabilities = properties.text("capabilities").unwrap_or_default();
    for entry in capabilities.split(',').filter(|entry| !entry.is_empty()) {
        let name = entry.split(':').next().unwrap_or_default();
        assert!(CAPABILITIES.contains(&name), "a report set the capability {entry:?}");
    }
}

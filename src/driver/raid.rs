//! RAID as all drivers see it: the document that says what is wanted, the steps, and what they leave behind.

use serde_json::{Map, Value, json};

use super::traits::{Argument, CreateRaid, Property, Raid};
use super::{DriverError, Outcome, Task};
use crate::model::{FlowName, InterfaceKind, Object, Step};

/// What a logical disk may say, in the vocabulary that Ironic gave to all drivers.
pub const DISK_PROPERTIES: &[Property] = &[
    Property { name: "raid_level", text: "JBOD, 0, 1, 2, 5, 6, 1+0, 5+0 or 6+0. Required." },
    Property { name: "size_gb", text: "Size in GiB, or MAX for all that is left. Required." },
    Property { name: "volume_name", text: "Name of the volume; one is made up if it is missing. Optional." },
    Property {
        name: "is_root_volume",
        text: "Whether the operating system goes here; no unless it is said. Optional.",
    },
    Property {
        name: "share_physical_disks",
        text: "Whether other logical disks may use the same physical disks; no. Optional.",
    },
    Property { name: "disk_type", text: "hdd or ssd; any if it is missing. Optional." },
    Property { name: "interface_type", text: "sata, scsi or sas; any if it is missing. Optional." },
    Property {
        name: "number_of_physical_disks",
        text: "How many; as few as the level allows if it is missing. Optional.",
    },
    Property { name: "controller", text: "Which controller; the driver chooses if it is missing. Optional." },
    Property { name: "physical_disks", text: "Which disks; the driver chooses if they are missing. Optional." },
];

const LEVELS: &[&str] = &["JBOD", "0", "1", "2", "5", "6", "1+0", "5+0", "6+0"];
/// More than any controller has.
const MOST_DISKS: usize = 256;

/// Whether a document is a RAID configuration: `{"logical_disks": [{"raid_level": …, "size_gb": …, …}, …]}`.
pub fn check(config: &Map<String, Value>) -> Result<(), DriverError> {
    if let Some(other) = config.keys().find(|key| *key != "logical_disks") {
        return Err(wrong(other, "no such key; only logical_disks"));
    }
    let disks = match config.get("logical_disks") {
        Some(Value::Array(disks)) if (1..=MOST_DISKS).contains(&disks.len()) => disks,
        _ => return Err(wrong("logical_disks", &format!("a list of 1 to {MOST_DISKS} logical disks"))),
    };
    for (i, disk) in disks.iter().enumerate() {
        let disk = disk.as_object().ok_or_else(|| wrong(&format!("logical_disks/{i}"), "an object"))?;
        check_disk(disk).map_err(|(key, expected)| wrong(&format!("logical_disks/{i}/{key}"), &expected))?;
    }
    let roots = disks.iter().filter(|disk| disk["is_root_volume"] == true).count();
    if roots > 1 {
        return Err(wrong("logical_disks", &format!("at most one is_root_volume, got {roots}")));
    }
    Ok(())
}

fn wrong(key: &str, expected: &str) -> DriverError {
    DriverError::misconfigured(format!("RAID config validation error: {key}: expected {expected}"))
}

/// The key that is wrong and what was expected.
fn check_disk(disk: &Map<String, Value>) -> Result<(), (String, String)> {
    for (key, value) in disk {
        let expected = match key.as_str() {
            "raid_level" if !one_of(value, LEVELS) => format!("one of {}", LEVELS.join(", ")),
            "size_gb" if whole(value).is_none() && value != "MAX" => "a whole number, 0 or more, or MAX".to_owned(),
            "disk_type" if !one_of(value, &["hdd", "ssd"]) => "hdd or ssd".to_owned(),
            "interface_type" if !one_of(value, &["sata", "scsi", "sas"]) => "one of sata, scsi, sas".to_owned(),
            "number_of_physical_disks" if whole(value).is_none_or(|number| number == 0) => {
                "a whole number, 1 or more".to_owned()
            }
            "volume_name" | "controller" if !value.is_string() => "a string".to_owned(),
            "is_root_volume" | "share_physical_disks" if !value.is_boolean() => "true or false".to_owned(),
            "physical_disks" if !are_disks(value) => "a list of names, or of two or more objects with hints".to_owned(),
            "raid_level" | "size_gb" | "disk_type" | "interface_type" | "number_of_physical_disks" => continue,
            "volume_name" | "controller" | "is_root_volume" | "share_physical_disks" | "physical_disks" => continue,
            _ => "no such key".to_owned(),
        };
        return Err((key.clone(), expected));
    }
    for required in ["raid_level", "size_gb"] {
        if !disk.contains_key(required) {
            return Err((required.to_owned(), "a value, it is required".to_owned()));
        }
    }
    if disk.contains_key("physical_disks") && !disk.contains_key("controller") {
        return Err(("controller".to_owned(), "a value, physical_disks need it".to_owned()));
    }
    Ok(())
}

fn one_of(value: &Value, words: &[&str]) -> bool {
    value.as_str().is_some_and(|word| words.contains(&word))
}

/// `1.0` is not whole, in the draft of JSON schema that Ironic judges by.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64()
}

fn are_disks(value: &Value) -> bool {
    value.as_array().is_some_and(|disks| {
        disks.iter().all(Value::is_string) || (disks.len() >= 2 && disks.iter().all(Value::is_object))
    })
}

const CREATE: &[Argument] = &[
    Argument { name: "create_root_volume", text: "Whether the root volume is made. Default true.", required: false },
    Argument { name: "create_nonroot_volumes", text: "Whether the others are made. Default true.", required: false },
    Argument { name: "delete_existing", text: "Whether what is there is removed first.", required: false },
];
const APPLY: &[Argument] = &[
    Argument { name: "raid_config", text: "The configuration, as target_raid_config has it.", required: true },
    Argument { name: "create_root_volume", text: "Whether the root volume is made. Default true.", required: false },
    Argument { name: "create_nonroot_volumes", text: "Whether the others are made. Default true.", required: false },
    Argument {
        name: "delete_existing",
        text: "Whether what is there is removed first. Default true.",
        required: false,
    },
];

/// The steps of a RAID interface: cleaning makes what the node's target says, deploying and servicing bring their own.
pub fn steps(flow: FlowName) -> Vec<Step> {
    let names: &[&str] = match flow {
        FlowName::Clean => &["create_configuration", "delete_configuration"],
        FlowName::Deploy | FlowName::Service => &["apply_configuration"],
        _ => &[],
    };
    names.iter().map(|name| Step::of_driver(InterfaceKind::Raid, name, 0)).collect()
}

pub fn arguments(step: &str) -> Option<&'static [Argument]> {
    match step {
        "create_configuration" => Some(CREATE),
        "delete_configuration" => Some(&[]),
        "apply_configuration" => Some(APPLY),
        _ => None,
    }
}

/// Carries a step out by means of an interface.
pub async fn run_step(raid: &dyn Raid, task: &mut Task, step: &Step) -> Result<Outcome, DriverError> {
    let flag = |name: &str, default: bool| match step.args.get(name) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(DriverError::misconfigured(format!("{name}: expected true or false"))),
    };
    let what = |delete: bool| {
        Ok::<_, DriverError>(CreateRaid {
            root: flag("create_root_volume", true)?,
            others: flag("create_nonroot_volumes", true)?,
            delete_existing: flag("delete_existing", delete)?,
        })
    };
    match step.step.as_str() {
        "delete_configuration" => raid.delete(task).await,
        "create_configuration" => raid.create(task, what(false)?).await,
        "apply_configuration" => {
            let config = match step.args.get("raid_config") {
                Some(Value::Object(config)) => config.clone(),
                _ => return Err(DriverError::misconfigured("raid_config: expected an object, it is required")),
            };
            raid.check(task, &config)?;
            task.node.target_raid_config = config.into();
            raid.create(task, what(true)?).await
        }
        _ => Err(DriverError::unsupported(format!("there is no step {}", step.name()))),
    }
}

/// Whether the node's target, if it has one, is a configuration that the interface can make.
pub fn validate(raid: &dyn Raid, task: &Task) -> Result<(), DriverError> {
    let target = task.node.target_raid_config.map();
    if target.is_empty() { Ok(()) } else { raid.check(task, &target) }
}

/// The logical disks of the node's target that are to be made. Errors: there are none.
pub fn wanted(task: &Task, what: CreateRaid) -> Result<Vec<Value>, DriverError> {
    let target = task.node.target_raid_config.get("logical_disks");
    let Some(Value::Array(mut disks)) = target else {
        return Err(DriverError::misconfigured(format!("Node {} has no target RAID configuration.", task.node.uuid)));
    };
    disks.retain(|disk| if disk["is_root_volume"] == true { what.root } else { what.others });
    if disks.is_empty() {
        return Err(DriverError::misconfigured(format!(
            "Node {} has no logical disk in its target RAID configuration but those that are left out.",
            task.node.uuid
        )));
    }
    Ok(disks)
}

/// Writes down what is there now; a root volume tells its size and level to whoever chooses machines.
pub fn done(task: &mut Task, disks: Vec<Value>) {
    if let Some(root) = disks.iter().find(|disk| disk["is_root_volume"] == true) {
        let properties = &mut task.node.properties;
        if let Some(size) = whole(&root["size_gb"]) {
            properties.set("local_gb", size);
        }
        if let Some(hint) = root.get("root_device_hint") {
            properties.set("root_device", hint.clone());
        }
        if let Some(level) = root["raid_level"].as_str() {
            let capabilities = properties.text("capabilities").unwrap_or_default();
            properties.set("capabilities", with_capability(&capabilities, "raid_level", level));
        }
    }
    let now = task.env.clock.now().strftime("%Y-%m-%d %H:%M:%S%.6f").to_string();
    let config = json!({"logical_disks": disks, "last_updated": now});
    task.node.raid_config = config.into();
}

/// Nothing is there any more.
pub fn deleted(task: &mut Task) {
    task.node.raid_config = Object::default();
    task.node.properties.remove("root_device");
}

fn with_capability(capabilities: &str, name: &str, value: &str) -> String {
    let others = capabilities.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let others = others.filter(|pair| pair.split_once(':').is_none_or(|(key, _)| key != name)).map(str::to_owned);
    others.chain(std::iter::once(format!("{name}:{value}"))).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_what_ironics_schema_says() {
        let disk = |more: Value| {
            let mut disk = json!({"raid_level": "1", "size_gb": 10});
            if let (Some(disk), Value::Object(more)) = (disk.as_object_mut(), more) {
                disk.extend(more);
            }
            json!({"logical_disks": [disk]})
        };
        let hints = json!([{"size": 1}, {"size": 2}]);
        let good = [
            disk(json!({})),
            disk(json!({"size_gb": "MAX", "raid_level": "JBOD"})),
            disk(
                json!({"is_root_volume": true, "volume_name": "a", "share_physical_disks": false, "disk_type": "ssd"}),
            ),
            disk(json!({"interface_type": "sas", "number_of_physical_disks": 1})),
            disk(json!({"controller": "software", "physical_disks": hints})),
            disk(json!({"controller": "software", "physical_disks": ["a"]})),
        ];
        let bad = [
            json!({}),
            json!({"logical_disks": []}),
            json!({"logical_disks": {}}),
            json!({"logical_disks": [1]}),
            json!({"logical_disks": [{"raid_level": "1"}]}),
            json!({"logical_disks": [{"size_gb": 1}]}),
            json!({"logical_disks": [{"raid_level": "1", "size_gb": 1}], "more": 1}),
            disk(json!({"raid_level": "7"})),
            disk(json!({"raid_level": 1})),
            disk(json!({"size_gb": -1})),
            disk(json!({"size_gb": 1.0})),
            disk(json!({"size_gb": "10"})),
            disk(json!({"is_root_volume": "true"})),
            disk(json!({"number_of_physical_disks": 0})),
            disk(json!({"disk_type": "tape"})),
            disk(json!({"interface_type": "ide"})),
            disk(json!({"physical_disks": ["a"]})),
            disk(json!({"controller": "a", "physical_disks": [{"size": 1}]})),
            disk(json!({"controller": "a", "physical_disks": ["a", {"size": 1}]})),
            disk(json!({"colour": "red"})),
            json!({"logical_disks": [
                {"raid_level": "1", "size_gb": 1, "is_root_volume": true},
                {"raid_level": "1", "size_gb": 1, "is_root_volume": true},
            ]}),
        ];
        let checked = |config: &Value| config.as_object().is_some_and(|config| check(config).is_ok());
        assert!(good.iter().all(checked));
        for config in &bad {
            assert!(!checked(config), "{config}");
        }
    }

    #[test]
    fn a_capability_is_replaced_and_the_others_stay() {
        assert_eq!(with_capability("a:1, raid_level:5,b:2", "raid_level", "1+0"), "a:1,b:2,raid_level:1+0");
        assert_eq!(with_capability("", "raid_level", "1"), "raid_level:1");
    }
}

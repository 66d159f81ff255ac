//! One suite over every row of the catalog: whatever an interface is, this much is true of it.

use std::future::Future;
use std::time::Duration;

use bessemer::clock::{Clock, Timestamp};
use bessemer::driver::catalog::{HARDWARE_TYPES, HardwareType, INTERFACES, Implementation, implementation};
use bessemer::driver::traits::{CreateRaid, RamdiskFor, VirtualMediaDevice};
use bessemer::driver::{BootDevice, Driver, DriverError, Environment, Settings, Task};
use bessemer::model::{FlowName, InterfaceKind, Node, PowerTarget};
use bessemer::net::Net;
use bessemer::random::Random;
use serde_json::{Map, json};

/// Nothing here asks the network, so nothing may take long.
const SOON: Duration = Duration::from_secs(60);

const FLOWS: &[FlowName] = &[
    FlowName::Deploy,
    FlowName::Clean,
    FlowName::Service,
    FlowName::Inspect,
    FlowName::Rescue,
    FlowName::Unrescue,
    FlowName::Adopt,
    FlowName::Verify,
    FlowName::Delete,
    FlowName::Power,
];

fn task(hardware: &HardwareType) -> Task {
    let env = Environment::new(Clock::system(), Net::system(), Random::system(), Settings::default());
    let node = Node::new(env.random.uuid(), hardware.name.into(), Timestamp::UNIX_EPOCH);
    Task::new(node, Vec::new(), Vec::new(), env)
}

/// A node for every interface of every hardware type: the interface and what the type prefers beside it.
fn rows() -> impl Iterator<Item = (String, Task, &'static Implementation)> {
    HARDWARE_TYPES.iter().flat_map(|hardware| {
        InterfaceKind::ALL.into_iter().flat_map(move |kind| {
            hardware.enabled(kind).filter_map(move |name| {
                let mut task = task(hardware);
                *task.node.interface_mut(kind) = Some(name.to_owned());
                let what = format!("{} {} {name}", hardware.name, kind.as_str());
                Some((what, task, implementation(kind, name)?))
            })
        })
    })
}

async fn soon<T>(what: &str, call: impl Future<Output = T>) -> T {
    match tokio::time::timeout(SOON, call).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: hangs"),
    }
}

/// A refusal is a sentence that somebody can act on.
fn sentence(what: &str, error: &DriverError) {
    let text = error.to_string();
    assert!(text.len() > 10 && text.contains(' '), "{what}: {text:?}");
}

#[test]
fn every_type_has_a_default_of_every_kind_and_no_row_is_out_of_reach() {
    for hardware in HARDWARE_TYPES {
        for kind in InterfaceKind::ALL {
            assert!(hardware.default(kind).is_some(), "{} {}", hardware.name, kind.as_str());
        }
        for (kind, names) in hardware.supported {
            for name in *names {
                assert!(hardware.takes(*kind, name), "{} {} {name}", hardware.name, kind.as_str());
            }
        }
    }
    for row in INTERFACES {
        let kind = row.implementation.kind();
        assert!(HARDWARE_TYPES.iter().any(|it| it.takes(kind, row.name)), "{} {}", kind.as_str(), row.name);
    }
}

#[test]
fn properties_are_named_once_and_told_in_a_sentence() {
    for row in INTERFACES {
        let what = format!("{} {}", row.implementation.kind().as_str(), row.name);
        let properties = row.implementation.interface().properties();
        for (i, property) in properties.iter().enumerate() {
            let plain = property.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            assert!(plain && !property.name.is_empty(), "{what}: {:?}", property.name);
            assert!(property.text.ends_with('.'), "{what} {}: {:?}", property.name, property.text);
            assert!(
                !properties[..i].iter().any(|other| other.name == property.name),
                "{what}: {} twice",
                property.name
            );
        }
    }
}

#[tokio::test]
async fn a_node_without_driver_info_is_judged_at_once() {
    for (what, task, implementation) in rows() {
        match soon(&what, implementation.interface().validate(&task)).await {
            Ok(()) => {
                assert!(!what.ends_with("ipmitool") && !what.ends_with("ipmitool-socat"), "{what} needs an address")
            }
            Err(error @ (DriverError::Misconfigured(_) | DriverError::Unsupported(_))) => sentence(&what, &error),
            Err(error) => panic!("{what}: {error:?} is no judgement of the node's settings"),
        }
        let absent = what.split(' ').next_back().is_some_and(|name| name.starts_with("no-"));
        let refused = implementation.interface().validate(&task).await.is_err();
        assert!(refused || !absent, "{what}: says that it can");
    }
}

#[test]
fn steps_are_well_formed_and_their_arguments_are_told() {
    for (what, task, implementation) in rows() {
        let (interface, kind) = (implementation.interface(), implementation.kind());
        for flow in FLOWS {
            let steps = interface.steps(&task, *flow);
            let offers = matches!(flow, FlowName::Deploy | FlowName::Clean | FlowName::Service | FlowName::Rescue);
            assert!(steps.is_empty() || offers, "{what}: steps in {}", flow.as_str());
            for (i, step) in steps.iter().enumerate() {
                let name = step.name();
                assert!(step.interface == kind && step.priority >= 0 && step.args.is_empty(), "{what}: {name}");
                assert!(!steps[..i].iter().any(|other| other.step == step.step), "{what}: {name} twice");
                for argument in interface.arguments(&step.step).into_iter().flatten() {
                    assert!(argument.text.ends_with('.'), "{what}: {name} {}", argument.name);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_step_that_an_interface_does_not_have_is_refused() {
    for (what, mut task, implementation) in rows() {
        // These speak to the agent about steps that they do not know, and the fake ones do whatever they are told.
        if matches!(implementation, Implementation::Deploy(_)) || what.ends_with(" fake") || what.ends_with(" agent") {
            continue;
        }
        let step = bessemer::model::Step::of_driver(implementation.kind(), "dance", 0);
        let refused = soon(&what, implementation.interface().run_step(&mut task, &step)).await;
        assert!(matches!(refused, Err(DriverError::Unsupported(_))), "{what}: {refused:?}");
    }
}

/// Whatever is called on a node that is not set up: it says what is wrong, at once.
#[tokio::test]
async fn no_method_hangs_or_claims_success_for_hardware_that_nobody_has_called() {
    for (what, mut task, implementation) in rows() {
        let real = ["redfish", "redfish-virtual-media", "ipmitool", "ipmitool-socat"];
        if !real.contains(&what.split(' ').next_back().unwrap_or_default()) {
            continue;
        }
        let mut refused = Vec::new();
        let task = &mut task;
        let args = Map::new();
        match implementation {
            Implementation::Power(power) => {
                refused.push(soon(&what, power.state(task)).await.err());
                refused.push(soon(&what, power.set(task, PowerTarget::On, None)).await.err());
            }
            Implementation::Management(it) => {
                refused.push(soon(&what, it.boot_device(task)).await.err());
                refused.push(soon(&what, it.set_boot_device(task, BootDevice::Pxe, false)).await.err());
                refused.push(soon(&what, it.sensors(task)).await.err());
                refused.push(soon(&what, it.inject_nmi(task)).await.err());
                refused.push(soon(&what, it.mac_addresses(task)).await.err());
                if let Some(modes) = it.boot_modes() {
                    refused.push(soon(&what, modes.boot_mode(task)).await.err());
                    refused.push(soon(&what, modes.set_secure_boot(task, true)).await.err());
                }
                if let Some(lights) = it.indicators() {
                    refused.push(soon(&what, lights.list(task)).await.err());
                    refused.push(soon(&what, lights.set(task, "system", "led", "on")).await.err());
                }
                if let Some(media) = it.virtual_media() {
                    refused.push(soon(&what, media.devices(task)).await.err());
                    refused.push(soon(&what, media.attach(task, VirtualMediaDevice::Cdrom, "http://a/b")).await.err());
                    refused.push(soon(&what, media.detach(task, VirtualMediaDevice::ALL)).await.err());
                }
            }
            Implementation::Boot(it) => {
                refused.push(soon(&what, it.prepare_ramdisk(task, RamdiskFor::Agent)).await.err())
            }
            Implementation::Inspect(it) => refused.push(soon(&what, it.inspect(task)).await.err()),
            Implementation::Console(it) => refused.push(soon(&what, it.start(task)).await.err()),
            Implementation::Raid(it) => {
                let what_to_make = CreateRaid { root: true, others: true, delete_existing: false };
                refused.push(soon(&what, it.create(task, what_to_make)).await.err());
                refused.push(soon(&what, it.delete(task)).await.err());
            }
            Implementation::Bios(it) => {
                refused.push(soon(&what, it.read(task)).await.err());
                refused.push(soon(&what, it.apply(task, Vec::new())).await.err());
                refused.push(soon(&what, it.factory_reset(task)).await.err());
            }
            Implementation::Firmware(it) => {
                refused.push(soon(&what, it.read(task)).await.err());
                refused.push(soon(&what, it.update(task, Vec::new())).await.err());
            }
            Implementation::Vendor(it) => {
                for method in it.methods() {
                    refused.push(soon(&what, it.call(task, method.name, &args)).await.err());
                }
            }
            other => panic!("{what}: {} is not covered", other.kind().as_str()),
        }
        assert!(!refused.is_empty(), "{what}");
        for error in refused {
            match error {
                Some(error) => sentence(&what, &error),
                None => panic!("{what}: claims success"),
            }
        }
    }
}

#[test]
fn an_instance_brings_interfaces_of_its_own_if_the_type_has_them() {
    for (name, fits) in [("custom-agent", true), ("noop", false), ("nothing", false)] {
        let mut task = task(&HARDWARE_TYPES[1]);
        task.node.instance_info = json!({"deploy_interface": name}).into();
        let driver = Driver::of(&task.node);
        assert_eq!(driver.is_ok(), fits, "{name}");
        if let Err(error) = driver {
            assert!(error.to_string().starts_with("instance_info/deploy_interface"), "{error}");
        }
    }
}

//! The `fake` interfaces: everything succeeds at once. They let a client, a test or a demonstration walk every flow
//! without hardware.

use std::time::Duration;

use serde_json::{Map, Value};

use super::traits::{CurrentBoot, Done, Property, RamdiskFor};
use super::{
    Boot, BootDevice, Deploy, DriverError, Inspect, Interface, Management, Outcome, Power, Task, Vendor, VendorMethod,
};
use crate::model::{FlowName, InterfaceKind, PowerState, PowerTarget, Step};

pub struct Fake;

/// What Ironic's fake vendor interface says that it needs, without needing it: clients' tests look for these.
const PROPERTIES: &[Property] =
    &[Property { name: "B1", text: "Not used. Optional." }, Property { name: "B2", text: "Not used. Optional." }];

impl Interface for Fake {
    fn properties(&self) -> &'static [Property] {
        PROPERTIES
    }
}

/// Power of a machine that is not there: what was asked for is what it is. Before anything was asked it is unknown,
/// as on a real machine that nobody has read yet.
pub struct FakePower;

impl Interface for FakePower {}

impl Power for FakePower {
    fn state<'a>(&'a self, task: &'a Task) -> Done<'a, Option<PowerState>> {
        Box::pin(async move { Ok(task.node.power_state) })
    }

    fn set<'a>(&'a self, task: &'a mut Task, target: PowerTarget, _within: Option<Duration>) -> Done<'a, PowerState> {
        Box::pin(async move {
            task.node.power_state = Some(target.result());
            Ok(target.result())
        })
    }
}

impl Management for Fake {
    fn supported_boot_devices(&self, _task: &Task) -> &'static [BootDevice] {
        &[BootDevice::Pxe]
    }

    fn boot_device<'a>(&'a self, _task: &'a Task) -> Done<'a, CurrentBoot> {
        Box::pin(async { Ok(CurrentBoot { device: Some(BootDevice::Pxe), persistent: Some(false) }) })
    }

    fn set_boot_device<'a>(&'a self, task: &'a mut Task, device: BootDevice, _persistent: bool) -> Done<'a> {
        Box::pin(async move {
            if self.supported_boot_devices(task).contains(&device) {
                return Ok(());
            }
            Err(DriverError::misconfigured(format!("boot_device: {device} is not supported, expected one of: pxe")))
        })
    }
}

impl Boot for Fake {
    fn prepare_ramdisk<'a>(&'a self, _task: &'a mut Task, _why: RamdiskFor) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    fn clean_up_ramdisk<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    fn prepare_instance<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    fn clean_up_instance<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }
}

/// An interface of some kind whose steps do nothing when they are asked for, with any arguments.
pub struct FakeSteps {
    pub kind: InterfaceKind,
    pub names: &'static [&'static str],
}

impl Interface for FakeSteps {
    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        match flow {
            FlowName::Deploy | FlowName::Clean | FlowName::Service => {
                self.names.iter().map(|name| Step::of_driver(self.kind, name, 0)).collect()
            }
            _ => Vec::new(),
        }
    }

    fn run_step<'a>(&'a self, _task: &'a mut Task, _step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }
}

/// Deploys by saying so.
pub struct FakeDeploy;

impl Interface for FakeDeploy {
    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        match flow {
            FlowName::Deploy => vec![Step::of_driver(InterfaceKind::Deploy, "deploy", 100)],
            _ => Vec::new(),
        }
    }

    fn run_step<'a>(&'a self, _task: &'a mut Task, _step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }
}

impl Deploy for FakeDeploy {}

impl Inspect for Fake {
    fn inspect<'a>(&'a self, _task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }
}

/// The vendor methods by which Ironic's clients test passthru.
const METHODS: &[VendorMethod] = &[
    VendorMethod {
        name: "first_method",
        http_methods: &["POST"],
        asynchronous: true,
        exclusive: true,
        description: "Accepts a parameter \"bar\"; succeeds only if it is \"baz\".",
    },
    VendorMethod {
        name: "second_method",
        http_methods: &["POST"],
        asynchronous: true,
        exclusive: true,
        description: "Accepts a parameter \"bar\"; succeeds only if it is \"kazoo\".",
    },
    VendorMethod {
        name: "third_method_sync",
        http_methods: &["POST"],
        asynchronous: false,
        exclusive: true,
        description: "Accepts a parameter \"bar\" and answers whether it is \"meow\".",
    },
    VendorMethod {
        name: "fourth_method_shared_lock",
        http_methods: &["POST"],
        asynchronous: true,
        exclusive: false,
        description: "Accepts a parameter \"bar\"; succeeds only if it is \"woof\".",
    },
];

impl Vendor for Fake {
    fn methods(&self) -> &'static [VendorMethod] {
        METHODS
    }

    fn call<'a>(&'a self, _task: &'a mut Task, method: &'a str, args: &'a Map<String, Value>) -> Done<'a, Value> {
        Box::pin(async move {
            let bar = args
                .get("bar")
                .and_then(Value::as_str)
                .ok_or_else(|| DriverError::misconfigured("bar: this method needs it as a string".to_owned()))?;
            match method {
                "third_method_sync" => Ok(Value::Bool(bar == "meow")),
                "first_method" | "second_method" | "fourth_method_shared_lock" => Ok(Value::Bool(true)),
                other => Err(DriverError::unsupported(format!("there is no vendor method {other}"))),
            }
        })
    }
}

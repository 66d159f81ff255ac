//! The vendor methods by which Ironic's clients test passthru.

use serde_json::{Map, Value};

use crate::driver::traits::{Argument, Done, Property};
use crate::driver::{DriverError, Interface, Outcome, Task, Vendor, VendorMethod};
use crate::model::{FlowName, InterfaceKind, Step, WaitFor};

pub struct FakeVendor;

/// What Ironic's fake vendor interface says that it needs, without needing it: clients' tests look for these.
const PROPERTIES: &[Property] =
    &[Property { name: "B1", text: "Not used. Optional." }, Property { name: "B2", text: "Not used. Optional." }];

const METHODS: &[VendorMethod] = &[
    VendorMethod::new("second_method", &["POST"], "Needs \"bar\"; whether it is \"kazoo\" is not told."),
    VendorMethod::new("third_method_sync", &["POST"], "Needs \"bar\" and answers whether it is \"meow\".").waited_for(),
    VendorMethod::new("fourth_method_shared_lock", &["POST"], "Needs \"bar\"; whether it is \"woof\" is not told.")
        .shared(),
    VendorMethod::new("log_passthrough", &["POST"], "Takes anything and does nothing."),
];

impl Interface for FakeVendor {
    fn properties(&self) -> &'static [Property] {
        PROPERTIES
    }

    /// On request only. (Ironic's fake machines run the first at every cleaning, where nobody sees it.)
    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        let log = || Step::of_driver(InterfaceKind::Vendor, "log_passthrough", 0);
        match flow {
            FlowName::Clean => vec![log()],
            FlowName::Service => vec![
                Step { requires_ramdisk: false, ..log() },
                Step::of_driver(InterfaceKind::Vendor, "trigger_servicewait", 0),
            ],
            _ => Vec::new(),
        }
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        matches!(step, "log_passthrough" | "trigger_servicewait").then_some(&[])
    }

    fn run_step<'a>(&'a self, _task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            Ok(match step.step.as_str() {
                "trigger_servicewait" => Outcome::wait(WaitFor::NextHeartbeat),
                _ => Outcome::Done,
            })
        })
    }
}

impl Vendor for FakeVendor {
    fn methods(&self) -> &'static [VendorMethod] {
        METHODS
    }

    fn check<'a>(&'a self, _task: &'a Task, method: &'a str, args: &'a Map<String, Value>) -> Done<'a> {
        Box::pin(async move {
            let given = match args.get("bar") {
                None | Some(Value::Null | Value::Bool(false)) => false,
                Some(Value::String(text)) => !text.is_empty(),
                Some(Value::Number(number)) => number.as_f64() != Some(0.0),
                Some(Value::Array(list)) => !list.is_empty(),
                Some(Value::Object(map)) => !map.is_empty(),
                Some(Value::Bool(true)) => true,
            };
            if given || method == "log_passthrough" {
                return Ok(());
            }
            Err(DriverError::misconfigured(format!("Parameter 'bar' not passed to method '{method}'.")))
        })
    }

    fn call<'a>(&'a self, _task: &'a mut Task, method: &'a str, args: &'a Map<String, Value>) -> Done<'a, Value> {
        Box::pin(async move {
            match method {
                "third_method_sync" => Ok(Value::Bool(args.get("bar").is_some_and(|bar| bar == "meow"))),
                _ => Ok(Value::Null),
            }
        })
    }
}

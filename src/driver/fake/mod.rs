//! The `fake` interfaces: everything succeeds at once. They let a client, a test or a demonstration walk every flow
//! without hardware. What they cannot do, Ironic's cannot do either.

mod management;
mod settings;
mod vendor;

use std::time::Duration;

pub use management::FakeManagement;
pub use settings::{FakeBios, FakeConsole, FakeFirmware, FakeRaid, FakeStorage};
pub use vendor::FakeVendor;

use super::traits::{Done, RamdiskFor};
use super::{Boot, Deploy, Inspect, Interface, Outcome, Power, Rescue, Task};
use crate::driver::DriverError;
use crate::model::{FlowName, InterfaceKind, PowerState, PowerTarget, Step};

pub struct Fake;

impl Interface for Fake {}

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

    fn validate_inspection<'a>(&'a self, _task: &'a Task) -> Done<'a> {
        Box::pin(async { Err(DriverError::unsupported("the boot interface fake boots no inspection ramdisk")) })
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

impl Rescue for Fake {
    fn rescue<'a>(&'a self, _task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }

    fn unrescue<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    fn clean_up<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }
}

//! One small trait per kind of interface.
//!
//! All are object safe, so that a [`super::Driver`] is a struct of references chosen by the node's row. Every call may
//! take long and may be given up: a driver bounds its own waits.

mod management;
mod settings;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde_json::{Map, Value};

pub use super::boot_mode::BootMode;
pub use management::{
    BootDevice, BootModes, CurrentBoot, Indicator, Indicators, Management, VirtualMedia, VirtualMediaDevice,
};
pub use settings::{Bios, Console, CreateRaid, Firmware, FirmwareUpdate, Raid, Storage};

use super::{DriverError, Task};
use crate::model::{FlowName, PowerState, PowerTarget, Step, Wait};

/// A future that borrows from the call.
pub type Fut<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// What most driver calls end in.
pub type Done<'a, T = ()> = Fut<'a, Result<T, DriverError>>;

/// How a piece of work stands after a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Somebody else works on it now (the agent); `why` names it. The flow's own timeout bounds it.
    Wait {
        why: Wait,
    },
    /// Held until a client says unhold.
    Hold,
    Fail {
        why: String,
    },
}

impl Outcome {
    pub fn wait(why: impl Into<Wait>) -> Self {
        Outcome::Wait { why: why.into() }
    }
}

/// What to do with a step that had begun when the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCrash {
    /// It may be done again from the start.
    Repeat,
    /// [`Interface::resume_step`] can tell how it stands.
    Ask,
    /// Nobody can tell, and doing it twice would harm.
    Fail,
}

/// A key of `driver_info` that an interface understands.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    pub name: &'static str,
    /// A sentence, as `GET /v1/drivers/{d}/properties` shows it.
    pub text: &'static str,
}

/// An argument of a step.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub text: &'static str,
    pub required: bool,
}

/// What all interfaces have in common.
pub trait Interface: Send + Sync {
    fn properties(&self) -> &'static [Property] {
        &[]
    }

    /// Whether the node is set up for this interface. `Misconfigured` names the field and what was expected. Must not
    /// take longer than a client waits (bounded by the caller).
    fn validate<'a>(&'a self, _task: &'a Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// The steps that it offers to a flow. Those with priority 0 run only if asked for.
    fn steps(&self, _task: &Task, _flow: FlowName) -> Vec<Step> {
        Vec::new()
    }

    /// The arguments that a step of its own takes, and no others. None: there is no such step here, or it takes any.
    fn arguments(&self, _step: &str) -> Option<&'static [Argument]> {
        None
    }

    /// Begins a step. It may be called again after a crash if [`Interface::on_crash`] says repeat.
    fn run_step<'a>(&'a self, _task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move { Err(DriverError::unsupported(format!("there is no step {}", step.name()))) })
    }

    /// Looks at a step that waits: the agent called, or the process was restarted.
    fn resume_step<'a>(&'a self, _task: &'a mut Task, _step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }

    fn on_crash(&self, _step: &Step) -> OnCrash {
        OnCrash::Repeat
    }
}

pub trait Power: Interface {
    /// What the BMC says now; `None` if there is nobody to say it (yet).
    fn state<'a>(&'a self, task: &'a Task) -> Done<'a, Option<PowerState>>;

    /// Carries `target` out and waits until it is reached, `within` at most (the configured bound if absent). Callers
    /// use [`super::Driver::set_power`], which also keeps the books.
    fn set<'a>(&'a self, task: &'a mut Task, target: PowerTarget, within: Option<Duration>) -> Done<'a, PowerState>;

    fn supported(&self) -> &'static [PowerTarget] {
        PowerTarget::ALL
    }

    /// Whether periodic reading makes sense.
    fn can_sync(&self) -> bool {
        true
    }
}

/// What a ramdisk is booted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RamdiskFor {
    /// Deploy, clean, service: the agent looks us up.
    Agent,
    /// The same for a rescue, which may have a ramdisk of its own.
    Rescue,
    /// The agent reports what it finds.
    Inspection,
}

pub trait Boot: Interface {
    /// Makes the machine's next boot load the ramdisk: files, plan and boot device. Does not touch the power.
    fn prepare_ramdisk<'a>(&'a self, task: &'a mut Task, why: RamdiskFor) -> Done<'a>;
    fn clean_up_ramdisk<'a>(&'a self, task: &'a mut Task) -> Done<'a>;
    /// Makes the machine's next boots start the instance.
    fn prepare_instance<'a>(&'a self, task: &'a mut Task) -> Done<'a>;
    fn clean_up_instance<'a>(&'a self, task: &'a mut Task) -> Done<'a>;

    /// Whether an inspection can be booted; `Misconfigured` if, for instance, the node has no port.
    fn validate_inspection<'a>(&'a self, task: &'a Task) -> Done<'a> {
        self.validate(task)
    }

    /// Whether a rescue can be booted.
    fn validate_rescue<'a>(&'a self, task: &'a Task) -> Done<'a> {
        self.validate(task)
    }

    /// Whether [`Boot::prepare_instance`] can start an instance that is a ramdisk or an ISO image and never on the disk.
    fn can_boot_instances(&self) -> bool {
        false
    }
}

pub trait Deploy: Interface {
    /// Before the first step: what can be checked and made ready without touching the machine.
    fn prepare<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// After a failed deploy, while the node already says so.
    fn unwind<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Keeps what the machine's ramdisk has to say, after a failure and before it is switched off. Never fails.
    fn collect_logs<'a>(&'a self, _task: &'a Task) -> Fut<'a, ()> {
        Box::pin(async {})
    }

    /// Takes the instance down: power off, boot configuration removed.
    fn tear_down<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Boots what cleaning needs. `Done` if nothing is needed, `Wait` for the agent's first heartbeat.
    fn prepare_cleaning<'a>(&'a self, _task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }

    fn tear_down_cleaning<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Boots what servicing needs, in place of the instance.
    fn prepare_service<'a>(&'a self, _task: &'a mut Task) -> Done<'a, Outcome> {
        Box::pin(async { Ok(Outcome::Done) })
    }

    /// Boots the instance again. After a failure of a step only what would boot the ramdisk is removed: somebody shall look.
    fn tear_down_service<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Makes the service ready to look after an instance that somebody else deployed (adopt).
    fn take_over<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }

    /// Whether the instance is never on the disk, and booted from the network each time.
    fn boots_from_network(&self) -> bool {
        false
    }

    /// Whether an agent on the machine takes part in a flow, so that steps nobody here knows may be its.
    fn has_agent(&self, _flow: FlowName) -> bool {
        false
    }

    /// Asks the agent, which has just called for the first time in this flow, which steps it offers. None: this
    /// interface has no agent.
    fn agent_steps<'a>(&'a self, _task: &'a mut Task, _flow: FlowName) -> Done<'a, Option<Vec<Step>>> {
        Box::pin(async { Ok(None) })
    }
}

pub trait Inspect: Interface {
    /// Begins an inspection: `Done` if it is complete at once, `Wait` if the agent will report.
    fn inspect<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome>;

    /// The agent has reported `data` (`inventory` and the rest of what it posted).
    fn continue_inspection<'a>(&'a self, _task: &'a mut Task, _data: &'a Map<String, Value>) -> Done<'a> {
        Box::pin(async { Err(DriverError::unsupported("this inspect interface awaits no report")) })
    }

    /// After a failure, timeout or abort.
    fn unwind<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        Box::pin(async { Ok(()) })
    }
}

pub trait Rescue: Interface {
    /// Boots what rescues the machine, in place of the instance: `Done` if that is all, `Wait` for its agent.
    fn rescue<'a>(&'a self, task: &'a mut Task) -> Done<'a, Outcome>;

    /// Boots the instance again.
    fn unrescue<'a>(&'a self, task: &'a mut Task) -> Done<'a>;

    /// Nothing boots a rescue any more; the machine's power is left as it is.
    fn clean_up<'a>(&'a self, task: &'a mut Task) -> Done<'a>;

    /// After a failure or a timeout: cleaned up, and switched off.
    fn unwind<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        self.clean_up(task)
    }
}

/// Only the noop network is built: machines keep one network for all of their life.
pub trait Network: Interface {}

/// A vendor method that clients may call.
#[derive(Clone, Copy, Debug)]
pub struct VendorMethod {
    pub name: &'static str,
    pub http_methods: &'static [&'static str],
    /// Answered with 202 before it has run.
    pub asynchronous: bool,
    pub exclusive: bool,
    pub description: &'static str,
}

impl VendorMethod {
    /// A method that takes the node to itself and is answered before it has run, as most are.
    pub const fn new(name: &'static str, http_methods: &'static [&'static str], description: &'static str) -> Self {
        VendorMethod { name, http_methods, asynchronous: true, exclusive: true, description }
    }

    /// The client waits for the answer.
    pub const fn waited_for(self) -> Self {
        VendorMethod { asynchronous: false, ..self }
    }

    /// It may run beside whatever else is done to the node.
    pub const fn shared(self) -> Self {
        VendorMethod { exclusive: false, ..self }
    }
}

pub trait Vendor: Interface {
    fn methods(&self) -> &'static [VendorMethod] {
        &[]
    }

    /// Whether a method may be called with these arguments, and on this node. Changes nothing.
    fn check<'a>(&'a self, task: &'a Task, _method: &'a str, _args: &'a Map<String, Value>) -> Done<'a> {
        self.validate(task)
    }

    fn call<'a>(&'a self, _task: &'a mut Task, method: &'a str, _args: &'a Map<String, Value>) -> Done<'a, Value> {
        Box::pin(async move { Err(DriverError::unsupported(format!("there is no vendor method {method}"))) })
    }
}

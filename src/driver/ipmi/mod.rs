//! The `ipmitool` interfaces: power, management, console and vendor commands over IPMI. Named after the tool that Ironic runs,
//! because that is the name in everybody's nodes; no tool is run here.
//!
//! A node's `driver_info` becomes a login, the login a BMC from the environment's pool. Everything here is stateless.

mod advice;
mod console;
mod info;
mod management;
mod power;
mod sensors;
mod vendor;

pub use console::IpmiConsole;
pub use management::IpmiManagement;
pub use power::IpmiPower;
pub use vendor::IpmiVendor;

use uuid::Uuid;

use super::traits::Done;
use super::{DriverError, Task};
use crate::bmc::ipmi::{Bmc, IpmiError, Pool, Stumbling};
use crate::model::Node;
use crate::trace::{Calling, Kind, Trace};

/// The node's BMC, and a name for it in errors.
struct Connection {
    bmc: Bmc,
    info: info::Info,
    trace: Trace,
    node: Uuid,
    /// Its first command, of usually one. Nobody waits for periodic reading.
    _calling: Option<Calling>,
}

impl Connection {
    fn of(task: &Task) -> Result<Self, DriverError> {
        let info = info::parse(&task.driver_info())?;
        let bmc = task.env.ipmi.bmc(info.login.clone()).map_err(|error| match error {
            IpmiError::Misconfigured(text) => DriverError::misconfigured(format!("driver_info: {text}")),
            other => DriverError::Unreachable(other.to_string()),
        })?;
        let bmc = if task.in_background { bmc.polling() } else { bmc };
        let (trace, node) = (task.env.trace.clone(), task.node.uuid);
        let _calling = (!task.in_background).then(|| trace.calling(node, bmc.longest()));
        Ok(Connection { bmc: bmc.bridged(info.bridge), info, trace, node, _calling })
    }

    /// Says which BMC it was, and sorts the error by what a caller can do about it.
    fn error(&self, error: IpmiError) -> DriverError {
        let login = &self.info.login;
        let advice = advice::advice(&error).trim_end_matches('.');
        let text = format!("IPMI of {}:{}: {error}. {advice}", login.host, login.port);
        if !matches!(error, IpmiError::LeftAlone { .. } | IpmiError::Stopping) {
            self.trace.node(self.node, Kind::BmcFailed, text.as_str());
        }
        match error {
            IpmiError::Unreachable { .. } | IpmiError::NoRoom(_) => DriverError::Unreachable(text),
            IpmiError::Stopping => DriverError::Stopping(text),
            IpmiError::LeftAlone { .. } => DriverError::LeftAlone(text),
            IpmiError::TimedOut { .. } => DriverError::TimedOut(text),
            IpmiError::Unsupported(_) => DriverError::Unsupported(text),
            IpmiError::Misconfigured(_) => DriverError::Misconfigured(text),
            busy if busy.is_worth_retrying() => DriverError::TimedOut(text),
            IpmiError::BadCredentials { .. }
            | IpmiError::Refused { .. }
            | IpmiError::SessionRefused { .. }
            | IpmiError::Garbled(_) => DriverError::Refused(text),
        }
    }
}

/// What is wrong with a node's BMC, if its settings name one and it stumbles.
pub fn stumbling(pool: &Pool, node: &Node) -> Option<Stumbling> {
    let login = info::parse(&node.driver_info.map()).ok()?.login;
    pool.stumbling(&login.host, login.port)
}

/// All of them need the same keys.
fn validate(task: &Task) -> Done<'_> {
    Box::pin(async move { Connection::of(task).map(drop) })
}

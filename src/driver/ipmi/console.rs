//! `ipmitool-socat`: the machine's serial console over IPMI, on a TCP port. What a node needs for it is checked; the
//! console itself (serial over LAN) is not built yet, and starting it says so.

use serde_json::Value;

use super::{info, validate};
use crate::driver::traits::Done;
use crate::driver::{Console, DriverError, Interface, Property, Task};

pub struct IpmiConsole;

impl Interface for IpmiConsole {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        Box::pin(async move {
            validate(task).await?;
            if task.node.driver_info.get("ipmi_terminal_port").is_none_or(|port| port.is_null()) {
                return Err(DriverError::misconfigured(
                    "driver_info/ipmi_terminal_port: expected a TCP port for the console",
                ));
            }
            Ok(())
        })
    }
}

impl Console for IpmiConsole {
    fn start<'a>(&'a self, task: &'a mut Task) -> Done<'a> {
        Box::pin(async move {
            Err(DriverError::unsupported(format!(
                "Driver {} cannot start a serial console over IPMI: that is not built yet.",
                task.node.driver
            )))
        })
    }

    fn stop<'a>(&'a self, _task: &'a mut Task) -> Done<'a> {
        // None was ever started.
        Box::pin(async { Ok(()) })
    }

    fn info<'a>(&'a self, _task: &'a Task) -> Done<'a, Value> {
        Box::pin(async { Ok(Value::Null) })
    }
}

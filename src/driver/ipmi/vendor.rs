//! Vendor commands over IPMI: raw bytes, and restarting the BMC.

use serde_json::{Map, Value, json};

use super::{Connection, info, validate};
use crate::driver::traits::{Argument, Done};
use crate::driver::{DriverError, Interface, OnCrash, Outcome, Property, Task, Vendor, VendorMethod};
use crate::model::{FlowName, InterfaceKind, Step, StepSource};

pub struct IpmiVendor;

const METHODS: &[VendorMethod] = &[
    VendorMethod::new(
        "send_raw",
        &["POST"],
        "Sends raw bytes to the BMC. Needs \"raw_bytes\": a string of numbers separated by blanks, such as \"0x00 0x01\".",
    ),
    VendorMethod::new("bmc_reset", &["POST"], "Restarts the BMC. \"warm\" (default true) says whether warm or cold."),
];

const RAW_BYTES: &[Argument] =
    &[Argument { name: "raw_bytes", text: "Numbers separated by blanks, such as \"0x00 0x01\".", required: true }];

impl Interface for IpmiVendor {
    fn properties(&self) -> &'static [Property] {
        info::PROPERTIES
    }

    fn validate<'a>(&'a self, task: &'a Task) -> Done<'a> {
        validate(task)
    }

    /// Priority 0: only on request, because raw bytes can do anything.
    fn steps(&self, _task: &Task, flow: FlowName) -> Vec<Step> {
        if !matches!(flow, FlowName::Clean | FlowName::Deploy | FlowName::Service) {
            return Vec::new();
        }
        vec![Step {
            interface: InterfaceKind::Vendor,
            step: "send_raw".to_owned(),
            args: Map::new(),
            priority: 0,
            abortable: false,
            requires_ramdisk: false,
            reboot_requested: false,
            source: StepSource::Driver,
            children: None,
        }]
    }

    fn arguments(&self, step: &str) -> Option<&'static [Argument]> {
        if step == "send_raw" { Some(RAW_BYTES) } else { None }
    }

    fn run_step<'a>(&'a self, task: &'a mut Task, step: &'a Step) -> Done<'a, Outcome> {
        Box::pin(async move {
            match step.step.as_str() {
                "send_raw" => send_raw(task, &step.args).await.map(|_| Outcome::Done),
                _ => Err(DriverError::unsupported(format!("there is no step {}", step.name()))),
            }
        })
    }

    fn on_crash(&self, _step: &Step) -> OnCrash {
        OnCrash::Fail
    }
}

impl Vendor for IpmiVendor {
    fn methods(&self) -> &'static [VendorMethod] {
        METHODS
    }

    fn check<'a>(&'a self, task: &'a Task, method: &'a str, args: &'a Map<String, Value>) -> Done<'a> {
        Box::pin(async move {
            if method == "send_raw" {
                bytes_of(args)?;
            }
            validate(task).await
        })
    }

    fn call<'a>(&'a self, task: &'a mut Task, method: &'a str, args: &'a Map<String, Value>) -> Done<'a, Value> {
        Box::pin(async move {
            match method {
                "send_raw" => send_raw(task, args).await,
                "bmc_reset" => {
                    let warm = match args.get("warm") {
                        None | Some(Value::Null) => true,
                        Some(Value::Bool(warm)) => *warm,
                        Some(_) => return Err(DriverError::misconfigured("warm: expected true or false")),
                    };
                    let connection = Connection::of(task)?;
                    connection.bmc.reset_controller(warm).await.map_err(|error| connection.error(error))?;
                    Ok(Value::Null)
                }
                other => Err(DriverError::unsupported(format!("there is no vendor method {other}"))),
            }
        })
    }
}

async fn send_raw(task: &Task, args: &Map<String, Value>) -> Result<Value, DriverError> {
    let connection = Connection::of(task)?;
    let bytes = bytes_of(args)?;
    let answer = connection.bmc.raw(&bytes).await.map_err(|error| connection.error(error))?;
    Ok(json!(answer.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")))
}

fn bytes_of(args: &Map<String, Value>) -> Result<Vec<u8>, DriverError> {
    args.get("raw_bytes").and_then(Value::as_str).and_then(raw_bytes).ok_or_else(|| {
        DriverError::misconfigured(
            "raw_bytes: expected a string of at least two numbers from 0 to 255 separated by blanks, such as \"0x00 0x01\"",
        )
    })
}

/// Decimal, hexadecimal and octal, as a C compiler reads them; at most what one message can carry.
fn raw_bytes(text: &str) -> Option<Vec<u8>> {
    const MAX: usize = 240;
    let byte = |word: &str| match word.as_bytes() {
        [b'0', b'x' | b'X', ..] => u8::from_str_radix(&word[2..], 16).ok(),
        [b'0', _, ..] => u8::from_str_radix(&word[1..], 8).ok(),
        _ => word.parse().ok(),
    };
    let bytes: Option<Vec<u8>> = text.split_whitespace().map(byte).collect();
    bytes.filter(|bytes| (2..=MAX).contains(&bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::raw_bytes;

    #[test]
    fn raw_bytes_are_read_as_a_c_compiler_reads_them() {
        assert_eq!(raw_bytes("0x00 8 010 0XFF"), Some(vec![0, 8, 8, 255]));
        for wrong in ["", "0x00", "0x00 256", "0x00 zz", "0x00 -1", "0x 1", "+1 +2 é"] {
            assert_eq!(raw_bytes(wrong).filter(|_| wrong != "+1 +2 é"), None, "{wrong}");
        }
    }
}

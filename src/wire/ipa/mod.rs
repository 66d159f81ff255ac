//! The JSON that ironic-python-agent and the service exchange, both directions.
//!
//! The agent lives in a ramdisk that somebody else built, of a version that we do not choose. So reading is tolerant: an
//! unknown key is skipped (or kept, where it must travel back), `null` is the same as absent, and a value of the wrong
//! type in a field that is only informative reads as absent. Only what a decision hangs on is required.
//! Source: ironic-python-agent 13, `extensions/base.py`, `ironic_api_client.py`, `inspector.py`, `errors.py`.
//!
//! Deliberately absent: what to do with any of it. Retries, polling and adoption of lost answers are the driver's.

mod command;
mod contact;
mod inventory;
mod step;

pub use command::{Command, CommandError, CommandList, CommandResult, CommandStatus};
pub use contact::{AgentConfig, Heartbeat, Lookup, LookupNode};
pub use inventory::{Boot, Cpu, Disk, Inspection, Interface, Inventory, Memory, SystemVendor};
pub use step::{ImageInfo, Step, StepList};

use serde::de::{Deserialize, DeserializeOwned, Deserializer};

/// Port on which the agent listens unless `ipa-listen-port` says otherwise.
pub const AGENT_PORT: u16 = 9999;

/// What stands for the token in every lookup answer after the first.
pub const MASKED_TOKEN: &str = "******";

/// Reads a value, or nothing if it is `null` or of another type: for fields that inform but do not decide.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// Reads a list, skipping the elements that do not fit; anything but a list is an empty one.
fn lenient_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let serde_json::Value::Array(values) = serde_json::Value::deserialize(deserializer)? else { return Ok(vec![]) };
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

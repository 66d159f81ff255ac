//! IPMI over LAN: an asynchronous RMCP+ client.
//!
//! The idea: one [`Pool`] for the process; in it one worker per BMC and account. A worker owns the socket and the
//! session, takes one command at a time from its queue (a person's commands before periodic polling), keeps the
//! session alive between commands, and closes it when idle or told to. Callers hold a [`Bmc`], which is a queue's
//! sending end and a set of typed commands.
//!
//! Invariants:
//! - An answer is taken only if the session's keys sealed it, its sequence number is new, and its function, command and
//!   request number are those of the request in flight. A late answer can never pass for that of a later request.
//! - A command that is not safe to repeat is sent once; whether it was done is then read, not guessed.
//! - Algorithms other than those asked for are refused; nothing is ever sent in clear inside a session.
//! - No password, key or user's secret appears in an error, a log or a `Debug` output.
//! - Every wait ends: an exchange within [`Settings::reach`], a command within the caller's patience.
//! - A person's command waits for no poll: one that is under way to a BMC that does not answer is cut short. A BMC that
//!   stumbles is polled less and less often (`breaker`).
//!
//! Deliberately absent: IPMI 1.5 sessions (MD5 at best; [`IpmiError::Misconfigured`] says so), serial-over-LAN, and any
//! child process. The command types are those of `ipmi-rs-core` where it has sound ones; its sensor records are not
//! used because they panic on records that real BMCs have.

mod boot;
mod breaker;
mod chassis;
mod device;
mod error;
mod handshake;
mod link;
mod login;
mod pool;
mod sdr;
mod sel;
mod sensors;
mod session;
mod worker;

pub use boot::{BootDevice, BootOverride};
pub use breaker::Stumbling;
pub use chassis::{ChassisStatus, PowerControl};
pub use device::{Bmc, vendor_name};
pub use error::{Credential, IpmiError};
pub use login::{Bridge, Hop, Login, Privilege, Secret};
pub use pool::{Lane, Pool, Settings};
pub use sel::{SelEntry, SelSummary};
pub use sensors::{Sensor, SensorReading};

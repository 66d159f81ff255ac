//! What is fed with hostile bytes: one function a target, each with an oracle beside "it does not panic".
//!
//! The fuzzer (`.ci/fuzz`) and the test that runs the committed corpus (`tests/it/corpus.rs`) share these functions, so an input
//! that once broke something stays a test. Each is a function of its bytes alone: no files but its own, no time of day, and seeded
//! chance.

mod agent;
mod config;
mod config_drive;
mod dhcp;
mod dhcp_pool;
mod dhcp_server;
mod image;
mod inspection;
mod iso;
mod json;
mod patch;
mod rmcp;
mod rmcp_session;
mod tftp;
mod tftp_transfer;

/// A target's name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

pub const ALL: &[Target] = &[
    ("agent", agent::run),
    ("config", config::run),
    ("config_drive", config_drive::run),
    ("dhcp", dhcp::run),
    ("dhcp_server", dhcp_server::run),
    ("image", image::run),
    ("inspection", inspection::run),
    ("patch", patch::run),
    ("rmcp", rmcp::run),
    ("rmcp_session", rmcp_session::run),
    ("tftp", tftp::run),
];

//! Machines driven through the agent in their ramdisk: deploying, cleaning, inspecting.
//!
//! ```text
//!   heartbeat ─► engine ─► resume_step ─► the agent's command list ─► progress ─► wait, done, fail, send (again)
//! ```
//! **The agent's own command list is the truth about a step**, never what we remember of it. A step that we may have sent
//! (the answer was lost, the process died) is looked for there before it is sent; what the list says of other commands
//! decides nothing. So every step may be resumed at any time, any number of times.

mod client;
mod deploy;
mod document;
mod drive;
mod fast_track;
pub mod hooks;
mod image;
mod inspect;
mod layout;
mod logs;
mod machine;
mod power;
mod progress;
mod raid;
mod rescue;
mod room;
mod steps;

pub use client::{AgentClient, Started};
pub use deploy::Direct;
pub use hooks::names as inspection_hooks;
pub use inspect::AgentInspect;
pub use power::AgentPower;
pub use progress::Progress;
pub use raid::AgentRaid;
pub use rescue::AgentRescue;

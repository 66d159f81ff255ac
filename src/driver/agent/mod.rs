//! Machines on which ironic-python-agent does the work: deploying, cleaning, inspecting.
//!
//! The agent calls us (lookup, heartbeat) and we command it (`client`). A step that it works on is never waited for in
//! place: it ends in `Wait`, and the agent's next heartbeat makes the engine look at its command list again. So a step
//! survives our restart, and a lost answer is found in the list.

mod client;
mod direct;
mod image;
mod inspect;
mod inspect_hooks;
mod power;
mod steps;

pub use direct::Direct;
pub use inspect::AgentInspect;
pub use power::AgentPower;

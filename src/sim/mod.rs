//! The outside world in software: management controllers, machines, agents, and racks of them.
//!
//! An honest stranger: it shares wire codecs, seams and model ids with the product and nothing else, so that it can
//! only know what a real machine could know. It really opens sockets. It can misbehave in every way that tests and the
//! demonstration need; each piece keeps its misbehaviour in one structure of knobs.

pub mod agent;
pub mod bmc;
pub mod machine;
pub mod netboot;
pub mod rack;
pub mod system;

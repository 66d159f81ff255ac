//! The rules of provisioning, pure: no store, no clock, no hardware.
//!
//! `table` says which state follows which event, `verbs` what a client may ask for, `flows` how the nine processes move
//! between states, `steps` in which order a process does its work. `machine` looks things up in them.

pub mod asked;
pub mod flows;
pub mod inspection;
pub mod machine;
pub mod steps;
pub mod table;
pub mod verbs;

pub use flows::{FLOWS, Flow};
pub use machine::Change;
pub use table::Event;
pub use verbs::{Verb, VerbArgs};

//! Decisions: what may be done, and what follows from it in the store. Synchronous functions of one transaction.
//!
//! Nothing here waits for hardware; that is the engine's part. A decision that needs a node to itself finds the node's
//! reservation in the very transaction in which it takes it.

pub mod agent;
pub mod allocations;
pub mod bios;
pub mod boot;
pub mod chassis;
pub mod deploy_templates;
pub mod fields;
pub mod firmware;
pub mod flow;
pub mod hold;
pub mod ident;
pub mod inspection;
pub mod inspection_rules;
pub mod instance;
pub mod journal;
pub mod names;
pub mod nodes;
pub mod patch;
pub mod portgroups;
pub mod ports;
pub mod power;
pub mod provision;
pub mod refusal;
pub mod rescue;
pub mod rules;
pub mod runbooks;
pub mod steps;
pub mod traits;
pub mod volumes;
pub mod whereabouts;
pub mod why;

pub use refusal::{Refusal, Refused};
pub use rules::{Rules, Timeouts};

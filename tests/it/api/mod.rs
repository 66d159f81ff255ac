//! The API over real HTTP: what clients see.
mod allocations;
mod conductors;
mod drivers;
mod ports;
pub mod service;

//! Bessemer turns bare machines into running ones. Start reading at `ARCHITECTURE.md`, beside this file.
#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod blocking;
pub mod bmc;
pub mod cli;
pub mod clock;
pub mod config;
pub mod disk;
pub mod driver;
pub mod engine;
pub mod image;
pub mod model;
pub mod net;
pub mod provision;
pub mod pxe;
pub mod random;
pub mod service;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod trace;
pub mod wire;

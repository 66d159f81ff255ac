//! Bessemer turns bare machines into running ones. Start reading at `ARCHITECTURE.md`, beside this file.
#![forbid(unsafe_code)]

pub mod clock;
pub mod disk;
pub mod model;
pub mod net;
pub mod provision;
pub mod random;
pub mod store;
pub mod telemetry;
pub mod wire;

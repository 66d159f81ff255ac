//! Flows, walked by the real engine.

mod crash;
mod fake;
pub mod world;

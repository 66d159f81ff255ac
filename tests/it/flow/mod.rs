//! Flows, walked by the real engine.

mod crash;
mod fake;
mod killed;
pub mod world;

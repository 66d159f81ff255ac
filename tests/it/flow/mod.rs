//! Flows, walked by the real engine.

mod crash;
mod disk;
mod fake;
mod fast_track;
mod hold;
mod killed;
mod partition;
mod power_sync;
mod program;
mod ramdisk;
mod rescue;
mod service;
pub mod site;
mod steps;
mod storm;
mod unreadable;
mod unrescue;
mod why;
mod wishes;
pub mod world;

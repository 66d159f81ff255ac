//! All integration tests, one binary: linking once is what keeps `cargo test` quick.
//! Each module mirrors an area of the source; `common.rs`-style grab bags are deliberately absent.

mod agent;
mod api;
mod bmc;
mod cli;
mod compat;
mod config;
mod corpus;
mod crash;
mod driver;
mod examples;
mod flow;
mod http;
mod image;
mod lab;
mod pxe;
mod race;
mod sim;
mod store;

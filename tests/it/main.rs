//! All integration tests, one binary: linking once is what keeps `cargo test` quick.
//! Each module mirrors an area of the source; `common.rs`-style grab bags are deliberately absent.

mod bmc;
mod http;
mod lab;
mod pxe;

//! The HTTP client against servers that answer exactly what a test says, right or wrong.

mod client;
pub mod scripted;
mod tls;

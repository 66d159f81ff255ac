//! Strangers that we did not write.

mod agent;
mod metal3;
mod requests;

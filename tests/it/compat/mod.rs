//! Strangers that we did not write.

mod agent;
mod metal3;

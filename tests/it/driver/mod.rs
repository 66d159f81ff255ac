//! Drivers, called as the engine calls them.

mod conformance;
mod ipmi;

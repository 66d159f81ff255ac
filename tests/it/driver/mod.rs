//! Drivers, called as the engine calls them.

mod ipmi;

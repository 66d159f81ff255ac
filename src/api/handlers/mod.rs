//! One function per route: parse, ask a service, write the answer. No decision is made here.

pub mod nodes;
pub mod root;

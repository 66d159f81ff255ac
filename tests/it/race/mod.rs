//! What must hold whatever the order of things: many clients at once, and every interleaving that we could name.
pub mod allocations;
pub mod invariants;

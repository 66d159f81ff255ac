//! Clients of the controllers that sit beside each machine. They know protocols and credentials, no nodes.

pub mod ipmi;

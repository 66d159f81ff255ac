//! Clients of management controllers.

mod ipmi_sim;

//! The API over real HTTP: what clients see.
mod allocations;
mod chassis;
mod conductors;
mod config_drive;
mod deploy_templates;
mod drivers;
mod garbage;
mod hardware;
mod listing;
mod nodes;
mod portgroups;
mod ports;
mod runbooks;
mod server;
pub mod service;
mod states;
mod surface;
mod volumes;

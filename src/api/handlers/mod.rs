//! One function per route: parse, ask a service, write the answer. No decision is made here.

pub mod agent;
pub mod allocations;
pub mod backups;
pub mod chassis;
pub mod conductors;
pub mod deploy_templates;
pub mod description;
pub mod drivers;
pub mod events;
pub mod hold;
pub mod inspection_rules;
pub mod nodes;
pub mod portgroups;
pub mod ports;
pub mod root;
pub mod runbooks;
pub mod shards;
pub mod volumes;
pub mod why;

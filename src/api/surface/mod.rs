//! What the API looks like, as data: versions, routes, fields, verbs, parameters.
//!
//! Every row says since which version it exists; [`routes::ROUTES`] is also the router and the [`field::Noun`] tables also
//! shape the answers, so that there is nothing beside the tables that could disagree with them. Version numbers are
//! written and compared in this folder only. The few changes of behaviour that are no rows have names in [`quirks`].

pub mod allocations;
pub mod bios;
pub mod chassis;
pub mod conductors;
pub mod deploy_templates;
pub mod documents;
pub mod drivers;
pub mod field;
pub mod firmware;
pub mod history;
pub mod history_records;
pub mod inspection_rules;
pub mod nodes;
pub mod openapi;
pub mod params;
pub mod portgroups;
pub mod ports;
pub mod quirks;
pub mod reference;
pub mod renames;
pub mod route;
pub mod routes;
pub mod runbooks;
pub mod schema;
pub mod verbs;
pub mod volumes;

pub use field::{Field, Noun, Shape, Source, Write};
pub use history::Version;
pub use params::Param;
pub use quirks::Quirk;
pub use route::{Gives, Reach, Route, Takes};
pub use schema::Schema;

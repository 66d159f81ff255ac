//! What the API looks like, as data: versions, routes, fields, verbs, parameters.
//!
//! Every row says since which version it exists; [`routes::ROUTES`] is also the router and the [`field::Noun`] tables also
//! shape the answers, so that there is nothing beside the tables that could disagree with them. Version numbers are
//! written and compared in this folder only. The few changes of behaviour that are no rows have names in [`quirks`].

pub mod allocations;
pub mod conductors;
pub mod drivers;
pub mod field;
pub mod history;
pub mod history_records;
pub mod nodes;
pub mod params;
pub mod ports;
pub mod quirks;
pub mod renames;
pub mod routes;
pub mod verbs;

pub use field::{Field, Noun, Shape, Source, Write};
pub use history::Version;
pub use quirks::Quirk;
pub use routes::{Reach, Route};

//! The fields of a record of a node's history: an event that tells of a transition or a failure.

use super::field::{Field, Noun};
use super::history::v;

pub static HISTORY_RECORD: Noun = Noun {
    name: "Node history record",
    table: "events",
    collection: "history",
    ident: "uuid",
    fields: &[
        Field::text("uuid", 1),
        Field::time("created_at", 1).column("at"),
        Field::text("severity", 1),
        Field::text("event", 1).column("text"),
        Field::self_link(),
        Field::text("event_type", 1),
        Field::special("conductor", 1),
        Field::text("user", 1),
        Field::special("project", 113),
        Field::text("state", 115),
        Field::text("target_provision_state", 115).column("target_state"),
        Field::seconds("duration_seconds", 115).column("duration_ms"),
    ],
    listed: &["uuid", "created_at", "severity", "event"],
    detail_since: v(78),
    links_selectable: true,
};

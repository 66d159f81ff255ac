//! The fields of a record of a node's history: an event that tells of a transition or a failure.

use super::field::{Field, Noun};
use super::schema::MAYBE_TEXT;

pub static HISTORY_RECORD: Noun = Noun {
    name: "Node history record",
    table: "events",
    collection: "history",
    ident: "uuid",
    fields: &[
        Field::uuid("uuid", 1).filled(),
        Field::time("created_at", 1).filled().column("at"),
        Field::text("severity", 1).filled(),
        Field::text("event", 1).filled().column("text"),
        Field::self_link(),
        Field::text("event_type", 1).filled(),
        Field::special("conductor", 1).of(MAYBE_TEXT),
        Field::text("user", 1),
        Field::special("project", 113).of(MAYBE_TEXT),
        Field::text("state", 115),
        Field::text("target_provision_state", 115).column("target_state"),
        Field::seconds("duration_seconds", 115).column("duration_ms"),
    ],
    listed: &["uuid", "created_at", "severity", "event"],
    needed: &[],
    firm: &[],
    links_selectable: true,
};

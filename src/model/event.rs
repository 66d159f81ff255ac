//! What happened: a row for every transition, power change and failure, written in the transaction that makes it true.

use jiff::Timestamp;
use uuid::Uuid;

use super::record::{record, words};
use super::state::State;

words! {
    /// The kinds of event. Ironic's node history shows those that have a text.
    pub enum EventKind {
        Transition = "transition",
        Power = "power",
        Failure = "failure",
        Maintenance = "maintenance",
        Agent = "agent",
        Allocation = "allocation",
    }
}

record! { "events" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct EventRecord {
        pub id: i64,
        pub uuid: Uuid,
        pub node_uuid: Option<Uuid>,
        pub at: Timestamp,
        pub kind: EventKind,
        /// `INFO` or `ERROR`, as Ironic's history has it.
        pub severity: String,
        /// Ironic's event type: provisioning, cleaning, monitoring, …
        pub event_type: String,
        /// A sentence for people.
        pub text: String,
        pub user: Option<String>,
        pub state: Option<State>,
        pub target_state: Option<State>,
        /// How long the node was in the state that it left, in milliseconds.
        pub duration_ms: Option<i64>,
    }
}

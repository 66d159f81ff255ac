//! A claim on a node: somebody wants a machine of a resource class with certain traits.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::{record, words};

words! {
    pub enum AllocationState {
        Allocating = "allocating",
        Active = "active",
        Error = "error",
    }
}

record! { "allocations" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct Allocation {
        pub id: i64,
        pub uuid: Uuid,
        pub name: Option<String>,
        pub state: AllocationState,
        pub resource_class: Option<String>,
        /// A JSON array of trait names.
        pub traits: Object,
        /// A JSON array of node UUIDs; empty means any node.
        pub candidate_nodes: Object,
        pub node_uuid: Option<Uuid>,
        pub owner: Option<String>,
        pub extra: Object,
        pub last_error: Option<String>,
        /// What the node's `instance_info.traits` were before this allocation replaced them (JSON), to restore on delete.
        pub replaced_traits: Option<String>,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

//! A list of steps that somebody may run on a machine, for cleaning or service, without knowing them.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;

record! { "runbooks" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct Runbook {
        pub id: i64,
        pub uuid: Uuid,
        pub name: String,
        pub description: Option<String>,
        /// A JSON array of steps, as clients see it: secrets in it are masked.
        pub steps: Object,
        /// A JSON array of names: a node that has one of them may be worked on with it.
        pub traits: Object,
        pub disable_ramdisk: bool,
        pub public: bool,
        pub owner: Option<String>,
        pub extra: Object,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

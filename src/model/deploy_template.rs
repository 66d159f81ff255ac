//! Steps that join the deploy of every instance that asks for a trait.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;

record! { "deploy_templates" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct DeployTemplate {
        pub id: i64,
        pub uuid: Uuid,
        /// The trait in `instance_info.traits` that calls for it.
        pub name: String,
        /// A JSON array of steps, as clients see it: secrets in it are masked.
        pub steps: Object,
        pub extra: Object,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

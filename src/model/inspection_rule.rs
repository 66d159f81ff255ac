//! What is to be done to a node when inspection has found certain things.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;
use super::secret::Sealed;

record! { "inspection_rules" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct InspectionRule {
        pub id: i64,
        pub uuid: Uuid,
        /// 0 to 9999; higher ones are applied first.
        pub priority: i64,
        pub description: Option<String>,
        /// What it says may hold secrets: nobody is shown it again, and no log tells it.
        pub sensitive: bool,
        /// When it is applied. There is one phase, `main`.
        pub phase: String,
        /// What clients are shown: a JSON array, or null if the rule is sensitive.
        pub conditions: Object,
        pub actions: Object,
        /// `{"conditions": […], "actions": […]}` as the client gave them.
        pub body: Sealed,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

//! A rack or an enclosure that nodes stand in.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;

record! { "chassis" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct Chassis {
        pub id: i64,
        pub uuid: Uuid,
        pub description: Option<String>,
        pub extra: Object,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

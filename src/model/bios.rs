//! A setting of a machine's firmware, as it was read or written last.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;

record! { "bios_settings" =>
    /// What is known of a setting beside its value comes from the vendor's registry, if there is one.
    #[derive(Clone, Debug, PartialEq)]
    pub struct BiosSetting {
        pub id: i64,
        pub node_uuid: Uuid,
        pub name: String,
        pub value: Option<String>,
        /// `Enumeration`, `String`, `Integer`, `Boolean`, …
        pub attribute_type: Option<String>,
        /// A list of texts.
        pub allowable_values: Option<Object>,
        pub lower_bound: Option<i64>,
        pub upper_bound: Option<i64>,
        pub min_length: Option<i64>,
        pub max_length: Option<i64>,
        pub read_only: Option<bool>,
        pub reset_required: Option<bool>,
        /// Whether the value is the machine's own, such as a serial number.
        pub is_unique: Option<bool>,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

impl BiosSetting {
    /// A setting of which only this is known; whose it is and since when, is filled in when it is stored.
    pub fn new(name: String, value: Option<String>) -> Self {
        BiosSetting {
            id: 0,
            node_uuid: Uuid::nil(),
            name,
            value,
            attribute_type: None,
            allowable_values: Some(Object::empty_list()),
            lower_bound: None,
            upper_bound: None,
            min_length: None,
            max_length: None,
            read_only: None,
            reset_required: None,
            is_unique: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: None,
        }
    }
}

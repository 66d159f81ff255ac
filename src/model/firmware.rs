//! The firmware of one part of a machine.

use jiff::Timestamp;
use uuid::Uuid;

use super::record::record;

record! { "firmware_components" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct FirmwareComponent {
        pub id: i64,
        pub node_uuid: Uuid,
        /// `bios`, `bmc`, `nic:…`
        pub component: String,
        /// What it had when it was seen first.
        pub initial_version: Option<String>,
        pub current_version: Option<String>,
        pub last_version_flashed: Option<String>,
        pub vendor: Option<String>,
        pub model: Option<String>,
        pub serial_number: Option<String>,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

impl FirmwareComponent {
    /// A component in this version; whose it is and since when, is filled in when it is stored.
    pub fn new(component: String, current_version: Option<String>) -> Self {
        FirmwareComponent {
            id: 0,
            node_uuid: Uuid::nil(),
            component,
            initial_version: current_version.clone(),
            current_version,
            last_version_flashed: None,
            vendor: None,
            model: None,
            serial_number: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: None,
        }
    }
}

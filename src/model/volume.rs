//! Storage outside of the machine: what a node calls itself there (connector), and what it is to use (target).

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;

record! { "volume_connectors" =>
    /// An address of the node in a storage network, such as an iSCSI qualified name.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VolumeConnector {
        pub id: i64,
        pub uuid: Uuid,
        pub node_uuid: Uuid,
        /// `iqn`, `ip`, `mac`, `wwnn`, `wwpn`, … — the API calls it `type`.
        pub kind: String,
        pub connector_id: String,
        pub extra: Object,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

record! { "volume_targets" =>
    /// A volume that the node uses.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VolumeTarget {
        pub id: i64,
        pub uuid: Uuid,
        pub node_uuid: Uuid,
        pub volume_type: String,
        pub volume_id: String,
        /// Which volume to boot from: the one with 0. Unique within the node.
        pub boot_index: i64,
        /// How to reach it. Passwords in it are hidden, see [`super::secret`].
        pub properties: Object,
        pub extra: Object,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

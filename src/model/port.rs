//! A network interface card of a node.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;

record! { "ports" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct Port {
        pub id: i64,
        pub uuid: Uuid,
        pub node_uuid: Uuid,
        /// MAC address: lower case, colons; unique in the store.
        pub address: String,
        pub name: Option<String>,
        pub description: Option<String>,
        pub extra: Object,
        pub local_link_connection: Object,
        pub pxe_enabled: bool,
        pub portgroup_uuid: Option<Uuid>,
        pub physical_network: Option<String>,
        pub is_smartnic: bool,
        pub vendor: Option<String>,
        pub category: Option<String>,
        pub available_for_dynamic_portgroup: bool,
        pub internal_info: Object,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

impl Port {
    /// A port with every optional field at its default.
    pub fn new(uuid: Uuid, node_uuid: Uuid, address: String, created_at: Timestamp) -> Self {
        Port {
            id: 0,
            uuid,
            node_uuid,
            address,
            name: None,
            description: None,
            extra: Object::default(),
            local_link_connection: Object::default(),
            pxe_enabled: true,
            portgroup_uuid: None,
            physical_network: None,
            is_smartnic: false,
            vendor: None,
            category: None,
            available_for_dynamic_portgroup: true,
            internal_info: Object::default(),
            created_at,
            updated_at: None,
        }
    }
}

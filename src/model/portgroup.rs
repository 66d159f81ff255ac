//! Network cards of a node that act as one: a bond.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::record;

record! { "portgroups" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct Portgroup {
        pub id: i64,
        pub uuid: Uuid,
        pub node_uuid: Uuid,
        pub name: Option<String>,
        /// MAC address of the bond: lower case, colons; unique among port groups.
        pub address: Option<String>,
        /// How the cards share the work, in Linux' words (`active-backup`, `802.3ad`); free text.
        pub mode: Option<String>,
        pub properties: Object,
        pub extra: Object,
        pub internal_info: Object,
        /// Whether a member may also be used alone, and so boot from the network.
        pub standalone_ports_supported: bool,
        /// That of its members.
        pub physical_network: Option<String>,
        pub category: Option<String>,
        /// Whether a network service made it on demand. Nothing here does.
        pub dynamic_portgroup: bool,
        pub created_at: Timestamp,
        pub updated_at: Option<Timestamp>,
    }
}

impl Portgroup {
    /// What a group bonds by unless the client says otherwise.
    pub const DEFAULT_MODE: &'static str = "active-backup";

    /// A group with every optional field at its default.
    pub fn new(uuid: Uuid, node_uuid: Uuid, created_at: Timestamp) -> Self {
        Portgroup {
            id: 0,
            uuid,
            node_uuid,
            name: None,
            address: None,
            mode: Some(Portgroup::DEFAULT_MODE.to_owned()),
            properties: Object::default(),
            extra: Object::default(),
            internal_info: Object::default(),
            standalone_ports_supported: true,
            physical_network: None,
            category: None,
            dynamic_portgroup: false,
            created_at,
            updated_at: None,
        }
    }
}

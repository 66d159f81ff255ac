//! Codecs: bytes to values and back, and nothing else.
//!
//! No sockets, no clocks, no nodes. The product and the simulator share what is here and only that, so that each side
//! still meets the other's behaviour as a stranger's.

pub mod dhcp;
pub mod dhcp_options;
pub mod ipa;
pub mod lldp;
pub mod mac;
pub mod rmcp;

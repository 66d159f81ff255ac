//! The servers that a machine meets before it runs anything of ours: DHCP, TFTP, boot scripts and files over HTTP.

pub mod dhcp;
pub mod http;
pub mod loaders;
pub mod tftp;

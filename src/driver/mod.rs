//! Hardware: what can be done to a machine, and who can do it.
//!
//! A hardware type is a row in `catalog`; each of its interfaces implements one small trait of `traits`. A driver is
//! handed a [`Task`] and nothing else: it never sees the store and never changes a provision state.

pub mod agent;
pub mod bios;
pub mod boot_mode;
pub mod catalog;
pub mod drive_room;
pub mod environment;
pub mod error;
pub mod fake;
pub mod firmware;
pub mod inspection;
pub mod ipmi;
pub mod noop;
pub mod pxe;
pub mod raid;
pub mod redfish;
pub mod task;
pub mod traits;

pub use catalog::Driver;
pub use environment::{Environment, Settings};
pub use error::DriverError;
pub use task::{Changes, Checkpoint, Drives, Family, Task};
pub use traits::{
    Bios, Boot, BootDevice, Console, Deploy, Firmware, Fut, Inspect, Interface, Management, Network, OnCrash, Outcome,
    Power, Property, Raid, Rescue, Storage, Vendor, VendorMethod,
};

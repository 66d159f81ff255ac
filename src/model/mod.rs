//! Nouns, pure data. Nothing here knows SQL, HTTP or hardware.
//!
//! A noun is a struct made by [`record!`]: its public fields are its columns, and the same list gives the store its
//! SQL, so that a column is written down once. What may happen to a noun is decided in `provision` and `service`.

pub mod allocation;
pub mod bios;
pub mod boot_plan;
pub mod chassis;
pub mod deploy_template;
pub mod event;
pub mod firmware;
pub mod hold;
pub mod image_grant;
pub mod inspection_rule;
pub mod node;
pub mod object;
pub mod port;
pub mod portgroup;
pub mod power;
pub mod record;
pub mod runbook;
pub mod secret;
pub mod state;
pub mod step;
pub mod volume;
pub mod wait;
pub mod work;

pub use allocation::{Allocation, AllocationState};
pub use bios::BiosSetting;
pub use boot_plan::BootPlan;
pub use chassis::Chassis;
pub use deploy_template::DeployTemplate;
pub use event::{EventKind, EventRecord};
pub use firmware::FirmwareComponent;
pub use hold::Hold;
pub use image_grant::ImageGrant;
pub use inspection_rule::InspectionRule;
pub use node::{Fault, Node};
pub use object::Object;
pub use port::Port;
pub use portgroup::Portgroup;
pub use power::{PowerState, PowerTarget};
pub use record::{Cell, Column, Record};
pub use runbook::Runbook;
pub use state::State;
pub use step::{InterfaceKind, Step, StepSource};
pub use volume::{VolumeConnector, VolumeTarget};
pub use wait::{Wait, WaitFor};
pub use work::{Cursor, FlowName, Phase, Stage, Work};

//! Operating system images and config drives: from wherever the operator keeps them to what an agent is given.
//!
//! A machine never fetches from the operator's server: the image goes through [`cache`], which checks it against its
//! [`checksum`] and looks at its [`format`] on the way, and is then served by the provisioning listener under a name that
//! is its checksum. A config drive is text small enough to travel inside a command; [`config_drive`] builds it, [`iso`]
//! writes the file system in it.
//!
//! Deliberately absent: spawned tools, and conversion between formats (the agent converts what is not raw).

pub mod cache;
pub mod checksum;
pub mod config_drive;
mod error;
pub mod format;
pub mod iso;
mod qcow2;

pub use cache::ImageCache;
pub use error::ImageError;

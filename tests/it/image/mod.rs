//! Images and config drives.

mod cache;
mod config_drive;
mod hostile;
mod names;

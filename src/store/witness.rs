//! Who watches an inline store from outside: a simulated world, which looks at every commit, fills the disk, and ends the
//! process between two of them.

use super::{Read, StoreError};

/// What becomes of the process after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Lives,
    /// The commit is on disk and nobody is told, because there is nobody any more.
    Dies,
}

pub trait Witness: std::fmt::Debug + Send + Sync {
    /// Before a batch begins. An error is what the disk says to it.
    fn before(&self) -> Result<Fate, StoreError>;

    /// After each commit, with a view of what is on disk.
    fn after(&self, read: &Read) -> Fate;
}

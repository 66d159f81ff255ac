//! Leave for one machine to fetch one image, for as long as the work goes on that it was given for.

use serde::{Deserialize, Serialize};

/// Stored as a blob of the node, which goes with the row of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageGrant {
    /// Unguessable part of the address; each deploy has its own.
    pub key: String,
    /// The entry of the image cache.
    pub name: String,
}

//! Values that have another name in older versions.

use super::Quirk;
use super::history::Version;

/// A provision state under the name that it has at this version; none if it has no name.
pub fn state(state: &str, version: Version) -> Option<&str> {
    match state {
        "available" if !version.has(Quirk::AvailableHasAName) => None,
        "inspect wait" if !version.has(Quirk::InspectWaitHasAName) => Some("inspecting"),
        state => Some(state),
    }
}

//! Changes of behaviour between versions that are neither a field nor a route nor a verb.
//!
//! Each has a name and the version since which it holds; code asks `version.has(Quirk::…)`.

use super::history::{Version, v};

/// A behaviour that newer versions have and older ones do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// The state of a free node is called `available`; before, it had no name (null).
    AvailableHasAName,
    /// A name addresses a node.
    NodesHaveNames,
    /// A node's name need not be a host name.
    FreeNodeNames,
    /// New nodes start in `enroll`; before, they were free at once.
    NodesStartInEnroll,
    /// A node's chassis can be taken away.
    ChassisUnsettable,
    /// The state `inspect wait` is shown as such, and blocks changes of the node; before, it was `inspecting`.
    InspectWaitHasAName,
    /// A final `.json` belongs to the name; before, it was cut off.
    LiteralJsonSuffix,
    /// The connection of a port can be patched to be managed or not.
    NetworkType,
    /// A port group has a physical network, and its members have no other.
    PortgroupNetworks,
    /// JSON pointers of a patch may have any character.
    FreePatchPaths,
    /// A runbook has traits and a free name; before, its name was the trait.
    RunbooksHaveTraits,
    /// A BIOS setting is shown with what the vendor's registry knows of it.
    BiosRegistry,
    /// What is in a machine's virtual drives is shown; before, they were only filled and emptied.
    VirtualMediaShown,
    /// A lookup hands out a token.
    AgentTokens,
    /// Inspection reports are answered like a lookup. (Without a version they always worked.)
    InspectionReports,
}

impl Quirk {
    pub const ALL: &'static [(Quirk, Version)] = &[
        (Quirk::AvailableHasAName, v(2)),
        (Quirk::NodesHaveNames, v(5)),
        (Quirk::FreeNodeNames, v(10)),
        (Quirk::NodesStartInEnroll, v(11)),
        (Quirk::ChassisUnsettable, v(25)),
        (Quirk::InspectWaitHasAName, v(39)),
        (Quirk::LiteralJsonSuffix, v(91)),
        (Quirk::NetworkType, v(64)),
        (Quirk::PortgroupNetworks, v(102)),
        (Quirk::FreePatchPaths, v(98)),
        (Quirk::RunbooksHaveTraits, v(112)),
        (Quirk::BiosRegistry, v(74)),
        (Quirk::VirtualMediaShown, v(93)),
        (Quirk::AgentTokens, v(62)),
        (Quirk::InspectionReports, v(84)),
    ];
}

impl Version {
    /// Whether the behaviour holds at this version.
    pub fn has(self, quirk: Quirk) -> bool {
        Quirk::ALL.iter().any(|(row, since)| *row == quirk && self >= *since)
    }
}

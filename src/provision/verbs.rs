//! What a client may ask of a node's provisioning, as rows.
//!
//! At which API version a verb exists is the surface's business, not ours.

use super::table::Event;
use crate::model::FlowName;

/// Arguments that a verb takes beside its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerbArgs {
    None,
    /// `configdrive`, `deploy_steps`
    Deploy,
    /// `clean_steps` or `runbook`, `disable_ramdisk`
    Clean,
    /// `service_steps` or `runbook`, `disable_ramdisk`
    Service,
    /// `rescue_password`
    Rescue,
}

/// One word of `PUT …/states/provision {"target": …}`.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    pub target: &'static str,
    pub event: Event,
    /// The flow that it starts; none if the transition is all there is, or if it acts on a running flow.
    pub flow: Option<FlowName>,
    pub args: VerbArgs,
    /// Refused while the node is in maintenance.
    pub blocked_by_maintenance: bool,
}

#[rustfmt::skip]
pub const VERBS: &[Verb] = &[
    Verb { target: "manage",   event: Event::Manage,   flow: Some(FlowName::Verify),   args: VerbArgs::None,    blocked_by_maintenance: false },
    Verb { target: "provide",  event: Event::Provide,  flow: Some(FlowName::Clean),    args: VerbArgs::None,    blocked_by_maintenance: false },
    Verb { target: "inspect",  event: Event::Inspect,  flow: Some(FlowName::Inspect),  args: VerbArgs::None,    blocked_by_maintenance: false },
    Verb { target: "clean",    event: Event::Clean,    flow: Some(FlowName::Clean),    args: VerbArgs::Clean,   blocked_by_maintenance: true },
    Verb { target: "active",   event: Event::Deploy,   flow: Some(FlowName::Deploy),   args: VerbArgs::Deploy,  blocked_by_maintenance: true },
    Verb { target: "deploy",   event: Event::Deploy,   flow: Some(FlowName::Deploy),   args: VerbArgs::None,    blocked_by_maintenance: true },
    Verb { target: "rebuild",  event: Event::Rebuild,  flow: Some(FlowName::Deploy),   args: VerbArgs::Deploy,  blocked_by_maintenance: true },
    Verb { target: "deleted",  event: Event::Delete,   flow: Some(FlowName::Delete),   args: VerbArgs::None,    blocked_by_maintenance: false },
    Verb { target: "undeploy", event: Event::Delete,   flow: Some(FlowName::Delete),   args: VerbArgs::None,    blocked_by_maintenance: false },
    Verb { target: "adopt",    event: Event::Adopt,    flow: Some(FlowName::Adopt),    args: VerbArgs::None,    blocked_by_maintenance: false },
    Verb { target: "rescue",   event: Event::Rescue,   flow: Some(FlowName::Rescue),   args: VerbArgs::Rescue,  blocked_by_maintenance: true },
    Verb { target: "unrescue", event: Event::Unrescue, flow: Some(FlowName::Unrescue), args: VerbArgs::None,    blocked_by_maintenance: true },
    Verb { target: "service",  event: Event::Service,  flow: Some(FlowName::Service),  args: VerbArgs::Service, blocked_by_maintenance: true },
    Verb { target: "abort",    event: Event::Abort,    flow: None,                     args: VerbArgs::None,    blocked_by_maintenance: false },
    Verb { target: "unhold",   event: Event::Unhold,   flow: None,                     args: VerbArgs::None,    blocked_by_maintenance: false },
];

/// The row of a target word.
pub fn verb(target: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.target == target)
}

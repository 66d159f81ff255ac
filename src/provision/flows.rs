//! The nine processes as rows: which states each goes through. One runner walks them all.

use crate::model::{FlowName, State};

/// A process that takes a node from one stable state to another.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    pub name: FlowName,
    /// State while the engine works.
    pub running: State,
    /// State while it waits for the agent; flows without an agent have none.
    pub waiting: Option<State>,
    /// State while a `hold` step holds it.
    pub holding: Option<State>,
    /// Where a failure leads.
    pub failed: State,
    /// How long it may wait for the agent before it fails; which setting says so.
    pub timeout: Option<Timeout>,
    /// Whether an agent that calls, or can be asked, puts the end of that time off. An inspection waits for a report: a
    /// ramdisk that was booted for something else calls for ever and sends none.
    pub put_off: bool,
}

/// The settings that bound a wait for the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    Deploy,
    Clean,
    Inspect,
    Rescue,
    Service,
}

#[rustfmt::skip]
pub const FLOWS: &[Flow] = &[
    Flow { name: FlowName::Deploy,   running: State::Deploying,  waiting: Some(State::DeployWait),  holding: Some(State::DeployHold),  failed: State::DeployFailed,   timeout: Some(Timeout::Deploy),  put_off: true },
    Flow { name: FlowName::Clean,    running: State::Cleaning,   waiting: Some(State::CleanWait),   holding: Some(State::CleanHold),   failed: State::CleanFailed,    timeout: Some(Timeout::Clean),   put_off: true },
    Flow { name: FlowName::Service,  running: State::Servicing,  waiting: Some(State::ServiceWait), holding: Some(State::ServiceHold), failed: State::ServiceFailed,  timeout: Some(Timeout::Service), put_off: true },
    Flow { name: FlowName::Inspect,  running: State::Inspecting, waiting: Some(State::InspectWait), holding: None,                     failed: State::InspectFailed,  timeout: Some(Timeout::Inspect), put_off: false },
    Flow { name: FlowName::Rescue,   running: State::Rescuing,   waiting: Some(State::RescueWait),  holding: None,                     failed: State::RescueFailed,   timeout: Some(Timeout::Rescue),  put_off: true },
    Flow { name: FlowName::Unrescue, running: State::Unrescuing, waiting: None,                     holding: None,                     failed: State::UnrescueFailed, timeout: None,                   put_off: false },
    Flow { name: FlowName::Adopt,    running: State::Adopting,   waiting: None,                     holding: None,                     failed: State::AdoptFailed,    timeout: None,                   put_off: false },
    Flow { name: FlowName::Verify,   running: State::Verifying,  waiting: None,                     holding: None,                     failed: State::Enroll,         timeout: None,                   put_off: false },
    Flow { name: FlowName::Delete,   running: State::Deleting,   waiting: None,                     holding: None,                     failed: State::Error,          timeout: None,                   put_off: false },
];

/// The row of a flow; single acts (a power change, an allocation) have none.
pub fn flow(name: FlowName) -> Option<&'static Flow> {
    FLOWS.iter().find(|flow| flow.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::machine::next;
    use crate::provision::table::Event;

    #[test]
    fn the_rows_agree_with_the_transition_table() {
        for flow in FLOWS {
            assert_eq!(next(flow.running, Event::Fail), Some(flow.failed), "{:?}", flow.name);
            if let Some(waiting) = flow.waiting {
                assert_eq!(next(flow.running, Event::Wait), Some(waiting), "{:?}", flow.name);
                assert_eq!(next(waiting, Event::Resume), Some(flow.running), "{:?}", flow.name);
                assert_eq!(next(waiting, Event::Fail), Some(flow.failed), "{:?}", flow.name);
            }
            if let Some(holding) = flow.holding {
                assert_eq!(next(flow.running, Event::Hold), Some(holding), "{:?}", flow.name);
            }
        }
    }
}

//! All transitions between provision states: Ironic's 93, and no others.
//!
//! [`super::machine::next`] is the only reader. A node's state is never assigned anywhere else, so what is not a row
//! here cannot happen. A linear scan takes some 30 ns; a map would not be quicker and would not read as well.

use crate::model::State;
use crate::model::State::{
    Active, AdoptFailed, Adopting, Available, CleanFailed, CleanHold, CleanWait, Cleaning, Deleting, DeployFailed,
    DeployHold, DeployWait, Deploying, Enroll, Error, InspectFailed, InspectWait, Inspecting, Manageable, RescueFailed,
    RescueWait, Rescuing, ServiceFailed, ServiceHold, ServiceWait, Servicing, UnrescueFailed, Unrescuing, Verifying,
};
use crate::model::record::words;

words! {
    /// What may befall a node. The first eleven are asked for by clients, the rest come from within.
    pub enum Event {
        Manage = "manage",
        Provide = "provide",
        Clean = "clean",
        Inspect = "inspect",
        Adopt = "adopt",
        Deploy = "deploy",
        Rebuild = "rebuild",
        Delete = "delete",
        Rescue = "rescue",
        Unrescue = "unrescue",
        Service = "service",
        Abort = "abort",
        Unhold = "unhold",
        /// A step waits for the agent.
        Wait = "wait",
        /// The agent came back with a result.
        Resume = "resume",
        /// A `hold` step was reached.
        Hold = "hold",
        Done = "done",
        Fail = "fail",
    }
}

/// One transition.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub from: State,
    pub on: Event,
    pub to: State,
}

const fn row(from: State, on: Event, to: State) -> Row {
    Row { from, on, to }
}

use Event::{
    Abort, Adopt, Clean, Delete, Deploy, Done, Fail, Hold, Inspect, Manage, Provide, Rebuild, Resume, Service, Unhold,
    Unrescue, Wait,
};

#[rustfmt::skip]
pub const TRANSITIONS: &[Row] = &[
    row(Enroll, Manage, Verifying),
    row(Verifying, Done, Manageable),
    row(Verifying, Fail, Enroll),
    row(Manageable, Provide, Cleaning),
    row(Manageable, Clean, Cleaning),
    row(Manageable, Inspect, Inspecting),
    row(Manageable, Adopt, Adopting),
    // Giving a node back to the operator is a decision, not work: no flow runs.
    row(Available, Deploy, Deploying),
    row(Available, Manage, Manageable),
    row(Deploying, Fail, DeployFailed),
    row(Deploying, Wait, DeployWait),
    row(Deploying, Hold, DeployHold),
    row(Deploying, Done, Active),
    // The ramdisk is up or coming up. An abort leaves the instance data; only `deleted` wipes it.
    row(DeployWait, Hold, DeployHold),
    row(DeployWait, Resume, Deploying),
    row(DeployWait, Fail, DeployFailed),
    row(DeployWait, Abort, DeployFailed),
    row(DeployWait, Delete, Deleting),
    // Unhold goes through the wait state: the next heartbeat drives the following step.
    row(DeployHold, Unhold, DeployWait),
    row(DeployHold, Abort, DeployFailed),
    row(DeployFailed, Rebuild, Deploying),
    row(DeployFailed, Deploy, Deploying),
    row(DeployFailed, Delete, Deleting),
    // What an instance may go through without being deleted.
    row(Active, Rebuild, Deploying),
    row(Active, Delete, Deleting),
    row(Active, Event::Rescue, Rescuing),
    row(Active, Service, Servicing),
    // Tearing down always goes on to cleaning, which may be empty.
    row(Deleting, Fail, Error),
    row(Deleting, Clean, Cleaning),
    row(Error, Rebuild, Deploying),
    row(Error, Delete, Deleting),
    // `Manage` ends manual cleaning, and automated cleaning of a retired node. It has no verb: the row
    // exists so that the end of a flow is an event like any other.
    row(Cleaning, Done, Available),
    row(Cleaning, Fail, CleanFailed),
    row(Cleaning, Wait, CleanWait),
    row(Cleaning, Hold, CleanHold),
    row(Cleaning, Manage, Manageable),
    row(CleanWait, Fail, CleanFailed),
    row(CleanWait, Abort, CleanFailed),
    row(CleanWait, Hold, CleanHold),
    row(CleanWait, Resume, Cleaning),
    row(CleanHold, Abort, CleanFailed),
    row(CleanHold, Unhold, CleanWait),
    // Leaving a failed cleaning keeps maintenance and fault: a person must have looked.
    row(CleanFailed, Manage, Manageable),
    row(Inspecting, Done, Manageable),
    row(Inspecting, Fail, InspectFailed),
    row(Inspecting, Wait, InspectWait),
    row(InspectWait, Done, Manageable),
    row(InspectWait, Fail, InspectFailed),
    row(InspectWait, Abort, InspectFailed),
    row(InspectWait, Resume, Inspecting),
    row(InspectFailed, Manage, Manageable),
    row(InspectFailed, Inspect, Inspecting),
    row(Adopting, Done, Active),
    row(Adopting, Fail, AdoptFailed),
    row(AdoptFailed, Adopt, Adopting),
    row(AdoptFailed, Manage, Manageable),
    row(State::Rescue, Event::Rescue, Rescuing),
    row(State::Rescue, Delete, Deleting),
    row(State::Rescue, Unrescue, Unrescuing),
    row(Rescuing, Done, State::Rescue),
    row(Rescuing, Wait, RescueWait),
    row(Rescuing, Fail, RescueFailed),
    row(RescueWait, Resume, Rescuing),
    row(RescueWait, Fail, RescueFailed),
    row(RescueWait, Abort, RescueFailed),
    row(RescueWait, Delete, Deleting),
    row(RescueFailed, Event::Rescue, Rescuing),
    row(RescueFailed, Unrescue, Unrescuing),
    row(RescueFailed, Delete, Deleting),
    row(Unrescuing, Done, Active),
    row(Unrescuing, Fail, UnrescueFailed),
    row(UnrescueFailed, Event::Rescue, Rescuing),
    row(UnrescueFailed, Unrescue, Unrescuing),
    row(UnrescueFailed, Delete, Deleting),
    row(Servicing, Done, Active),
    row(Servicing, Fail, ServiceFailed),
    row(Servicing, Wait, ServiceWait),
    row(Servicing, Hold, ServiceHold),
    row(ServiceWait, Hold, ServiceHold),
    row(ServiceWait, Resume, Servicing),
    row(ServiceWait, Fail, ServiceFailed),
    row(ServiceWait, Abort, ServiceFailed),
    row(ServiceWait, Delete, Deleting),
    // An abort of a held service goes through `service failed` to `active`.
    row(ServiceHold, Service, Servicing),
    row(ServiceHold, Unhold, ServiceWait),
    row(ServiceHold, Fail, ServiceFailed),
    row(ServiceHold, Abort, ServiceFailed),
    // `Wait` and `Hold` let a late heartbeat pick a failed service up again.
    row(ServiceFailed, Service, Servicing),
    row(ServiceFailed, Event::Rescue, Rescuing),
    row(ServiceFailed, Wait, ServiceWait),
    row(ServiceFailed, Hold, ServiceHold),
    row(ServiceFailed, Delete, Deleting),
    row(ServiceFailed, Abort, Active),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_93_transitions_and_each_is_given_once() {
        assert_eq!(TRANSITIONS.len(), 93);
        for (i, a) in TRANSITIONS.iter().enumerate() {
            let twice = TRANSITIONS[i + 1..].iter().any(|b| b.from == a.from && b.on == a.on);
            assert!(!twice, "{} on {} is given twice", a.from, a.on);
        }
    }

    #[test]
    fn every_state_can_be_left() {
        for state in State::ALL {
            assert!(TRANSITIONS.iter().any(|row| row.from == *state), "{state} is a dead end");
        }
    }
}

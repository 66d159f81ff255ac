//! The provision states of a node, in the words of Ironic's API (`contract: states, section 1`).

use super::record::words;

words! {
    /// Where a node is in its life. Stable states have no target; the others are on the way to [`State::goal`].
    pub enum State {
        Enroll = "enroll",
        Verifying = "verifying",
        Manageable = "manageable",
        Available = "available",
        Active = "active",
        Error = "error",
        Rescue = "rescue",
        Deploying = "deploying",
        DeployWait = "wait call-back",
        DeployHold = "deploy hold",
        DeployFailed = "deploy failed",
        Deleting = "deleting",
        Cleaning = "cleaning",
        CleanWait = "clean wait",
        CleanHold = "clean hold",
        CleanFailed = "clean failed",
        Inspecting = "inspecting",
        InspectWait = "inspect wait",
        InspectFailed = "inspect failed",
        Adopting = "adopting",
        AdoptFailed = "adopt failed",
        Rescuing = "rescuing",
        RescueWait = "rescue wait",
        RescueFailed = "rescue failed",
        Unrescuing = "unrescuing",
        UnrescueFailed = "unrescue failed",
        Servicing = "servicing",
        ServiceWait = "service wait",
        ServiceHold = "service hold",
        ServiceFailed = "service failed",
    }
}

impl State {
    /// States in which a node rests: no target is shown.
    pub const fn is_stable(self) -> bool {
        matches!(
            self,
            State::Enroll | State::Manageable | State::Available | State::Active | State::Error | State::Rescue
        )
    }

    /// States that end by themselves, on the way to another one. Failed and held ones do not.
    pub const fn is_changing(self) -> bool {
        use State::*;
        matches!(
            self,
            Deploying
                | DeployWait
                | Cleaning
                | CleanWait
                | Verifying
                | Deleting
                | Inspecting
                | InspectWait
                | Adopting
                | Rescuing
                | RescueWait
                | Unrescuing
                | Servicing
                | ServiceWait
        )
    }

    /// The target shown while a node is in this state, unless a transition carries another one along
    /// (manual cleaning ends in `manageable`).
    pub const fn goal(self) -> Option<State> {
        use State::*;
        match self {
            Enroll | Manageable | Available | Active | Error | Rescue => None,
            Verifying | Inspecting | InspectWait | InspectFailed => Some(Manageable),
            Cleaning | CleanWait | CleanHold | CleanFailed | Deleting => Some(Available),
            Deploying | DeployWait | DeployHold | DeployFailed => Some(Active),
            Adopting | AdoptFailed | Unrescuing | UnrescueFailed => Some(Active),
            Servicing | ServiceWait | ServiceHold | ServiceFailed => Some(Active),
            Rescuing | RescueWait | RescueFailed => Some(Rescue),
        }
    }

    /// The agent is expected to call: lookups are answered and heartbeats drive the flow.
    pub const fn awaits_agent(self) -> bool {
        use State::*;
        matches!(self, DeployWait | CleanWait | InspectWait | RescueWait | ServiceWait)
    }

    pub const fn is_failed(self) -> bool {
        use State::*;
        matches!(
            self,
            DeployFailed | CleanFailed | InspectFailed | AdoptFailed | RescueFailed | UnrescueFailed | ServiceFailed
        )
    }

    /// A node on its way somewhere may be changed by clients only in these states (`contract: states`); one that rests
    /// may always be.
    pub const fn allows_update(self) -> bool {
        use State::*;
        matches!(
            self,
            DeployFailed
                | Inspecting
                | InspectFailed
                | InspectWait
                | CleanFailed
                | Error
                | Verifying
                | AdoptFailed
                | RescueFailed
                | UnrescueFailed
                | ServiceHold
                | ServiceFailed
        )
    }
}

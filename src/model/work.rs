//! Work that is owed: one row per thing that the engine has to carry on with, surviving every crash.
//!
//! A node has at most one live row that walks a flow (a partial unique index says so); while it is not waiting, the
//! node's reservation belongs to it. The cursor says exactly where the flow stands: `begun` is committed before a step's
//! first side effect, so that after a crash the engine knows what may have happened.

use jiff::Timestamp;
use uuid::Uuid;

use super::object::Object;
use super::record::{record, words};

words! {
    /// What is to be walked. The first nine are provisioning flows; the others are single acts.
    pub enum FlowName {
        Deploy = "deploy",
        Clean = "clean",
        Service = "service",
        Inspect = "inspect",
        Rescue = "rescue",
        Unrescue = "unrescue",
        Adopt = "adopt",
        Verify = "verify",
        Delete = "delete",
        /// A power change that a client asked for.
        Power = "power",
        /// An allocation whose candidates were all busy.
        Allocate = "allocate",
        /// A node resting in a state is kept alive by its agent (fast track): only heartbeats arrive.
        Passthru = "passthru",
    }
}

words! {
    /// The part of a flow.
    pub enum Stage {
        Prepare = "prepare",
        Step = "step",
        Finish = "finish",
        /// Cleaning up after a failure or an abort; the node's state already says so.
        Unwind = "unwind",
    }
}

words! {
    /// How far the present stage or step has come.
    pub enum Phase {
        /// Not begun: nothing has been done for it.
        Ready = "ready",
        /// Begun: side effects may have happened.
        Begun = "begun",
        /// Begun and waiting for somebody else (the agent); no reservation is held.
        Waiting = "waiting",
        /// Held by a `hold` step until a client says unhold.
        Held = "held",
    }
}

record! { "work" =>
    #[derive(Clone, Debug, PartialEq)]
    pub struct Work {
        pub id: i64,
        pub flow: FlowName,
        pub node_uuid: Option<Uuid>,
        pub allocation_uuid: Option<Uuid>,
        pub stage: Stage,
        /// Index in the step list; meaningful in [`Stage::Step`].
        pub step: i64,
        pub phase: Phase,
        /// How often the present stage or step was begun.
        pub attempt: i64,
        /// What the request gave: power target and timeout, manual steps, config drive reference, why an unwind.
        pub args: Object,
        /// What it waits for, in words for a person; null while it is not waiting.
        pub why: Option<String>,
        pub since: Timestamp,
        /// When the engine should look again even if nothing happens.
        pub due_at: Option<Timestamp>,
        /// When waiting turns into failure.
        pub deadline_at: Option<Timestamp>,
        /// The agent called since the engine last looked.
        pub heartbeat: bool,
        /// A client asked to abort; carried out when the present step allows it.
        pub abort_requested: bool,
        pub created_at: Timestamp,
    }
}

/// Where a flow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub stage: Stage,
    pub step: i64,
    pub phase: Phase,
}

impl Work {
    /// Work for a node that begins at the beginning.
    pub fn for_node(flow: FlowName, node_uuid: Uuid, now: Timestamp) -> Self {
        Work {
            id: 0,
            flow,
            node_uuid: Some(node_uuid),
            allocation_uuid: None,
            stage: Stage::Prepare,
            step: 0,
            phase: Phase::Ready,
            attempt: 0,
            args: Object::default(),
            why: None,
            since: now,
            due_at: None,
            deadline_at: None,
            heartbeat: false,
            abort_requested: false,
            created_at: now,
        }
    }

    pub fn cursor(&self) -> Cursor {
        Cursor { stage: self.stage, step: self.step, phase: self.phase }
    }

    /// Whether a client's change of power rides on it, while it waits or is held.
    pub fn has_power_change(&self) -> bool {
        self.args.get("power").is_some_and(|value| !value.is_null())
    }

    /// Waiting work holds no reservation.
    pub fn holds_reservation(&self) -> bool {
        self.node_uuid.is_some() && matches!(self.phase, Phase::Ready | Phase::Begun)
    }
}

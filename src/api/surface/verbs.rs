//! Since when the words of `PUT …/states/provision` and `PUT …/states/power` exist.
//!
//! What they do is in `provision::verbs` and `model::power`; here is only when a client may say them.

use super::history::{Version, v};
use crate::model::{PowerTarget, State};

/// A provisioning verb.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    pub target: &'static str,
    pub since: Version,
    /// Whether a client of an older version is refused before anything else is looked at (406). The others are refused
    /// after the node's state and the arguments have been judged.
    pub first: bool,
}

const fn verb(target: &'static str, since: u16) -> Verb {
    Verb { target, since: v(since), first: true }
}

const fn late(target: &'static str, since: u16) -> Verb {
    Verb { target, since: v(since), first: false }
}

pub static VERBS: &[Verb] = &[
    verb("active", 1),
    verb("deleted", 1),
    verb("rebuild", 1),
    // An alias of `deleted` that Ironic never checks.
    verb("undeploy", 1),
    verb("manage", 4),
    verb("provide", 4),
    verb("inspect", 6),
    verb("abort", 13),
    verb("clean", 15),
    verb("adopt", 17),
    verb("rescue", 38),
    verb("unrescue", 38),
    verb("deploy", 73),
    late("unhold", 85),
    late("service", 87),
];

/// States whose `abort` came later than the verb.
pub static LATE_ABORTS: &[(State, Version)] = &[(State::InspectWait, v(41)), (State::DeployWait, v(110))];

/// Power targets, all refused with 406 before their time.
pub static POWER_TARGETS: &[(PowerTarget, Version)] = &[
    (PowerTarget::On, v(1)),
    (PowerTarget::Off, v(1)),
    (PowerTarget::Reboot, v(1)),
    (PowerTarget::SoftReboot, v(27)),
    (PowerTarget::SoftOff, v(27)),
];

/// Whether the verb is unknown to this version, so that nothing else needs to be judged.
pub fn is_too_new(target: &str, version: Version) -> bool {
    VERBS.iter().any(|verb| verb.first && verb.target == target && verb.since > version)
}

/// Whether the verb is unknown to this version when used in this state, which is judged last.
pub fn is_too_new_here(target: &str, state: State, version: Version) -> bool {
    let late_verb = VERBS.iter().any(|verb| verb.target == target && verb.since > version);
    let late_abort = target == "abort" && LATE_ABORTS.iter().any(|(from, since)| *from == state && *since > version);
    late_verb || late_abort
}

/// Whether the power target exists at this version.
pub fn has_power_target(target: PowerTarget, version: Version) -> bool {
    POWER_TARGETS.iter().any(|(known, since)| *known == target && *since <= version)
}

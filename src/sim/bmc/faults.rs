//! How a simulated BMC can misbehave. All off by default.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::random::Random;

/// Which of a row of packets a fault hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    #[default]
    None,
    All,
    /// The next so many, then none.
    Next(u32),
    /// Every nth.
    Every(u32),
    /// Each with this chance, in percent.
    Percent(u8),
}

/// The knobs.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// As if unplugged: nothing is answered.
    pub silent: bool,
    pub ignore_ping: bool,
    /// Packets that are lost on the way in, and on the way out.
    pub lose_requests: Which,
    pub lose_answers: Which,
    /// Answers that are sent twice.
    pub double_answers: Which,
    /// Answers in which one byte is flipped.
    pub spoil_answers: Which,
    /// Requests that arrive twice.
    pub double_requests: Which,
    /// Every answer is this late, and up to half as much again.
    pub delay: Duration,
    /// Nobody's password is right.
    pub wrong_passwords: bool,
    /// Says nothing to a suite that it does not have, rather than that it has it not.
    pub silent_to_other_suites: bool,
    /// Answers with these algorithms whatever was asked for.
    pub other_algorithms: Option<[u8; 3]>,
    /// Answers commands in clear, as somebody in between would who lacks the keys.
    pub answers_in_clear: bool,
    /// No room for another session.
    pub full: bool,
    /// Commands answered with "node busy".
    pub busy: Which,
    /// Power commands are refused with this completion code.
    pub refuse_power: Option<u8>,
    /// Power commands are taken and not carried out.
    pub ignore_power: bool,
    /// What is said of the power, whatever it is.
    pub claim_power: Option<bool>,
    /// How long the supply takes.
    pub power_delay: Duration,
    /// How long the operating system takes to shut down when the button is pressed; never, if absent.
    pub soft_off: Option<Duration>,
}

/// Which fault a [`Which`] is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Hit {
    LoseRequest,
    LoseAnswer,
    DoubleAnswer,
    SpoilAnswer,
    DoubleRequest,
    Busy,
}

/// The knobs behind a lock, and how often each was asked.
#[derive(Clone, Default)]
pub(super) struct Knobs(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    faults: Faults,
    asked: HashMap<Hit, u32>,
}

impl Knobs {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&Faults) -> T) -> T {
        look(&self.lock().faults)
    }

    pub(super) fn change(&self, turn: impl FnOnce(&mut Faults)) {
        turn(&mut self.lock().faults);
    }

    /// Whether this packet is hit.
    pub(super) fn hits(&self, hit: Hit, random: &Random) -> bool {
        let mut inner = self.lock();
        let Inner { faults, asked } = &mut *inner;
        let which = match hit {
            Hit::LoseRequest => &mut faults.lose_requests,
            Hit::LoseAnswer => &mut faults.lose_answers,
            Hit::DoubleAnswer => &mut faults.double_answers,
            Hit::SpoilAnswer => &mut faults.spoil_answers,
            Hit::DoubleRequest => &mut faults.double_requests,
            Hit::Busy => &mut faults.busy,
        };
        match which {
            Which::None => false,
            Which::All => true,
            Which::Next(0) => false,
            Which::Next(left) => {
                *left -= 1;
                true
            }
            Which::Every(n) => {
                let count = asked.entry(hit).or_default();
                *count = count.wrapping_add(1);
                *n != 0 && count.is_multiple_of(*n)
            }
            Which::Percent(chance) => random.below(100) < u64::from(*chance),
        }
    }
}

//! Leaving alone a BMC that stumbles. Some crash for good when they are asked again and again, and none gets well by it.
//!
//! ```text
//!   well ── a command fails ─► resting: polls are refused here, nothing is sent ── the rest is over ─► one poll may try
//!     ▲                          ▲                                                                      │
//!     └── any answer ────────────┼──────────────────────────────────── it answers ◄─────────────────────┤
//!                                └────────────── it fails: the next rest is twice as long, to a bound ◄─┘
//! ```
//! Only polling rests. A person's command is sent at once, whatever is known of the BMC; its answer is as good as a poll's,
//! its failure makes no rest longer. One breaker for an address, because the BMC is what stumbles and not an account on it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::{IpmiError, is_passing};
use super::session::Answer;
use crate::clock::{Clock, Instant, Timestamp};
use crate::random::Random;

/// BMCs that stumble or did so lately; of more, the one that was heard of longest ago is forgotten.
const REMEMBERED: usize = 8192;

/// A BMC that does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stumbling {
    pub since: Timestamp,
    /// Commands that failed in a row, polls and others.
    pub failures: u32,
    /// When polling asks it again; commands of clients do at any time.
    pub next_poll_at: Timestamp,
    /// What the last of them ended with.
    pub reason: String,
}

/// Host and port.
pub(super) type Address = (String, u16);

/// See the head of this file.
pub(super) struct Breakers {
    clock: Clock,
    random: Random,
    first_rest: Duration,
    longest_rest: Duration,
    of: Mutex<BTreeMap<Address, Breaker>>,
}

struct Breaker {
    shown: Stumbling,
    /// The length of this rest, before chance is added.
    rest: Duration,
    until: Instant,
    /// Whether a poll was let through to see whether the BMC answers again.
    probing: bool,
    /// Since when it answers again. Who stumbles soon after that had not got well.
    well_since: Option<Instant>,
}

impl Breaker {
    fn left_alone(&self) -> IpmiError {
        let Stumbling { failures, next_poll_at, reason, .. } = self.shown.clone();
        IpmiError::LeftAlone { failures, until: next_poll_at, reason }
    }
}

impl Breakers {
    pub(super) fn new(clock: Clock, random: Random, first_rest: Duration, longest_rest: Duration) -> Self {
        Breakers { clock, random, first_rest, longest_rest, of: Mutex::default() }
    }

    /// Whether a poll may be sent now. After a rest one may; the others wait for what becomes of it.
    pub(super) fn admit_poll(&self, address: &Address) -> Result<(), IpmiError> {
        let mut of = self.lock();
        let Some(breaker) = of.get_mut(address).filter(|breaker| breaker.well_since.is_none()) else { return Ok(()) };
        let now = self.clock.instant();
        if now < breaker.until {
            return Err(breaker.left_alone());
        }
        (breaker.until, breaker.probing) = (now + self.first_rest, true);
        Ok(())
    }

    /// As [`Breakers::admit_poll`], and nothing is made of it yet.
    pub(super) fn is_resting(&self, address: &Address) -> Result<(), IpmiError> {
        match self.lock().get(address) {
            Some(breaker) if breaker.well_since.is_none() && self.clock.instant() < breaker.until => {
                Err(breaker.left_alone())
            }
            _ => Ok(()),
        }
    }

    /// Takes note of how a command ended.
    pub(super) fn take_in(&self, address: &Address, result: &Result<Answer, IpmiError>) {
        let failure = match result {
            Ok(answer) if is_passing(answer.completion) => "it is always busy".to_owned(),
            Ok(_) => return self.answered(address),
            Err(error) if is_stumble(error) => error.to_string(),
            Err(IpmiError::Refused { .. } | IpmiError::Unsupported(_)) => return self.answered(address),
            // Not the BMC's doing.
            Err(_) => return,
        };
        self.stumbled(address, failure);
    }

    /// The BMC did not do what it should.
    pub(super) fn stumbled(&self, address: &Address, reason: String) {
        let (now, wall) = (self.clock.instant(), self.clock.now());
        let mut of = self.lock();
        self.make_room(&mut of, address, now);
        let new = || Breaker {
            shown: Stumbling { since: wall, failures: 0, next_poll_at: wall, reason: String::new() },
            rest: Duration::ZERO,
            until: now,
            probing: true,
            well_since: None,
        };
        let breaker = of.entry(address.clone()).or_insert_with(new);
        if let Some(since) = breaker.well_since.take() {
            if now - since >= self.first_rest {
                *breaker = new();
            }
            breaker.probing = true;
        }
        let begins = breaker.shown.failures == 0;
        breaker.shown.failures = breaker.shown.failures.saturating_add(1);
        // What fails during a rest is a client's command: that BMC was not polled too often.
        if std::mem::take(&mut breaker.probing) {
            breaker.rest = (breaker.rest * 2).clamp(self.first_rest, self.longest_rest);
            let rest = self.random.jitter(breaker.rest);
            breaker.until = now + rest;
            breaker.shown.next_poll_at = wall.checked_add(rest).unwrap_or(wall);
        }
        let Stumbling { failures, next_poll_at, .. } = breaker.shown;
        if begins {
            tracing::warn!(bmc = %address.0, reason, %next_poll_at, "a BMC stumbles; it is polled less often until it answers");
        } else {
            tracing::debug!(bmc = %address.0, reason, failures, %next_poll_at, "a BMC still stumbles");
        }
        breaker.shown.reason = reason;
    }

    fn answered(&self, address: &Address) {
        let mut of = self.lock();
        let Some(breaker) = of.get_mut(address).filter(|breaker| breaker.well_since.is_none()) else { return };
        breaker.well_since = Some(self.clock.instant());
        let Stumbling { failures, since, .. } = breaker.shown;
        tracing::info!(bmc = %address.0, failures, %since, "a BMC that stumbled answers again");
    }

    /// What is known of a BMC; none if it is well.
    pub(super) fn of(&self, address: &Address) -> Option<Stumbling> {
        self.lock().get(address).filter(|breaker| breaker.well_since.is_none()).map(|breaker| breaker.shown.clone())
    }

    /// All that stumble.
    pub(super) fn all(&self) -> Vec<(Address, Stumbling)> {
        let of = self.lock();
        let stumbling = of.iter().filter(|(_, breaker)| breaker.well_since.is_none());
        stumbling.map(|(address, breaker)| (address.clone(), breaker.shown.clone())).collect()
    }

    /// Forgets those that are well, and those of which nobody has spoken for long: their nodes are gone.
    fn make_room(&self, of: &mut BTreeMap<Address, Breaker>, address: &Address, now: Instant) {
        if of.len() < REMEMBERED || of.contains_key(address) {
            return;
        }
        of.retain(|_, breaker| {
            breaker.well_since.is_none_or(|since| now - since < self.first_rest)
                && now < breaker.until + self.longest_rest
        });
        while of.len() >= REMEMBERED {
            let Some(oldest) = of.iter().min_by_key(|(_, breaker)| breaker.until).map(|(at, _)| at.clone()) else {
                break;
            };
            of.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Address, Breaker>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error says that something is wrong with the BMC. A wrong password counts: repeating it locks accounts.
fn is_stumble(error: &IpmiError) -> bool {
    match error {
        IpmiError::Unreachable { .. }
        | IpmiError::TimedOut { .. }
        | IpmiError::SessionRefused { .. }
        | IpmiError::BadCredentials { .. }
        | IpmiError::Garbled(_) => true,
        IpmiError::Refused { code, .. } => is_passing(*code),
        IpmiError::Unsupported(_)
        | IpmiError::Misconfigured(_)
        | IpmiError::LeftAlone { .. }
        | IpmiError::NoRoom(_)
        | IpmiError::Stopping => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(60);
    const LONGEST: Duration = Duration::from_secs(900);

    fn breakers() -> Breakers {
        let clock = Clock::virtual_from(crate::clock::from_micros(1_000_000));
        Breakers::new(clock, Random::seeded(5), FIRST, LONGEST)
    }

    fn bmc(n: usize) -> Address {
        (format!("bmc-{n}"), 623)
    }

    fn silence() -> Result<Answer, IpmiError> {
        Err(IpmiError::TimedOut { at: "a command", maybe_done: false })
    }

    fn answer() -> Result<Answer, IpmiError> {
        Ok(Answer { completion: 0, data: vec![] })
    }

    /// Polls every second for an hour; how many were sent in each ten minutes.
    async fn an_hour(breakers: &Breakers, mut answers: impl FnMut(u32) -> Result<Answer, IpmiError>) -> [u32; 6] {
        let mut sent = [0; 6];
        for second in 0..3600 {
            if breakers.admit_poll(&bmc(1)).is_ok() {
                sent[second as usize / 600] += 1;
                breakers.take_in(&bmc(1), &answers(second));
            }
            breakers.clock.sleep(Duration::from_secs(1)).await;
        }
        sent
    }

    #[tokio::test(start_paused = true)]
    async fn a_bmc_that_stumbles_is_polled_less_and_less_and_one_that_answers_always() {
        let sent = an_hour(&breakers(), |_| silence()).await;
        assert!((3..=8).contains(&sent[0]), "{sent:?}");
        assert!(sent[1..].iter().all(|&polls| polls <= 2), "{sent:?}");
        let total: u32 = sent.iter().sum();
        assert!(total >= 3600 / (900 * 3 / 2) + 3, "it is still asked now and then: {sent:?}");
        assert_eq!(an_hour(&breakers(), |_| answer()).await, [600; 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_the_rest_at_once_and_what_fails_meanwhile_makes_it_no_longer() {
        let breakers = breakers();
        breakers.take_in(&bmc(1), &silence());
        let first = breakers.of(&bmc(1)).map(|it| it.next_poll_at);
        for _ in 0..50 {
            breakers.clock.sleep(Duration::from_millis(1)).await;
        }
        assert!(matches!(breakers.admit_poll(&bmc(1)), Err(IpmiError::LeftAlone { failures: 1, .. })));
        assert_eq!(breakers.admit_poll(&bmc(2)), Ok(()), "another BMC is none of its business");
        assert_eq!(breakers.of(&bmc(1)).map(|it| it.next_poll_at), first);
        breakers.take_in(&bmc(1), &answer());
        assert_eq!((breakers.admit_poll(&bmc(1)), breakers.of(&bmc(1))), (Ok(()), None));
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_fail_during_a_long_rest_do_not_move_its_end() {
        let breakers = breakers();
        let mut polls = 0;
        while polls < 5 {
            if breakers.admit_poll(&bmc(1)).is_ok() {
                breakers.take_in(&bmc(1), &silence());
                polls += 1;
            }
            breakers.clock.sleep(Duration::from_secs(1)).await;
        }
        let before = breakers.of(&bmc(1)).map(|it| it.next_poll_at);
        for _ in 0..100 {
            breakers.take_in(&bmc(1), &silence());
        }
        let after = breakers.of(&bmc(1));
        assert_eq!(after.as_ref().map(|it| it.next_poll_at), before);
        assert_eq!(after.map(|it| it.failures), Some(105));
    }

    #[tokio::test(start_paused = true)]
    async fn one_answer_between_two_failures_is_no_recovery() {
        let breakers = breakers();
        // Answers as one should, and what it says makes no sense: every poll ends in both.
        let mut sent = 0;
        for _ in 0..3600 {
            if breakers.admit_poll(&bmc(1)).is_ok() {
                sent += 1;
                breakers.take_in(&bmc(1), &answer());
                breakers.stumbled(&bmc(1), "nonsense".to_owned());
            }
            breakers.clock.sleep(Duration::from_secs(1)).await;
        }
        assert!(sent < 15, "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_is_never_longer_than_the_longest_and_ends_with_one_poll() {
        let breakers = breakers();
        let mut polls = 0;
        while polls < 12 {
            breakers.clock.sleep(Duration::from_secs(10)).await;
            if breakers.admit_poll(&bmc(1)).is_err() {
                continue;
            }
            assert_eq!(breakers.admit_poll(&bmc(1)).is_ok(), polls == 0, "others wait for what becomes of the first");
            breakers.take_in(&bmc(1), &silence());
            polls += 1;
            let next = breakers.of(&bmc(1)).map(|it| it.next_poll_at.duration_since(breakers.clock.now()).as_secs());
            assert!(next.is_some_and(|secs| secs <= 900 * 3 / 2), "after {polls} polls: {next:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let breakers = breakers();
        for n in 0..REMEMBERED + 50 {
            breakers.take_in(&bmc(n), &silence());
        }
        assert_eq!(breakers.all().len(), REMEMBERED);
    }
}

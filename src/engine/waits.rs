//! Waits are written down in wall time, so that they outlive the process. A wall clock that somebody sets must neither end
//! them nor make them last: a machine without a clock of its own starts in the past and leaps to today when it finds a time
//! server, with deployments under way.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use crate::clock::{Clock, Instant};
use crate::model::Work;
use crate::service::{Rules, flow};
use crate::store::{StoreError, Tx, work};

/// Less is a clock that is being steered, or a look that came late.
const LEAP: SignedDuration = SignedDuration::from_secs(30);

/// What both clocks showed when they were looked at last.
pub struct Waits {
    wall: Timestamp,
    instant: Instant,
    /// Nobody knows what the clock did while no process of ours ran.
    first: bool,
}

impl Waits {
    pub fn new(clock: &Clock) -> Self {
        Waits { wall: clock.now(), instant: clock.instant(), first: true }
    }

    /// Moves what is waited for along with a clock that was set. To be called before each look at what is due.
    pub async fn mind(&mut self, engine: &Engine) -> Result<(), StoreError> {
        let (wall, instant) = (engine.env.clock.now(), engine.env.clock.instant());
        let passed: Duration = instant.saturating_duration_since(self.instant);
        let expected = self.wall.checked_add(passed).unwrap_or(wall);
        let leap = wall.duration_since(expected);
        let rules = engine.rules.clone();
        let moved = if leap > LEAP {
            engine.store.write(move |tx| set_forward(tx, expected, leap, &rules)).await?
        } else if self.first || leap < -LEAP {
            engine.store.write(move |tx| set_back(tx, wall, &rules)).await?
        } else {
            0
        };
        if moved > 0 || leap.abs() > LEAP {
            tracing::warn!(by_secs = leap.as_secs(), moved, "the clock was set; what is waited for was moved along");
        }
        (self.wall, self.instant, self.first) = (wall, instant, false);
        Ok(())
    }
}

/// The wall clock shows `leap` more than it should, after it had shown `expected`. How many waits were moved along.
///
/// What began after the leap has a later beginning, and is as it should be. A wait whose deadline was put off after it has
/// an earlier one, and has its whole time already.
fn set_forward(tx: &Tx, expected: Timestamp, leap: SignedDuration, rules: &Rules) -> Result<usize, StoreError> {
    let moved = work::postpone(tx, expected, leap)?;
    bound(tx, tx.now(), rules)?;
    Ok(moved)
}

/// The wall clock shows `wall`, and may have shown more. How many waits were moved along.
fn set_back(tx: &Tx, wall: Timestamp, rules: &Rules) -> Result<usize, StoreError> {
    bound(tx, wall, rules)
}

/// Nothing has begun later than `now`, no wait has more left than one that begins now, and what was to be looked at later is
/// looked at now, which does no harm. How many waits had more, or began later.
///
/// A deadline is bounded and not moved: a heartbeat may have put it off, by the clock as it was before it was set or as it
/// is now, and the beginning of the wait tells neither.
fn bound(tx: &Tx, now: Timestamp, rules: &Rules) -> Result<usize, StoreError> {
    let mut bounded = 0;
    for owed in work::all(tx)? {
        let (whole, early) = (flow::deadline(tx, owed.flow, rules), owed.since.duration_since(now));
        let own = |at: Timestamp| at.checked_sub(early.max(SignedDuration::ZERO)).unwrap_or(at);
        let deadline_at = owed.deadline_at.map(|at| whole.map_or_else(|| own(at), |whole| at.min(whole)));
        let (since, due_at) = (owed.since.min(now), owed.due_at.map(|at| at.min(now)));
        bounded += usize::from(deadline_at != owed.deadline_at || since != owed.since);
        work::update(tx, &owed, &Work { since, deadline_at, due_at, ..owed.clone() })?;
    }
    Ok(bounded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FlowName, Phase};
    use crate::random::Random;
    use crate::store::{Options, Store};

    fn open(dir: &std::path::Path, clock: &Clock) -> Result<Store, StoreError> {
        let options = Options { inline: true, ..Options::new(clock.clone(), Random::seeded(1)) };
        Store::open(&dir.join("store"), options)
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_has_no_more_than_its_whole_time_left_when_the_clock_is_set_back() -> anyhow::Result<()> {
        let (dir, clock) = (tempfile::tempdir()?, Clock::virtual_from("2026-01-01T12:00:00Z".parse()?));
        let store = open(dir.path(), &clock)?;
        let now = clock.now();
        let (whole, found) = store
            .write(move |tx| {
                let rules = Rules::default();
                let whole = flow::deadline(tx, FlowName::Clean, &rules);
                // The clock was two hours ahead; the agent called until now, whether that was for one hour or for three.
                for began in [now + SignedDuration::from_hours(1), now - SignedDuration::from_hours(1)] {
                    let mut owed = Work::for_node(FlowName::Clean, Default::default(), began);
                    (owed.node_uuid, owed.phase) = (None, Phase::Waiting);
                    owed.deadline_at = whole.map(|at| at + SignedDuration::from_hours(2));
                    work::insert(tx, &owed)?;
                }
                assert_eq!(set_back(tx, now, &rules)?, 2);
                Ok::<_, StoreError>((whole, work::all(tx)?))
            })
            .await?;
        assert_eq!(found.iter().map(|owed| owed.deadline_at).collect::<Vec<_>>(), [whole, whole]);
        assert!(found.iter().all(|owed| owed.since <= now));
        Ok(())
    }

    /// The agent called between the clock's leap and our look at it. What has no rule for its time lasts as long as it should.
    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_put_off_after_the_clock_was_set_back_is_not_cut_short() -> anyhow::Result<()> {
        let (dir, clock) = (tempfile::tempdir()?, Clock::virtual_from("2026-01-01T12:00:00Z".parse()?));
        let store = open(dir.path(), &clock)?;
        let (now, ahead, minute) = (clock.now(), SignedDuration::from_mins(10), SignedDuration::from_mins(1));
        let (whole, found) = store
            .write(move |tx| {
                let rules = Rules::default();
                let whole = flow::deadline(tx, FlowName::Clean, &rules);
                for (flow, deadline_at) in [
                    (FlowName::Clean, whole),
                    (FlowName::Allocate, Some(now + ahead + minute)),
                    (FlowName::Clean, None),
                ] {
                    let mut owed = Work::for_node(flow, Default::default(), now + ahead);
                    (owed.node_uuid, owed.phase, owed.deadline_at) = (None, Phase::Waiting, deadline_at);
                    work::insert(tx, &owed)?;
                }
                assert_eq!(set_back(tx, now, &rules)?, 3);
                Ok::<_, StoreError>((whole, work::all(tx)?))
            })
            .await?;
        let ends: Vec<_> = found.iter().map(|owed| owed.deadline_at).collect();
        assert_eq!(ends, [whole, Some(now + minute), None]);
        assert!(found.iter().all(|owed| owed.since == now), "{found:?}");
        Ok(())
    }

    /// The agent called between the leap and our look at the clock.
    #[tokio::test(start_paused = true)]
    async fn a_wait_that_was_put_off_after_the_clock_was_set_forward_is_not_put_off_again() -> anyhow::Result<()> {
        let (dir, clock) = (tempfile::tempdir()?, Clock::virtual_from("2026-01-01T12:00:00Z".parse()?));
        let store = open(dir.path(), &clock)?;
        let (leap, minute) = (SignedDuration::from_hours(9000), SignedDuration::from_mins(1));
        let expected = clock.now() - leap;
        let (whole, found) = store
            .write(move |tx| {
                let rules = Rules::default();
                let whole = flow::deadline(tx, FlowName::Clean, &rules);
                for (deadline_at, due_at) in
                    [(whole, tx.now() + minute), (whole.map(|at| at - leap - minute), expected)]
                {
                    let mut owed = Work::for_node(FlowName::Clean, Default::default(), expected - minute);
                    (owed.node_uuid, owed.phase) = (None, Phase::Waiting);
                    (owed.deadline_at, owed.due_at) = (deadline_at, Some(due_at));
                    work::insert(tx, &owed)?;
                }
                assert_eq!(set_forward(tx, expected, leap, &rules)?, 2);
                Ok::<_, StoreError>((whole, work::all(tx)?))
            })
            .await?;
        let ends: Vec<_> = found.iter().map(|owed| owed.deadline_at).collect();
        assert_eq!(ends, [whole, whole.map(|at| at - minute)]);
        assert!(found.iter().all(|owed| owed.due_at.is_some_and(|at| at <= clock.now())), "{found:?}");
        Ok(())
    }
}

//! Waits are written down in wall time, so that they outlive the process. A wall clock that somebody sets must neither end
//! them nor make them last: a machine without a clock of its own starts in the past and leaps to today when it finds a time
//! server, with deployments under way.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Engine;
use crate::clock::{Clock, Instant};
use crate::store::{StoreError, work};

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
        let moved = if leap > LEAP {
            // What began after the leap has a later beginning, and is as it should be.
            engine.store.write(move |tx| work::postpone(tx, expected, leap)).await?
        } else if self.first || leap < -LEAP {
            engine.store.write(move |tx| work::begin_by(tx, wall)).await?
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

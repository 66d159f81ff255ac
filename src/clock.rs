//! The one source of time.
//!
//! Wall time is what rows, logs and clients see; monotonic time is what waits are measured with. Both come from a
//! [`Clock`], so that a simulated world can run on paused time: its wall clock is an origin plus the runtime's own
//! (virtual) monotonic clock, and the two never drift apart. Nothing else in the crate may ask the system for the time.

use std::sync::Arc;
use std::time::Duration;

pub use jiff::Timestamp;
pub use tokio::time::Instant;

/// Hands out wall and monotonic time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System,
    /// Wall time `origin` was at `started`; afterwards it advances with the runtime's clock.
    Virtual {
        origin: Timestamp,
        started: Instant,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Clock(Arc::new(Source::System))
    }

    /// A wall clock that starts at `origin` and follows the runtime's (possibly paused) monotonic clock.
    pub fn virtual_from(origin: Timestamp) -> Self {
        Clock(Arc::new(Source::Virtual { origin, started: monotonic() }))
    }

    /// Wall time, UTC.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System => system_now(),
            Source::Virtual { origin, started } => {
                // Saturating: a simulated century is not worth a panic.
                origin.checked_add(monotonic() - *started).unwrap_or(*origin)
            }
        }
    }

    /// Monotonic time, for deadlines and durations.
    pub fn instant(&self) -> Instant {
        monotonic()
    }

    /// Waits for `duration` of monotonic time.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// The monotonic instant at which the wall clock will show `at` if nobody sets it; now if that has passed.
    pub fn instant_at(&self, at: Timestamp) -> Instant {
        let left = at.duration_since(self.now());
        monotonic() + Duration::try_from(left).unwrap_or(Duration::ZERO)
    }
}

#[expect(clippy::disallowed_methods, reason = "this file is where time enters")]
fn monotonic() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this file is where time enters")]
fn system_now() -> Timestamp {
    Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Microseconds since 1970, the form in which rows keep a time.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The inverse of [`micros`]; a value out of range is the epoch.
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time in UTC as Ironic writes those that carry no zone.
pub fn without_zone(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_virtual_wall_clock_follows_paused_time() {
        let clock = Clock::virtual_from(from_micros(1_000_000));
        clock.sleep(Duration::from_secs(90)).await;
        assert_eq!(micros(clock.now()), 91_000_000);
    }
}

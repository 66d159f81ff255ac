//! The one source of time.
//!
//! Wall time is what rows, logs and clients see; monotonic time is what waits are measured with. Both come from a
//! [`Clock`], so that a simulated world can run on paused time: its wall clock is an origin plus the runtime's own
//! (virtual) monotonic clock, and the two drift apart only when somebody sets it ([`Clock::jump`]). Nothing else in the
//! crate may ask the system for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
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
        /// By how many microseconds somebody has set it since.
        set_by: AtomicI64,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Clock(Arc::new(Source::System))
    }

    /// A wall clock that starts at `origin` and follows the runtime's (possibly paused) monotonic clock.
    pub fn virtual_from(origin: Timestamp) -> Self {
        Clock(Arc::new(Source::Virtual { origin, started: monotonic(), set_by: AtomicI64::new(0) }))
    }

    /// Wall time, UTC.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System => system_now(),
            Source::Virtual { origin, started, set_by } => {
                let set_by = jiff::SignedDuration::from_micros(set_by.load(Ordering::Relaxed));
                // Saturating: a simulated century is not worth a panic.
                let at = origin.checked_add(monotonic() - *started).and_then(|at| at.checked_add(set_by));
                at.unwrap_or(*origin)
            }
        }
    }

    /// Sets a virtual wall clock forward, or back, as somebody does who corrects a machine's. The system's is not ours to set.
    pub fn jump(&self, by: jiff::SignedDuration) {
        if let Source::Virtual { set_by, .. } = &*self.0 {
            set_by.fetch_add(i64::try_from(by.as_micros()).unwrap_or(0), Ordering::Relaxed);
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
        clock.jump(jiff::SignedDuration::from_secs(-30));
        assert_eq!(micros(clock.now()), 61_000_000);
    }
}

//! Calls to hardware that are under way: until when each may last. What waits in the store has its deadline there; a call
//! has no row, and would have none before it is over.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Inner, Trace};
use crate::clock::Timestamp;

/// A call; it is over when this is dropped.
pub struct Calling(Option<(Arc<Inner>, Uuid, u64)>);

impl Trace {
    /// A call about a node begins, which ends within this time by itself.
    pub fn calling(&self, node: Uuid, within: Duration) -> Calling {
        let Some(inner) = &self.0 else { return Calling(None) };
        let now = inner.clock.now();
        let until = now.checked_add(within).unwrap_or(now);
        let mut book = inner.book();
        book.last_call += 1;
        let id = book.last_call;
        book.calls.insert((node, id), until);
        Calling(Some((inner.clone(), node, id)))
    }

    /// When the last of the calls about a node that are under way is given up.
    pub fn calls_end(&self, node: Uuid) -> Option<Timestamp> {
        let book = self.0.as_ref()?.book();
        book.calls.range((node, 0)..=(node, u64::MAX)).map(|(_, until)| *until).max()
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        if let Some((inner, node, id)) = &self.0 {
            inner.book().calls.remove(&(*node, *id));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn the_last_call_that_is_under_way_says_until_when() {
        let clock = Clock::system();
        let (trace, node, other) = (Trace::new(clock.clone()), Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(trace.calls_end(node), None);
        let long = trace.calling(node, Duration::from_secs(500));
        let short = trace.calling(node, Duration::from_secs(5));
        let left = |node| trace.calls_end(node).map(|at| at.duration_since(clock.now()).as_secs());
        assert!(left(node).is_some_and(|secs| (400..=500).contains(&secs)));
        assert_eq!(left(other), None);
        drop(long);
        assert!(left(node).is_some_and(|secs| secs <= 5));
        drop(short);
        assert_eq!(left(node), None);
    }
}

//! News of commits that touched work: what the engine and waiting requests sleep on.
//!
//! A counter and those who wait for it to grow. Whoever waits is woken in the order in which he began to wait. That is why this
//! is not tokio's watch channel: it wakes several waiters in an order by chance, and no seed would repeat it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Tells of changes. All clones tell of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    count: AtomicU64,
    waiting: Notify,
}

impl Changes {
    /// Wakes all who wait.
    pub(super) fn tell(&self) {
        self.0.count.fetch_add(1, Ordering::AcqRel);
        self.0.waiting.notify_waiters();
    }

    /// Hears of what is told from now on.
    pub(super) fn listen(&self) -> Changed {
        let heard = self.0.count.load(Ordering::Acquire);
        Changed { shared: self.0.clone(), heard }
    }
}

/// Hears of changes.
#[derive(Debug)]
pub struct Changed {
    shared: Arc<Shared>,
    heard: u64,
}

impl Changed {
    /// How many there were since the store was opened.
    pub fn count(&self) -> u64 {
        self.shared.count.load(Ordering::Acquire)
    }

    /// Whether there was one that this has not heard of.
    pub fn has_changed(&self) -> bool {
        self.count() != self.heard
    }

    /// From now on only what comes is new.
    pub fn mark_unchanged(&mut self) {
        self.heard = self.count();
    }

    /// Waits for a change that this has not heard of. It can be given up and called again, and misses nothing.
    pub async fn changed(&mut self) {
        let shared = self.shared.clone();
        loop {
            // Begun before the counter is looked at, so that what is told in between is heard.
            let woken = shared.waiting.notified();
            if self.has_changed() {
                return self.mark_unchanged();
            }
            woken.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::task::JoinSet;

    use super::*;

    #[tokio::test]
    async fn all_who_wait_are_woken_in_their_order_and_what_was_told_before_is_heard() {
        let changes = Changes::default();
        let mut early = changes.listen();
        changes.tell();
        assert!(early.has_changed() && early.count() == 1);
        early.changed().await;
        assert!(!early.has_changed());
        let (order, mut waiting) = (Arc::new(Mutex::new(Vec::new())), JoinSet::new());
        for name in 0..20 {
            let (mut changed, order) = (changes.listen(), order.clone());
            waiting.spawn(async move {
                changed.changed().await;
                order.lock().map(|mut order| order.push(name)).is_ok()
            });
            tokio::task::yield_now().await;
        }
        changes.tell();
        assert!(waiting.join_all().await.into_iter().all(|kept| kept));
        assert_eq!(order.lock().ok().map(|it| it.clone()), Some((0..20).collect::<Vec<_>>()));
    }
}

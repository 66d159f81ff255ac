//! A number of places (or bytes) of which nobody may have more than a part, so that one greedy address leaves room for others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// See the head of this file. Who waits, waits in turn; each source in its own line first, then all together.
pub struct Fair {
    all: Arc<Semaphore>,
    /// What one source may have at once; none: everything.
    each: Option<usize>,
    sources: Arc<Mutex<Sources>>,
}

/// Only sources that have something or wait for it are here, so there are no more than there are requests.
type Sources = BTreeMap<IpAddr, Source>;

struct Source {
    own: Arc<Semaphore>,
    users: usize,
}

/// What was taken; it goes back when this is dropped.
pub struct Share {
    _own: Option<(OwnedSemaphorePermit, User)>,
    _of_all: OwnedSemaphorePermit,
}

impl Fair {
    /// For sources of which none needs to be kept from anything: `all` for everybody together.
    pub fn shared(all: usize) -> Self {
        Fair { all: Arc::new(Semaphore::new(all)), each: None, sources: Arc::default() }
    }

    /// `all` together, and `each` for one source.
    pub fn new(all: usize, each: usize) -> Self {
        Fair { each: Some(each), ..Fair::shared(all) }
    }

    /// Takes `count` within a time; none if that passes, or if nobody could ever have so much.
    pub async fn take(&self, source: IpAddr, count: usize, within: Duration) -> Option<Share> {
        let wanted = u32::try_from(count).ok()?;
        let taken = async {
            let own = match self.each {
                Some(each) => {
                    let user = User::enter(&self.sources, source, each);
                    let places = user.places()?;
                    Some((places.acquire_many_owned(wanted).await.ok()?, user))
                }
                None => None,
            };
            Some(Share { _own: own, _of_all: self.all.clone().acquire_many_owned(wanted).await.ok()? })
        };
        tokio::time::timeout(within, taken).await.ok().flatten()
    }

    /// What nobody has.
    pub fn left(&self) -> usize {
        self.all.available_permits()
    }
}

/// Places, and those who stand before them for a while.
pub struct Line {
    places: Fair,
    /// How long one stands there.
    within: Duration,
    /// Who stands there now.
    waiting: AtomicUsize,
    /// How many were let in.
    entered: AtomicU64,
}

/// The longest time for which a client is sent away.
const LONGEST_SECS: u64 = 60;

impl Line {
    pub fn new(places: Fair, within: Duration) -> Self {
        Line { places, within, waiting: AtomicUsize::new(0), entered: AtomicU64::new(0) }
    }

    /// Takes `count` in its turn. Errors: there were none, and in how many seconds to come back.
    pub async fn enter(&self, source: IpAddr, count: usize) -> Result<Share, u64> {
        let before = self.entered.load(Relaxed);
        self.waiting.fetch_add(1, Relaxed);
        // Also if the client goes away meanwhile.
        let left = Left(&self.waiting);
        let taken = self.places.take(source, count, self.within).await;
        drop(left);
        if let Some(share) = taken {
            self.entered.fetch_add(1, Relaxed);
            return Ok(share);
        }
        Err(come_back(self.waiting(), self.entered.load(Relaxed) - before, self.within))
    }

    /// Takes `count` if it is there at once.
    pub async fn try_enter(&self, source: IpAddr, count: usize) -> Option<Share> {
        let share = self.places.take(source, count, Duration::ZERO).await?;
        self.entered.fetch_add(1, Relaxed);
        Some(share)
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// What nobody has.
    pub fn left(&self) -> usize {
        self.places.left()
    }
}

struct Left<'a>(&'a AtomicUsize);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// In how many seconds a client shall come back who waited for so long in vain while so many were let in: once those who
/// still stand there will have been, at this pace. It is never told to hurry more than it did, and never to stay away for good.
fn come_back(waiting: usize, entered: u64, waited: Duration) -> u64 {
    let waited = waited.as_secs().max(1);
    let pace = entered.max(1);
    let ahead = u64::try_from(waiting).unwrap_or(u64::MAX);
    ahead.saturating_mul(waited).div_ceil(pace).clamp(waited, LONGEST_SECS)
}

/// Keeps a source's line for as long as somebody stands in it or has something from it.
struct User {
    sources: Arc<Mutex<Sources>>,
    source: IpAddr,
}

impl User {
    fn enter(sources: &Arc<Mutex<Sources>>, source: IpAddr, each: usize) -> Self {
        let new = || Source { own: Arc::new(Semaphore::new(each)), users: 0 };
        lock(sources).entry(source).or_insert_with(new).users += 1;
        User { sources: sources.clone(), source }
    }

    fn places(&self) -> Option<Arc<Semaphore>> {
        lock(&self.sources).get(&self.source).map(|source| source.own.clone())
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let mut sources = lock(&self.sources);
        if let Some(source) = sources.get_mut(&self.source) {
            source.users -= 1;
            if source.users == 0 {
                sources.remove(&self.source);
            }
        }
    }
}

fn lock(sources: &Mutex<Sources>) -> MutexGuard<'_, Sources> {
    sources.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    fn source(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_has_its_part_keeps_nobody_else_out() {
        let fair = Fair::new(10, 4);
        let greedy: Vec<_> = [fair.take(source(1), 3, SOON).await, fair.take(source(1), 1, SOON).await].into();
        assert!(greedy.iter().all(Option::is_some) && fair.take(source(1), 1, SOON).await.is_none());
        let other = fair.take(source(2), 4, SOON).await;
        assert!(other.is_some());
        assert!(fair.take(source(3), 4, SOON).await.is_none(), "all together are bounded, too");
        assert!(fair.take(source(3), 2, SOON).await.is_some());
        drop(greedy);
        assert!(fair.take(source(1), 4, SOON).await.is_some());
    }

    #[test]
    fn a_client_is_told_when_those_before_it_will_have_been_served() {
        let five = Duration::from_secs(5);
        for (waiting, entered, secs) in
            [(0, 0, 5), (10, 100, 5), (100, 100, 5), (300, 100, 15), (301, 100, 16), (3, 0, 15), (1_000_000, 1, 60)]
        {
            assert_eq!(come_back(waiting, entered, five), secs, "{waiting} wait, {entered} were let in");
        }
        assert_eq!(come_back(0, 7, Duration::ZERO), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_kept_of_a_source_that_has_gone() {
        let fair = Fair::new(4, 2);
        let first = fair.take(source(1), 2, SOON).await;
        assert!(fair.take(source(1), 1, SOON).await.is_none());
        assert_eq!(lock(&fair.sources).len(), 1);
        drop(first);
        assert_eq!((lock(&fair.sources).len(), fair.left()), (0, 4));
    }
}

//! A number of places (or bytes) of which nobody may have more than a part, so that one greedy address leaves room for others.

use std::collections::BTreeMap;
use std::net::IpAddr;
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

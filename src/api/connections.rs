//! The open connections of a listener: how many there may be, who gives way to a newcomer, and who is too slow.
//!
//! ```text
//!   idle ── bytes of a head ─► head ── whole ─► busy ── answer made ─► taking ── answer gone ─► idle
//!   60 s                       10 s            bounded by the request     64 KiB within a time
//! ```
//! A full table locks nobody out: the connection that has been idle for longest is closed for the newcomer, and of the
//! oldest that of the address that has most. Who is in the middle of a request never gives way, except the slowest of those
//! that do not take their answer. A keeper looks once a second; a timer for each connection would cost more than most of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, Instant};

/// How long a client may do nothing between two requests.
const IDLE_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take for the head of one.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// What it has to take of an answer within [`Limits::taken_within`].
const TAKEN_BYTES: u64 = 64 << 10;
/// Between two looks at all of them.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Of so many that are idle for longest, the greediest address gives way.
const COMPARED: usize = 64;

/// Bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Those of one address.
    pub each: usize,
    /// Within this time a client has to take 64 KiB of its answer, or the rest of it.
    pub taken_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { connections: 1024, each: 1024, taken_within: Duration::from_secs(20) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Between requests. `read`: what had been read of the connection before.
    Idle { read: u64 },
    /// A request is being read or worked on.
    Busy,
    /// The answer is on its way. `written`: what had gone out at the last mark.
    Taking { written: u64 },
}

/// Bytes of a connection, counted where they pass.
#[derive(Debug, Default)]
pub struct Meter {
    pub read: AtomicU64,
    pub written: AtomicU64,
}

struct Open {
    source: IpAddr,
    phase: Phase,
    since: Instant,
    /// When bytes of a head were first seen.
    head_since: Option<Instant>,
    meter: Arc<Meter>,
    cut: CancellationToken,
    /// Where it stands in the line of the idle.
    turn: u64,
}

/// See the head of this file.
pub struct Table {
    limits: Limits,
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last_id: u64,
    last_turn: u64,
    open: BTreeMap<u64, Open>,
    /// Turn and connection, those that are idle for longest first.
    idle: BTreeSet<(u64, u64)>,
    sources: BTreeMap<IpAddr, Source>,
}

#[derive(Default)]
struct Source {
    count: usize,
    idle: BTreeSet<(u64, u64)>,
}

/// A connection's place in the table; given back when dropped.
pub struct Place {
    table: Arc<Table>,
    id: u64,
    pub meter: Arc<Meter>,
    /// Cancelled when the connection has to go.
    pub cut: CancellationToken,
}

impl Table {
    pub fn new(limits: Limits, clock: Clock) -> Arc<Self> {
        Arc::new(Table { limits, clock, inner: Mutex::default() })
    }

    /// A place for a connection from `source`, for which another may have to go. None: all are in the middle of something.
    pub fn enter(self: &Arc<Self>, source: IpAddr) -> Option<Place> {
        let now = self.clock.instant();
        let mut inner = self.lock();
        if inner.sources.get(&source).is_some_and(|of| of.count >= self.limits.each) {
            let victim = inner.sources.get(&source).and_then(|of| of.idle.first().map(|(_, id)| *id))?;
            inner.close(victim);
        }
        if inner.open.len() >= self.limits.connections {
            let victim = inner.greediest_idle().or_else(|| inner.slowest(now))?;
            inner.close(victim);
        }
        inner.last_id += 1;
        let (id, meter, cut) = (inner.last_id, Arc::new(Meter::default()), CancellationToken::new());
        let phase = Phase::Idle { read: 0 };
        let open =
            Open { source, phase, since: now, head_since: None, meter: meter.clone(), cut: cut.clone(), turn: 0 };
        inner.open.insert(id, open);
        inner.sources.entry(source).or_default().count += 1;
        inner.line_up(id);
        Some(Place { table: self.clone(), id, meter, cut })
    }

    /// Closes the connection that has been idle for longest: whatever it holds is needed.
    pub fn spare_one(&self) {
        let mut inner = self.lock();
        if let Some(victim) = inner.greediest_idle() {
            inner.close(victim);
        }
    }

    /// Closes the connection that has been taking its answer for longest, if that is long: its memory is needed.
    pub fn cut_slowest(&self) {
        let mut inner = self.lock();
        if let Some(victim) = inner.slowest(self.clock.instant()) {
            tracing::debug!("a client that does not take its answer was cut off for another");
            inner.close(victim);
        }
    }

    /// Closes those that are too slow. To be called every [`LOOK_EVERY`].
    pub fn look(&self) {
        let now = self.clock.instant();
        let mut inner = self.lock();
        let mut overdue = Vec::new();
        for (id, open) in &mut inner.open {
            if let Some(why) = open.overdue(now, self.limits.taken_within) {
                tracing::debug!(source = %open.source, why, "a connection was closed");
                overdue.push(*id);
            }
        }
        overdue.into_iter().for_each(|id| inner.close(id));
    }

    /// Open connections now.
    pub fn len(&self) -> usize {
        self.lock().open.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Why it has to go, if it has.
    fn overdue(&mut self, now: Instant, taken_within: Duration) -> Option<&'static str> {
        match self.phase {
            Phase::Busy => None,
            Phase::Idle { read } => {
                if self.meter.read.load(Ordering::Relaxed) == read {
                    return (now - self.since >= IDLE_WITHIN).then_some("idle");
                }
                let since = *self.head_since.get_or_insert(now);
                (now - since >= HEAD_WITHIN).then_some("the head of its request did not arrive in time")
            }
            Phase::Taking { written } => {
                let now_written = self.meter.written.load(Ordering::Relaxed);
                if now_written >= written.saturating_add(TAKEN_BYTES) {
                    (self.phase, self.since) = (Phase::Taking { written: now_written }, now);
                }
                (now - self.since >= taken_within).then_some("it did not take its answer in time")
            }
        }
    }
}

impl Inner {
    /// Puts a connection at the end of the line of the idle.
    fn line_up(&mut self, id: u64) {
        self.last_turn += 1;
        let turn = self.last_turn;
        if let Some(open) = self.open.get_mut(&id) {
            open.turn = turn;
            self.idle.insert((turn, id));
            self.sources.entry(open.source).or_default().idle.insert((turn, id));
        }
    }

    fn step_out(&mut self, id: u64) {
        let Some(open) = self.open.get(&id) else { return };
        self.idle.remove(&(open.turn, id));
        if let Some(source) = self.sources.get_mut(&open.source) {
            source.idle.remove(&(open.turn, id));
        }
    }

    fn turn_to(&mut self, id: u64, phase: Phase, now: Instant) {
        self.step_out(id);
        let Some(open) = self.open.get_mut(&id) else { return };
        (open.phase, open.since, open.head_since) = (phase, now, None);
        if matches!(phase, Phase::Idle { .. }) {
            self.line_up(id);
        }
    }

    fn close(&mut self, id: u64) {
        if let Some(open) = self.forget(id) {
            open.cut.cancel();
        }
    }

    fn forget(&mut self, id: u64) -> Option<Open> {
        self.step_out(id);
        let open = self.open.remove(&id)?;
        if let Some(source) = self.sources.get_mut(&open.source) {
            source.count -= 1;
            if source.count == 0 {
                self.sources.remove(&open.source);
            }
        }
        Some(open)
    }

    /// Among those that are idle for longest, the first of the address that has most connections.
    fn greediest_idle(&self) -> Option<u64> {
        let mut best: Option<(usize, u64)> = None;
        for (_, id) in self.idle.iter().take(COMPARED) {
            let count = self.open.get(id).and_then(|open| self.sources.get(&open.source)).map_or(0, |of| of.count);
            if best.is_none_or(|(most, _)| count > most) {
                best = Some((count, *id));
            }
        }
        best.map(|(_, id)| id)
    }

    /// The connection that has been taking its answer for longest, and for longer than a moment.
    fn slowest(&self, now: Instant) -> Option<u64> {
        let taking = self.open.iter().filter(|(_, open)| matches!(open.phase, Phase::Taking { .. }));
        let slow = taking.filter(|(_, open)| now - open.since >= LOOK_EVERY);
        slow.min_by_key(|(_, open)| open.since).map(|(id, _)| *id)
    }
}

impl Place {
    /// A request has arrived.
    pub fn busy(&self) {
        self.turn_to(|_| Phase::Busy);
    }

    /// Its answer is on its way.
    pub fn taking(&self) {
        self.turn_to(|meter| Phase::Taking { written: meter.written.load(Ordering::Relaxed) });
    }

    /// The answer has gone.
    pub fn idle(&self) {
        self.turn_to(|meter| Phase::Idle { read: meter.read.load(Ordering::Relaxed) });
    }

    fn turn_to(&self, phase: impl FnOnce(&Meter) -> Phase) {
        let now = self.table.clock.instant();
        self.table.lock().turn_to(self.id, phase(&self.meter), now);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.table.lock().forget(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn table(connections: usize, each: usize) -> Arc<Table> {
        let taken_within = Duration::from_secs(20);
        Table::new(Limits { connections, each, taken_within }, Clock::system())
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_takes_the_place_of_whoever_is_idle_for_longest() {
        let table = table(3, 3);
        let places: Vec<_> = (1..=3).filter_map(|n| table.enter(source(n))).collect();
        places[0].busy();
        let newcomer = table.enter(source(4));
        assert!(newcomer.is_some() && places[1].cut.is_cancelled());
        assert_eq!((places[0].cut.is_cancelled(), places[2].cut.is_cancelled(), table.len()), (false, false, 3));
        // Who was busy and is idle again stands at the end of the line.
        places[0].idle();
        let another = table.enter(source(5));
        assert!(another.is_some() && places[2].cut.is_cancelled() && !places[0].cut.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn the_greediest_gives_way_before_those_who_have_one() {
        let table = table(10, 10);
        let lonely = table.enter(source(1));
        let many: Vec<_> = (0..9).filter_map(|_| table.enter(source(2))).collect();
        let newcomer = table.enter(source(3));
        assert!(newcomer.is_some() && many[0].cut.is_cancelled());
        assert!(lonely.is_some_and(|place| !place.cut.is_cancelled()));
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_its_part_and_those_in_the_middle_of_a_request_never_give_way() {
        let table = table(4, 2);
        let own: Vec<_> = (0..2).filter_map(|_| table.enter(source(1))).collect();
        own.iter().for_each(Place::busy);
        assert!(table.enter(source(1)).is_none(), "both are busy");
        let others: Vec<_> = (2..=3).filter_map(|n| table.enter(source(n))).collect();
        others.iter().for_each(Place::busy);
        assert!(table.enter(source(4)).is_none(), "all are busy");
        drop(own);
        assert!(table.enter(source(4)).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_is_closed_and_who_goes_on_is_not() {
        let (table, clock) = (table(10, 10), Clock::system());
        let named = ["idle", "trickles a head", "takes nothing", "takes enough", "is worked on", "asks now and then"];
        let places: Vec<_> = named.iter().filter_map(|_| table.enter(source(1))).collect();
        places[2].taking();
        places[3].taking();
        places[4].busy();
        let mut closed_at = [0; 6];
        for second in 1..=200 {
            clock.sleep(LOOK_EVERY).await;
            places[1].meter.read.fetch_add(1, Ordering::Relaxed);
            places[2].meter.written.fetch_add(100, Ordering::Relaxed);
            places[3].meter.written.fetch_add(8 << 10, Ordering::Relaxed);
            if second % 50 == 0 {
                places[5].busy();
                places[5].idle();
            }
            table.look();
            for (at, place) in closed_at.iter_mut().zip(&places) {
                if *at == 0 && place.cut.is_cancelled() {
                    *at = second;
                }
            }
        }
        assert_eq!(closed_at, [60, 11, 20, 0, 0, 0], "{named:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_slowest_taker_gives_its_memory_and_its_place() {
        let (table, clock) = (table(2, 2), Clock::system());
        let places: Vec<_> = (1..=2).filter_map(|n| table.enter(source(n))).collect();
        places.iter().for_each(Place::taking);
        assert!(table.enter(source(3)).is_none(), "both have only begun");
        clock.sleep(Duration::from_secs(3)).await;
        places[0].taking();
        table.cut_slowest();
        assert!(places[1].cut.is_cancelled() && !places[0].cut.is_cancelled());
    }
}

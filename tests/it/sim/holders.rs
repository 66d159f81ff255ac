//! Whoever holds a node works on it, whoever waits says for what and until when, and somebody keeps the deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bessemer::clock::{Clock, Instant};
use bessemer::engine;
use bessemer::model::{FlowName, Phase};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::book::Book;
use super::rules::Rows;

/// How soon a process sees to what the one before it left behind.
const START: Duration = Duration::from_secs(5);
/// How soon a row of work that can be walked is.
const WAKE: Duration = Duration::from_secs(2);
/// How long an allocation may wait for a node.
const PATIENCE: SignedDuration = SignedDuration::from_secs(3);
/// How long whatever waits for an agent waits without hearing anything.
const WHOLE: SignedDuration = SignedDuration::from_secs(900);
/// How soon a deadline is noticed that has passed: the engine looks at its table once a minute, and when the clock is set.
const NOTICE: Duration = Duration::from_secs(90);

/// The process that lives now.
pub struct Life {
    pub engine: engine::Handle,
    /// When the disk was full last.
    pub disturbed: Option<Instant>,
}

/// What may not be for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Orphan(Uuid),
    Unwalked(i64),
    Overdue(i64),
    Endless(i64),
}

pub struct Holders {
    clock: Clock,
    book: Book,
    since: BTreeMap<Sign, Instant>,
    /// Nodes that were held when this life began.
    left: BTreeSet<Uuid>,
    began: bool,
}

impl Holders {
    pub fn new(clock: Clock, book: Book) -> Self {
        Holders { clock, book, since: BTreeMap::new(), left: BTreeSet::new(), began: false }
    }

    /// A process begins.
    pub fn begin(&mut self) {
        self.since.clear();
        self.began = false;
    }

    pub fn look(&mut self, rows: &Rows, life: &Life) {
        let now = self.clock.instant();
        let signs = self.signs(rows, &life.engine.busy());
        self.since.retain(|sign, _| signs.iter().any(|(it, ..)| it == sign));
        for (sign, bound, text) in signs {
            let since = *self.since.entry(sign).or_insert(now);
            let since = life.disturbed.map_or(since, |disturbed| since.max(disturbed));
            if bound.is_zero() || now.saturating_duration_since(since) > bound {
                self.book.breach(text);
            }
        }
    }

    fn signs(&mut self, rows: &Rows, busy: &engine::Busy) -> Vec<(Sign, Duration, String)> {
        let mut signs = Vec::new();
        let orphans: BTreeSet<Uuid> = rows
            .nodes
            .iter()
            .filter(|node| node.reservation.is_some() && !busy.nodes.contains(&node.uuid))
            // The walk of a row that waited holds its node while it looks what the agent has done.
            .filter(|node| {
                let owed = rows.owed(node.uuid);
                !owed.is_some_and(|work| work.holds_reservation() || busy.rows.contains(&work.id))
            })
            .map(|node| node.uuid)
            .collect();
        if !std::mem::replace(&mut self.began, true) {
            self.left = orphans.clone();
        }
        self.left.retain(|uuid| orphans.contains(uuid));
        for uuid in orphans {
            let bound = if self.left.contains(&uuid) { START } else { Duration::ZERO };
            let owed = rows.owed(uuid);
            signs.push((Sign::Orphan(uuid), bound, format!("node {uuid} is held and nobody works on it: {owed:?}")));
        }
        if rows.held {
            return signs;
        }
        let wall = self.clock.now();
        for work in &rows.work {
            if work.holds_reservation() && !busy.rows.contains(&work.id) {
                let text = format!("nobody walks work that could be walked: {work:?}");
                signs.push((Sign::Unwalked(work.id), WAKE, text));
            }
            let node = work.node_uuid.and_then(|uuid| rows.node(uuid));
            let free = node.is_none_or(|node| node.reservation.is_none());
            if work.phase == Phase::Waiting && free && work.deadline_at.is_some_and(|at| at < wall) {
                let text = format!("a deadline has passed, and nobody minds: {work:?}");
                signs.push((Sign::Overdue(work.id), NOTICE, text));
            }
            if work.phase == Phase::Waiting && work.deadline_at.is_some_and(|at| at.duration_since(wall) > WHOLE) {
                signs.push((Sign::Endless(work.id), NOTICE, format!("a wait lasts longer than it may: {work:?}")));
            }
        }
        signs
    }
}

/// Whoever waits says for what, and until when; whoever begins says so first; and whoever works on a node holds it.
pub fn waits(rows: &Rows, book: &Book, wall: Timestamp) {
    for work in &rows.work {
        let reason = work.why.as_deref().is_some_and(|why| !why.is_empty());
        let wrong = match work.phase {
            Phase::Waiting => !reason || work.deadline_at.is_none(),
            Phase::Held => !reason,
            Phase::Ready | Phase::Begun => {
                work.flow == FlowName::Allocate && (work.due_at.is_none() || work.deadline_at.is_none())
            }
        };
        if wrong {
            book.breach(format!("a wait without a reason or a deadline: {work:?}"));
        }
        if work.phase == Phase::Ready && work.attempt > 0 {
            book.breach(format!("work was begun, and is written down as if it were not: {work:?}"));
        }
        if work.flow != FlowName::Power && work.holds_reservation() && work.has_power_change() {
            book.breach(format!("a change of power rides on work that does not wait: {work:?}"));
        }
        let whole = work.deadline_at.map(|at| at.duration_since(work.since));
        if work.flow == FlowName::Allocate && whole.is_some_and(|whole| whole > PATIENCE) {
            book.breach(format!("an allocation waits for too long: {work:?}"));
        }
        // A clock that is set would move one without the other; that it was set back shows before anybody has looked.
        let agent_is_awaited = work.phase == Phase::Waiting && work.node_uuid.is_some() && work.since <= wall;
        if agent_is_awaited && whole.is_some_and(|whole| whole < WHOLE) {
            book.breach(format!("a wait ends before its time since it began: {work:?}"));
        }
        let Some(uuid) = work.node_uuid else { continue };
        match rows.node(uuid) {
            None => book.breach(format!("work for a node that is gone: {work:?}")),
            Some(node) if work.holds_reservation() && node.reservation.is_none() => {
                book.breach(format!("node {uuid} is worked on and nobody holds it: {work:?}"));
            }
            Some(_) => {}
        }
    }
}

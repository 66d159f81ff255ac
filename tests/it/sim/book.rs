//! What clients have asked for and were told, what befell the world, and what was found wrong: shared by everything in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bessemer::clock::Instant;
use bessemer::provision::Event;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A request of which nobody knows what became of it may still be on its way for so long: twice what a stream stalls.
pub const ASTRAY: Duration = Duration::from_secs(300);

/// Something that clients may ask of a machine, and whether they have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Requests on their way.
    pending: u32,
    /// One was accepted since this was last forgotten.
    accepted: bool,
    /// One may be on its way until then.
    astray: Option<Instant>,
}

impl Wish {
    pub fn ask(&mut self) {
        self.pending += 1;
    }

    pub fn told(&mut self, ended: Ended, now: Instant) {
        self.pending -= 1;
        match ended {
            Ended::Accepted => self.accepted = true,
            Ended::Refused => {}
            Ended::Unknown => self.astray = Some(now + ASTRAY),
        }
    }

    /// Whether somebody may have asked.
    pub fn is_open(&self, now: Instant) -> bool {
        self.accepted || self.is_underway(now)
    }

    /// Whether a request may still arrive.
    pub fn is_underway(&self, now: Instant) -> bool {
        self.pending > 0 || self.astray.is_some_and(|until| now < until)
    }

    /// It has been done.
    pub fn forget(&mut self) {
        self.accepted = false;
    }
}

/// How a request ended, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Accepted,
    Refused,
    Unknown,
}

/// What a request may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Power that goes away.
    Down,
    /// A disk that is written or wiped.
    Disk,
    Verb(Event),
}

/// What clients asked of one machine.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub down: Wish,
    pub disk: Wish,
    /// By the event's name.
    verbs: BTreeMap<&'static str, Wish>,
    /// How often each event was seen.
    seen: BTreeMap<&'static str, u64>,
    /// Its BMC may have lied about its power since what runs on it was last begun: it may do something else.
    pub doubtful: bool,
    /// Its BMC lies now.
    pub lies: bool,
    /// When its power was touched by hand last.
    pub touched: Option<Instant>,
    /// When its node expected a change of power last.
    pub expected: Option<Instant>,
}

impl Asked {
    fn wish(&mut self, kind: Kind) -> &mut Wish {
        match kind {
            Kind::Down => &mut self.down,
            Kind::Disk => &mut self.disk,
            Kind::Verb(event) => self.verbs.entry(event.as_str()).or_default(),
        }
    }

    pub fn ask(&mut self, kind: Kind) {
        self.wish(kind).ask();
    }

    pub fn told(&mut self, kind: Kind, ended: Ended, now: Instant) {
        // A verb is seen in the store before its client hears of it; only an abort may wait until the step allows it.
        let done = matches!(kind, Kind::Verb(event) if event != Event::Abort) && ended == Ended::Accepted;
        self.wish(kind).told(if done { Ended::Refused } else { ended }, now);
    }

    /// Whether a client may have asked for this event.
    pub fn asked_for(&mut self, event: Event, now: Instant) -> bool {
        let wish = self.verbs.entry(event.as_str()).or_default();
        let asked = std::mem::take(&mut wish.accepted) || wish.is_underway(now);
        // A request that was astray has arrived, with all that it leads to, however long that takes.
        for wish in [&mut self.down, &mut self.disk] {
            wish.accepted |= asked && wish.is_underway(now);
        }
        asked
    }

    pub fn saw(&mut self, event: Event) {
        *self.seen.entry(event.as_str()).or_default() += 1;
    }

    pub fn times_seen(&self, event: Event) -> u64 {
        self.seen.get(event.as_str()).copied().unwrap_or(0)
    }
}

#[derive(Default)]
pub struct Pages {
    pub asked: BTreeMap<String, Asked>,
    /// Nodes and allocations whose creation was acknowledged.
    pub nodes: BTreeSet<Uuid>,
    pub allocations: BTreeSet<Uuid>,
    /// Whose deletion was asked for: they may be gone or not.
    pub doomed: BTreeMap<Uuid, Wish>,
    /// Whose deletion was acknowledged.
    pub deleted_allocations: Vec<Uuid>,
    pub deleted_nodes: BTreeSet<Uuid>,
    /// Changes of nodes' records that were acknowledged: keys in `extra`.
    pub marks: BTreeSet<(Uuid, String)>,
    /// What must stand in no log.
    pub secrets: BTreeSet<String>,
    /// Transitions, and how often they were passed.
    pub passed: BTreeMap<String, u64>,
    pub faults: BTreeMap<&'static str, u64>,
    pub answers: BTreeMap<u16, u64>,
    pub breaches: Vec<String>,
    /// There is a breach.
    broken: CancellationToken,
    pub commits: u64,
    pub kills: u64,
}

/// Cheap to clone; all clones are one book.
#[derive(Clone, Default)]
pub struct Book(Arc<Mutex<Pages>>);

/// More breaches of one run say nothing new.
const MOST: usize = 20;

impl Book {
    pub fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is cancelled by the first breach.
    pub fn broken(&self) -> CancellationToken {
        self.open().broken.clone()
    }

    pub fn count(&self, fault: &'static str) {
        *self.open().faults.entry(fault).or_default() += 1;
    }

    pub fn breach(&self, what: String) {
        self.open().breach(what);
    }
}

impl Pages {
    pub fn breach(&mut self, what: String) {
        if self.breaches.len() < MOST && !self.breaches.contains(&what) {
            self.breaches.push(what);
            self.broken.cancel();
        }
    }

    /// A secret that an answer shows.
    pub fn shown_in(&self, answer: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(answer);
        self.secrets.iter().find(|secret| text.contains(secret.as_str())).cloned()
    }

    /// Whether somebody may have asked to delete it.
    pub fn is_doomed(&self, uuid: Uuid, now: Instant) -> bool {
        self.doomed.get(&uuid).is_some_and(|wish| wish.is_open(now))
    }

    pub fn asked(&mut self, machine: &str) -> &mut Asked {
        self.asked.entry(machine.to_owned()).or_default()
    }
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Book")
    }
}

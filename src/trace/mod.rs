//! What was seen of each machine lately: one ring of events for a node, a card or an address.
//!
//! ```text
//!   DHCP, TFTP, HTTP ─► by card or address ─┐
//!   BMC, engine, agent ─► by node ──────────┴─► rings in memory ─► service::why
//! ```
//! Whoever does something for a machine notes it here in passing; nobody waits, and nothing is decided by what is noted.
//! It is lost with the process on purpose: transitions, power changes and failures are rows of `events`, and what is
//! here is too chatty to be kept. Everything is bounded: events of a machine, machines, and, apart, strangers, so that a
//! flood of made-up cards pushes out no machine of ours. The same thing over and over is one event with a count.
//! No secret is noted: texts are addresses, names of files and steps, and the sentences that logs have too.

mod calls;
pub mod kinds;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use uuid::Uuid;

pub use calls::Calling;
pub use kinds::{Kind, Source};

use crate::clock::{Clock, Timestamp};
use crate::wire::mac::Mac;

/// Events that are remembered of one node, card or address.
const EVENTS: usize = 32;
/// Nodes and cards of ours that are remembered; the one not heard of for longest goes.
const KNOWN: usize = 4096;
/// Cards and addresses that are nobody's.
const STRANGERS: usize = 128;
/// What comes again later than this is not the same thing over and over: another boot, mostly.
const SERIES: SignedDuration = SignedDuration::from_secs(120);
/// Bytes of an event's text.
const TEXT: usize = 200;

/// Of whom something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Node(Uuid),
    Card(Mac),
    /// Somebody of whom nothing but the address is known.
    Address(IpAddr),
}

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub kind: Kind,
    /// When it was seen last, and first if it was seen over and over.
    pub at: Timestamp,
    pub first: Timestamp,
    pub count: u32,
    pub text: String,
}

/// The handle. Cheap to clone; the default one remembers nothing.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Inner>>);

struct Inner {
    clock: Clock,
    since: Timestamp,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    known: BTreeMap<Subject, Ring>,
    strangers: BTreeMap<Subject, Ring>,
    /// Whose an address is, as far as its holder has told.
    holders: BTreeMap<IpAddr, Mac>,
    /// Counts notes; the ring with the lowest number was not heard of for longest.
    turn: u64,
    serves_dhcp: bool,
    /// Calls that are under way, and until when; as many as there are walks and requests at most.
    calls: BTreeMap<(Uuid, u64), Timestamp>,
    last_call: u64,
}

#[derive(Default)]
struct Ring {
    seen: VecDeque<Seen>,
    turn: u64,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

impl Trace {
    pub fn new(clock: Clock) -> Self {
        let since = clock.now();
        Trace(Some(Arc::new(Inner { clock, since, book: Mutex::default() })))
    }

    /// When it began to remember: what is not in it may have been before.
    pub fn since(&self) -> Option<Timestamp> {
        self.0.as_ref().map(|inner| inner.since)
    }

    /// There is a DHCP server of ours, so that a card of which nothing is noted has not asked it.
    pub fn serves_dhcp(&self) {
        if let Some(inner) = &self.0 {
            inner.book().serves_dhcp = true;
        }
    }

    pub fn has_dhcp(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.book().serves_dhcp)
    }

    pub fn node(&self, node: Uuid, kind: Kind, text: impl Into<String>) {
        self.note(Subject::Node(node), true, kind, text.into());
    }

    /// `known` says that the card is a port of some node.
    pub fn card(&self, card: Mac, known: bool, kind: Kind, text: impl Into<String>) {
        self.note(Subject::Card(card), known, kind, text.into());
    }

    /// Something came from an address: it is the card's that holds it.
    pub fn address(&self, address: IpAddr, kind: Kind, text: impl Into<String>) {
        let Some(inner) = &self.0 else { return };
        let holder = inner.book().holders.get(&address).copied();
        match holder {
            Some(card) => self.note(Subject::Card(card), true, kind, text.into()),
            None => self.note(Subject::Address(address), false, kind, text.into()),
        }
    }

    /// A card of ours has this address from now on. What came from there before it was known is its own, too.
    pub fn held(&self, card: Mac, address: IpAddr) {
        let Some(inner) = &self.0 else { return };
        let mut book = inner.book();
        if book.holders.get(&address) == Some(&card) {
            return;
        }
        book.holders.retain(|_, holder| *holder != card);
        book.holders.insert(address, card);
        if book.holders.len() > KNOWN {
            book.holders.pop_first();
        }
        if let Some(before) = book.strangers.remove(&Subject::Address(address)) {
            book.ring(Subject::Card(card), true).take_over(before);
        }
    }

    /// Everything that is remembered of these, oldest first.
    pub fn of(&self, subjects: &[Subject]) -> Vec<Seen> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let book = inner.book();
        let rings = subjects.iter().flat_map(|it| [book.known.get(it), book.strangers.get(it)]).flatten();
        let mut all: Vec<Seen> = rings.flat_map(|ring| ring.seen.iter().cloned()).collect();
        all.sort_by_key(|seen| seen.at);
        all
    }

    /// Cards that are nobody's and asked for an address after `since`, newest first.
    pub fn strangers(&self, since: Timestamp) -> Vec<(Mac, Seen)> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let book = inner.book();
        let mut found: Vec<(Mac, Seen)> = Vec::new();
        for (subject, ring) in &book.strangers {
            if let (Subject::Card(card), Some(last)) = (subject, ring.seen.back())
                && last.at >= since
            {
                found.push((*card, last.clone()));
            }
        }
        found.sort_by_key(|(card, seen)| (std::cmp::Reverse(seen.at), *card));
        found
    }

    fn note(&self, subject: Subject, known: bool, kind: Kind, text: String) {
        let Some(inner) = &self.0 else { return };
        let now = inner.clock.now();
        let mut book = inner.book();
        // A stranger who becomes one of ours brings along what was seen of it.
        let before = if known { book.strangers.remove(&subject) } else { None };
        let known = known || book.known.contains_key(&subject);
        let ring = book.ring(subject, known);
        if let Some(before) = before {
            ring.take_over(before);
        }
        ring.push(kind, now, cut(text));
    }
}

impl Inner {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn ring(&mut self, subject: Subject, known: bool) -> &mut Ring {
        self.turn += 1;
        let turn = self.turn;
        let (shelf, most) = if known { (&mut self.known, KNOWN) } else { (&mut self.strangers, STRANGERS) };
        if shelf.len() >= most && !shelf.contains_key(&subject) {
            let oldest = shelf.iter().min_by_key(|(_, ring)| ring.turn).map(|(subject, _)| *subject);
            if let Some(oldest) = oldest {
                shelf.remove(&oldest);
            }
        }
        let ring = shelf.entry(subject).or_default();
        ring.turn = turn;
        ring
    }
}

impl Ring {
    fn push(&mut self, kind: Kind, at: Timestamp, text: String) {
        // Also if something else was seen in between: a machine that goes round in circles does not push out its past.
        let before = self.seen.iter().position(|it| it.kind == kind && it.text == text);
        let before = before.and_then(|at| self.seen.remove(at));
        let before = before.filter(|it| at.duration_since(it.at) <= SERIES);
        let (first, count) = before.map_or((at, 0), |it| (it.first, it.count));
        self.seen.push_back(Seen { kind, at, first, count: count.saturating_add(1), text });
        if self.seen.len() > EVENTS {
            self.seen.pop_front();
        }
    }

    fn take_over(&mut self, other: Ring) {
        let mut all: Vec<Seen> = other.seen.into_iter().chain(self.seen.drain(..)).collect();
        all.sort_by_key(|seen| seen.at);
        self.seen = all.split_off(all.len().saturating_sub(EVENTS)).into();
    }
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT {
        let end = (0..=TEXT - 3).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn card(n: usize) -> Mac {
        let [.., a, b] = n.to_be_bytes();
        Mac([2, 0, 0, 0, a, b])
    }

    fn address(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    #[test]
    fn strangers_push_out_strangers_and_none_of_ours() {
        let trace = Trace::new(Clock::system());
        trace.card(card(0), true, Kind::Offered, "10.0.0.1");
        for n in 1..=3 * STRANGERS {
            trace.card(card(n), false, Kind::UnknownCard, "");
        }
        assert_eq!(trace.of(&[Subject::Card(card(0))]).len(), 1);
        let left = trace.strangers(from_micros(0));
        assert_eq!(left.len(), STRANGERS);
        assert!(left.iter().any(|(mac, _)| *mac == card(3 * STRANGERS)), "the newest is there");
        assert!(trace.of(&[Subject::Card(card(1))]).is_empty(), "the oldest is not");
    }

    #[test]
    fn machines_and_events_are_bounded_and_the_oldest_go() {
        let trace = Trace::new(Clock::system());
        for n in 0..KNOWN + 10 {
            trace.card(card(n), true, Kind::Offered, "");
        }
        assert!(trace.of(&[Subject::Card(card(9))]).is_empty() && trace.of(&[Subject::Card(card(10))]).len() == 1);
        let one = [Subject::Card(card(KNOWN))];
        for n in 0..100 {
            trace.card(card(KNOWN), true, Kind::Offered, n.to_string());
        }
        let seen = trace.of(&one);
        assert_eq!((seen.len(), seen.last().map(|it| it.text.as_str())), (EVENTS, Some("99")));
        trace.card(card(KNOWN), true, Kind::Offered, "é".repeat(TEXT));
        assert!(trace.of(&one).last().is_some_and(|it| it.text.len() <= TEXT + 3 && it.text.ends_with("é…")));
    }

    #[test]
    fn the_same_thing_over_and_over_is_one_event_with_a_count() {
        let trace = Trace::new(Clock::system());
        for _ in 0..100 {
            trace.card(card(1), true, Kind::Offered, "10.0.0.1");
            trace.card(card(1), true, Kind::LeasedFirmware, "10.0.0.1");
        }
        trace.card(card(1), true, Kind::Offered, "10.0.0.2");
        let seen = trace.of(&[Subject::Card(card(1))]);
        assert_eq!(seen.iter().map(|it| it.count).collect::<Vec<_>>(), [100, 100, 1]);
        assert!(seen[0].first <= seen[0].at);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_again_long_after_is_counted_anew() {
        let clock = Clock::virtual_from(from_micros(0));
        let trace = Trace::new(clock.clone());
        for pause in [1, 1, 600] {
            trace.card(card(1), true, Kind::Offered, "");
            clock.sleep(std::time::Duration::from_secs(pause)).await;
        }
        assert_eq!(trace.of(&[Subject::Card(card(1))])[0].count, 3);
        trace.card(card(1), true, Kind::Offered, "");
        let seen = trace.of(&[Subject::Card(card(1))]);
        assert_eq!((seen.len(), seen[0].count, seen[0].first == seen[0].at), (1, 1, true));
    }

    #[test]
    fn what_came_from_an_address_belongs_to_the_card_that_turns_out_to_hold_it() {
        let trace = Trace::new(Clock::system());
        trace.address(address(7), Kind::LoaderSent, "snponly.efi");
        trace.card(card(1), false, Kind::UnknownCard, "");
        assert_eq!(trace.of(&[Subject::Address(address(7))]).len(), 1);
        trace.held(card(1), address(7));
        trace.address(address(7), Kind::Script, "");
        let kinds: Vec<Kind> = trace.of(&[Subject::Card(card(1))]).into_iter().map(|it| it.kind).collect();
        assert_eq!(kinds, [Kind::LoaderSent, Kind::UnknownCard, Kind::Script]);
        assert!(trace.of(&[Subject::Address(address(7))]).is_empty() && trace.strangers(from_micros(0)).is_empty());
        // The address is given to somebody else.
        trace.held(card(2), address(7));
        trace.address(address(7), Kind::LoaderSent, "");
        assert_eq!(trace.of(&[Subject::Card(card(2))]).len(), 1);
        // A handle without a memory takes everything and keeps nothing.
        let none = Trace::default();
        none.address(address(7), Kind::LoaderSent, "");
        assert!(none.of(&[Subject::Address(address(7))]).is_empty() && none.since().is_none());
    }
}

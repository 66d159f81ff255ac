//! Whose message is worked on next. Machines that are known go before strangers, and each has a short line of its own.
//!
//! A flood can be thousands of messages a second, from one address or from as many as there are. Reading and queueing one
//! costs microseconds; what costs is asking the store, so that is bounded: one message of a machine is in work at a time, and
//! all strangers that wait are looked up together in one look. A flood is therefore one more look at a time in the store,
//! however fast it is, and a machine that was looked up before does not even stand behind that one. Where strangers are served
//! too, they are served after those that belong to a node.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::wire::mac::Mac;

/// Messages of one machine that wait. One that boots has one.
const OF_ONE: usize = 4;
/// Machines with messages waiting, of the known and of strangers each.
const WAITING: usize = 1024;
/// Machines that are remembered as known; when there are more they are looked up anew.
const REMEMBERED: usize = 65_536;

/// See the head of this file. `T` is a message with where it came from.
pub struct Queue<T> {
    known: BTreeSet<Mac>,
    lines: BTreeMap<Mac, VecDeque<T>>,
    /// Those of `lines` that may be worked on, in the order in which they came; and strangers that are served after them.
    ready: VecDeque<Mac>,
    guests: VecDeque<Mac>,
    strangers: VecDeque<Mac>,
    /// Machines of which a message is in work.
    busy: BTreeSet<Mac>,
    dropped: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            known: BTreeSet::new(),
            lines: BTreeMap::new(),
            ready: VecDeque::new(),
            guests: VecDeque::new(),
            strangers: VecDeque::new(),
            busy: BTreeSet::new(),
            dropped: 0,
        }
    }
}

impl<T> Queue<T> {
    /// Takes a message in, or drops it: its sender repeats it. Of one that waits already no copy is kept.
    pub fn push(&mut self, mac: Mac, message: T, is_copy: impl Fn(&T) -> bool) {
        let is_known = self.known.contains(&mac);
        if let Some(line) = self.lines.get_mut(&mac) {
            if line.len() < OF_ONE && !line.iter().any(is_copy) {
                line.push_back(message);
            } else {
                self.dropped += 1;
            }
            return;
        }
        let order = if is_known { &mut self.ready } else { &mut self.strangers };
        if order.len() >= WAITING {
            self.dropped += 1;
            return;
        }
        self.lines.insert(mac, VecDeque::from([message]));
        // Who is in work stands in line again when that is over.
        if !self.busy.contains(&mac) {
            order.push_back(mac);
        }
    }

    /// A message of a known machine, which is in work from now on.
    pub fn next_known(&mut self) -> Option<(Mac, T)> {
        let mac = self.ready.pop_front()?;
        self.take(mac)
    }

    /// A message of a stranger that was looked up and is served, in the same way.
    pub fn next_guest(&mut self) -> Option<(Mac, T)> {
        let mac = self.guests.pop_front()?;
        self.take(mac)
    }

    fn take(&mut self, mac: Mac) -> Option<(Mac, T)> {
        let line = self.lines.get_mut(&mac)?;
        let message = line.pop_front()?;
        if line.is_empty() {
            self.lines.remove(&mac);
        }
        self.busy.insert(mac);
        Some((mac, message))
    }

    /// A machine's message has been worked on; `served`: whether it is still one that is answered.
    pub fn done(&mut self, mac: Mac, served: bool) {
        self.busy.remove(&mac);
        if !served {
            self.known.remove(&mac);
        }
        if self.lines.contains_key(&mac) {
            let order = if self.known.contains(&mac) { &mut self.ready } else { &mut self.strangers };
            order.push_back(mac);
        }
    }

    /// All strangers that wait, to be looked up together; they are in work from now on.
    pub fn take_strangers(&mut self) -> Vec<Mac> {
        let strangers: Vec<Mac> = self.strangers.drain(..).collect();
        self.busy.extend(&strangers);
        strangers
    }

    /// What the look found: these are ours, and are known from now on. The others are guests, or their messages are dropped.
    pub fn looked_up(&mut self, asked: Vec<Mac>, ours: &BTreeSet<Mac>, serves_guests: bool) {
        if self.known.len() + ours.len() > REMEMBERED {
            self.known.clear();
        }
        for mac in asked {
            self.busy.remove(&mac);
            if ours.contains(&mac) {
                self.known.insert(mac);
                self.ready.push_back(mac);
            } else if serves_guests && self.guests.len() < WAITING {
                self.guests.push_back(mac);
            } else {
                self.lines.remove(&mac);
            }
        }
    }

    /// Messages that were dropped since this was asked last.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(n: u32) -> Mac {
        let [a, b, c, d] = n.to_be_bytes();
        Mac([2, 0, a, b, c, d])
    }

    fn know(queue: &mut Queue<u32>, n: u32) {
        queue.push(mac(n), 0, |_| false);
        let asked = queue.take_strangers();
        queue.looked_up(asked, &BTreeSet::from([mac(n)]), false);
        while let Some((mac, _)) = queue.next_known() {
            queue.done(mac, true);
        }
    }

    #[test]
    fn a_known_machine_waits_for_no_stranger() {
        let mut queue = Queue::default();
        know(&mut queue, 1);
        (1000..9000).for_each(|n| queue.push(mac(n), n, |_| false));
        queue.push(mac(1), 7, |_| false);
        assert_eq!(queue.next_known(), Some((mac(1), 7)));
        assert_eq!((queue.next_known(), queue.take_strangers().len()), (None, WAITING));
        assert_eq!(queue.take_dropped(), 8000 - WAITING as u64);
    }

    #[test]
    fn strangers_are_looked_up_together_and_those_that_are_served_keep_their_messages() {
        let mut queue = Queue::default();
        (0..500).for_each(|n| queue.push(mac(n), n, |_| false));
        let asked = queue.take_strangers();
        // What comes meanwhile is not lost.
        queue.push(mac(7), 100, |_| false);
        queue.push(mac(600), 600, |_| false);
        queue.looked_up(asked, &BTreeSet::from([mac(7)]), false);
        assert_eq!(queue.next_known(), Some((mac(7), 7)));
        assert_eq!(queue.next_known(), None, "one message of a machine is in work at a time");
        queue.done(mac(7), true);
        assert_eq!(queue.next_known(), Some((mac(7), 100)));
        assert_eq!(queue.take_strangers(), [mac(600)]);
    }

    #[test]
    fn a_message_that_waits_has_no_copy_beside_it() {
        let mut queue = Queue::default();
        for n in [5, 5, 5, 5, 5, 6] {
            queue.push(mac(1), n, |waiting| *waiting == n);
        }
        assert_eq!(queue.lines.get(&mac(1)), Some(&VecDeque::from([5, 6])));
    }

    #[test]
    fn guests_are_served_after_machines_of_ours() {
        let mut queue = Queue::default();
        (0..300).for_each(|n| queue.push(mac(n), n, |_| false));
        let asked = queue.take_strangers();
        queue.looked_up(asked, &BTreeSet::from([mac(299)]), true);
        assert_eq!(queue.next_known(), Some((mac(299), 299)));
        assert_eq!((queue.next_known(), queue.next_guest()), (None, Some((mac(0), 0))));
        queue.push(mac(0), 1000, |_| false);
        queue.done(mac(0), true);
        assert_eq!(queue.take_strangers(), [mac(0)], "a guest is a stranger again");
    }

    #[test]
    fn one_machine_cannot_fill_the_queue() {
        let mut queue = Queue::default();
        know(&mut queue, 1);
        know(&mut queue, 2);
        (0..5000).for_each(|n| queue.push(mac(1), n, |_| false));
        queue.push(mac(2), 9, |_| false);
        assert_eq!(queue.next_known(), Some((mac(1), 0)));
        assert_eq!(queue.next_known(), Some((mac(2), 9)));
        (0..5000).for_each(|n| queue.push(mac(1), n, |_| false));
        assert_eq!(queue.lines.get(&mac(1)).map(VecDeque::len), Some(OF_ONE));
        queue.done(mac(1), true);
        assert_eq!(queue.next_known(), Some((mac(1), 1)));
    }

    #[test]
    fn who_is_no_longer_served_is_a_stranger_again() {
        let mut queue = Queue::default();
        know(&mut queue, 1);
        queue.push(mac(1), 1, |_| false);
        queue.push(mac(1), 2, |_| false);
        assert_eq!(queue.next_known(), Some((mac(1), 1)));
        queue.done(mac(1), false);
        assert_eq!((queue.next_known(), queue.take_strangers()), (None, vec![mac(1)]));
        queue.looked_up(vec![mac(1)], &BTreeSet::new(), false);
        assert!(queue.lines.is_empty() && queue.busy.is_empty() && queue.known.is_empty());
    }
}

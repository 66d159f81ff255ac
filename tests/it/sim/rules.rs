//! What must hold after every commit, and what must have come of everything once the world is quiet.

use std::collections::BTreeMap;
use std::time::Duration;

use bessemer::clock::{Clock, Instant};
use bessemer::model::{Allocation, AllocationState, EventKind, FlowName, Node, Phase, State, Work};
use bessemer::provision::table::TRANSITIONS;
use bessemer::sim::agent;
use bessemer::sim::bmc::Chassis;
use bessemer::store::{Read, StoreError, allocations, events, nodes, work};
use uuid::Uuid;

use super::book::Book;
use crate::race::invariants;

/// An act in the background ends within its bound; none is longer than this.
const ACT: Duration = Duration::from_secs(900);

/// What is remembered of a node from one commit to the next.
struct Known {
    state: State,
    last_event: i64,
    /// Since when somebody holds it without work of its own.
    held_since: Option<Instant>,
}

/// What is remembered of a machine.
struct Seen {
    name: String,
    chassis: Chassis,
    agent: agent::Faults,
    downs: u64,
    writes: u64,
}

pub struct Rules {
    clock: Clock,
    book: Book,
    known: BTreeMap<Uuid, Known>,
    machines: Vec<Seen>,
    /// The names of the nodes that allocations had last.
    placed: BTreeMap<Uuid, String>,
    /// A sum over all that was committed.
    pub sum: u64,
}

struct Rows {
    nodes: Vec<Node>,
    allocations: Vec<Allocation>,
    work: Vec<Work>,
}

impl Rules {
    pub fn new(clock: Clock, book: Book) -> Self {
        Rules { clock, book, known: BTreeMap::new(), machines: Vec::new(), placed: BTreeMap::new(), sum: 0 }
    }

    pub fn follow(&mut self, name: &str, chassis: Chassis, agent: agent::Faults) {
        self.machines.push(Seen { name: name.to_owned(), chassis, agent, downs: 0, writes: 0 });
    }

    /// After a commit.
    pub fn look(&mut self, read: &Read) {
        if let Err(error) = self.try_look(read) {
            self.book.breach(format!("the store cannot be read: {error}"));
        }
    }

    fn try_look(&mut self, read: &Read) -> Result<(), StoreError> {
        let rows = Rows { nodes: nodes::all(read)?, allocations: allocations::all(read)?, work: work::all(read)? };
        let deleted = self.book.open().deleted_allocations.clone();
        for breach in invariants::among(&rows.nodes, &rows.allocations, &rows.work, &deleted, false) {
            self.book.breach(breach);
        }
        self.machines(&rows);
        self.holders(&rows);
        self.waits(&rows);
        self.transitions(read, &rows)?;
        self.acknowledged(&rows);
        self.add(&rows);
        Ok(())
    }

    /// What happened to machines since the commit before happened in the state that their nodes had since then.
    fn machines(&mut self, rows: &Rows) {
        let mut book = self.book.open();
        for machine in &mut self.machines {
            let node = rows.nodes.iter().find(|node| node.name.as_deref() == Some(&machine.name));
            let before = node.and_then(|node| self.known.get(&node.uuid)).map(|known| known.state);
            let (downs, writes) = (machine.chassis.downs(), machine.agent.writes());
            let asked = book.asked(&machine.name).clone();
            let (ended, written) = (downs > machine.downs, writes > machine.writes);
            (machine.downs, machine.writes) = (downs, writes);
            if asked.lied {
                continue;
            }
            if ended && before == Some(State::Active) && !asked.power && asked.power_pending == 0 {
                book.breach(format!("{}: power was taken from an active node, and nobody asked for it", machine.name));
            }
            if written && !asked.disk && asked.disk_pending == 0 {
                book.breach(format!("{}: its disk was written, and nobody asked for it ({before:?})", machine.name));
            }
            if let (Some(node), Some(before)) = (node, before)
                && node.provision_state != before
            {
                let asked = book.asked(&machine.name);
                match node.provision_state {
                    State::Active => (asked.power, asked.disk) = (false, false),
                    State::Available => asked.disk = false,
                    _ => {}
                }
            }
        }
    }

    /// Whoever holds a node works on it.
    fn holders(&mut self, rows: &Rows) {
        let now = self.clock.instant();
        for node in &rows.nodes {
            let owed = rows.work.iter().find(|work| work.node_uuid == Some(node.uuid));
            let worked = owed.is_some_and(Work::holds_reservation);
            if worked && node.reservation.is_none() {
                self.book.breach(format!("node {} is worked on and nobody holds it: {owed:?}", node.uuid));
            }
            let Some(known) = self.known.get_mut(&node.uuid) else { continue };
            if node.reservation.is_none() || worked {
                known.held_since = None;
            } else if known.held_since.get_or_insert(now).elapsed_by(now) > ACT {
                self.book.breach(format!("node {} is held and nobody works on it: {owed:?}", node.uuid));
            }
        }
    }

    /// Whoever waits says for what, and until when.
    fn waits(&mut self, rows: &Rows) {
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
                self.book.breach(format!("a wait without a reason or a deadline: {work:?}"));
            }
            let node = work.node_uuid.and_then(|uuid| rows.nodes.iter().find(|node| node.uuid == uuid));
            if work.node_uuid.is_some() && node.is_none() {
                self.book.breach(format!("work for a node that is gone: {work:?}"));
            }
        }
    }

    /// Every change of state is told, and is one of the table's.
    fn transitions(&mut self, read: &Read, rows: &Rows) -> Result<(), StoreError> {
        self.known.retain(|uuid, _| rows.nodes.iter().any(|node| node.uuid == *uuid));
        for node in &rows.nodes {
            let first = Known { state: node.provision_state, last_event: 0, held_since: None };
            let known = self.known.entry(node.uuid).or_insert(first);
            if known.state == node.provision_state && known.last_event != 0 {
                continue;
            }
            let mut state = known.state;
            for event in events::of_node(read, node.uuid, known.last_event, 1000)? {
                known.last_event = event.id;
                if event.kind != EventKind::Transition {
                    continue;
                }
                let found = TRANSITIONS
                    .iter()
                    .find(|row| row.from == state && event.text == format!("{} -> {} ({})", row.from, row.to, row.on));
                match found {
                    Some(row) => state = row.to,
                    None => {
                        self.book.breach(format!("node {}: no such transition from {state}: {}", node.uuid, event.text))
                    }
                }
            }
            if state != node.provision_state {
                self.book.breach(format!("node {} came from {state} to {} untold", node.uuid, node.provision_state));
            }
            known.state = node.provision_state;
        }
        Ok(())
    }

    /// What was acknowledged is there, and what was deleted is not.
    fn acknowledged(&mut self, rows: &Rows) {
        for allocation in &rows.allocations {
            let node = rows.nodes.iter().find(|node| Some(node.uuid) == allocation.node_uuid);
            if let Some(name) = node.and_then(|node| node.name.clone()) {
                self.placed.insert(allocation.uuid, name);
            }
        }
        let mut book = self.book.open();
        let names: Vec<&str> = rows.nodes.iter().filter_map(|node| node.name.as_deref()).collect();
        let lost: Vec<String> = book.nodes.iter().filter(|name| !names.contains(&name.as_str())).cloned().collect();
        for name in lost {
            book.breach(format!("node {name} was acknowledged and is gone"));
        }
        let back: Vec<Uuid> =
            rows.nodes.iter().map(|node| node.uuid).filter(|uuid| book.deleted_nodes.contains(uuid)).collect();
        for uuid in back {
            book.breach(format!("node {uuid} was deleted and is there"));
        }
        let lost: Vec<Uuid> = book
            .allocations
            .iter()
            .copied()
            .filter(|uuid| !rows.allocations.iter().any(|allocation| allocation.uuid == *uuid))
            .collect();
        for uuid in lost {
            book.allocations.remove(&uuid);
            // Who undeploys a node, or removes it, ends its allocation.
            let of = self.placed.get(&uuid).cloned().unwrap_or_default();
            if book.asked(&of).undeployed {
                continue;
            }
            book.breach(format!("allocation {uuid} was acknowledged and is gone"));
        }
    }

    fn add(&mut self, rows: &Rows) {
        let words = rows.nodes.iter().map(|node| {
            let held = u64::from(node.reservation.is_some());
            node.uuid.as_u64_pair().0 ^ (node.provision_state as u64) << 8 ^ held ^ (node.power_epoch as u64) << 20
        });
        let works = rows.work.iter().map(|work| work.id as u64 ^ (work.phase as u64) << 40 ^ (work.step as u64) << 50);
        for word in words.chain(works).chain([rows.allocations.len() as u64]) {
            self.sum = (self.sum ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(17);
        }
    }

    /// What is still unsettled, once faults have ended.
    pub fn unsettled(read: &Read) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        let owed = work::all(read)?;
        for node in nodes::all(read)? {
            let name = node.name.clone().unwrap_or_default();
            let state = node.provision_state;
            let row = owed.iter().find(|work| work.node_uuid == Some(node.uuid));
            if !state.is_stable() && !state.is_failed() {
                found.push(format!("{name} is {state}: {row:?}"));
            }
            if state.is_failed() && node.last_error.as_deref().is_none_or(str::is_empty) {
                found.push(format!("{name} is {state} and says not why"));
            }
            if node.reservation.is_some() {
                found.push(format!("{name} is held in {state}: {row:?}"));
            }
            if node.target_power_state.is_some() {
                found.push(format!("{name} expects a change of power: {row:?}"));
            }
        }
        found.extend(owed.iter().map(|work| format!("work is owed: {work:?}")));
        for allocation in allocations::all(read)? {
            if allocation.state == AllocationState::Allocating {
                found.push(format!("allocation {} is still allocating", allocation.uuid));
            }
        }
        Ok(found)
    }
}

trait ElapsedBy {
    fn elapsed_by(&self, now: Instant) -> Duration;
}

impl ElapsedBy for Instant {
    fn elapsed_by(&self, now: Instant) -> Duration {
        now.saturating_duration_since(*self)
    }
}

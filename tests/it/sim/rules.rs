//! What must hold after every commit, and what must have come of everything once the world is quiet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bessemer::clock::{Clock, Instant};
use bessemer::model::{Allocation, AllocationState, EventKind, Node, Phase, PowerState, State, Work};
use bessemer::provision::Event;
use bessemer::provision::table::{Row, TRANSITIONS};
use bessemer::sim::machine::Machine;
use bessemer::store::{Read, StoreError, allocations, events, hold, nodes, work};
use uuid::Uuid;

use super::book::Book;
use super::holders::{self, Holders, Life};
use super::machines::Machines;
use super::placing::Placing;
use super::plan::Plan;
use crate::race::invariants;

/// What waits for an agent has 900 s by any clock; a clock that is steered takes some of them, and one that is set none.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is remembered of a node from one commit to the next.
struct Known {
    state: State,
    /// Since when it is in it.
    since: Instant,
    last_event: i64,
    /// The change of power that is under way, and the row of work that it rides on.
    switches: Option<(PowerState, i64)>,
}

pub struct Rules {
    clock: Clock,
    book: Book,
    /// Whether power is read, so that what is recorded follows the machine.
    power_is_read: bool,
    known: BTreeMap<Uuid, Known>,
    machines: Machines,
    holders: Holders,
    placing: Placing,
    /// What had been begun by the last commit, if the store was in hold then.
    held: Option<BTreeSet<Uuid>>,
    /// When this process began.
    began: Instant,
    /// A sum over all that was committed.
    pub sum: u64,
}

pub struct Rows {
    pub nodes: Vec<Node>,
    pub allocations: Vec<Allocation>,
    pub work: Vec<Work>,
    /// The store is in hold.
    pub held: bool,
}

impl Rows {
    fn of(read: &Read) -> Result<Self, StoreError> {
        let (nodes, allocations) = (nodes::all(read)?, allocations::all(read)?);
        Ok(Rows { nodes, allocations, work: work::all(read)?, held: hold::exists(read)? })
    }

    pub fn node(&self, uuid: Uuid) -> Option<&Node> {
        self.nodes.iter().find(|node| node.uuid == uuid)
    }

    pub fn owed(&self, node: Uuid) -> Option<&Work> {
        self.work.iter().find(|work| work.node_uuid == Some(node))
    }
}

/// What a node's history says of a transition.
pub fn told(row: &Row) -> String {
    format!("{} -> {} ({})", row.from, row.to, row.on)
}

impl Rules {
    pub fn new(clock: Clock, book: Book, image_bytes: usize, plan: &Plan) -> Self {
        Rules {
            power_is_read: !plan.power_sync.is_zero(),
            known: BTreeMap::new(),
            machines: Machines::new(clock.clone(), book.clone(), image_bytes, plan),
            holders: Holders::new(clock.clone(), book.clone()),
            placing: Placing::default(),
            held: None,
            began: clock.instant(),
            sum: 0,
            clock,
            book,
        }
    }

    pub fn follow(&mut self, machine: &Machine) {
        self.machines.follow(machine);
    }

    /// A process begins.
    pub fn begin(&mut self) {
        self.began = self.clock.instant();
        self.holders.begin();
        self.machines.begin();
    }

    /// After a commit; `life` is who made it, once it has begun.
    pub fn look(&mut self, read: &Read, life: Option<&Life>) {
        if let Err(error) = self.try_look(read, life) {
            self.book.breach(format!("the store cannot be read: {error}"));
        }
    }

    fn try_look(&mut self, read: &Read, life: Option<&Life>) -> Result<(), StoreError> {
        let rows = Rows::of(read)?;
        let deleted = self.book.open().deleted_allocations.clone();
        for breach in invariants::among(&rows.nodes, &rows.allocations, &rows.work, &deleted, false) {
            self.book.breach(breach);
        }
        let known = &self.known;
        self.machines.look(&rows, |uuid| known.get(&uuid).map(|known| known.state));
        if let Some(life) = life {
            self.holders.look(&rows, life);
        }
        holders::waits(&rows, &self.book, self.clock.now());
        self.nothing_begins_in_hold(&rows);
        self.acknowledged(&rows);
        self.placing.look(&rows, &self.book);
        self.transitions(read, &rows)?;
        self.add(&rows);
        Ok(())
    }

    /// Every change of state is told, is one of the table's, and was asked for if it is a client's.
    fn transitions(&mut self, read: &Read, rows: &Rows) -> Result<(), StoreError> {
        self.known.retain(|uuid, _| rows.nodes.iter().any(|node| node.uuid == *uuid));
        let now = self.clock.instant();
        for node in &rows.nodes {
            self.machines.reads(node);
            if node.target_power_state.is_some() {
                self.book.open().asked(node.name.as_deref().unwrap_or_default()).expected = Some(now);
            }
            self.switched(node, rows.owed(node.uuid));
            let known = self.known.get(&node.uuid);
            if known.is_some_and(|known| known.state == node.provision_state && known.last_event != 0) {
                continue;
            }
            let (mut state, mut last_event) =
                known.map_or((node.provision_state, 0), |known| (known.state, known.last_event));
            for event in events::of_node(read, node.uuid, last_event, 1000)? {
                last_event = event.id;
                if event.kind != EventKind::Transition {
                    continue;
                }
                let found = TRANSITIONS.iter().find(|row| row.from == state && event.text == told(row));
                let Some(row) = found else {
                    self.book.breach(format!("node {}: no such transition from {state}: {}", node.uuid, event.text));
                    continue;
                };
                state = row.to;
                *self.book.open().passed.entry(event.text.clone()).or_default() += 1;
                self.asked_for(node, row);
                self.had_its_time(node, row);
                self.machines.passed(read, node, row)?;
            }
            if state != node.provision_state {
                self.book.breach(format!("node {} came from {state} to {} untold", node.uuid, node.provision_state));
            }
            let switches = known.and_then(|known| known.switches);
            let known = Known { state: node.provision_state, since: now, last_event, switches };
            self.known.insert(node.uuid, known);
        }
        Ok(())
    }

    /// What only clients may ask for was asked for.
    fn asked_for(&self, node: &Node, row: &Row) {
        use Event::*;
        // Two events that end a flow are called like verbs.
        let within = matches!((row.from, row.on), (State::Deleting, Clean) | (State::Cleaning, Manage));
        if within || matches!(row.on, Wait | Resume | Hold | Done | Fail) {
            return;
        }
        let (name, now) = (node.name.clone().unwrap_or_default(), self.clock.instant());
        let mut book = self.book.open();
        let asked = book.asked(&name);
        asked.saw(row.on);
        if !asked.asked_for(row.on, now) {
            book.breach(format!("{name}: nobody asked for {} in {}", row.on, row.from));
        }
    }

    /// A change of power that went well is written down as it was asked for.
    fn switched(&mut self, node: &Node, owed: Option<&Work>) {
        let Some(known) = self.known.get_mut(&node.uuid) else { return };
        let riding = owed.filter(|work| work.has_power_change() && node.reservation.is_some());
        let now = node.target_power_state.zip(riding).map(|(target, work)| (target, work.id));
        let Some((target, row)) = std::mem::replace(&mut known.switches, now) else { return };
        if now.is_some_and(|(other, same)| same == row && other != target) {
            self.book.breach(format!("node {} is being switched to {target:?}, and that was changed", node.uuid));
        }
        let over = node.target_power_state.is_none() && owed.is_none_or(|work| work.id == row);
        if over && node.last_error.is_none() && node.power_state != Some(target) {
            self.book.breach(format!("node {} was switched to {target:?}, and is {:?}", node.uuid, node.power_state));
        }
    }

    /// A wait is not given up before its time, however the clock is set.
    fn had_its_time(&self, node: &Node, row: &Row) {
        let given_up = row.on == Event::Fail && row.from.awaits_agent();
        let told = node.last_error.as_deref().unwrap_or_default();
        let Some(known) = self.known.get(&node.uuid).filter(|_| given_up && told.starts_with("Timeout")) else {
            return;
        };
        // What the clock did while no process looked is known to nobody.
        let waited = self.clock.instant().saturating_duration_since(known.since);
        if known.since > self.began && waited < PATIENCE {
            self.book.breach(format!("node {}: {} was given up after {waited:?}: {told}", node.uuid, row.from));
        }
    }

    /// In hold no work is begun, no node is reserved, and none is given away.
    fn nothing_begins_in_hold(&mut self, rows: &Rows) {
        if !rows.held {
            self.held = None;
            return;
        }
        let works = rows.work.iter().map(|work| Uuid::from_u128(work.id as u128));
        let reserved = rows.nodes.iter().filter(|node| node.reservation.is_some()).map(|node| node.uuid);
        let given = rows.allocations.iter().filter(|it| it.node_uuid.is_some()).map(|it| it.uuid);
        let begun: BTreeSet<Uuid> = works.chain(reserved).chain(given).collect();
        if let Some(new) = self.held.as_ref().and_then(|before| begun.difference(before).next()) {
            self.book.breach(format!("in hold something was begun: work, node or allocation {new}"));
        }
        self.held = Some(begun);
    }

    /// What was acknowledged is there, and what was deleted is not.
    fn acknowledged(&mut self, rows: &Rows) {
        let (mut book, now) = (self.book.open(), self.clock.instant());
        let mut breaches = Vec::new();
        let gone: Vec<Uuid> = book.nodes.iter().copied().filter(|uuid| rows.node(*uuid).is_none()).collect();
        for uuid in gone {
            book.nodes.remove(&uuid);
            if !book.is_doomed(uuid, now) {
                breaches.push(format!("node {uuid} was acknowledged and is gone"));
            }
        }
        for node in &rows.nodes {
            if book.deleted_nodes.contains(&node.uuid) {
                breaches.push(format!("node {} was deleted and is there", node.uuid));
            }
        }
        for (uuid, key) in &book.marks {
            if rows.node(*uuid).is_some_and(|node| node.extra.get(key).is_none()) {
                breaches.push(format!("node {uuid}: {key} was acknowledged and is gone"));
            }
        }
        let there = |uuid: &Uuid| rows.allocations.iter().any(|allocation| allocation.uuid == *uuid);
        let gone: Vec<Uuid> = book.allocations.iter().copied().filter(|uuid| !there(uuid)).collect();
        for uuid in gone {
            book.allocations.remove(&uuid);
            // Whoever undeploys a node, or removes it, ends the allocation that it has then.
            let ended = self.placing.node_of(uuid).is_some_and(|node| {
                let undeployed = self.known.get(&node).is_some_and(|known| known.state == State::Deleting);
                undeployed || (rows.node(node).is_none() && book.is_doomed(node, now))
            });
            if !ended && !book.is_doomed(uuid, now) {
                breaches.push(format!("allocation {uuid} was acknowledged and is gone"));
            }
        }
        breaches.into_iter().for_each(|it| book.breach(it));
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
    pub fn unsettled(&self, read: &Read) -> Result<Vec<String>, StoreError> {
        let (mut found, rows) = (Vec::new(), Rows::of(read)?);
        if rows.held {
            found.push("the store is in hold".to_owned());
        }
        for node in &rows.nodes {
            let name = node.name.clone().unwrap_or_default();
            let state = node.provision_state;
            let row = rows.owed(node.uuid);
            // What is held waits for its client, who is gone.
            let on_hold = matches!(state, State::DeployHold | State::CleanHold | State::ServiceHold);
            let kept = on_hold && row.is_some_and(|work| work.phase == Phase::Held);
            if !state.is_stable() && !state.is_failed() && !kept {
                found.push(format!("{name} is {state}: {row:?}"));
            }
            if row.is_some() && !kept {
                found.push(format!("{name} is {state} and work is owed: {row:?}"));
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
            found.extend(self.machines.unsettled(node, self.power_is_read));
        }
        found.extend(rows.work.iter().filter(|it| it.node_uuid.is_none()).map(|it| format!("work is owed: {it:?}")));
        for allocation in &rows.allocations {
            if allocation.state == AllocationState::Allocating {
                found.push(format!("allocation {} is still allocating", allocation.uuid));
            }
        }
        Ok(found)
    }
}

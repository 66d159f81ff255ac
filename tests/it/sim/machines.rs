//! What may happen to machines: power goes, disks are written, and nodes are active, only as clients asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bessemer::clock::{Clock, Instant};
use bessemer::model::boot_plan::Boot;
use bessemer::model::{BootPlan, Node, PowerState, State};
use bessemer::provision::Event;
use bessemer::provision::table::Row;
use bessemer::sim::agent;
use bessemer::sim::bmc::Chassis;
use bessemer::sim::machine::{self, Doing};
use bessemer::store::blobs::{self, BlobKind};
use bessemer::store::{Read, StoreError, secrets};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use uuid::Uuid;

use super::book::Book;
use super::plan::Plan;
use super::rules::Rows;

/// After a node has rested for so long, nothing that was sent on its behalf is still on its way.
const SETTLED: Duration = Duration::from_secs(10);
/// What a process had sent before it died may arrive for so long.
const ON_ITS_WAY: Duration = Duration::from_secs(5);
/// A hand that touched the power so lately may have undone what was just done.
const JUST_TOUCHED: Duration = Duration::from_secs(60);
/// Columns that show stars; what is behind them must stand in no log.
const SEALED: [&str; 3] = ["driver_info", "driver_internal_info", "instance_info"];
/// A shorter secret may stand anywhere by chance.
const LONG: usize = 12;

/// What is remembered of a machine.
struct Seen {
    name: String,
    disk: PathBuf,
    chassis: Chassis,
    agent: agent::Faults,
    doing: watch::Receiver<Doing>,
    downs: u64,
    ordered_at: Option<Instant>,
    writes: u64,
    /// Its writes when it began to be cleaned.
    before_cleaning: u64,
    /// It was seen doing something else than to boot from the network since the store is in hold.
    idle_in_hold: bool,
    /// Since when nothing is owed to its node.
    rests: Option<Instant>,
    /// Its node was deleted, or its flow failed, while its ramdisk was up, and a BMC may refuse to switch it off: it still
    /// ends the step that it was given.
    left_alone: bool,
}

pub struct Machines {
    clock: Clock,
    book: Book,
    /// How long images are.
    image_bytes: usize,
    automated_clean: bool,
    seen: Vec<Seen>,
    /// The images that a deployment which goes on may write, by their sums.
    wanted: BTreeMap<Uuid, BTreeSet<String>>,
    /// What the disks of active nodes hold since their deployment.
    hold: BTreeMap<Uuid, String>,
    /// The store was in hold at the last commit, of a process that began then.
    held: Option<Instant>,
}

impl Machines {
    pub fn new(clock: Clock, book: Book, image_bytes: usize, plan: &Plan) -> Self {
        let ((wanted, hold), automated_clean) = (Default::default(), plan.automated_clean);
        Machines { clock, book, image_bytes, automated_clean, seen: Vec::new(), wanted, hold, held: None }
    }

    pub fn follow(&mut self, machine: &machine::Machine) {
        self.seen.push(Seen {
            name: machine.model.name.clone(),
            disk: machine.model.disk.clone(),
            chassis: machine.bmc.chassis().clone(),
            agent: machine.agent_faults.clone(),
            doing: machine.watch(),
            downs: 0,
            ordered_at: None,
            writes: 0,
            before_cleaning: 0,
            idle_in_hold: false,
            rests: None,
            left_alone: false,
        });
    }

    /// A process begins.
    pub fn begin(&mut self) {
        self.held = None;
    }

    /// What happened to machines since the commit before happened in the state that their nodes had since then.
    pub fn look(&mut self, rows: &Rows, before: impl Fn(Uuid) -> Option<State>) {
        let now = self.clock.instant();
        let mut book = self.book.open();
        for machine in &mut self.seen {
            let name = &machine.name;
            let (downs, ordered_at, writes) =
                (machine.chassis.downs(), machine.chassis.ordered_at(), machine.agent.writes());
            let ended = std::mem::replace(&mut machine.downs, downs) < downs;
            let ordered = ordered_at.filter(|at| machine.ordered_at.replace(*at) != Some(*at));
            let long_after =
                |since: Option<Instant>, bound| ordered.zip(since).is_some_and(|(at, since)| at > since + bound);
            let written = std::mem::replace(&mut machine.writes, writes) < writes;
            let node = rows.nodes.iter().find(|node| node.name.as_ref() == Some(name));
            let before = node.and_then(|node| before(node.uuid));
            let asked = book.asked(name);
            let (down, disk) = (asked.down.is_open(now), asked.disk.is_open(now));
            if ended && before == Some(State::Active) && !down {
                book.breach(format!("{name}: power was taken from an active node, and nobody asked for it"));
            }
            if written && !disk {
                book.breach(format!("{name}: its disk was written, and nobody asked for it ({before:?})"));
            }
            if long_after(self.held, ON_ITS_WAY) {
                book.breach(format!("{name}: its power was changed in hold"));
            }
            if long_after(machine.rests, SETTLED) {
                book.breach(format!("{name}: its power was changed, and nothing was owed to its node ({before:?})"));
            }
            let doing = machine.doing.borrow().clone();
            if rows.held && machine.idle_in_hold && matches!(doing, Doing::Ramdisk(_)) {
                book.breach(format!("{name}: it booted a ramdisk in hold"));
            }
            let idle = !matches!(doing, Doing::Network | Doing::Ramdisk(_));
            machine.idle_in_hold = rows.held && (machine.idle_in_hold || idle);
            let owed = node.is_some_and(|node| rows.owed(node.uuid).is_some() || node.reservation.is_some());
            machine.rests = if owed { None } else { machine.rests.or(Some(now)) };
            let settled = machine.rests.is_some_and(|since| now.saturating_duration_since(since) > SETTLED);
            let in_ramdisk = matches!(doing, Doing::Ramdisk(_));
            let given_up = node.is_none_or(|node| node.provision_state.is_failed());
            machine.left_alone = in_ramdisk && (machine.left_alone || given_up);
            let state = node.map(|node| node.provision_state);
            let asked = book.asked(name);
            if settled || (state == Some(State::Active) && before != state) {
                asked.down.forget();
                if !machine.left_alone {
                    asked.disk.forget();
                }
            }
            if state == Some(State::Available) && before != state {
                asked.disk.forget();
            }
        }
        drop(book);
        self.held = if rows.held { self.held.or(Some(now)) } else { None };
    }

    /// After the transition of a node.
    pub fn passed(&mut self, read: &Read, node: &Node, row: &Row) -> Result<(), StoreError> {
        let Some(at) = self.seen.iter().position(|machine| node.name.as_ref() == Some(&machine.name)) else {
            return Ok(());
        };
        self.learn(read, node)?;
        self.moved(read, node, row, at)?;
        match (row.from, row.on) {
            (_, Event::Deploy | Event::Rebuild) => {
                self.wanted.insert(node.uuid, sum_of(node).into_iter().collect());
                self.hold.remove(&node.uuid);
                self.begins(at);
            }
            (_, Event::Rescue | Event::Unrescue | Event::Service) => self.begins(at),
            (_, Event::Delete) => {
                self.wanted.remove(&node.uuid);
                self.hold.remove(&node.uuid);
            }
            (State::Deploying, Event::Done) => self.deployed(read, node, at)?,
            _ => {}
        }
        Ok(())
    }

    /// What is kept for a node and shown to nobody must stand in no log either.
    fn learn(&self, read: &Read, node: &Node) -> Result<(), StoreError> {
        for column in SEALED {
            let found = secrets::of_column(read, node.uuid, column)?;
            let texts = found.iter().filter_map(|(_, sealed)| sealed.open().as_str()).filter(|it| it.len() >= LONG);
            self.book.open().secrets.extend(texts.map(str::to_owned));
        }
        Ok(())
    }

    /// What a transition says of the machine, or of what is kept for it, must be so.
    fn moved(&mut self, read: &Read, node: &Node, row: &Row, at: usize) -> Result<(), StoreError> {
        let (name, now) = (self.seen[at].name.clone(), self.clock.instant());
        let machine = &mut self.seen[at];
        if row.to == State::Cleaning && row.on != Event::Resume {
            machine.before_cleaning = machine.agent.writes();
        }
        if row.from == State::Cleaning && matches!(row.on, Event::Done | Event::Manage) {
            let wiped = machine.agent.writes() > machine.before_cleaning;
            if !wiped && (self.automated_clean || row.on == Event::Manage) {
                self.book.breach(format!("{name} was cleaned, and its disk was not wiped"));
            }
        }
        if row.from == State::Deleting {
            let drive = blobs::load(read, node.uuid, BlobKind::ConfigDrive)?.is_some();
            let info = node.instance_info.map();
            if drive || !info.is_empty() || node.instance_uuid.is_some() {
                self.book.breach(format!("{name} was undeployed, and its instance left {info:?}, a drive: {drive}"));
            }
        }
        if row.to == State::Active && row.on == Event::Done {
            let plan: Option<BootPlan> = blobs::load_json(read, node.uuid, BlobKind::BootPlan)?;
            if plan.is_some_and(|plan| plan.boot != Boot::Disk) {
                self.book.breach(format!("{name} is active, and would be told to boot a ramdisk"));
            }
            let (mut book, on) = (self.book.open(), self.seen[at].chassis.power().on);
            let asked = book.asked(&name);
            let touched = asked.touched.is_some_and(|at| now < at + JUST_TOUCHED);
            if !on && !touched && !asked.doubtful && row.from != State::Adopting {
                book.breach(format!("{name} is active, and nobody switched it on"));
            }
        }
        Ok(())
    }

    /// What is on the disk of a node that has just become active is what was asked for.
    fn deployed(&mut self, read: &Read, node: &Node, at: usize) -> Result<(), StoreError> {
        let wanted = self.wanted.remove(&node.uuid).unwrap_or_default();
        let (name, found) = (&self.seen[at].name, self.sum_on(&self.seen[at].disk));
        if wanted.contains(&found) {
            self.hold.insert(node.uuid, found);
        } else {
            self.book.breach(format!("{name} is active, and on its disk is {found} instead of {wanted:?}"));
        }
        let drive = blobs::load(read, node.uuid, BlobKind::ConfigDrive)?.is_some();
        if drive != config_drive(&self.seen[at].disk).exists() {
            self.book.breach(format!("{name} is active: its config drive should be there: {drive}"));
        }
        Ok(())
    }

    /// What runs on a machine is begun anew.
    fn begins(&mut self, at: usize) {
        let mut book = self.book.open();
        let asked = book.asked(&self.seen[at].name);
        asked.doubtful = asked.lies;
    }

    /// Images may be changed while a deployment goes on.
    pub fn reads(&mut self, node: &Node) {
        if let Some(wanted) = self.wanted.get_mut(&node.uuid) {
            wanted.extend(sum_of(node));
        }
    }

    fn sum_on(&self, disk: &Path) -> String {
        let mut bytes = std::fs::read(disk).unwrap_or_default();
        bytes.truncate(self.image_bytes);
        sum(&bytes)
    }

    /// How a machine that should be at rest is not as its node says, once nothing goes wrong any more.
    pub fn unsettled(&self, node: &Node, power_is_read: bool) -> Vec<String> {
        let mut found = Vec::new();
        let Some(machine) = self.seen.iter().find(|machine| node.name.as_ref() == Some(&machine.name)) else {
            return found;
        };
        let (name, on, doing) = (&machine.name, machine.chassis.power().on, machine.doing.borrow().clone());
        let recorded = node.power_state;
        let unread = matches!(node.provision_state, State::Enroll | State::AdoptFailed) || node.maintenance;
        let real = if on { PowerState::On } else { PowerState::Off };
        if power_is_read && !unread && recorded != Some(real) {
            found.push(format!("{name} is recorded as {recorded:?}, and its power is {real:?}"));
        }
        let Some(image) = self.hold.get(&node.uuid).filter(|_| node.provision_state == State::Active) else {
            return found;
        };
        let on_disk = self.sum_on(&machine.disk);
        if on_disk != *image {
            found.push(format!("{name} is active, and its disk was changed from {image} to {on_disk}"));
        }
        if self.book.open().asked(name).doubtful {
            return found;
        }
        if on && !matches!(doing, Doing::System(_)) {
            found.push(format!("{name} is active and on, and does not run what was deployed: {doing:?}"));
        }
        if let Some(flags) = machine.chassis.boot_flags()
            && flags.device == 1
        {
            found.push(format!("{name} is active, and boots from the network when it boots next: {flags:?}"));
        }
        found
    }
}

fn sum_of(node: &Node) -> Option<String> {
    node.instance_info.text("image_checksum")
}

pub fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn config_drive(disk: &Path) -> PathBuf {
    let mut path = disk.as_os_str().to_owned();
    path.push(".config-2");
    path.into()
}

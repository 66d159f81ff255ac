//! What there is to know of a node, read in one go.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::model::{BootPlan, EventRecord, Hold, Node, Port, Step, Wait, Work};
use crate::service::{Refused, flow};
use crate::store::blobs::{self, BlobKind};
use crate::store::{Read, events, hold, leases, ports, work};
use crate::trace::{Kind, Seen, Subject, Trace};
use crate::wire::mac::Mac;

/// Events of a node's history that are looked at.
const EVENTS: usize = 20;

/// A BMC that stumbles, and is left alone by polling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stumbling {
    pub since: Timestamp,
    /// Commands that failed in a row.
    pub failures: u32,
    pub next_poll_at: Timestamp,
    pub reason: String,
}

/// Asks whether a node's BMC stumbles.
pub type Stumbles = Arc<dyn Fn(&Node) -> Option<Stumbling> + Send + Sync>;

/// What is seen of machines, and how they reach us.
#[derive(Clone, Default)]
pub struct Sight {
    pub trace: Trace,
    /// Base URL of the provisioning listener as machines reach it.
    pub url: Option<String>,
    /// How long an agent waits between heartbeats.
    pub heartbeat: Duration,
    /// Where logs of failed ramdisks are kept, for a person.
    pub logs: Option<String>,
    pub stumbles: Option<Stumbles>,
}

/// See the head of this file.
#[derive(Clone)]
pub struct Facts {
    pub now: Timestamp,
    pub node: Node,
    pub work: Option<Work>,
    pub ports: Vec<Port>,
    /// The list of the flow that is under way.
    pub steps: Vec<Step>,
    pub plan: Option<BootPlan>,
    /// Its history, newest first.
    pub events: Vec<EventRecord>,
    /// The address that its cards have from us, and until when.
    pub leases: Vec<(Ipv4Addr, Timestamp)>,
    /// What was seen of the node and its cards, oldest first.
    pub seen: Vec<Seen>,
    pub stumbling: Option<Stumbling>,
    /// When the call to its hardware that is under way is given up.
    pub call_ends: Option<Timestamp>,
    /// The store is in hold, so nothing is done to machines.
    pub held: Option<Hold>,
    /// Cards that are nobody's and ask for an address.
    pub strangers: Vec<(Mac, Seen)>,
    pub sight: Sight,
    /// The time is over: what has not come by now is what was wrong.
    pub over: bool,
}

/// Reads everything about a node.
pub fn gather(read: &Read, node: Uuid, sight: &Sight, now: Timestamp) -> Refused<Facts> {
    let node = flow::load(read, node)?;
    let ports = ports::of_node(read, node.uuid)?;
    let (mut subjects, mut held) = (vec![Subject::Node(node.uuid)], Vec::new());
    for port in &ports {
        subjects.extend(port.address.parse().ok().map(Subject::Card));
        held.extend(leases::find(read, &port.address)?.map(|lease| (lease.address, lease.expires_at)));
    }
    let work = work::of_node(read, node.uuid)?;
    let since = work.as_ref().map_or(now, |work| work.created_at);
    Ok(Facts {
        now,
        steps: blobs::load_json(read, node.uuid, BlobKind::Steps)?.unwrap_or_default(),
        plan: blobs::load_json(read, node.uuid, BlobKind::BootPlan)?,
        events: events::newest_of_node(read, node.uuid, EVENTS)?,
        seen: sight.trace.of(&subjects),
        strangers: sight.trace.strangers(since),
        leases: held,
        held: hold::find(read)?,
        stumbling: sight.stumbles.as_ref().and_then(|ask| ask(&node)),
        call_ends: sight.trace.calls_end(node.uuid),
        sight: sight.clone(),
        over: work.as_ref().is_some_and(|work| work.deadline_at.is_some_and(|at| at <= now)),
        node,
        work,
        ports,
    })
}

impl Facts {
    /// What a person calls the node.
    pub fn name(&self) -> String {
        self.node.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| self.node.uuid.to_string())
    }

    /// What its work waits for.
    pub fn wait(&self) -> Option<Wait> {
        Wait::parse(self.work.as_ref()?.why.as_deref()?)
    }

    /// The newest of these since `since`.
    pub fn newest(&self, kinds: &[Kind], since: Timestamp) -> Option<&Seen> {
        self.seen.iter().rev().find(|seen| kinds.contains(&seen.kind) && seen.at >= since)
    }

    pub fn secs_since(&self, at: Timestamp) -> i64 {
        self.now.duration_since(at).as_secs()
    }

    /// Its cards, for a sentence.
    pub fn cards(&self) -> String {
        let bootable = self.ports.iter().filter(|port| port.pxe_enabled).map(|port| port.address.as_str());
        bootable.collect::<Vec<_>>().join(", ")
    }

    /// The step that its work is at.
    pub fn step(&self) -> Option<&Step> {
        self.steps.get(usize::try_from(self.work.as_ref()?.step).ok()?)
    }

    pub fn bmc(&self) -> String {
        let info = &self.node.driver_info;
        let address = info.text("ipmi_address").or_else(|| info.text("redfish_address"));
        address.map_or_else(|| "the BMC".to_owned(), |address| format!("the BMC at {address}"))
    }
}

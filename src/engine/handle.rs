//! What requests may ask of the engine: a decision when the node is free, and a call to the hardware.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::Engine;
use super::delta::{self, Delta};
use super::family::Kin;
use super::lists::Offer;
use crate::blocking;
use crate::driver::traits::Done;
use crate::driver::{Driver, DriverError, Environment, Task};
use crate::model::{FlowName, InterfaceKind, Node};
use crate::provision::Event;
use crate::provision::verbs::Verb;
use crate::service::provision::Request;
use crate::service::why::{self, Sight};
use crate::service::{Refusal, Refused, Rules, flow, hold, journal, provision, rescue};
use crate::store::{Store, Tx, nodes};

/// How long a request waits for a node that somebody works on, before the client is told so.
const PATIENCE: Duration = Duration::from_secs(3);
/// An act that takes no longer than this is over before its client is answered.
const AT_ONCE: Duration = Duration::from_millis(300);
/// How long all validations of a node may take together.
const VALIDATION: Duration = Duration::from_secs(60);

/// Whether a call to the hardware needs the node to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    Shared,
    Exclusive,
}

/// Something that is done to a machine in the background, and how its failure is told.
#[derive(Clone, Debug)]
pub struct Act {
    /// The beginning of the sentence in `last_error`.
    failed: String,
    /// How the failure is classed in the node's history; none leaves it out there, as Ironic does with most.
    event_type: Option<&'static str>,
    /// Whether an older failure is forgotten when it begins.
    clears: bool,
}

impl Act {
    pub fn new(failed: String) -> Self {
        Act { failed, event_type: None, clears: true }
    }

    pub fn keeping_last_error(self) -> Self {
        Act { clears: false, ..self }
    }

    pub fn recorded_as(self, event_type: &'static str) -> Self {
        Act { event_type: Some(event_type), ..self }
    }
}

/// What a process is doing to machines right now: whatever is reserved in its store is in here, or was left by the
/// process before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// Rows of work that are being walked.
    pub rows: BTreeSet<i64>,
    /// Nodes that calls and acts in the background hold.
    pub nodes: BTreeSet<Uuid>,
}

/// A node is in [`Busy::nodes`] as long as this lives: from before its reservation is written until after it is given back.
struct Calling {
    engine: Engine,
    node: Uuid,
}

impl Calling {
    fn new(engine: &Engine, node: Uuid) -> Self {
        *engine.calling.lock().unwrap_or_else(PoisonError::into_inner).entry(node).or_default() += 1;
        Calling { engine: engine.clone(), node }
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        let mut calling = self.engine.calling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = calling.get_mut(&self.node) {
            *count -= 1;
            if *count == 0 {
                calling.remove(&self.node);
            }
        }
    }
}

/// The only way from a request to the engine. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    engine: Engine,
    /// The store in the lane of those who ask.
    clients: Store,
}

impl Handle {
    pub(super) fn new(engine: Engine) -> Self {
        Handle { clients: engine.store.for_clients(), engine }
    }

    pub fn store(&self) -> &Store {
        &self.engine.store
    }

    pub fn rules(&self) -> &Rules {
        &self.engine.rules
    }

    pub fn environment(&self) -> &Environment {
        &self.engine.env
    }

    /// How the machines are seen, for who explains them.
    pub fn sight(&self) -> Sight {
        self.engine.sight()
    }

    /// What is being done right now, for who judges whether a reservation has somebody behind it.
    pub fn busy(&self) -> Busy {
        let calling = self.engine.calling.lock().unwrap_or_else(PoisonError::into_inner);
        Busy { rows: self.engine.walking().iter().copied().collect(), nodes: calling.keys().copied().collect() }
    }

    /// Runs a decision. If the node is locked it is run again when something is released, for three seconds; then the
    /// client is told. Nobody waits inside a transaction.
    pub async fn write_when_free<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx) -> Refused<T> + Clone + Send + 'static,
    ) -> Refused<T> {
        self.when_free(&self.clients, job).await
    }

    /// As [`Handle::write_when_free`], for a machine: before what clients ask for.
    pub async fn write_when_free_for_machine<T: Send + 'static>(
        &self,
        job: impl Fn(&Tx) -> Refused<T> + Clone + Send + 'static,
    ) -> Refused<T> {
        self.when_free(&self.engine.store, job).await
    }

    async fn when_free<T: Send + 'static>(
        &self,
        store: &Store,
        job: impl Fn(&Tx) -> Refused<T> + Clone + Send + 'static,
    ) -> Refused<T> {
        let deadline = self.engine.env.clock.instant() + PATIENCE;
        let mut changed = self.engine.store.work_changed();
        loop {
            changed.mark_unchanged();
            match store.write(job.clone()).await {
                Err(Refusal::Locked(why)) => {
                    if tokio::time::timeout_at(deadline, changed.changed()).await.is_err() {
                        return Err(Refusal::Locked(why));
                    }
                }
                settled => return settled,
            }
        }
    }

    /// Asks for a provisioning verb: checks, the driver's validation (before anything is changed), then the decision.
    pub async fn provision(&self, node: Uuid, request: Request) -> Refused<()> {
        let (asked, rules) = (request.clone(), self.engine.rules.clone());
        let read = self.store().read(move |read| {
            let verb = provision::precheck(&flow::load(read, node)?, &asked, &rules)?;
            hold::refuse(read)?;
            Ok::<_, Refusal>(verb)
        });
        let verb = read.await?;
        self.validate_for(node, verb, &request).await?;
        let request = self.hashed(request).await?;
        let rules = self.engine.rules.clone();
        self.write_when_free(move |tx| provision::request(tx, node, &request, &rules)).await
    }

    /// Hashes the rescue password, off the runtime and before the decision: the plain one goes no further.
    async fn hashed(&self, request: Request) -> Refused<Request> {
        let Some(password) = request.rescue_password.clone() else { return Ok(request) };
        let random = self.engine.env.random.clone();
        let made = blocking::run(move || rescue::hash(password.open().as_str().unwrap_or_default(), &random));
        let made = made.await.unwrap_or_else(|_| Err(Refusal::Busy("The service is stopping.".to_owned())))?;
        Ok(Request { rescue_hash: Some(made), ..request })
    }

    /// What a verb needs of the hardware is checked in the interfaces that will do it.
    async fn validate_for(&self, node: Uuid, verb: &Verb, request: &Request) -> Refused<()> {
        use InterfaceKind::*;
        let deploys = matches!(verb.event, Event::Deploy | Event::Rebuild);
        let given = request.drive_bytes().filter(|_| deploys).map(Arc::from);
        let kinds: &'static [InterfaceKind] = match verb.event {
            Event::Deploy | Event::Rebuild => &[Power, Deploy],
            Event::Clean | Event::Service => &[Power, Network],
            Event::Provide => &[Power, Network],
            Event::Inspect => &[Power, Inspect],
            Event::Rescue => &[Power, Rescue, Network],
            Event::Unrescue => &[Power, Network],
            _ => return Ok(()),
        };
        let found = self.validations(node, kinds, deploys.then_some(given), verb.event == Event::Rescue).await?;
        for (kind, result) in found {
            if let Err(error) = result {
                return Err(Refusal::invalid(format!(
                    "Failed to validate {} interface for {} of node {node}: {error}",
                    kind.as_str(),
                    verb.target
                )));
            }
        }
        if deploys { self.check_deploy_steps(node, request).await } else { Ok(()) }
    }

    /// What a deploy is asked to do beside what it always does, as far as it can be judged before an agent runs.
    async fn check_deploy_steps(&self, node: Uuid, request: &Request) -> Refused<()> {
        let (wanted, rules) = (request.clone(), self.engine.rules.clone());
        let read = self.store().read(move |read| {
            let node = flow::load(read, node)?;
            provision::check_instance_traits(read, &node)?;
            provision::deploy_steps(read, &node, &wanted, &rules)
        });
        let asked = read.await?;
        if asked.is_empty() {
            return Ok(());
        }
        let judged = self.call(node, Lock::Shared, VALIDATION, move |task, driver| {
            let judged = Offer::of_driver(FlowName::Deploy, task, driver).check_deploy(&asked);
            Box::pin(async move { Ok(judged) })
        });
        judged.await?.map_err(Refusal::Invalid)
    }

    /// The validation of every interface but vendor, as `GET …/validate` shows it.
    pub async fn validate(&self, node: Uuid) -> Refused<Vec<(InterfaceKind, Result<(), DriverError>)>> {
        use InterfaceKind::*;
        const SHOWN: &[InterfaceKind] =
            &[Boot, Deploy, Management, Network, Power, Bios, Console, Firmware, Inspect, Raid, Rescue, Storage];
        self.validations(node, SHOWN, None, false).await
    }

    /// With the config drive that a deploy would use, if it is one: the request's, or the one that was given before.
    async fn validations(
        &self,
        node: Uuid,
        kinds: &'static [InterfaceKind],
        drive: Option<Option<Arc<[u8]>>>,
        rescue: bool,
    ) -> Refused<Vec<(InterfaceKind, Result<(), DriverError>)>> {
        let kept = delta::Drives(self.engine.clone());
        self.call(node, Lock::Shared, VALIDATION, move |task, driver| {
            match drive {
                Some(Some(given)) => task.config_drive = Some(given),
                Some(None) => task.look_for_drive_in(Arc::new(kept)),
                None => {}
            }
            if rescue {
                task.args.set("rescue_password_given", true);
            }
            Box::pin(async move {
                let mut found = Vec::new();
                for &kind in kinds {
                    found.push((kind, driver.interface(kind).validate(task).await));
                }
                Ok(found)
            })
        })
        .await
    }

    /// Refuses what would change something on a machine without reserving its node, while the store is in hold. What
    /// reserves one is refused where it does.
    pub async fn refuse_in_hold(&self) -> Refused<()> {
        self.store().glance(hold::refuse).await
    }

    /// Calls the hardware for a request. The call goes on if the client goes away: what has begun on a machine is
    /// brought to an end, and the reservation is given back.
    pub async fn call<T: Send + 'static>(
        &self,
        node: Uuid,
        lock: Lock,
        within: Duration,
        op: impl for<'a> FnOnce(&'a mut Task, Driver) -> Done<'a, T> + Send + 'static,
    ) -> Refused<T> {
        let (answer, told) = oneshot::channel();
        let engine = self.engine.clone();
        let this = self.clone();
        engine.tasks.spawn(async move {
            let _ = answer.send(this.run_call(node, lock, within, op).await);
        });
        told.await.unwrap_or_else(|_| Err(Refusal::Busy("The service is stopping.".to_owned())))
    }

    async fn run_call<T: Send + 'static>(
        &self,
        node: Uuid,
        lock: Lock,
        within: Duration,
        op: impl for<'a> FnOnce(&'a mut Task, Driver) -> Done<'a, T> + Send + 'static,
    ) -> Refused<T> {
        let env = self.engine.env.clone();
        let built = self.store().read(move |read| delta::build(read, node, &env)).await?;
        let built = built.ok_or_else(|| Refusal::not_found(format!("Node {node} could not be found.")))?;
        let task = built.with_checkpoint(Arc::new(delta::Saver(self.engine.clone())));
        let mut task = task.with_family(Arc::new(Kin(self.engine.clone())));
        let driver = Driver::of(&task.node)?;
        let calling = (lock == Lock::Exclusive).then(|| Calling::new(&self.engine, node));
        if calling.is_some() {
            self.reserve(node).await?;
        }
        let _calling = (lock == Lock::Exclusive).then(|| self.engine.env.trace.calling(node, within));
        let result = match tokio::time::timeout(within, op(&mut task, driver)).await {
            Ok(result) => result.map_err(Refusal::from),
            Err(_) => Err(Refusal::Conflict(format!("The machine did not answer within {} s.", within.as_secs()))),
        };
        let delta = Delta::of(&mut task);
        if lock == Lock::Exclusive || !delta.is_empty() {
            self.conclude(calling, delta).await?;
        }
        result
    }

    /// Writes down what a call has come to and gives the node back. If the store cannot keep it now, the client is told,
    /// and the node is given back as soon as it can.
    async fn conclude(&self, calling: Option<Calling>, delta: Delta) -> Refused<()> {
        let (release, delta) = (calling.is_some(), Arc::new(delta));
        let job = move |tx: &Tx| {
            let (before, mut node) = delta.merged(tx)?;
            if release {
                node.reservation = None;
            }
            nodes::update(tx, &before, &node)?;
            Ok::<_, Refusal>(())
        };
        let written = self.store().write(job.clone()).await;
        if let Err(Refusal::Store(error)) = &written
            && error.may_pass()
        {
            let engine = self.engine.clone();
            self.engine.tasks.spawn(async move {
                if let Err(error) = engine.insist(job).await {
                    tracing::error!(?error, "what became of a call could not be written down");
                }
                drop(calling);
            });
        }
        written
    }

    /// Reserves the node and begins an act. What becomes of it is seen in the node: it is given
    /// back, changed or with a new `last_error`. A stop of the service in between leaves the machine as it is by then;
    /// the reservation is given back at the next start. The client is answered when the act is over, if that is at once,
    /// so that whoever looks next sees what became of it.
    pub async fn begin(
        &self,
        node: Uuid,
        within: Duration,
        act: Act,
        op: impl for<'a> FnOnce(&'a mut Task, Driver) -> Done<'a> + Send + 'static,
    ) -> Refused<()> {
        let (answer, told) = oneshot::channel();
        let this = self.clone();
        // A client that goes away after the node was reserved must not leave it reserved: this goes on without him.
        let over = self.engine.tasks.spawn(async move {
            let calling = Calling::new(&this.engine, node);
            let reserved = this.reserve_for(node, act.clears).await;
            let begun = reserved.is_ok();
            let _ = answer.send(reserved);
            if !begun {
                return;
            }
            if let Err(error) = this.run_act(node, within, &act, op).await {
                tracing::error!(%node, ?error, "what became of an act could not be written down");
            }
            drop(calling);
        });
        told.await.unwrap_or_else(|_| Err(Refusal::Busy("The service is stopping.".to_owned())))?;
        // Giving up the wait ends nothing but the wait.
        let _ = tokio::time::timeout(AT_ONCE, over).await;
        Ok(())
    }

    async fn run_act(
        &self,
        node: Uuid,
        within: Duration,
        act: &Act,
        op: impl for<'a> FnOnce(&'a mut Task, Driver) -> Done<'a>,
    ) -> Refused<()> {
        let env = self.engine.env.clone();
        let Some(task) = self.store().read(move |read| delta::build(read, node, &env)).await? else { return Ok(()) };
        let mut task = task.with_checkpoint(Arc::new(delta::Saver(self.engine.clone())));
        let result = match Driver::of(&task.node) {
            Ok(driver) => match tokio::time::timeout(within, op(&mut task, driver)).await {
                Ok(result) => result,
                Err(_) => Err(DriverError::TimedOut(format!("it took longer than {} s", within.as_secs()))),
            },
            Err(error) => Err(error),
        };
        let failure =
            result.err().map(|error| why::with_next(&format!("{}: {error}", act.failed), "mend that and ask again."));
        if let Some(why) = &failure {
            tracing::warn!(%node, %why, "an act failed");
        }
        let (delta, event_type) = (Arc::new(Delta::of(&mut task)), act.event_type);
        self.engine
            .insist(move |tx| {
                let (before, mut node) = delta.merged(tx)?;
                node.reservation = None;
                if let Some(why) = &failure {
                    node.last_error = Some(why.clone());
                    if let Some(event_type) = event_type {
                        journal::failure(tx, &node, event_type, why)?;
                    }
                }
                nodes::update(tx, &before, &node)?;
                Ok(())
            })
            .await
    }

    /// Once what the last process held is given back; a reservation that is taken before would be given back with it.
    async fn may_hold(&self) -> Refused<()> {
        let why = "The service has just started, and is still giving back what was held before. Ask again.";
        let recovered = tokio::time::timeout(PATIENCE, self.recovered()).await;
        recovered.map_err(|_| Refusal::Busy(why.to_owned()))
    }

    /// Ends when what the last process held is given back.
    pub async fn recovered(&self) {
        self.engine.recovered.cancelled().await;
    }

    async fn reserve(&self, uuid: Uuid) -> Refused<()> {
        self.reserve_for(uuid, false).await
    }

    /// Reserves a node for a call or an act, which forgets an older failure or not.
    async fn reserve_for(&self, uuid: Uuid, forgets: bool) -> Refused<()> {
        let rules = self.engine.rules.clone();
        self.may_hold().await?;
        self.write_when_free(move |tx| {
            let before = flow::load(tx, uuid)?;
            hold::refuse(tx)?;
            if before.reservation.is_some() {
                return Err(Refusal::locked(&before));
            }
            let mut node = Node { reservation: Some(rules.conductor.clone()), ..before.clone() };
            if forgets {
                node.last_error = None;
            }
            nodes::update(tx, &before, &node)?;
            Ok(())
        })
        .await
    }
}

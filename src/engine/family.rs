//! Machines whose power hangs together: a child in the chassis of its parent, such as a card with a computer of its own.
//!
//! A child that is switched on needs its parent's power first; a parent that is switched off takes its children along,
//! and does so in an orderly way. Those with a power supply of their own are left alone. A parent's steps may also be for
//! its children.

use std::time::Duration;

use uuid::Uuid;

use super::handle::{Handle, Lock};
use super::{Engine, flows};
use crate::driver::{Driver, DriverError, Family, Fut, Outcome, Task};
use crate::model::{FlowName, Node, PowerState, PowerTarget, Step, StepSource};
use crate::service::Refusal;
use crate::store::{StoreError, nodes};

/// How long a step on one child may take.
const STEP: Duration = Duration::from_secs(1800);
/// How long a relative's power may take to be read, and to be changed.
const READING: Duration = Duration::from_secs(60);
const CHANGING: Duration = Duration::from_secs(900);

/// The relatives of nodes, as the store knows them.
pub struct Kin(pub Engine);

impl Family for Kin {
    fn parent_on<'a>(&'a self, node: &'a Node) -> Fut<'a, Result<(), DriverError>> {
        Box::pin(async move {
            match node.parent_node.filter(|_| !has_own_supply(node)) {
                Some(parent) => self.bring(parent, "parent", PowerTarget::On, false).await,
                None => Ok(()),
            }
        })
    }

    fn children_off<'a>(&'a self, node: &'a Node) -> Fut<'a, Result<(), DriverError>> {
        Box::pin(async move {
            for child in children(&self.0, node.uuid).await? {
                self.bring(child, "child", PowerTarget::Off, true).await?;
            }
            Ok(())
        })
    }
}

impl Kin {
    /// Brings a relative into a power state in which it is not yet.
    async fn bring(&self, node: Uuid, who: &str, target: PowerTarget, spare_own: bool) -> Result<(), DriverError> {
        let handle = Handle::new(self.0.clone());
        let refused = |refusal: Refusal| DriverError::Refused(format!("{who} node {node}: {refusal}"));
        let reading = handle.call(node, Lock::Shared, READING, move |task, driver| {
            Box::pin(async move {
                let spared = spare_own && has_own_supply(&task.node);
                if spared { Ok(Some(target.result())) } else { driver.power.state(task).await }
            })
        });
        if reading.await.map_err(refused)? == Some(target.result()) {
            return Ok(());
        }
        let changing = handle.call(node, Lock::Exclusive, CHANGING, move |task, driver| {
            Box::pin(async move { driver.set_power(task, target, None).await })
        });
        changing.await.map(|_: PowerState| ()).map_err(refused)
    }
}

fn has_own_supply(node: &Node) -> bool {
    node.driver_info.get("has_dedicated_power_supply").is_some_and(|value| value == true || value == "true")
}

async fn children(engine: &Engine, parent: Uuid) -> Result<Vec<Uuid>, DriverError> {
    let found = engine.store.read(move |read| nodes::children(read, parent)).await;
    let found = found.map_err(|error: StoreError| DriverError::Refused(format!("the children: {error}")))?;
    Ok(found.iter().filter_map(|uuid| Uuid::try_parse(uuid).ok()).collect())
}

/// Does a step on the children that it is for, one after the other. The first that fails ends it.
pub async fn run_step(engine: &Engine, parent: Uuid, flow: FlowName, step: &Step) -> Result<Outcome, DriverError> {
    let only = step.children.as_ref().map(|it| it.only.as_slice()).unwrap_or_default();
    let handle = Handle::new(engine.clone());
    for child in children(engine, parent).await? {
        if !only.is_empty() && !only.contains(&child.to_string()) {
            continue;
        }
        let step = Step { children: None, ..step.clone() };
        let name = step.name();
        let call = handle.call(child, Lock::Exclusive, STEP, move |task, driver| {
            Box::pin(async move { on_child(task, driver, flow, &step).await })
        });
        let why = match call.await {
            Ok(Outcome::Done) => continue,
            // Nobody would come back to it: the child's own flow is not running.
            Ok(Outcome::Wait { .. } | Outcome::Hold) => "it did not end at once".to_owned(),
            Ok(Outcome::Fail { why }) => why,
            Err(refusal) => refusal.to_string(),
        };
        return Ok(Outcome::Fail { why: format!("Step {name} failed on child node {child}: {why}") });
    }
    Ok(Outcome::Done)
}

async fn on_child(task: &mut Task, driver: Driver, flow: FlowName, step: &Step) -> Result<Outcome, DriverError> {
    task.flow = Some(flow);
    if step.source == StepSource::Reserved {
        return flows::reserved(step, task, driver).await;
    }
    let offered = |flow| flows::driver_steps(flow, task, driver);
    // A child is not in the parent's flow; what it offers for cleaning it can do at any time.
    let known = [offered(flow), offered(FlowName::Clean)].into_iter().flatten();
    if !known.into_iter().any(|known| known.interface == step.interface && known.step == step.step) {
        return Err(DriverError::misconfigured(format!("there is no step {} on it", step.name())));
    }
    driver.interface(step.interface).run_step(task, step).await
}

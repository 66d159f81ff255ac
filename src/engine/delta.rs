//! Between a task and the store: building the one from the other, and carrying back what changed.

use std::sync::Arc;

use uuid::Uuid;

use super::Engine;
use crate::driver::task::SECRET_COLUMNS;
use crate::driver::{self, Changes, Checkpoint, DriverError, Environment, Fut, Task};
use crate::model::{Node, Port, Record as _};
use crate::service::{Refusal, Refused, agent, bios, firmware, rescue};
use crate::store::blobs::{self, BlobKind};
use crate::store::{Read, StoreError, Tx, nodes, ports, secrets};

/// Reads all that a task holds. `None` if the node is gone.
pub fn build(read: &Read, uuid: Uuid, env: &Environment) -> Result<Option<Task>, StoreError> {
    let Some(node) = nodes::find(read, uuid)? else { return Ok(None) };
    let ports = ports::of_node(read, uuid)?;
    let traits = nodes::traits(read, uuid)?;
    let plan = blobs::load_json(read, uuid, BlobKind::BootPlan)?;
    let grant = blobs::load_json(read, uuid, BlobKind::ImageGrant)?;
    let mut task = Task::new(node, ports, traits, env.clone()).with_plan(plan).with_grant(grant);
    for column in SECRET_COLUMNS {
        task = task.with_secrets(column, secrets::of_column(read, uuid, column)?);
    }
    Ok(Some(task))
}

/// What a task changed since it was read: enough to apply it to the row as it is by then, more than once if need be.
#[derive(Clone)]
pub struct Delta {
    base: Node,
    work: Node,
    changes: Arc<Changes>,
}

impl Delta {
    pub fn of(task: &mut Task) -> Self {
        Delta {
            base: task.base().clone(),
            work: task.node.clone(),
            changes: Arc::new(std::mem::take(&mut task.changes)),
        }
    }

    pub fn is_empty(&self) -> bool {
        let c = &self.changes;
        self.base == self.work
            && c.boot_plan.is_none()
            && c.image_grant.is_none()
            && c.inventory.is_none()
            && c.new_ports.is_empty()
            && c.ports.is_empty()
            && c.bios.is_none()
            && c.firmware.is_none()
            && c.removed_ports.is_empty()
            && !c.forget_agent
            && !c.forget_rescue_password
    }

    /// Applies the changes and nothing else.
    pub fn store(&self, tx: &Tx) -> Refused<Node> {
        let (before, node) = self.merged(tx)?;
        nodes::update(tx, &before, &node)?;
        Ok(nodes::find(tx, node.uuid)?.unwrap_or(node))
    }

    /// The node as stored now, and the same with the changes in it. The caller goes on from there and stores the second.
    pub fn merged(&self, tx: &Tx) -> Refused<(Node, Node)> {
        let before = nodes::find(tx, self.base.uuid)?
            .ok_or_else(|| Refusal::not_found(format!("Node {} could not be found.", self.base.uuid)))?;
        let mut node = before.clone();
        node.merge(&self.base, self.work.clone());
        let changes = &*self.changes;
        match &changes.boot_plan {
            Some(Some(plan)) => blobs::put_json(tx, node.uuid, BlobKind::BootPlan, plan)?,
            Some(None) => drop(blobs::delete(tx, node.uuid, BlobKind::BootPlan)?),
            None => {}
        }
        if let Some(grant) = &changes.image_grant {
            blobs::put_json(tx, node.uuid, BlobKind::ImageGrant, grant)?;
        }
        if let Some(inventory) = &changes.inventory {
            blobs::put_json(tx, node.uuid, BlobKind::Inventory, inventory)?;
        }
        for uuid in &changes.removed_ports {
            ports::delete(tx, *uuid)?;
        }
        for port in &changes.new_ports {
            if ports::find_by_address(tx, &port.address)?.is_none() {
                ports::insert(tx, port)?;
            }
        }
        for port in &changes.ports {
            if let Some(stored) = ports::find(tx, port.uuid)? {
                ports::update(tx, &stored, &Port { id: stored.id, ..port.clone() })?;
            }
        }
        if let Some(settings) = &changes.bios {
            bios::replace(tx, node.uuid, settings)?;
        }
        if let Some(components) = &changes.firmware {
            firmware::replace(tx, node.uuid, components)?;
        }
        if changes.forget_rescue_password {
            rescue::forget(tx, &mut node)?;
        }
        if changes.forget_agent {
            agent::forget(tx, &mut node)?;
        }
        Ok((before, node))
    }
}

/// Saves a task midway, for the driver that asks.
pub struct Saver(pub Engine);

impl Checkpoint for Saver {
    fn save<'a>(&'a self, task: &'a mut Task) -> Fut<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let delta = Delta::of(task);
            let changes = delta.changes.clone();
            if delta.is_empty() {
                return Ok(());
            }
            let stored = self.0.insist(move |tx| delta.store(tx)).await;
            let stored = stored.map_err(|error| DriverError::Refused(format!("could not be saved: {error}")))?;
            task.rebase(stored, &changes);
            Ok(())
        })
    }
}

/// The config drives in the store.
pub struct Drives(pub Engine);

impl Drives {
    async fn read<T: Send + 'static>(
        &self,
        look: impl Fn(&Read) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, DriverError> {
        loop {
            match self.0.store.read(look.clone()).await {
                Err(error) if error.may_pass() && !self.0.stop.is_cancelled() => self.0.breathe().await,
                read => return read.map_err(|error| DriverError::Refused(format!("no config drive: {error}"))),
            }
        }
    }
}

impl driver::Drives for Drives {
    fn bytes(&self, node: Uuid) -> Fut<'_, Result<Option<usize>, DriverError>> {
        Box::pin(self.read(move |read| blobs::bytes(read, node, BlobKind::ConfigDrive)))
    }

    fn load(&self, node: Uuid) -> Fut<'_, Result<Option<Vec<u8>>, DriverError>> {
        Box::pin(self.read(move |read| blobs::load(read, node, BlobKind::ConfigDrive)))
    }
}

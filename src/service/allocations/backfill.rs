//! An allocation that is made to fit a machine which is in use already.

use crate::model::{Allocation, Node, State};
use crate::service::{Refusal, Refused};
use crate::store::{Tx, nodes};

/// Whether `allocation` may be given `node`. Unlike Ironic, which answers 500 to most of these, all are conflicts, and
/// none leaves an allocation behind.
pub fn check(tx: &Tx, allocation: &Allocation, node: &Node) -> Refused<()> {
    if node.reservation.is_some() {
        return Err(Refusal::locked(node));
    }
    if let Some(instance) = node.instance_uuid.filter(|instance| *instance != allocation.uuid) {
        return Err(Refusal::conflict(format!("Node {} is associated with instance {instance}.", node.uuid)));
    }
    if let Some(other) = nodes::find_by_instance(tx, allocation.uuid)?.filter(|other| other.uuid != node.uuid) {
        return Err(Refusal::conflict(format!(
            "Instance {} is already associated with node {}, it cannot be associated with node {}.",
            allocation.uuid, other.uuid, node.uuid
        )));
    }
    let no =
        |why: String| Err(Refusal::conflict(format!("Cannot backfill an allocation for node {}: {why}", node.uuid)));
    if node.provision_state != State::Active {
        return no(format!("it is in state {}, and only an active node can be given one", node.provision_state));
    }
    if let (Some(asked), is) = (&allocation.resource_class, node.resource_class.as_deref().unwrap_or_default())
        && asked != is
    {
        return no(format!("its resource class is {is}, not {asked}"));
    }
    let has = nodes::traits(tx, node.uuid)?;
    let missing: Vec<String> = super::choose::texts(&allocation.traits).filter(|name| !has.contains(name)).collect();
    if !missing.is_empty() {
        return no(format!("it does not have the traits {}", missing.join(", ")));
    }
    let uuid = node.uuid.to_string();
    let mut candidates = super::choose::texts(&allocation.candidate_nodes).peekable();
    if candidates.peek().is_some() && !candidates.any(|candidate| candidate == uuid) {
        return no("it is not among the candidate nodes".to_owned());
    }
    Ok(())
}

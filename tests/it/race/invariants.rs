//! The invariants of allocations, checked on the whole store. For use by any test that touches allocations.

use bessemer::model::{Allocation, AllocationState, FlowName, Node, Work};
use bessemer::store::{Store, StoreError, allocations, nodes, work};
use uuid::Uuid;

/// Every breach, as sentences; empty is well. `deleted` are allocations whose deletion was acknowledged; `quiet` says
/// that nothing is going on any more, so that nobody may be waiting.
pub async fn breaches(store: &Store, deleted: &[Uuid], quiet: bool) -> Result<Vec<String>, StoreError> {
    let (nodes, allocations, work) =
        store.read(|read| Ok::<_, StoreError>((nodes::all(read)?, allocations::all(read)?, work::all(read)?))).await?;
    Ok(among(&nodes, &allocations, &work, deleted, quiet))
}

/// [`breaches`] of what was read at one moment.
pub fn among(nodes: &[Node], allocations: &[Allocation], work: &[Work], deleted: &[Uuid], quiet: bool) -> Vec<String> {
    let mut found = Vec::new();
    for node in nodes {
        let holder = node.allocation_uuid.and_then(|uuid| allocations.iter().find(|a| a.uuid == uuid));
        match (node.allocation_uuid, holder) {
            (Some(uuid), None) => found.push(format!("I1/I3: node {} points at {uuid}, which is gone", node.uuid)),
            (Some(uuid), Some(a)) => {
                let joined = a.node_uuid == Some(node.uuid) && a.state == AllocationState::Active;
                if !joined || node.instance_uuid != Some(uuid) {
                    found.push(format!("I1: node {} and allocation {uuid} do not agree: {a:?}", node.uuid));
                }
            }
            (None, _) => {
                if let Some(a) = allocations.iter().find(|a| a.node_uuid == Some(node.uuid)) {
                    found.push(format!("I1: allocation {} has node {}, which knows nothing of it", a.uuid, node.uuid));
                }
            }
        }
    }
    for a in allocations {
        let owed = work.iter().find(|work| work.allocation_uuid == Some(a.uuid));
        match a.state {
            AllocationState::Active if !nodes.iter().any(|node| node.allocation_uuid == Some(a.uuid)) => {
                found.push(format!("I1: {} is active nowhere", a.uuid));
            }
            AllocationState::Active => {}
            AllocationState::Error if a.node_uuid.is_some() || a.last_error.is_none() => {
                found.push(format!("I2: {} is in error: {a:?}", a.uuid));
            }
            AllocationState::Error => {}
            AllocationState::Allocating if a.node_uuid.is_some() => found.push(format!("I2: {} has a node", a.uuid)),
            AllocationState::Allocating if owed.is_none() => found.push(format!("I6: nobody works for {}", a.uuid)),
            AllocationState::Allocating if quiet => found.push(format!("I6: {} is still allocating", a.uuid)),
            AllocationState::Allocating => {}
        }
        if a.state != AllocationState::Allocating && owed.is_some() {
            found.push(format!("I6: work is owed to {}, which is {}", a.uuid, a.state));
        }
        if deleted.contains(&a.uuid) {
            found.push(format!("I3: {} was deleted and is there", a.uuid));
        }
    }
    for orphan in work.iter().filter(|work| work.flow == FlowName::Allocate) {
        if !allocations.iter().any(|a| Some(a.uuid) == orphan.allocation_uuid) {
            found.push(format!("I5: work {} is for an allocation that is gone", orphan.id));
        }
    }
    found
}

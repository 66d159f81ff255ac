//! What allocations are given: a node that nobody works on, and one that fits if there is any.

use std::collections::{BTreeMap, BTreeSet};

use bessemer::model::{Allocation, AllocationState, Node, State};
use uuid::Uuid;

use super::book::Book;
use super::rules::Rows;

#[derive(Default)]
pub struct Placing {
    /// The nodes that allocations had last.
    placed: BTreeMap<Uuid, Uuid>,
    failed: BTreeSet<Uuid>,
}

impl Placing {
    /// The node that an allocation had last.
    pub fn node_of(&self, allocation: Uuid) -> Option<Uuid> {
        self.placed.get(&allocation).copied()
    }

    /// After a commit. What was decided in it was decided about nodes as they are, but for what it gave away.
    pub fn look(&mut self, rows: &Rows, book: &Book) {
        for allocation in &rows.allocations {
            let uuid = allocation.uuid;
            if let Some(node) = allocation.node_uuid
                && self.placed.insert(uuid, node).is_none()
                && rows.node(node).is_some_and(|node| node.reservation.is_some())
            {
                book.breach(format!("I7: allocation {uuid} was given node {node}, which is reserved"));
            }
            if allocation.state == AllocationState::Error
                && self.failed.insert(uuid)
                && let Some(node) = rows.nodes.iter().find(|node| fits(node, allocation))
            {
                let why = allocation.last_error.as_deref().unwrap_or_default();
                // Whoever abandons what is owed wants none.
                if !why.contains("given up") {
                    book.breach(format!("I9: node {} is free, and allocation {uuid} was told {why}", node.uuid));
                }
            }
        }
    }
}

/// Whether the node could be given to the allocation. Traits are not looked at: who asks for some may go without.
fn fits(node: &Node, allocation: &Allocation) -> bool {
    let (traits, candidates) = (allocation.traits.value(), allocation.candidate_nodes.value());
    let none = |list: &serde_json::Value| list.as_array().is_none_or(Vec::is_empty);
    let free = node.provision_state == State::Available
        && node.reservation.is_none()
        && node.instance_uuid.is_none()
        && node.power_state.is_some()
        && !node.maintenance;
    let named = candidates.as_array().is_some_and(|list| list.iter().any(|it| *it == node.uuid.to_string()));
    free && none(&traits) && (none(&candidates) || named) && node.resource_class == allocation.resource_class
}

//! Which node an allocation gets, or why none.

use serde_json::Value;
use uuid::Uuid;

use crate::model::{Allocation, Node, Object};
use crate::store::allocations::{self as rows, Criteria};
use crate::store::{StoreError, Tx, nodes};

/// A trait that at most so many nodes have is looked for among those, not in the pool.
const FEW: usize = 32;

pub enum Choice {
    Take(Box<Node>),
    /// Every node that fits is reserved; how many there are.
    Busy(usize),
    /// None fits, and why: a sentence without its beginning.
    Nothing(String),
}

/// The strings of a JSON array.
pub fn texts(list: &Object) -> impl Iterator<Item = String> {
    let items = match list.value() {
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    items.into_iter().filter_map(|item| match item {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// The node with the allocation's own name if it fits, else any that fits, each as likely as the other.
///
/// The order in which the client named candidates is no preference.
pub fn choose(tx: &Tx, allocation: &Allocation) -> Result<Choice, StoreError> {
    let traits: Vec<String> = texts(&allocation.traits).collect();
    let candidates: Vec<Uuid> =
        texts(&allocation.candidate_nodes).filter_map(|uuid| Uuid::try_parse(&uuid).ok()).collect();
    let criteria = Criteria {
        resource_class: allocation.resource_class.as_deref().unwrap_or_default(),
        traits: &traits,
        owner: allocation.owner.as_deref(),
    };
    if let Some(node) = of_that_name(tx, allocation, &criteria, &candidates)? {
        return Ok(Choice::Take(Box::new(node)));
    }
    let named = match candidates.is_empty() {
        true => rare(tx, &traits)?,
        false => Some(candidates.clone()),
    };
    let busy = match named {
        Some(mut named) => {
            let mut busy = 0;
            tx.shuffle(&mut named);
            for uuid in named {
                match rows::fitting(tx, &criteria, uuid)? {
                    Some(node) if node.reservation.is_none() => return Ok(Choice::Take(Box::new(node))),
                    Some(_) => busy += 1,
                    None => {}
                }
            }
            busy
        }
        None => match rows::pick(tx, &criteria, tx.uuid())? {
            Some(node) => return Ok(Choice::Take(Box::new(node))),
            // Only how many are told of grows with the pool, so there is an end to counting.
            None => rows::count(tx, &criteria, 1000)?,
        },
    };
    if busy > 0 {
        return Ok(Choice::Busy(busy));
    }
    Ok(Choice::Nothing(why_none(tx, &criteria, &candidates)?))
}

fn of_that_name(
    tx: &Tx,
    allocation: &Allocation,
    criteria: &Criteria,
    candidates: &[Uuid],
) -> Result<Option<Node>, StoreError> {
    let Some(name) = allocation.name.as_deref().filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let node = match nodes::find_by_name(tx, name) {
        // Another one fits as well.
        Err(error) if error.is_of_one_row() => return Ok(None),
        found => found?,
    };
    let Some(node) = node else { return Ok(None) };
    if !candidates.is_empty() && !candidates.contains(&node.uuid) {
        return Ok(None);
    }
    Ok(rows::fitting(tx, criteria, node.uuid)?.filter(|node| node.reservation.is_none()))
}

/// The nodes that have the rarest of the traits, if they are few: better than a walk through thousands without it.
fn rare(tx: &Tx, traits: &[String]) -> Result<Option<Vec<Uuid>>, StoreError> {
    let mut rarest: Option<Vec<Uuid>> = None;
    for name in traits {
        if let Some(holders) = rows::few_holders(tx, name, FEW)?
            && rarest.as_ref().is_none_or(|so_far| holders.len() < so_far.len())
        {
            rarest = Some(holders);
        }
    }
    Ok(rarest)
}

/// Ironic's sentences, and one more: nodes whose power nobody knows are never given out, and there "no available
/// nodes" sends people looking in the wrong place.
fn why_none(tx: &Tx, criteria: &Criteria, candidates: &[Uuid]) -> Result<String, StoreError> {
    let class = criteria.resource_class;
    let any_traits = Criteria { traits: &[], ..*criteria };
    let mut without = false;
    if candidates.is_empty() {
        without = rows::count(tx, &any_traits, 1)? > 0;
    }
    for uuid in candidates {
        without = without || rows::fitting(tx, &any_traits, *uuid)?.is_some();
    }
    if without {
        return Ok(format!("no suitable nodes have the requested traits {}.", criteria.traits.join(", ")));
    }
    if rows::any_unread(tx, criteria, candidates)? {
        return Ok(format!(
            "the nodes that match the resource class {class} are available but their power state is unknown; set their \
             power state, or mend the access to their BMCs."
        ));
    }
    Ok(match candidates.is_empty() {
        true => format!("no available nodes match the resource class {class}."),
        false => format!("none of the requested nodes are available and match the resource class {class}."),
    })
}

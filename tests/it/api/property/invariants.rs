//! What holds in the store after every request, whatever was asked.

use bessemer::model::{Node, Work};
use bessemer::provision::table::TRANSITIONS;
use bessemer::store::{Store, StoreError, nodes, work};

use crate::api::service::{Outcome, Service};

/// Every breach, as sentences.
pub async fn breaches(store: &Store) -> Result<Vec<String>, StoreError> {
    let mut found = crate::race::invariants::breaches(store, &[], false).await?;
    let (nodes, work) = store.read(|read| Ok::<_, StoreError>((nodes::all(read)?, work::all(read)?))).await?;
    for node in &nodes {
        found.extend(of_node(node, &work));
    }
    Ok(found)
}

fn of_node(node: &Node, work: &[Work]) -> Vec<String> {
    let mut found = Vec::new();
    let owed: Vec<&Work> = work.iter().filter(|work| work.node_uuid == Some(node.uuid)).collect();
    if owed.len() > 1 {
        found.push(format!("node {} is worked for twice: {owed:?}", node.uuid));
    }
    // The request is answered, so no call from a handler holds the node any more.
    let held = owed.iter().any(|work| work.holds_reservation());
    if held != node.reservation.is_some() {
        found.push(format!("node {} is reserved by {:?}, its work is {owed:?}", node.uuid, node.reservation));
    }
    if node.provision_state.is_stable() && node.target_provision_state.is_some() && owed.is_empty() {
        found.push(format!("node {} rests in {} on its way to somewhere", node.uuid, node.provision_state));
    }
    found
}

/// Each node has come by its state along rows of the table.
pub async fn histories(service: &Service) -> Outcome {
    let nodes = service.get("/v1/nodes?fields=uuid&include_children=true").await?;
    for node in nodes.column("nodes", "uuid") {
        let path = format!("/v1/nodes/{}/history?detail=true&sort_key=id", node.as_str().unwrap_or_default());
        let told = service.get(&path).await?;
        let events = told.column("history", "event");
        for event in events.iter().filter_map(|event| event.as_str()) {
            let Some((from, rest)) = event.split_once(" -> ") else { continue };
            let (to, on) = rest.trim_end_matches(')').split_once(" (").unwrap_or((rest, ""));
            let row = TRANSITIONS
                .iter()
                .any(|row| row.from.as_str() == from && row.to.as_str() == to && row.on.as_str() == on);
            if !row {
                return Err(format!("node {node}: {event} is no row of the table").into());
            }
        }
    }
    Ok(())
}

//! Rows of `nodes` and their traits.

use uuid::Uuid;

use super::page::Filter;
use super::rows::{self, execute, texts};
use super::{Read, StoreError, Tx};
use crate::model::{Node, State};

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<Node>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn find_by_name(read: &Read, name: &str) -> Result<Option<Node>, StoreError> {
    rows::find(read, "WHERE name = ?", &[&name])
}

pub fn find_by_instance(read: &Read, instance: Uuid) -> Result<Option<Node>, StoreError> {
    rows::find(read, "WHERE instance_uuid = ?", &[&instance.to_string()])
}

/// Every node, oldest first. For checks; the service never looks at all of them at once.
pub fn all(read: &Read) -> Result<Vec<Node>, StoreError> {
    rows::select(read, "ORDER BY id", &[])
}

/// Nodes after the one with this id, oldest first: for what goes through all of them, a part at a time.
pub fn after(read: &Read, id: i64, limit: usize) -> Result<Vec<Node>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows::select(read, "WHERE id > ? ORDER BY id LIMIT ?", &[&id, &limit])
}

/// Nodes that something may be owed to: on the way to another power or provision state, in one of the states `moving`, or
/// with a flow that waits. Each part has an index, so that this costs what is going on and not what the table holds.
pub fn unsettled(read: &Read, moving: &[State]) -> Result<Vec<Uuid>, StoreError> {
    let places = vec!["?"; moving.len()].join(",");
    let sql = format!(
        "SELECT uuid FROM nodes WHERE target_power_state IS NOT NULL
         UNION SELECT uuid FROM nodes WHERE target_provision_state IS NOT NULL AND provision_state = 'enroll'
         UNION SELECT uuid FROM nodes WHERE provision_state IN ({places})
         UNION SELECT node_uuid FROM work WHERE node_uuid IS NOT NULL AND phase = 'waiting'"
    );
    let words: Vec<&str> = moving.iter().map(|state| state.as_str()).collect();
    let params: Vec<&dyn rusqlite::ToSql> = words.iter().map(|word| word as &dyn rusqlite::ToSql).collect();
    let found = texts(read, &sql, &params)?;
    // What is not a UUID cannot be the key of a node.
    Ok(found.iter().filter_map(|uuid| Uuid::try_parse(uuid).ok()).collect())
}

/// Nodes with this text in their description: it is looked for in an index that holds nothing else.
pub fn described(text: &str) -> Filter {
    Filter::contains("description", text).of_parent(
        "id IN (SELECT id FROM nodes INDEXED BY nodes_by_description WHERE description IS NOT NULL AND ",
        ")",
    )
}

/// Nodes that a project owns or leases.
pub fn of_project(project: &str) -> Filter {
    let leased = Filter::text("lessee", project).of_parent(" UNION SELECT id FROM nodes WHERE ", ")");
    Filter::text("owner", project).of_parent("id IN (SELECT id FROM nodes WHERE ", "").then(leased)
}

/// Nodes of a conductor group. Most are in the one without a name, for which there is no index and no need of one.
pub fn in_group(group: &str) -> Filter {
    match group {
        "" => Filter::text("conductor_group", ""),
        group => Filter::text("conductor_group", group).of_parent("conductor_group <> '' AND ", ""),
    }
}

/// Nodes in one of these shards.
pub fn in_shards<'s>(shards: impl IntoIterator<Item = &'s str>) -> Filter {
    Filter::one_of("shard", shards).of_parent("id IN (SELECT id FROM nodes WHERE ", ")")
}

/// The UUIDs of a node's children, oldest first.
pub fn children(read: &Read, parent: Uuid) -> Result<Vec<String>, StoreError> {
    texts(read, "SELECT uuid FROM nodes WHERE parent_node = ? ORDER BY id", &[&parent.to_string()])
}

/// Inserts a new node; its `id` is given by the store.
pub fn insert(tx: &Tx, node: &Node) -> Result<i64, StoreError> {
    rows::insert(tx, node)
}

/// Writes what differs between `before` and `after`, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &Node, after: &Node) -> Result<bool, StoreError> {
    let mut after = after.clone();
    if *before == after {
        return Ok(false);
    }
    after.updated_at = Some(tx.now());
    if before.reservation.is_some() && after.reservation.is_none() {
        super::work::hurry_allocations(tx)?;
        tx.wake();
    }
    rows::update(tx, before, &after)
}

/// Stamps `updated_at`: something that belongs to the node has changed outside of its row.
pub fn touch(tx: &Tx, uuid: Uuid) -> Result<(), StoreError> {
    let now = crate::clock::micros(tx.now());
    execute(tx, "UPDATE nodes SET updated_at = ? WHERE uuid = ?", &[&now, &uuid.to_string()])?;
    Ok(())
}

/// Takes the stamp of the last change away: the node is new.
pub fn mark_unchanged(tx: &Tx, uuid: Uuid) -> Result<(), StoreError> {
    execute(tx, "UPDATE nodes SET updated_at = NULL WHERE uuid = ?", &[&uuid.to_string()])?;
    Ok(())
}

/// Deletes the node with all that hangs on it.
pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM nodes WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

/// The node's traits, sorted.
pub fn traits(read: &Read, uuid: Uuid) -> Result<Vec<String>, StoreError> {
    texts(read, "SELECT trait FROM node_traits WHERE node_uuid = ? ORDER BY trait", &[&uuid.to_string()])
}

/// Visits the node's traits, sorted, with their place in the order. For lists, which have no use for a `Vec`.
pub fn each_trait(read: &Read, uuid: &str, mut visit: impl FnMut(usize, &str)) -> Result<(), StoreError> {
    let sql = "SELECT trait FROM node_traits WHERE node_uuid = ? ORDER BY trait";
    let mut statement = read.connection.prepare_cached(sql)?;
    let mut rows = statement.query([uuid])?;
    let mut i = 0;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        visit(i, &name);
        i += 1;
    }
    Ok(())
}

/// Replaces the node's traits.
pub fn set_traits(tx: &Tx, uuid: Uuid, traits: &[String]) -> Result<(), StoreError> {
    execute(tx, "DELETE FROM node_traits WHERE node_uuid = ?", &[&uuid.to_string()])?;
    for name in traits {
        add_trait(tx, uuid, name)?;
    }
    Ok(())
}

/// Adds a trait that the node may have already.
pub fn add_trait(tx: &Tx, uuid: Uuid, name: &str) -> Result<(), StoreError> {
    execute(tx, "INSERT OR IGNORE INTO node_traits (node_uuid, trait) VALUES (?, ?)", &[&uuid.to_string(), &name])?;
    Ok(())
}

/// Whether the trait was there.
pub fn remove_trait(tx: &Tx, uuid: Uuid, name: &str) -> Result<bool, StoreError> {
    let deleted =
        execute(tx, "DELETE FROM node_traits WHERE node_uuid = ? AND trait = ?", &[&uuid.to_string(), &name])?;
    Ok(deleted > 0)
}

/// Gives back the reservations that no work row stands behind: those of calls that died with the process.
pub fn release_orphans(tx: &Tx) -> Result<usize, StoreError> {
    let released = execute(
        tx,
        "UPDATE nodes SET reservation = NULL WHERE reservation IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM work WHERE work.node_uuid = nodes.uuid AND work.phase IN ('ready', 'begun'))",
        &[],
    )?;
    tx.wake();
    Ok(released)
}

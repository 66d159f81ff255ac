//! Rows of `nodes` and their traits.

use uuid::Uuid;

use super::page::Filter;
use super::rows::{self, execute, texts};
use super::{Read, StoreError, Tx};
use crate::model::{Node, Object, State};

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

/// Nodes after the one with this id, oldest first, and where to go on: for what goes through all of them, a part at a time.
pub fn after(read: &Read, id: i64, limit: usize) -> Result<(Vec<Node>, Option<i64>), StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let part = rows::select(read, "WHERE id > ? ORDER BY id LIMIT ?", &[&id, &limit])?;
    // Not the last of those: rows that cannot be read are gone past, too.
    let sql = "SELECT max(id) FROM (SELECT id FROM nodes WHERE id > ? ORDER BY id LIMIT ?)";
    let last = read.connection.prepare_cached(sql)?.query_row([id, limit], |row| row.get(0))?;
    Ok((part, last))
}

/// Nodes of a resource class, oldest first, up to `limit`.
pub fn of_class(read: &Read, class: &str, limit: usize) -> Result<Vec<Node>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    rows::select(read, "WHERE resource_class = ? ORDER BY id LIMIT ?", &[&class, &limit])
}

/// Nodes that something may be owed to: on the way to another power or provision state, in one of the states `moving`, or
/// with a flow that waits. Each part has an index, so that this costs what is going on and not what the table holds.
pub fn unsettled(read: &Read, moving: &[State]) -> Result<Vec<Uuid>, StoreError> {
    let sql = unsettling(moving.len());
    let words: Vec<&str> = moving.iter().map(|state| state.as_str()).collect();
    let params: Vec<&dyn rusqlite::ToSql> = words.iter().map(|word| word as &dyn rusqlite::ToSql).collect();
    let mut statement = read.connection.prepare_cached(&sql)?;
    let found: Vec<String> = rows::readable(statement.query_map(&params[..], |row| row.get(0))?)?;
    // What is not a UUID cannot be the key of a node.
    Ok(found.iter().filter_map(|uuid| Uuid::try_parse(uuid).ok()).collect())
}

fn unsettling(states: usize) -> String {
    let places = vec!["?"; states].join(",");
    format!(
        "SELECT uuid FROM nodes WHERE target_power_state IS NOT NULL
         UNION SELECT uuid FROM nodes WHERE target_provision_state IS NOT NULL AND provision_state = 'enroll'
         UNION SELECT uuid FROM nodes WHERE provision_state IN ({places})
         UNION SELECT node_uuid FROM work WHERE node_uuid IS NOT NULL AND phase = 'waiting'"
    )
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

/// How many nodes each shard has, the largest first; those without one are a group, too.
pub fn count_shards(read: &Read) -> Result<Vec<(Option<String>, i64)>, StoreError> {
    // Those that have one are counted in the index, those that have none are the rest.
    let sql = "SELECT shard, count(*) FROM nodes WHERE shard IS NOT NULL GROUP BY shard";
    let mut statement = read.connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?)))?;
    let mut counts: Vec<_> = rows.collect::<Result<_, _>>()?;
    let all: i64 = read.connection.prepare_cached("SELECT count(*) FROM nodes")?.query_row([], |row| row.get(0))?;
    let without = all - counts.iter().map(|(_, count)| count).sum::<i64>();
    if without > 0 {
        counts.insert(0, (None, without));
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(counts)
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

/// Replaces the node's traits.
pub fn set_traits(tx: &Tx, uuid: Uuid, traits: &[String]) -> Result<(), StoreError> {
    execute(tx, "DELETE FROM node_traits WHERE node_uuid = ?", &[&uuid.to_string()])?;
    for name in traits {
        execute(tx, "INSERT OR IGNORE INTO node_traits (node_uuid, trait) VALUES (?, ?)", &[&uuid.to_string(), name])?;
    }
    show_traits(tx, uuid)
}

/// Writes the traits into the node's row, from which lists copy them.
fn show_traits(tx: &Tx, uuid: Uuid) -> Result<(), StoreError> {
    let shown = Object::from(serde_json::Value::from(traits(tx, uuid)?));
    execute(tx, "UPDATE nodes SET traits = ? WHERE uuid = ?", &[&shown.as_str(), &uuid.to_string()])?;
    Ok(())
}

/// Adds a trait that the node may have already.
pub fn add_trait(tx: &Tx, uuid: Uuid, name: &str) -> Result<(), StoreError> {
    execute(tx, "INSERT OR IGNORE INTO node_traits (node_uuid, trait) VALUES (?, ?)", &[&uuid.to_string(), &name])?;
    show_traits(tx, uuid)
}

/// Whether the trait was there.
pub fn remove_trait(tx: &Tx, uuid: Uuid, name: &str) -> Result<bool, StoreError> {
    let deleted =
        execute(tx, "DELETE FROM node_traits WHERE node_uuid = ? AND trait = ?", &[&uuid.to_string(), &name])?;
    show_traits(tx, uuid)?;
    Ok(deleted > 0)
}

const ORPHANS: &str = "UPDATE nodes SET reservation = NULL WHERE reservation IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM work WHERE work.node_uuid = nodes.uuid AND work.phase IN ('ready', 'begun'))";

/// Gives back the reservations that no work row stands behind: those of calls that died with the process.
pub fn release_orphans(tx: &Tx) -> Result<usize, StoreError> {
    let released = execute(tx, ORPHANS, &[])?;
    tx.wake();
    Ok(released)
}

/// Nodes that could be given away although their machines are on: some of them, and how many there are.
pub fn free_but_on(read: &Read, most: usize) -> Result<(Vec<String>, usize), StoreError> {
    const WHERE: &str = "FROM nodes WHERE provision_state = 'available' AND power_state = 'power on'";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let some = texts(read, &format!("SELECT coalesce(name, uuid) {WHERE} ORDER BY id LIMIT ?"), &[&most])?;
    let sql = format!("SELECT count(*) {WHERE}");
    let count: i64 = read.connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    Ok((some, usize::try_from(count).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::page::{self, Page};
    use crate::store::schema;

    fn plan(connection: &rusqlite::Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        // What is not bound is null: plans do not look at values.
        let mut rows = statement.raw_query();
        let mut lines = Vec::new();
        while let Some(row) = rows.next()? {
            lines.push(row.get(3)?);
        }
        Ok(lines)
    }

    /// Neither may a page read all nodes for a filter that few of them meet, nor sort what it finds.
    #[test]
    fn every_filter_of_nodes_walks_an_index_in_the_order_of_pages() -> Result<(), StoreError> {
        let connection = schema::in_memory()?;
        let filters = [
            (Filter::text("driver", "x"), "nodes_by_driver"),
            (Filter::text("provision_state", "x"), "nodes_by_state"),
            (Filter::text("resource_class", "x"), "nodes_by_class"),
            (Filter::text("owner", "x"), "nodes_by_owner"),
            (Filter::text("lessee", "x"), "nodes_by_lessee"),
            (Filter::text("fault", "x"), "nodes_by_fault"),
            (Filter::text("shard", "x"), "nodes_by_shard"),
            (Filter::text("instance_name", "x"), "nodes_by_instance_name"),
            (Filter::text("instance_uuid", "x"), "nodes_by_instance"),
            (Filter::text("chassis_uuid", "x"), "nodes_by_chassis"),
            (Filter::text("parent_node", "x"), "nodes_by_parent"),
            (Filter::not_null("instance_uuid"), "nodes_associated"),
            (Filter::not_null("shard"), "nodes_sharded"),
            (Filter::boolean("maintenance", true), "nodes_in_maintenance"),
            (Filter::boolean("retired", true), "nodes_retired"),
            (in_group("x"), "nodes_by_group"),
            (in_shards(["x", "y"]), "nodes_by_shard"),
            (of_project("x"), "nodes_by_owner"),
            (described("x"), "nodes_by_description"),
        ];
        for (filter, index) in filters {
            let filters = [filter];
            let sql = page::first(&Page {
                filters: &filters,
                ident: "uuid",
                sort: "id",
                descending: false,
                marker: None,
                limit: 10,
            });
            let lines = plan(&connection, &sql)?.join("; ");
            assert!(
                lines.contains(&format!("INDEX {index} ")) || lines.ends_with(&format!("INDEX {index}")),
                "{sql}: {lines}"
            );
            assert!(!lines.contains("ORDER BY"), "{sql}: {lines}");
        }
        for order in ["uuid", "name", "provision_state", "power_state", "driver", "created_at", "updated_at"] {
            for descending in [false, true] {
                let page = Page { filters: &[], ident: "uuid", sort: order, descending, marker: None, limit: 10 };
                let lines = plan(&connection, &page::first(&page))?.join("; ");
                assert!(!lines.contains("TEMP B-TREE"), "{order}: {lines}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_start_looks_at_no_node_that_rests() -> Result<(), StoreError> {
        let connection = schema::in_memory()?;
        for sql in [unsettling(3), ORPHANS.to_owned()] {
            let lines = plan(&connection, &sql)?;
            assert!(!lines.iter().any(|line| line == "SCAN nodes"), "{sql}: {lines:?}");
        }
        Ok(())
    }
}

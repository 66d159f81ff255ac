//! Rows of `allocations`, and the search for a node that fits one.
//!
//! The search never loads a pool: it walks the partial index `nodes_free`, which holds exactly the nodes that can be
//! given away, from a random UUID onwards and stops at the first that fits. UUIDs are random, so that is as good as a
//! shuffle, at a cost that does not grow with the pool.

use rusqlite::ToSql;
use uuid::Uuid;

use super::rows::{self, execute};
use super::{Read, StoreError, Tx};
use crate::model::{Allocation, Node};

pub fn find(read: &Read, uuid: Uuid) -> Result<Option<Allocation>, StoreError> {
    rows::find(read, "WHERE uuid = ?", &[&uuid.to_string()])
}

pub fn find_by_name(read: &Read, name: &str) -> Result<Option<Allocation>, StoreError> {
    rows::find(read, "WHERE name = ?", &[&name])
}

/// Every allocation, oldest first. For checks and small lists; the API reads pages.
pub fn all(read: &Read) -> Result<Vec<Allocation>, StoreError> {
    rows::select(read, "ORDER BY id", &[])
}

pub fn insert(tx: &Tx, allocation: &Allocation) -> Result<i64, StoreError> {
    rows::insert(tx, allocation)
}

/// Writes what differs, and stamps `updated_at`.
pub fn update(tx: &Tx, before: &Allocation, after: &Allocation) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    rows::update(tx, before, &Allocation { updated_at: Some(tx.now()), ..after.clone() })
}

/// Deletes the allocation and the work that is owed to it. Whether it was there.
pub fn delete(tx: &Tx, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(execute(tx, "DELETE FROM allocations WHERE uuid = ?", &[&uuid.to_string()])? > 0)
}

/// What a node must be, beside free, to serve an allocation.
#[derive(Clone, Copy, Debug)]
pub struct Criteria<'a> {
    pub resource_class: &'a str,
    /// All of these, and it may have more.
    pub traits: &'a [String],
    /// Who owns or leases the node, if that matters.
    pub owner: Option<&'a str>,
}

/// The words of the indices `nodes_free` and `nodes_unread`; SQLite uses them only for exactly these terms.
const FREE: &str =
    "provision_state = 'available' AND instance_uuid IS NULL AND maintenance = 0 AND parent_node IS NULL";

struct Condition<'p> {
    sql: String,
    params: Vec<&'p dyn ToSql>,
}

impl<'p> Condition<'p> {
    fn new(criteria: &'p Criteria<'p>, power: &str) -> Self {
        let mut it = Condition {
            sql: format!("resource_class = ? AND {FREE} AND {power}"),
            params: vec![&criteria.resource_class],
        };
        if let Some(owner) = &criteria.owner {
            it.and("(owner = ? OR lessee = ?)", &[owner, owner]);
        }
        for name in criteria.traits {
            let sql = "EXISTS (SELECT 1 FROM node_traits t WHERE t.node_uuid = nodes.uuid AND t.trait = ?)";
            it.and(sql, &[name]);
        }
        it
    }

    fn and(&mut self, sql: &str, params: &[&'p dyn ToSql]) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.params.extend_from_slice(params);
    }
}

const KNOWN: &str = "power_state IS NOT NULL";

/// A free node that fits and that nobody works on: the first at or after `from` in the order of UUIDs, which is a ring. One
/// that cannot be read is not given away.
pub fn pick(read: &Read, criteria: &Criteria, from: Uuid) -> Result<Option<Node>, StoreError> {
    let from = from.to_string();
    for side in ["uuid >= ?", "uuid < ?"] {
        let mut wanted = Condition::new(criteria, KNOWN);
        wanted.and(side, &[&from]);
        let found: Option<Node> = rows::first(read, &picking(&wanted), &wanted.params)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// The node if it is free and fits; somebody may be working on it.
pub fn fitting(read: &Read, criteria: &Criteria, node: Uuid) -> Result<Option<Node>, StoreError> {
    let node = node.to_string();
    let mut wanted = Condition::new(criteria, KNOWN);
    wanted.and("uuid = ?", &[&node]);
    rows::first(read, &format!("WHERE {}", wanted.sql), &wanted.params)
}

/// How many free nodes fit, whoever works on them; counting ends at `limit`.
pub fn count(read: &Read, criteria: &Criteria, limit: usize) -> Result<usize, StoreError> {
    counted(read, &Condition::new(criteria, KNOWN), limit)
}

/// Whether a node would be free and fit if its power state were known. `among` restricts the nodes; empty is no limit.
pub fn any_unread(read: &Read, criteria: &Criteria, among: &[Uuid]) -> Result<bool, StoreError> {
    const UNREAD: &str = "power_state IS NULL";
    if among.is_empty() {
        return Ok(counted(read, &Condition::new(criteria, UNREAD), 1)? > 0);
    }
    for node in among {
        let node = node.to_string();
        let mut wanted = Condition::new(criteria, UNREAD);
        wanted.and("uuid = ?", &[&node]);
        if counted(read, &wanted, 1)? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

fn counted(read: &Read, wanted: &Condition, limit: usize) -> Result<usize, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = counting(wanted, limit);
    let count: i64 = read.connection.prepare_cached(&sql)?.query_row(&*wanted.params, |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// The order serves only to make SQLite take the index that has it, and not the one on `instance_uuid`.
fn counting(wanted: &Condition, limit: i64) -> String {
    format!("SELECT count(*) FROM (SELECT 1 FROM nodes WHERE {} ORDER BY uuid LIMIT {limit})", wanted.sql)
}

fn picking(wanted: &Condition) -> String {
    format!("WHERE {} AND reservation IS NULL ORDER BY uuid", wanted.sql)
}

/// The nodes that have a trait; none if they are more than `limit`.
pub fn few_holders(read: &Read, name: &str, limit: usize) -> Result<Option<Vec<Uuid>>, StoreError> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found = rows::texts(read, "SELECT node_uuid FROM node_traits WHERE trait = ? LIMIT ?", &[&name, &most])?;
    if found.len() > limit {
        return Ok(None);
    }
    // What is not a UUID cannot be the key of a node.
    Ok(Some(found.iter().filter_map(|uuid| Uuid::try_parse(uuid).ok()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pool of thousands is only as quick as a small one if SQLite takes the indices that were made for this.
    #[test]
    fn the_searches_walk_the_partial_indices() -> Result<(), StoreError> {
        let connection = rusqlite::Connection::open_in_memory()?;
        connection.execute_batch(include_str!("migrations/0001_foundation.sql"))?;
        let traits = ["CUSTOM_A".to_owned()];
        let criteria = Criteria { resource_class: "a", traits: &traits, owner: Some("me") };
        let mut one = Condition::new(&criteria, KNOWN);
        one.and("uuid >= ?", &[&"a"]);
        let pick = format!("SELECT * FROM nodes {} LIMIT 1", picking(&one));
        let unread = Condition::new(&criteria, "power_state IS NULL");
        let cases = [
            (pick, one.params, "nodes_free"),
            (counting(&Condition::new(&criteria, KNOWN), 1), unread.params.clone(), "nodes_free"),
            (counting(&unread, 1), unread.params, "nodes_unread"),
        ];
        for (sql, params, index) in cases {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let plan: Vec<String> = statement.query_map(&*params, |row| row.get(3))?.collect::<Result<_, _>>()?;
            assert!(plan.iter().any(|line| line.contains(&format!("INDEX {index} "))), "{sql}: {plan:?}");
        }
        Ok(())
    }
}

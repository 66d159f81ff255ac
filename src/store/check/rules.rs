//! What rows say about each other, as one query a rule. I1 to I6 are the invariants of allocations.

use rusqlite::Connection;

use super::{Kind, Report};
use crate::model::State;

struct Rule {
    /// The schema that brought what it looks at.
    since: usize,
    /// What breaks the rule, a sentence a row. `MOVING` and `RESTING` stand for lists of states.
    sql: &'static str,
    advice: &'static str,
    /// Whether a running service may break it for a moment.
    passing: bool,
}

const RESTART: &str = "the node would stay as it is; restart the service, which puts it right at its start";
const BY_HAND: &str = "no request does that; undo what was changed in the file by hand, or restore the newest backup";
const ALLOCATION: &str = "the node or the allocation is lost to others; delete the allocation, and set the node's instance_uuid to null if it stays";

#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { since: 1, passing: false, advice: ALLOCATION, sql:
        "SELECT 'I1: node ' || n.uuid || ' belongs to allocation ' || n.allocation_uuid || ', which does not have it' FROM nodes n
         LEFT JOIN allocations a ON a.uuid = n.allocation_uuid
         WHERE n.allocation_uuid IS NOT NULL AND (a.uuid IS NULL OR a.node_uuid IS NOT n.uuid OR a.state <> 'active'
         OR n.instance_uuid IS NOT a.uuid)" },
    Rule { since: 1, passing: false, advice: ALLOCATION, sql:
        "SELECT 'I1: allocation ' || a.uuid || ' has node ' || a.node_uuid || ', which knows nothing of it' FROM allocations a
         LEFT JOIN nodes n ON n.uuid = a.node_uuid
         WHERE a.node_uuid IS NOT NULL AND n.allocation_uuid IS NOT a.uuid" },
    Rule { since: 1, passing: false, advice: ALLOCATION, sql:
        "SELECT 'I1: allocation ' || uuid || ' is active and has no node' FROM allocations WHERE state = 'active' AND node_uuid IS NULL" },
    Rule { since: 1, passing: false, advice: ALLOCATION, sql:
        "SELECT 'I2: allocation ' || uuid || ' is ' || state || ' and has a node' FROM allocations
         WHERE state IN ('allocating', 'error') AND node_uuid IS NOT NULL" },
    Rule { since: 1, passing: false, advice: ALLOCATION, sql:
        "SELECT 'I2: allocation ' || uuid || ' is in error and does not say why' FROM allocations
         WHERE state = 'error' AND last_error IS NULL" },
    Rule { since: 1, passing: false, advice: "nobody will end it; delete it and create it again", sql:
        "SELECT 'I6: allocation ' || uuid || ' is allocating and nobody works for it' FROM allocations
         WHERE state = 'allocating' AND uuid NOT IN (SELECT allocation_uuid FROM work WHERE allocation_uuid IS NOT NULL)" },
    Rule { since: 1, passing: false, advice: BY_HAND, sql:
        "SELECT 'I6: work ' || w.id || ' is owed to allocation ' || a.uuid || ', which is ' || a.state FROM work w
         JOIN allocations a ON a.uuid = w.allocation_uuid WHERE a.state <> 'allocating'" },
    Rule { since: 1, passing: false, advice: BY_HAND, sql:
        "SELECT 'I5: work ' || id || ' (' || flow || ') is for nobody' FROM work
         WHERE CASE flow WHEN 'allocate' THEN allocation_uuid IS NULL ELSE node_uuid IS NULL END" },
    Rule { since: 1, passing: true, advice: RESTART, sql:
        "SELECT 'node ' || uuid || ' is reserved and nothing is done with it' FROM nodes WHERE reservation IS NOT NULL
         AND uuid NOT IN (SELECT node_uuid FROM work WHERE node_uuid IS NOT NULL AND phase <> 'held')" },
    Rule { since: 1, passing: false, advice: "somebody else can take the node meanwhile; restart the service, and look at the node afterwards", sql:
        "SELECT 'I7: work ' || w.id || ' (' || w.flow || ') goes on with node ' || n.uuid || ', which is not reserved' FROM work w
         JOIN nodes n ON n.uuid = w.node_uuid WHERE w.phase IN ('ready', 'begun') AND n.reservation IS NULL" },
    Rule { since: 1, passing: false, advice: RESTART, sql:
        "SELECT 'node ' || uuid || ' is ' || provision_state || ' and nothing is owed to it' FROM nodes
         WHERE provision_state IN (MOVING) AND uuid NOT IN (SELECT node_uuid FROM work WHERE node_uuid IS NOT NULL)" },
    Rule { since: 1, passing: false, advice: RESTART, sql:
        "SELECT 'node ' || uuid || ' rests in ' || provision_state || ' on its way to ' || target_provision_state FROM nodes
         WHERE provision_state IN (RESTING) AND target_provision_state IS NOT NULL
         AND uuid NOT IN (SELECT node_uuid FROM work WHERE node_uuid IS NOT NULL)" },
    Rule { since: 5, passing: false, advice: BY_HAND, sql:
        "SELECT 'node ' || uuid || ' is in chassis ' || chassis_uuid || ', which is gone' FROM nodes
         WHERE chassis_uuid IS NOT NULL
         AND chassis_uuid NOT IN (SELECT uuid FROM chassis)" },
    Rule { since: 5, passing: false, advice: BY_HAND, sql:
        "SELECT 'port ' || uuid || ' is in port group ' || portgroup_uuid || ', which is gone' FROM ports
         WHERE portgroup_uuid IS NOT NULL AND portgroup_uuid NOT IN (SELECT uuid FROM portgroups)" },
    Rule { since: 4, passing: false, advice: "it is of no use to anybody, and holds a secret; delete the row", sql:
        "SELECT 'sealed_steps of ' || owner_uuid || ' belong to nothing' FROM sealed_steps
         WHERE owner_uuid NOT IN (SELECT uuid FROM deploy_templates UNION ALL SELECT uuid FROM runbooks)" },
    Rule { since: 6, passing: false, advice: "lists show other traits than allocations look at; set the node's traits again through the API", sql:
        "SELECT 'the traits of node ' || n.uuid || ' are not those that lists show' FROM nodes n
         WHERE json_valid(n.traits) AND n.traits <> (SELECT json_group_array(trait) FROM
         (SELECT trait FROM node_traits WHERE node_uuid = n.uuid ORDER BY trait))" },
];

pub fn apply(connection: &Connection, version: usize, in_use: bool, report: &mut Report) {
    let list = |wanted: fn(State) -> bool| {
        let states = State::ALL.iter().copied().filter(|state| wanted(*state));
        states.map(|state| format!("'{state}'")).collect::<Vec<_>>().join(",")
    };
    let (moving, resting) = (list(|state| !state.is_stable() && !state.is_failed()), list(State::is_stable));
    for rule in RULES.iter().filter(|rule| rule.since <= version && !(rule.passing && in_use)) {
        let sql = rule.sql.replace("MOVING", &moving).replace("RESTING", &resting);
        match super::strings(connection, &sql) {
            Ok(found) => report.found_all(Kind::Breach, found, rule.advice),
            Err(error) => report.failed("a rule could not be checked", &error),
        }
    }
}

//! Secrets: none stands in a column that clients are shown, and behind every `******` of a node there is one.

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::{Kind, Report};
use crate::model::secret::{MASK, is_hidden_instance_info, is_secret};

const LEAKED: &str =
    "clients are shown it; set that field again through the API, which keeps it beside the row, and change the secret";
const EMPTY: &str = "nothing stands behind it, so what needs it fails; set that field again through the API";

/// Behind it is a blob, and only until the node is deployed.
const DRIVE: &str = "instance_info/configdrive";

/// A column that is masked: the SQL that gives node, object and JSON, what is hidden, and the column's name in `node_secret`.
struct Column {
    rows: &'static str,
    hidden: fn(&str) -> bool,
}

#[rustfmt::skip]
const COLUMNS: &[Column] = &[
    Column { rows: "SELECT uuid, 'driver_info', driver_info FROM nodes", hidden: is_secret },
    Column { rows: "SELECT uuid, 'instance_info', instance_info FROM nodes", hidden: is_hidden_instance_info },
    Column { rows: "SELECT node_uuid, 'volume_targets/' || uuid, properties FROM volume_targets", hidden: is_secret },
];

pub fn secrets(connection: &Connection, report: &mut Report) {
    for column in COLUMNS {
        if let Err(error) = of_column(connection, column, report) {
            report.failed("the columns with secrets cannot be read", &error);
        }
    }
    let agents = "SELECT 'the token of the agent of node ' || uuid || ' stands in driver_internal_info' FROM nodes
                  WHERE json_valid(driver_internal_info)
                  AND coalesce(json_extract(driver_internal_info, '$.agent_secret_token'), '******') <> '******'";
    match super::strings(connection, agents) {
        Ok(found) => report.found_all(Kind::Breach, found, LEAKED),
        Err(error) => report.failed("driver_internal_info cannot be read", &error),
    }
}

fn of_column(connection: &Connection, column: &Column, report: &mut Report) -> rusqlite::Result<()> {
    let mut behind = connection.prepare("SELECT 1 FROM node_secret WHERE node_uuid = ? AND pointer = ?")?;
    let mut statement = connection.prepare(column.rows)?;
    let mut rows = statement.query([])?;
    let (mut leaked, mut empty) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let (node, name, text): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        // What does not parse is another check's finding.
        let Ok(Value::Object(map)) = serde_json::from_str(&text) else { continue };
        let mut shown = Vec::new();
        walk(&map, "", column.hidden, &mut shown);
        for (pointer, masked) in shown {
            let place = format!("{name}{pointer}");
            if !masked {
                leaked.push(format!("a secret stands in {place} of node {node}"));
            } else if place != DRIVE && !behind.exists([&node, &place])? {
                empty.push(format!("{place} of node {node} is {MASK}"));
            }
        }
    }
    report.found_all(Kind::Breach, leaked, LEAKED);
    report.found_all(Kind::Breach, empty, EMPTY);
    Ok(())
}

/// The places of hidden keys, and whether they show stars.
fn walk(map: &Map<String, Value>, at: &str, hidden: fn(&str) -> bool, shown: &mut Vec<(String, bool)>) {
    for (key, value) in map {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Null => {}
            value if hidden(key) => shown.push((pointer, value == MASK)),
            Value::Object(inner) => walk(inner, &pointer, hidden, shown),
            _ => {}
        }
    }
}

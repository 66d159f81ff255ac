//! Each row by itself: does every column hold what the program would read from it?

use rusqlite::Connection;

use super::{Kind, Report};
use crate::model::{
    Allocation, BiosSetting, Chassis, DeployTemplate, EventRecord, FirmwareComponent, InspectionRule, Node, Port,
    Portgroup, Record, Runbook, VolumeConnector, VolumeTarget, Work,
};
use crate::store::rows::{cell, named};

const ADVICE: &str = "no version writes that; requests that touch the row fail. Put it right by hand with the service stopped, or restore";

pub fn decode_all(connection: &Connection, report: &mut Report) {
    decode::<Node>(connection, report);
    decode::<Port>(connection, report);
    decode::<Portgroup>(connection, report);
    decode::<Chassis>(connection, report);
    decode::<Allocation>(connection, report);
    decode::<Work>(connection, report);
    decode::<EventRecord>(connection, report);
    decode::<VolumeConnector>(connection, report);
    decode::<VolumeTarget>(connection, report);
    decode::<DeployTemplate>(connection, report);
    decode::<Runbook>(connection, report);
    decode::<InspectionRule>(connection, report);
    decode::<BiosSetting>(connection, report);
    decode::<FirmwareComponent>(connection, report);
    json_columns(connection, report);
}

/// States outside their tables, UUIDs and times that are none: whatever the noun's own reader refuses.
fn decode<R: Record>(connection: &Connection, report: &mut Report) {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("SELECT {} FROM {}", R::COLUMNS.join(","), R::TABLE))?;
        let mut rows = statement.query([])?;
        let mut bad = Vec::new();
        while let Some(row) = rows.next()? {
            if let Err(error) = R::from_cells(|position| cell(row, position)) {
                // Not what was found: it may be a secret in the wrong place.
                let row = named(R::TABLE, &cell(row, 0));
                bad.push(format!("{row}, column {} is not a {}", error.column, error.expected));
            }
        }
        Ok(bad)
    };
    match read() {
        Ok(bad) => report.found_all(Kind::Damage, bad, ADVICE),
        Err(error) => report.failed(&format!("table {} cannot be read", R::TABLE), &error),
    }
}

/// Columns of JSON that are read later than the row. The schema tells which they are by their default.
fn json_columns(connection: &Connection, report: &mut Report) {
    let named = "SELECT m.name || ' ' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
                 WHERE m.type = 'table' AND c.dflt_value IN ('''{}''', '''[]''')";
    let columns = match super::strings(connection, named) {
        Ok(columns) => columns,
        Err(error) => return report.failed("its schema cannot be read", &error),
    };
    let mut looks: Vec<String> = columns
        .iter()
        .filter_map(|named| named.split_once(' '))
        .map(|(table, column)| {
            format!("SELECT '{table} row ' || id || ', column {column} is no JSON' FROM {table} WHERE NOT json_valid({column})")
        })
        .collect();
    looks.push(
        "SELECT 'node_blob of ' || node_uuid || ', ' || kind || ' is no JSON' FROM node_blob
         WHERE kind <> 'config_drive' AND NOT json_valid(CAST(bytes AS TEXT))"
            .to_owned(),
    );
    looks.push(
        "SELECT 'node_secret of ' || node_uuid || ' is no JSON' FROM node_secret WHERE NOT json_valid(sealed)"
            .to_owned(),
    );
    looks.push(
        "SELECT 'sealed_steps of ' || owner_uuid || ' is no JSON' FROM sealed_steps WHERE NOT json_valid(sealed)"
            .to_owned(),
    );
    for sql in looks {
        match super::strings(connection, &sql) {
            Ok(bad) => report.found_all(Kind::Damage, bad, ADVICE),
            Err(error) => report.failed("a JSON column cannot be read", &error),
        }
    }
}

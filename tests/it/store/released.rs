//! Stores that were made by older versions: each opens with this one, keeps its rows and serves them.
//!
//! `released/N.sql` is a store of schema N as SQL, made by a program of that time, with rows in every table. Whoever adds
//! a migration leaves behind a store of the schema before it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bessemer::random::Random;
use bessemer::store::{Store, check};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::disk::Disk;
use super::{file, options, plug};
use crate::api::service::{Outcome, Service};

fn source(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// How many schemas there are.
pub fn newest() -> anyhow::Result<i64> {
    Ok(i64::try_from(std::fs::read_dir(source("src/store/migrations"))?.count())?)
}

/// Makes the store of schema `version` at `path`.
pub fn make(version: i64, path: &Path) -> anyhow::Result<()> {
    let sql = std::fs::read_to_string(source("tests/it/store/released").join(format!("{version}.sql")))?;
    Ok(connect(path)?.execute_batch(&sql)?)
}

#[expect(clippy::disallowed_methods, reason = "looks at what is in the file")]
pub fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open(path)
}

type Rows = Vec<Vec<Value>>;

/// Every table but SQLite's own, with its columns.
pub fn tables(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
    let sql = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'";
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in connection.prepare(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (table, column): (String, String) = row?;
        found.entry(table).or_default().push(column);
    }
    Ok(found)
}

/// The rows of all of `tables`, by their columns.
pub fn contents(path: &Path, tables: &BTreeMap<String, Vec<String>>) -> rusqlite::Result<BTreeMap<String, Rows>> {
    let connection = connect(path)?;
    let mut all = BTreeMap::new();
    for (table, columns) in tables {
        let sql = format!("SELECT {} FROM {table} ORDER BY {}", columns.join(","), columns.join(","));
        let mut statement = connection.prepare(&sql)?;
        let row =
            |row: &rusqlite::Row| (0..columns.len()).map(|i| row.get(i)).collect::<rusqlite::Result<Vec<Value>>>();
        all.insert(table.clone(), statement.query_map([], row)?.collect::<Result<Rows, _>>()?);
    }
    Ok(all)
}

#[test]
fn every_schema_but_the_newest_has_a_store_that_was_made_with_it() -> anyhow::Result<()> {
    for version in 1..newest()? {
        let dir = tempfile::tempdir()?;
        make(version, &file(&dir)).map_err(|error| error.context(format!("tests/it/store/released/{version}.sql")))?;
        let connection = connect(&file(&dir))?;
        let number: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        assert_eq!(number, version);
        for (table, rows) in contents(&file(&dir), &tables(&connection)?)? {
            assert!(!rows.is_empty(), "{version}.sql has nothing in {table}");
        }
    }
    Ok(())
}

#[test]
fn a_store_of_every_schema_opens_and_keeps_its_rows() -> anyhow::Result<()> {
    for version in 1..newest()? {
        let dir = tempfile::tempdir()?;
        make(version, &file(&dir))?;
        let tables = tables(&connect(&file(&dir))?)?;
        let before = contents(&file(&dir), &tables)?;
        drop(Store::open(&file(&dir), options(false))?);
        assert_eq!(before, contents(&file(&dir), &tables)?, "schema {version}");
        assert_eq!(check::check(&file(&dir)).findings, [], "schema {version}");
    }
    Ok(())
}

#[tokio::test]
async fn a_store_of_every_schema_is_served() -> Outcome {
    for version in 1..newest()? {
        let dir = tempfile::tempdir()?;
        make(version, &dir.path().join("db"))?;
        let before = contents(&dir.path().join("db"), &tables(&connect(&dir.path().join("db"))?)?)?;
        let service = Service::start_in(dir).await?;
        for (table, path, list) in [
            ("nodes", "/v1/nodes/detail", "nodes"),
            ("ports", "/v1/ports/detail", "ports"),
            ("allocations", "/v1/allocations", "allocations"),
            ("chassis", "/v1/chassis/detail", "chassis"),
            ("portgroups", "/v1/portgroups/detail", "portgroups"),
            ("volume_connectors", "/v1/volume/connectors?detail=true", "connectors"),
            ("volume_targets", "/v1/volume/targets?detail=true", "targets"),
            ("deploy_templates", "/v1/deploy_templates?detail=true", "deploy_templates"),
            ("runbooks", "/v1/runbooks?detail=true", "runbooks"),
        ] {
            let Some(rows) = before.get(table) else { continue };
            let reply = service.get(path).await?;
            assert_eq!(reply.status, 200, "schema {version}: {path}: {}", reply.fault());
            assert_eq!(reply.column(list, "uuid").len(), rows.len(), "schema {version}: {path}");
        }
        let used = service.get("/v1/nodes/used").await?.json;
        assert_eq!((&used["provision_state"], &used["traits"][1]), (&"active".into(), &"CUSTOM_USED".into()), "{used}");
        assert_eq!(used["driver_info"]["ipmi_password"], "******");
        for part in ["history", "states", "traits", "allocation", "inventory", "bios", "firmware", "ports"] {
            let reply = service.get(&format!("/v1/nodes/used/{part}")).await?;
            assert!(reply.status < 500, "schema {version}: {part}: {}", reply.fault());
        }
        // And it can be worked with.
        let patch = serde_json::json!([{"op": "add", "path": "/extra/upgraded", "value": version}]);
        let reply = service.patch("/v1/nodes/used", patch).await?;
        assert_eq!(reply.status, 200, "schema {version}: {}", reply.fault());
    }
    Ok(())
}

/// All migrations that are owed are one transaction: a cut leaves the schema before them or the newest, with every row.
#[test]
fn a_power_cut_in_the_middle_of_an_upgrade_leaves_the_old_or_the_new() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    make(1, &file(&dir))?;
    let tables = tables(&connect(&file(&dir))?)?;
    let before = contents(&file(&dir), &tables)?;
    let start = plug::Start::from([("store.sqlite".to_owned(), std::fs::read(file(&dir))?)]);
    let disk = Disk::under(dir.path())?;
    disk.record();
    drop(Store::open(&file(&dir), options(false))?);
    let newest = newest()?;
    let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let found = plug::pull(start, &disk.take_log(), 60, &Random::system(), |path, _| {
        let version: i64 = connect(path)?.pragma_query_value(None, "user_version", |row| row.get(0))?;
        anyhow::ensure!(version == 1 || version == newest, "schema {version}");
        seen.borrow_mut().insert(version);
        anyhow::ensure!(contents(path, &tables)? == before, "rows are not what they were");
        drop(Store::open(path, options(false))?);
        anyhow::ensure!(contents(path, &tables)? == before, "rows are not what they were, once upgraded");
        anyhow::ensure!(check::check(path).findings.is_empty(), "{:?}", check::check(path).findings);
        Ok(())
    })?;
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(seen.into_inner().len(), 2, "both were seen");
    Ok(())
}

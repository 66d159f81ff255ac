//! `bessemer check`: each kind of damage is found and named, and a good store has none.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bessemer::model::{FlowName, Work};
use bessemer::store::{Store, StoreError, check, nodes, work};

use super::{add_machine, file, open, options};

/// Runs SQL on a file behind the store's back, with nothing that would stop it.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(path: &Path, sql: &str) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(path)?;
    Ok(connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; PRAGMA writable_schema = ON; {sql}"))?)
}

fn bessemer_check(path: &Path) -> anyhow::Result<(Option<i32>, String, String)> {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_bessemer")).args(["check", "--db"]).arg(path).env_clear().output()?;
    Ok((status.code(), String::from_utf8(stdout)?, String::from_utf8(stderr)?))
}

/// A store with a machine in it, closed.
async fn made(dir: &tempfile::TempDir) -> anyhow::Result<PathBuf> {
    let store = open(dir, false)?;
    for i in 0..40 {
        store.write(move |tx| add_machine(tx, &format!("m{i}"))).await?;
    }
    Ok(file(dir))
}

/// What is done to the file, and what is then said of it.
#[rustfmt::skip]
const DAMAGES: &[(&str, &str)] = &[
    ("UPDATE nodes SET allocation_uuid = uuid WHERE name = 'm1'", "I1: node"),
    ("INSERT INTO allocations (uuid, state, created_at) VALUES ('00000000-0000-4000-8000-000000000001', 'active', 1)", "is active and has no node"),
    ("INSERT INTO allocations (uuid, state, node_uuid, created_at) SELECT '00000000-0000-4000-8000-000000000001', 'active', uuid, 1 FROM nodes WHERE name = 'm1'", "which knows nothing of it"),
    ("INSERT INTO allocations (uuid, state, created_at) VALUES ('00000000-0000-4000-8000-000000000001', 'allocating', 1)", "I6: allocation"),
    ("INSERT INTO allocations (uuid, state, created_at) VALUES ('00000000-0000-4000-8000-000000000001', 'error', 1)", "I2: allocation"),
    ("INSERT INTO work (flow, stage, step, phase, attempt, since, created_at) VALUES ('deploy', 'step', 0, 'ready', 0, 1, 1)", "is for nobody"),
    ("INSERT INTO work (flow, node_uuid, stage, step, phase, attempt, since, created_at) SELECT 'clean', uuid, 'step', 0, 'begun', 0, 1, 1 FROM nodes WHERE name = 'm1'", "which is not reserved"),
    ("UPDATE nodes SET reservation = 'somebody' WHERE name = 'm1'", "is reserved and nothing is done with it"),
    ("UPDATE nodes SET provision_state = 'cleaning' WHERE name = 'm1'", "is cleaning and nothing is owed to it"),
    ("UPDATE nodes SET target_provision_state = 'available' WHERE name = 'm1'", "on its way to available"),
    ("UPDATE nodes SET provision_state = 'melting' WHERE name = 'm1'", "column provision_state is not a State"),
    ("UPDATE nodes SET created_at = 'yesterday' WHERE name = 'm1'", "column created_at is not a time in microseconds"),
    ("UPDATE nodes SET extra = '{\"half' WHERE name = 'm1'", "column extra is no JSON"),
    ("UPDATE nodes SET driver_info = '{\"ipmi_password\": \"seven\"}' WHERE name = 'm1'", "a secret stands in driver_info/ipmi_password of node"),
    ("UPDATE nodes SET driver_info = '{\"ipmi_password\": \"******\"}' WHERE name = 'm1'", "driver_info/ipmi_password of node"),
    ("UPDATE nodes SET driver_internal_info = '{\"agent_secret_token\": \"seven\"}' WHERE name = 'm1'", "the token of the agent of node"),
    ("UPDATE nodes SET traits = '[]' WHERE name = 'm1'", "are not those that lists show"),
    ("UPDATE nodes SET chassis_uuid = uuid WHERE name = 'm1'", "is in chassis"),
    ("UPDATE ports SET portgroup_uuid = uuid WHERE address = 'm1/0'", "is in port group"),
    ("INSERT INTO sealed_steps VALUES ('x', '[]')", "belong to nothing"),
    ("DELETE FROM nodes WHERE name = 'm1'", "refers to a row of nodes that is gone"),
    ("DROP INDEX work_one_per_node", "index work_one_per_node is missing"),
    ("CREATE TRIGGER t AFTER UPDATE ON nodes BEGIN SELECT 1; END", "trigger t is not ours"),
    ("DROP INDEX nodes_by_state; CREATE INDEX nodes_by_state ON nodes (driver)", "index nodes_by_state is not the one"),
    ("PRAGMA user_version = 99", "it has schema 99"),
    ("PRAGMA application_id = 7", "its application id is 0x7"),
];

#[tokio::test]
async fn every_kind_of_damage_is_named_with_what_to_do() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let good = made(&dir).await?;
    assert_eq!(check::check(&good).findings, []);
    for (damage, said) in DAMAGES {
        let path = dir.path().join("damaged.sqlite");
        std::fs::copy(&good, &path)?;
        meddle(&path, damage)?;
        let before = std::fs::read(&path)?;
        let findings = check::check(&path).findings;
        let named = findings.iter().any(|finding| finding.what.contains(said) && !finding.advice.is_empty());
        assert!(named, "{damage}: {findings:#?}");
        assert!(
            !findings.iter().any(|finding| finding.to_string().contains("seven")),
            "a secret is shown: {findings:?}"
        );
        assert_eq!(before, std::fs::read(&path)?, "{damage}: the file was touched");
    }
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_not_what_was_written_are_found() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let good = made(&dir).await?;
    let bytes = std::fs::read(&good)?;
    for (at, said) in [(0, "cannot be"), (100, "Page 1"), (5 * 4096, "Page 6"), (bytes.len() - 4096, "Page")] {
        let path = dir.path().join("damaged.sqlite");
        let mut damaged = bytes.clone();
        damaged[at..at + 60].fill(0xa5);
        std::fs::write(&path, damaged)?;
        let findings = check::check(&path).findings;
        let told = findings.iter().any(|it| it.to_string().to_lowercase().contains(&said.to_lowercase()));
        assert!(told || findings.iter().any(|it| it.to_string().contains("malformed")), "at {at}: {findings:#?}");
        assert!(findings.iter().any(|it| it.advice.contains("newest backup")), "at {at}: {findings:#?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_command_says_one_line_a_finding_and_its_exit_code_tells() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = made(&dir).await?;
    let (code, out, errors) = bessemer_check(&path)?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("the store ") && out.ends_with(" is good\n"), "{out}");
    assert!(!path.with_extension("sqlite-wal").exists(), "it left a WAL behind");
    meddle(&path, "UPDATE nodes SET reservation = 'somebody' WHERE name = 'm1'")?;
    let (code, out, errors) = bessemer_check(&path)?;
    assert_eq!((code, out.lines().count()), (Some(1), 1), "{out}");
    assert!(out.contains("is reserved and nothing is done with it: ") && out.contains("restart the service"), "{out}");
    assert!(errors.contains("1 thing is wrong with "), "{errors}");
    std::fs::write(&path, "no database, but long enough to be taken for one".repeat(100))?;
    let (code, out, _) = bessemer_check(&path)?;
    assert_eq!(code, Some(1));
    assert!(out.contains("file is not a database"), "{out}");
    let (code, out, _) = bessemer_check(&dir.path().join("absent"))?;
    assert_eq!(code, Some(1));
    assert!(out.contains("No such file"), "{out}");
    Ok(())
}

#[tokio::test]
async fn a_store_in_use_is_looked_at_as_it_is_now() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let path = made(&dir).await?;
    let store = Store::open(&path, options(false))?;
    // In the WAL only; and a background act may hold a node without work while the service lives.
    store
        .write(|tx| {
            let Some(before) = nodes::find_by_name(tx, "m1")? else { return Ok(()) };
            let mut node = before.clone();
            node.reservation = Some("here".to_owned());
            nodes::update(tx, &before, &node)?;
            let Some(other) = nodes::find_by_name(tx, "m2")? else { return Ok(()) };
            work::insert(tx, &Work::for_node(FlowName::Clean, other.uuid, tx.now()))?;
            Ok::<_, StoreError>(())
        })
        .await?;
    let (code, out, errors) = bessemer_check(&path)?;
    assert_eq!((code, out.lines().count()), (Some(1), 1), "{out}");
    assert!(out.contains("which is not reserved"), "{out}");
    assert!(errors.contains("a service has this store open"), "{errors}");
    store.write(|tx| add_machine(tx, "afterwards")).await?;
    Ok(())
}

/// The WAL of a store that was not closed is evidence: it holds what the file does not.
#[tokio::test]
async fn a_check_leaves_the_files_of_a_dead_service_as_they_are() -> anyhow::Result<()> {
    let (dir, dead) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let store = Store::open(&file(&dir), options(false))?;
    store.write(|tx| add_machine(tx, "a")).await?;
    for name in ["store.sqlite", "store.sqlite-wal"] {
        std::fs::copy(dir.path().join(name), dead.path().join(name))?;
    }
    let files = || -> anyhow::Result<_> {
        Ok((std::fs::read(dead.path().join("store.sqlite"))?, std::fs::read(dead.path().join("store.sqlite-wal"))?))
    };
    let before = files()?;
    assert_eq!(check::check(&file(&dead)).findings, []);
    assert!(before == files()?, "it was touched");
    Ok(())
}

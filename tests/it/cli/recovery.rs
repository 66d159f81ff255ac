//! A store that is damaged while it is served, and the way back, in the commands that the service itself names and the
//! README has.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bessemer::clock::Clock;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::Server;
use super::backup::{address, ask, prepare, ran};

const SERVE: [&str; 5] = ["serve", "--config", "it.toml", "--listen", "127.0.0.1:0"];
const PAGE: usize = 4096;

/// One request of every kind that changes something.
const CHANGES: &[(&str, &str, &str)] = &[
    ("POST", "/v1/nodes", r#"{"driver": "fake-hardware", "name": "late"}"#),
    ("PATCH", "/v1/nodes/before-7", r#"[{"op": "add", "path": "/extra/late", "value": 1}]"#),
    ("PUT", "/v1/nodes/before-7/states/provision", r#"{"target": "manage"}"#),
    ("PUT", "/v1/nodes/before-7/maintenance", r#"{"reason": "late"}"#),
    ("POST", "/v1/allocations", r#"{"resource_class": "metal", "name": "late"}"#),
    ("DELETE", "/v1/nodes/before-8", "{}"),
];

/// Waits for a backup that has this node in it; the backups that there are then, the newest first.
fn saved(at: &str, dir: &Path) -> anyhow::Result<()> {
    let clock = Clock::system();
    let deadline = clock.instant() + Duration::from_secs(60);
    let before = newest(dir);
    // One that began before does not count.
    let mut made = std::collections::BTreeSet::new();
    while made.len() < 3 {
        let (_, status) = ask(at, "GET", "/bessemer/v1/backups", &json!({}))?;
        ensure!(status["failure"].is_null(), "{status}");
        made.extend(newest(dir).filter(|file| Some(file) != before.as_ref()));
        ensure!(clock.instant() < deadline, "no backup is made: {status}");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn newest(dir: &Path) -> Option<String> {
    let names = bessemer::disk::names(&dir.join("kept")).unwrap_or_default();
    let newest = names.into_iter().filter(|name| name.ends_with(".sqlite")).max()?;
    Some(dir.join("kept").join(newest).display().to_string())
}

/// As if the disk had mixed up what it was given: every page but the first is something else.
fn overwrite(store: &Path) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).open(store)?;
    for page in 1..usize::try_from(file.metadata()?.len())? / PAGE {
        file.write_all_at(&[0xa5; PAGE], (page * PAGE) as u64)?;
    }
    Ok(file.sync_all()?)
}

/// The words between two backticks that begin so.
fn command(text: &str, begins: &str) -> anyhow::Result<String> {
    let found = text.split('`').find(|it| it.starts_with(begins));
    Ok(found.with_context(|| format!("no {begins} in {text}"))?.to_owned())
}

/// Types it into a shell. Exit code and what was said.
fn typed(dir: &Path, command: &str) -> anyhow::Result<(Option<i32>, String)> {
    let program = Path::new(env!("CARGO_BIN_EXE_bessemer")).parent().context("no directory")?;
    let path = format!("{}:/usr/bin:/bin", program.display());
    let done = Command::new("sh").args(["-c", command]).current_dir(dir).env_clear().env("PATH", path).output()?;
    let said = [done.stdout, done.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    Ok((done.status.code(), said))
}

fn fault(answer: &Value) -> String {
    let inner: Value = serde_json::from_str(answer["error_message"].as_str().unwrap_or_default()).unwrap_or_default();
    inner["faultstring"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_damaged_is_recovered_in_the_words_that_the_service_says() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let here = dir.path().canonicalize()?;
    let db = here.join("bessemer.sqlite");
    prepare(&db, 300).await?;
    std::fs::write(here.join("it.toml"), "[backup]\ndir = \"kept\"\ninterval_secs = 1\nkeep = 2\n")?;
    let (server, greeting) = Server::start(&dir, &SERVE)?;
    let at = address(&greeting)?;
    let (status, answer) = ask(&at, "POST", "/v1/nodes", &json!({"driver": "fake-hardware", "name": "acknowledged"}))?;
    ensure!(status == 201, "{status} {answer}");
    saved(&at, &here)?;

    // Found by whoever reads; from then on, every change is refused with the way out.
    overwrite(&db)?;
    let clock = Clock::system();
    let deadline = clock.instant() + Duration::from_secs(60);
    while ask(&at, "GET", "/v1/nodes/detail", &json!({}))?.0 != 500 {
        ensure!(clock.instant() < deadline, "the damage is not noticed");
    }
    let mut said = String::new();
    for (method, path, body) in CHANGES {
        let (status, answer) = ask(&at, method, path, &serde_json::from_str(body)?)?;
        said = fault(&answer);
        ensure!(status == 500 && said.starts_with("the store is damaged"), "{method} {path}: {status} {answer}");
        let file = newest(&here).context("no backup")?;
        let words = format!("`bessemer restore {file} --db {}`", db.display());
        ensure!(said.contains(&words), "{method} {path}: {said:?} is not {words}");
    }
    assert_eq!(ask(&at, "GET", "/v1", &json!({}))?.0, 200, "it is alive");

    let (code, found) = typed(&here, &command(&said, "bessemer check")?)?;
    assert!(code == Some(1) && found.contains("things are wrong with "), "{found}");
    // Not while it is served.
    let restore = command(&said, "bessemer restore")?;
    let (code, refused) = typed(&here, &restore)?;
    assert!(code == Some(1) && refused.contains("stop it first"), "{refused}");
    server.signal(Signal::SIGTERM)?;
    let (_, errors) = server.end()?;
    assert!(errors.contains(&restore), "the log says it too: {errors}");

    // A start does not make it better, and says the same.
    let (server, _) = Server::start(&dir, &SERVE)?;
    let _ = server.signal(Signal::SIGTERM);
    let (_, errors) = server.end()?;
    assert!(errors.contains(&restore), "{errors}");
    let (code, found) = typed(&here, "bessemer check --config it.toml")?;
    assert!(code == Some(1) && found.contains(&restore), "{found}");

    let (code, restored) = typed(&here, &restore)?;
    assert!(code == Some(0) && restored.contains(".before-restore-") && restored.contains("in hold"), "{restored}");
    let (code, found) = typed(&here, &format!("bessemer check --db {}", db.display()))?;
    assert!(code == Some(0), "{found}");

    let (_server, greeting) = Server::start(&dir, &SERVE)?;
    assert!(greeting.iter().any(|line| line.starts_with("IN HOLD")), "{greeting:?}");
    let at = address(&greeting)?;
    let manage = || ask(&at, "PUT", "/v1/nodes/acknowledged/states/provision", &json!({"target": "manage"}));
    assert_eq!(manage()?.0, 503);
    let shown = ran(&dir, &["hold", "--listen", &at])?;
    assert!(shown.contains("The service is in hold"), "{shown}");
    let released = ran(&dir, &["release", "--listen", &at])?;
    assert!(released.starts_with("Released from hold."), "{released}");
    assert_eq!(manage()?.0, 202);
    let deadline = clock.instant() + Duration::from_secs(60);
    while ask(&at, "GET", "/v1/nodes/acknowledged", &json!({}))?.1["provision_state"] != "manageable" {
        ensure!(clock.instant() < deadline, "it does not work again");
        std::thread::sleep(Duration::from_millis(20));
    }
    // And backups are made again.
    saved(&at, &here)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_is_told_once_with_its_number() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let db = dir.path().join("bessemer.sqlite");
    prepare(&db, 3).await?;
    meddle(&db, "UPDATE nodes SET extra = '{\"password\": \"seven' WHERE id = 2")?;
    let (server, greeting) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
    let at = address(&greeting)?;
    for _ in 0..5 {
        let (status, list) = ask(&at, "GET", "/v1/nodes/detail", &json!({}))?;
        assert_eq!((status, list["nodes"].as_array().map(Vec::len)), (200, Some(2)), "{list}");
        assert_eq!(ask(&at, "GET", "/v1/nodes/before-1", &json!({}))?.0, 500);
    }
    server.signal(Signal::SIGTERM)?;
    let (_, errors) = server.end()?;
    let told: Vec<_> = errors.lines().filter(|line| line.contains("nodes row 2 cannot be read")).collect();
    assert!(told.len() == 1 && told[0].contains("`bessemer check --db "), "{errors}");
    assert!(!errors.contains("seven"), "{errors}");
    Ok(())
}

/// Runs SQL on the file.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(path: &Path, sql: &str) -> anyhow::Result<()> {
    Ok(rusqlite::Connection::open(path)?.execute_batch(sql)?)
}

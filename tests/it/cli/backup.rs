//! Backup, restore and release as an operator does them, with the real program under load.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bessemer::clock::Clock;
use bessemer::model::{Node, State};
use bessemer::random::Random;
use bessemer::store::{Options, Store, StoreError, allocations, hold, nodes};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{Server, bessemer};
use crate::race::invariants;

/// One request on a connection of its own; status and answer.
pub(super) fn ask(at: &str, method: &str, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let body = body.to_string();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\nX-OpenStack-Ironic-API-Version: 1.90\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok()).context("no status")?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}

pub(super) fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Options::new(Clock::system(), Random::system()))
}

/// A store with so many nodes that copying it takes a while, a few of which can be given away.
pub(super) async fn prepare(path: &Path, count: usize) -> Result<(), StoreError> {
    let store = open(path)?;
    let made = store.write(move |tx| {
        for i in 0..count {
            let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
            node.name = Some(format!("before-{i}"));
            node.description = Some("d".repeat(2000));
            if i < 40 {
                node.provision_state = State::Available;
                node.power_state = Some(bessemer::model::PowerState::Off);
                node.resource_class = Some("metal".to_owned());
            }
            nodes::insert(tx, &node)?;
        }
        Ok(())
    });
    made.await
}

/// What was acknowledged, in order, by clients that go on until they are told to stop.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    acknowledged: AtomicUsize,
    names: std::sync::Mutex<Vec<String>>,
}

impl Load {
    /// Creates nodes, and creates and deletes allocations, as fast as the service answers.
    fn run(&self, at: &str, client: usize) -> anyhow::Result<()> {
        for i in 0.. {
            if self.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let name = format!("during-{client}-{i}");
            let body = json!({"driver": "fake-hardware", "name": name});
            let (status, answer) = ask(at, "POST", "/v1/nodes", &body)?;
            ensure!(status == 201, "{status} {answer}");
            self.names.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.push(name.clone());
            let (status, _) = ask(at, "POST", "/v1/allocations", &json!({"resource_class": "metal", "name": name}))?;
            if status == 201 {
                ask(at, "DELETE", &format!("/v1/allocations/{name}"), &json!({}))?;
            }
            self.acknowledged.fetch_add(3, Ordering::Relaxed);
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        self.names.lock().map(|names| names.clone()).unwrap_or_default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_has_what_was_acknowledged_before_and_is_put_back_by_the_book() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    prepare(&dir.path().join("bessemer.sqlite"), 4000).await?;
    let (server, greeting) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
    let at = address(&greeting)?;
    let load = Arc::new(Load::default());
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (load, at) = (load.clone(), at.clone());
            std::thread::spawn(move || load.run(&at, client))
        })
        .collect();
    while load.acknowledged.load(Ordering::Relaxed) < 60 {
        ensure!(clients.iter().all(|client| !client.is_finished()), "a client gave up");
        std::thread::sleep(Duration::from_millis(5));
    }
    let (before, count) = (load.names(), load.acknowledged.load(Ordering::Relaxed));
    let made = bessemer(&dir, &["backup", "saved"]).output()?;
    let during = load.acknowledged.load(Ordering::Relaxed) - count;
    load.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
    }
    let said = String::from_utf8(made.stdout)?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(said.starts_with("saved: ") && said.trim_end().ends_with("checked"), "{said}");
    assert!(during > 0, "there was no load while it was made");

    // A store that is in use is not replaced.
    let refused = bessemer(&dir, &["restore", "saved"]).output()?;
    let errors = String::from_utf8(refused.stderr)?;
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors.contains("is in use by another process") && errors.contains("stop it first"), "{errors}");
    server.signal(Signal::SIGKILL)?;
    server.end()?;
    let restored = bessemer(&dir, &["restore", "saved"]).output()?;
    let (out, errors) = (String::from_utf8(restored.stdout)?, String::from_utf8_lossy(&restored.stderr).into_owned());
    assert!(restored.status.success() && out.contains(".before-restore-") && out.contains("in hold"), "{out}{errors}");

    let store = open(&dir.path().join("bessemer.sqlite"))?;
    let (found, held) = store
        .read(|read| {
            let names: std::collections::HashSet<_> =
                nodes::all(read)?.into_iter().filter_map(|node| node.name).collect();
            Ok::<_, StoreError>((names, hold::find(read)?))
        })
        .await?;
    let missing: Vec<_> = before.iter().filter(|name| !found.contains(*name)).collect();
    assert!(missing.is_empty(), "acknowledged before the backup began, and not in it: {missing:?}");
    assert!(found.len() >= 4000 + before.len() && held.is_some());
    let breaches = invariants::breaches(&store, &[], false).await?;
    assert!(breaches.is_empty(), "{breaches:?}");
    assert!(store.read(allocations::all).await?.len() <= 8);
    drop(store);

    // Without a service, the store itself is asked; with one, the service.
    let shown = ran(&dir, &["hold"])?;
    assert!(shown.contains("The service is in hold, because its store was restored from"), "{shown}");
    let (server, greeting) = Server::start(&dir, &["serve", "--listen", "127.0.0.1:0"])?;
    assert!(greeting.iter().any(|line| line.starts_with("IN HOLD")), "{greeting:?}");
    let at = address(&greeting)?;
    let manage = || ask(&at, "PUT", "/v1/nodes/before-99/states/provision", &json!({"target": "manage"}));
    assert_eq!(manage()?.0, 503);
    let shown: Value = serde_json::from_str(&ran(&dir, &["hold", "--json", "--listen", &at])?)?;
    assert_eq!(shown["held"], true);
    let released = ran(&dir, &["release", "--listen", &at])?;
    assert!(released.starts_with("Released from hold."), "{released}");
    assert_eq!(manage()?.0, 202);
    server.signal(Signal::SIGTERM)?;
    let (_, errors) = server.end()?;
    assert!(errors.contains("The service is in hold"), "the log says it too: {errors}");
    assert!(ran(&dir, &["release"])?.contains("not in hold"));
    Ok(())
}

#[test]
fn the_service_makes_backups_by_itself_and_says_so() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("it.toml"), "[backup]\ndir = \"kept\"\ninterval_secs = 1\nkeep = 2\n")?;
    let (_server, greeting) = Server::start(&dir, &["serve", "--config", "it.toml", "--listen", "127.0.0.1:0"])?;
    let at = address(&greeting)?;
    let clock = Clock::system();
    let (deadline, mut seen) = (clock.instant() + Duration::from_secs(60), std::collections::BTreeSet::new());
    let status = loop {
        let (_, status) = ask(&at, "GET", "/bessemer/v1/backups", &json!({}))?;
        let files = status["backups"].as_array().cloned().unwrap_or_default();
        seen.extend(files.iter().filter_map(|file| file["file"].as_str().map(str::to_owned)));
        if seen.len() > 3 {
            break status;
        }
        ensure!(clock.instant() < deadline, "only {seen:?}: {status}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(status["enabled"] == true && status["keep"] == 2 && status["failure"].is_null(), "{status}");
    let newest = seen.last().context("none")?;
    // Two are kept, and a third is there while it is not yet known to be good.
    let there = bessemer::disk::names(&dir.path().join("kept"))?;
    assert!(there.iter().filter(|name| name.ends_with(".sqlite")).count() <= 3, "{there:?}");
    let restored = ran(&dir, &["restore", newest, "--db", "another.sqlite"])?;
    assert!(restored.contains("another.sqlite: 0 nodes"), "{restored}");
    Ok(())
}

pub(super) fn address(greeting: &[String]) -> anyhow::Result<String> {
    let line = greeting.first().context("no greeting")?;
    let at = line.split_once("http://").map(|(_, rest)| rest.trim_end_matches('/'));
    Ok(at.context("no address")?.to_owned())
}

pub(super) fn ran(dir: &tempfile::TempDir, args: &[&str]) -> anyhow::Result<String> {
    let done = bessemer(dir, args).output()?;
    if !done.status.success() {
        bail!("{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8(done.stdout)?)
}

//! Backups that the service makes by itself, on virtual time.

use std::path::Path;
use std::time::Duration;

use bessemer::clock::{Clock, from_micros, micros};
use bessemer::engine::backups::{Backups, Plan};
use bessemer::model::Hold;
use bessemer::random::Random;
use bessemer::store::{Options, Store, StoreError, hold};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

const HOUR: Duration = Duration::from_secs(3600);
const ORIGIN: i64 = 1_795_600_000_000_000;

struct Keeping {
    clock: Clock,
    backups: Backups,
    store: Store,
    tasks: JoinSet<()>,
    stop: DropGuard,
}

impl Keeping {
    fn start(dir: &Path, clock: &Clock) -> Result<Self, StoreError> {
        let random = Random::seeded(1);
        let options = Options { inline: true, ..Options::new(clock.clone(), random.clone()) };
        let store = Store::open(&dir.join("store.sqlite"), options)?;
        let backups = Backups::new(Some(Plan { dir: dir.join("kept"), interval: HOUR, keep: 3 }));
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(backups.clone().run(store.clone(), clock.clone(), random, stop.clone()));
        Ok(Keeping { clock: clock.clone(), backups, store, tasks, stop: stop.drop_guard() })
    }

    async fn end(mut self) {
        drop(self.stop);
        self.tasks.join_next().await;
    }
}

fn files(dir: &Path) -> Vec<String> {
    let mut names = bessemer::disk::names(&dir.join("kept")).unwrap_or_default();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn one_is_made_every_interval_and_the_oldest_goes_when_a_newer_one_is_good() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let clock = Clock::virtual_from(from_micros(ORIGIN));
    let keeping = Keeping::start(dir.path(), &clock)?;
    clock.sleep(Duration::from_secs(60)).await;
    let first = files(dir.path());
    assert_eq!(first.len(), 1, "the first soon after the start");
    clock.sleep(HOUR * 2).await;
    assert_eq!(files(dir.path()).len(), 3);
    assert!(files(dir.path()).starts_with(&first));
    clock.sleep(HOUR * 5).await;
    let now = files(dir.path());
    assert!(now.len() == 3 && !now.contains(&first[0]), "{now:?}");
    let status = keeping.backups.status();
    assert!(status.failure.is_none() && status.next_at.is_some(), "{status:?}");
    let copy = Store::open(&dir.path().join("kept").join(&now[2]), Options::new(clock.clone(), Random::system()))?;
    assert!(copy.read(hold::find).await?.is_some(), "whoever uses one starts in hold");
    drop(copy);
    for name in files(dir.path()).iter().filter(|name| !name.ends_with(".sqlite")) {
        std::fs::remove_file(dir.path().join("kept").join(name))?;
    }

    // A restart alone makes none; a long stop makes one soon.
    keeping.end().await;
    let again = Keeping::start(dir.path(), &clock)?;
    clock.sleep(Duration::from_secs(60)).await;
    assert_eq!(files(dir.path()), now);
    again.end().await;
    clock.sleep(HOUR * 30).await;
    let again = Keeping::start(dir.path(), &clock)?;
    clock.sleep(Duration::from_secs(60)).await;
    assert!(!files(dir.path()).contains(&now[0]) && files(dir.path()).contains(&now[2]));
    again.end().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_and_tried_again_later_and_later_and_deletes_nothing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let clock = Clock::virtual_from(from_micros(ORIGIN));
    let keeping = Keeping::start(dir.path(), &clock)?;
    clock.sleep(HOUR * 3).await;
    let kept = files(dir.path());
    assert_eq!(kept.len(), 3);
    std::fs::rename(dir.path().join("kept"), dir.path().join("elsewhere"))?;
    std::fs::write(dir.path().join("kept"), "a file where a directory should be")?;
    clock.sleep(Duration::from_secs(600)).await;
    let early = keeping.backups.status().failure.map(|failure| failure.in_a_row).unwrap_or_default();
    assert!((2..8).contains(&early), "{early} tries in ten minutes");
    clock.sleep(HOUR * 4).await;
    let failure = keeping.backups.status().failure;
    let late = failure.as_ref().map(|failure| failure.in_a_row).unwrap_or_default();
    assert!(late > early && late < early + 12, "{early}, then {late}");
    assert!(failure.is_some_and(|failure| failure.why.contains("kept is not a directory")));
    std::fs::remove_file(dir.path().join("kept"))?;
    std::fs::rename(dir.path().join("elsewhere"), dir.path().join("kept"))?;
    assert_eq!(files(dir.path()), kept);
    clock.sleep(HOUR * 2).await;
    assert!(keeping.backups.status().failure.is_none());
    assert!(files(dir.path()).len() == 3 && files(dir.path()) != kept);
    keeping.end().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn none_are_made_in_hold_and_one_from_the_future_is_not_waited_for() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let clock = Clock::virtual_from(from_micros(ORIGIN));
    std::fs::create_dir(dir.path().join("kept"))?;
    let future = "bessemer-20991231T000000Z.sqlite".to_owned();
    std::fs::write(dir.path().join("kept").join(&future), "made before the clock was set")?;
    let keeping = Keeping::start(dir.path(), &clock)?;
    let hold = Hold { since: micros(clock.now()), taken: None, file: None };
    keeping.store.write(move |tx| hold::put(tx, &hold)).await?;
    clock.sleep(HOUR * 3).await;
    assert_eq!(files(dir.path()), [&*future], "in hold none are made");
    keeping.store.write(hold::delete).await?;
    keeping.clock.sleep(HOUR * 4).await;
    let now = files(dir.path());
    assert!(now.len() == 3 && !now.contains(&future), "{now:?}");
    keeping.end().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_store_with_a_row_that_cannot_be_read_gets_no_backup_and_keeps_those_from_before() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let clock = Clock::virtual_from(from_micros(ORIGIN));
    let keeping = Keeping::start(dir.path(), &clock)?;
    keeping.store.write(|tx| super::add_machine(tx, "a")).await?;
    clock.sleep(HOUR * 4).await;
    let kept = files(dir.path());
    assert_eq!(kept.len(), 3);
    meddle(&dir.path().join("store.sqlite"), "UPDATE nodes SET provision_state = 'melting'")?;
    clock.sleep(HOUR * 5).await;
    assert_eq!(files(dir.path()), kept);
    let failure = keeping.backups.status().failure.ok_or_else(|| anyhow::anyhow!("nobody was told"))?;
    assert!(failure.why.contains("nodes row 1, column provision_state is not a State"), "{failure:?}");
    meddle(&dir.path().join("store.sqlite"), "UPDATE nodes SET provision_state = 'enroll'")?;
    clock.sleep(HOUR * 2).await;
    assert!(keeping.backups.status().failure.is_none() && files(dir.path()) != kept);
    keeping.end().await;
    Ok(())
}

/// Runs SQL on the file behind the service's back.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(path: &Path, sql: &str) -> anyhow::Result<()> {
    Ok(rusqlite::Connection::open(path)?.execute_batch(sql)?)
}

//! Copies of a store, and copies in the place of a store.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bessemer::clock::Clock;
use bessemer::model::Hold;
use bessemer::store::backup::{self, BackupError, Copied, Job, Progress};
use bessemer::store::{Store, StoreError, hold, restore};
use tokio_util::sync::CancellationToken;

use super::{add_machine, exists, file, machines, open, options};

fn copy(from: &Path, to: &Path, replace: bool) -> Result<Copied, BackupError> {
    let clock = Clock::system();
    let job = Job { from, to, replace, stop: CancellationToken::new() };
    backup::copy(&job, &clock, backup::mark(&clock), &mut |_| {})
}

fn put_back(from: &Path, to: &Path) -> Result<restore::Restored, BackupError> {
    restore::restore(from, to, &Clock::system(), CancellationToken::new(), &mut |_| {})
}

async fn with_machines(dir: &tempfile::TempDir, names: &[&str]) -> anyhow::Result<Store> {
    let store = open(dir, false)?;
    for name in names {
        let name = (*name).to_owned();
        store.write(move |tx| add_machine(tx, &name)).await?;
    }
    Ok(store)
}

#[tokio::test]
async fn a_copy_of_an_open_store_is_one_private_file_that_is_in_hold_when_it_is_opened() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = with_machines(&dir, &["a", "b"]).await?;
    let to = dir.path().join("copy");
    let copied = copy(&file(&dir), &to, false)?;
    assert_eq!((copied.nodes, copied.was), (2, None));
    let metadata = to.metadata()?;
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, copied.bytes));
    let mut names = bessemer::disk::names(dir.path())?;
    names.retain(|name| name.starts_with("copy"));
    assert_eq!(names, ["copy"], "nothing else is left beside it");
    // Neither reading nor writing it takes a WAL, so that it can be read where nothing can be written.
    assert_eq!(std::fs::read(&to)?[18..20], [1, 1]);
    // The store that was copied goes on as ever.
    store.write(|tx| add_machine(tx, "c")).await?;
    assert_eq!(store.read(hold::find).await?, None);
    let copy = Store::open(&to, options(false))?;
    assert_eq!(machines(&copy).await?, ["a", "b"]);
    let held = copy.read(hold::find).await?;
    assert!(held.as_ref().is_some_and(|hold| hold.file.is_none() && hold.taken == Some(hold.since)), "{held:?}");
    // A copy of a copy is as old as that one.
    drop(copy);
    let second = dir.path().join("second");
    assert_eq!(self::copy(&to, &second, false)?.was, held);
    let again = Store::open(&second, options(false))?.read(hold::find).await?;
    assert_eq!(again.and_then(|hold| hold.taken), held.and_then(|hold| hold.taken));
    Ok(())
}

/// Nothing is written meanwhile by the copy's own process only: what others commit must not start the copy anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_the_moment_at_which_it_began_however_much_is_written_meanwhile() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = with_machines(&dir, &["early"]).await?;
    let filling = |tx: &bessemer::store::Tx| (0..800).try_for_each(|i| add_machine(tx, &format!("filling-{i}")));
    store.write(filling).await?;
    let to = dir.path().join("copy");
    let (written, mut steps) = (store.clone(), 0);
    let runtime = tokio::runtime::Handle::current();
    let (from, stop) = (file(&dir), CancellationToken::new());
    let copied = tokio::task::spawn_blocking(move || {
        let clock = Clock::system();
        let job = Job { from: &from, to: &to, replace: false, stop: stop.clone() };
        backup::copy(&job, &clock, backup::mark(&clock), &mut |progress| {
            if let Progress::Copying { .. } = progress {
                steps += 1;
                // One that begins anew with each commit would never end.
                if steps > 100 {
                    stop.cancel();
                }
                let name = format!("late-{steps}");
                let done = runtime.block_on(written.write(move |tx| add_machine(tx, &name)));
                assert!(done.is_ok(), "{done:?}");
            }
        })
        .map(|copied| (copied, steps))
    });
    let (copied, steps) = copied.await?.map_err(|error| anyhow::anyhow!("it begins anew with each commit: {error}"))?;
    assert!(steps > 2 && copied.nodes == 801, "{steps} steps, {} nodes", copied.nodes);
    let copy = Store::open(&dir.path().join("copy"), options(false))?;
    let names = machines(&copy).await?;
    assert!(names.len() == 801 && names.iter().all(|name| !name.starts_with("late")), "{}", names.len());
    assert_eq!(machines(&store).await?.len(), 801 + steps);
    Ok(())
}

#[tokio::test]
async fn what_stands_against_a_copy_is_said_with_what_helps_and_nothing_is_left() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    drop(with_machines(&dir, &["a"]).await?);
    let (store, at) = (file(&dir), |name: &str| dir.path().join(name));
    std::fs::write(at("there"), "mine")?;
    std::fs::write(at("text"), "this is no database, whatever its name is. ".repeat(100))?;
    std::fs::write(at("empty"), "")?;
    std::fs::create_dir(at("folder"))?;
    std::fs::copy(&store, at("newer"))?;
    // What a version writes that has a hundred schemas more: `PRAGMA user_version` stands at byte 60.
    let mut bytes = std::fs::read(at("newer"))?;
    bytes[60..64].copy_from_slice(&107u32.to_be_bytes());
    std::fs::write(at("newer"), bytes)?;
    let said = |from: &Path, to: &Path| match copy(from, to, false) {
        Ok(copied) => format!("copied {copied:?}"),
        Err(error) => format!("{:#}", anyhow::Error::new(error)),
    };
    for (from, to, words) in [
        (
            store.clone(),
            at("there"),
            "there is there already and is left as it is: choose another name, or replace it with --force",
        ),
        (store.clone(), at("nowhere/copy"), "nowhere; make it first"),
        (store.clone(), at("there/copy"), "there is not a directory"),
        (store.clone(), at("folder"), "it is a directory; name a file in it"),
        (store.clone(), store.clone(), "belongs to the store itself"),
        (store.clone(), at("folder/../store.sqlite-wal"), "belongs to the store itself"),
        (at("absent"), at("copy"), "there is no store at"),
        (at("text"), at("copy"), "is no store of bessemer: it is not a SQLite database"),
        (at("empty"), at("copy"), "is no store of bessemer: there is nothing in it"),
        (at("newer"), at("copy"), "newer has schema 107, this version knows schemas up to"),
    ] {
        let said = said(&from, &to);
        assert!(said.contains(words), "{said}");
    }
    let mut left = bessemer::disk::names(dir.path())?;
    left.retain(|name| name.contains("copy") || name.contains("partial"));
    assert_eq!((left, std::fs::read_to_string(at("there"))?), (vec![], "mine".to_owned()));
    copy(&store, &at("there"), true)?;
    assert_eq!(machines(&Store::open(&at("there"), options(false))?).await?, ["a"]);
    Ok(())
}

#[tokio::test]
async fn a_copy_that_is_given_up_leaves_nothing() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = with_machines(&dir, &["a"]).await?;
    let (from, to, stop, clock) = (file(&dir), dir.path().join("copy"), CancellationToken::new(), Clock::system());
    for at_check in [false, true] {
        let job = Job { from: &from, to: &to, replace: false, stop: stop.clone() };
        let outcome = backup::copy(&job, &clock, backup::mark(&clock), &mut |progress| {
            if at_check == (progress == Progress::Checking) {
                stop.cancel();
            }
        });
        // A small store may be checked before anybody looks at the token; a copy that was broken off is not good, though.
        assert!(at_check || matches!(outcome, Err(BackupError::Stopped(_))), "{outcome:?}");
        if outcome.is_err() {
            assert!(!bessemer::disk::names(dir.path())?.iter().any(|name| name.starts_with("copy")));
        }
    }
    store.write(|tx| add_machine(tx, "b")).await?;
    Ok(())
}

#[tokio::test]
async fn a_restored_store_is_in_hold_and_what_was_there_is_kept_whole() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = with_machines(&dir, &["a"]).await?;
    let saved = dir.path().join("saved");
    copy(&file(&dir), &saved, false)?;
    store.write(|tx| add_machine(tx, "b")).await?;
    let refused = put_back(&saved, &file(&dir));
    let in_use = matches!(&refused, Err(BackupError::InUse(StoreError::InUse { .. })));
    assert!(in_use, "a store that is open is not replaced: {refused:?}");
    // As after a kill: what was committed last is in the WAL alone.
    let wal = std::fs::read(dir.path().join("store.sqlite-wal"))?;
    drop(store);
    std::fs::write(dir.path().join("store.sqlite-wal"), wal)?;

    let restored = put_back(&saved, &file(&dir))?;
    let aside = restored.aside.ok_or_else(|| anyhow::anyhow!("nothing was kept"))?;
    assert!(aside.display().to_string().contains("store.sqlite.before-restore-"), "{aside:?}");
    assert!(!exists(dir.path(), "store.sqlite-wal"), "the old WAL is not beside the new store");
    let now = open(&dir, false)?;
    assert_eq!(machines(&now).await?, ["a"]);
    let hold = now.read(hold::find).await?;
    let from = Some(saved.canonicalize()?.display().to_string());
    assert!(matches!(&hold, Some(Hold { taken: Some(_), file, .. }) if *file == from), "{hold:?}");
    drop(now);
    // It survives a restart, and what was kept is a store that can be put back, too.
    assert_eq!(open(&dir, false)?.read(hold::find).await?, hold);
    assert_eq!(machines(&Store::open(&aside, options(false))?).await?, ["a", "b"]);
    // However quickly one restore follows another, each keeps what it found.
    let kept = [put_back(&aside, &file(&dir))?.aside, put_back(&saved, &file(&dir))?.aside];
    assert!(kept.iter().all(Option::is_some) && kept[0] != kept[1] && !kept.contains(&Some(aside)), "{kept:?}");
    Ok(())
}

#[tokio::test]
async fn a_damaged_backup_is_found_out_before_anything_is_touched() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = with_machines(&dir, &[]).await?;
    store.write(|tx| (0..50).try_for_each(|i| add_machine(tx, &format!("m-{i}")))).await?;
    let saved = dir.path().join("saved");
    copy(&file(&dir), &saved, false)?;
    store.write(|tx| add_machine(tx, "later")).await?;
    drop(store);
    let good = std::fs::read(&saved)?;
    let before = std::fs::read(file(&dir))?;
    let mut torn = good.clone();
    torn.truncate(good.len() / 2);
    let mut scribbled = good.clone();
    // Every fourth page from the third on: some of them are of trees that are looked through.
    for page in scribbled.chunks_mut(4096).skip(2).step_by(4) {
        page.fill(0xa5);
    }
    for bytes in [torn, scribbled] {
        std::fs::write(&saved, bytes)?;
        let refused = put_back(&saved, &file(&dir));
        assert!(matches!(&refused, Err(BackupError::Damaged { path, .. }) if *path == saved), "{refused:?}");
        assert_eq!(std::fs::read(file(&dir))?, before, "the store is as it was");
        assert!(!bessemer::disk::names(dir.path())?.iter().any(|name| name.contains("before-restore")));
    }
    std::fs::write(&saved, good)?;
    put_back(&saved, &file(&dir))?;
    Ok(())
}

/// Runs SQL on a file behind everybody's back.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(path: &Path, sql: &str) -> anyhow::Result<()> {
    Ok(rusqlite::Connection::open(path)?.execute_batch(sql)?)
}

/// Damage that SQLite knows nothing of: its pages are whole, and what stands in them is not what any version writes.
#[tokio::test]
async fn a_row_that_cannot_be_read_makes_a_bad_backup_and_what_only_should_not_be_so_does_not() -> anyhow::Result<()> {
    for (damage, named) in [
        (
            "UPDATE nodes SET provision_state = 'melting' WHERE name = 'b'",
            "nodes row 2, column provision_state is not a State",
        ),
        ("UPDATE nodes SET extra = '{' WHERE name = 'b'", "nodes row 2, column extra is"),
        ("UPDATE ports SET created_at = 'once' WHERE address = 'b/0'", "ports row 3, column created_at is"),
        ("DROP INDEX work_one_per_node", "index work_one_per_node is missing"),
    ] {
        let dir = tempfile::tempdir()?;
        let store = with_machines(&dir, &["a", "b"]).await?;
        let saved = dir.path().join("saved");
        copy(&file(&dir), &saved, false)?;
        meddle(&file(&dir), damage)?;
        let told = |made: Result<(), BackupError>, of: &Path| match made {
            Err(BackupError::Damaged { path, what }) if path == of => Ok(what),
            other => Err(anyhow::anyhow!("{damage}: {other:?}")),
        };
        let what = told(copy(&file(&dir), &dir.path().join("bad"), false).map(drop), &file(&dir))?;
        assert!(what.contains(named), "{damage}: {what}");
        assert!(!exists(dir.path(), "bad"), "{damage}: it has a name");
        // The same of a backup that is to be put back.
        meddle(&saved, damage)?;
        store.write(|tx| add_machine(tx, "later")).await?;
        drop(store);
        let before = std::fs::read(file(&dir))?;
        let what = told(put_back(&saved, &file(&dir)).map(drop), &saved)?;
        assert!(what.contains(named), "{damage}: {what}");
        assert_eq!(std::fs::read(file(&dir))?, before, "{damage}: the store is as it was");
    }
    // The store itself is no better than such a copy: without it there would be none.
    let dir = tempfile::tempdir()?;
    let _store = with_machines(&dir, &["a"]).await?;
    meddle(&file(&dir), "UPDATE nodes SET provision_state = 'cleaning'")?;
    let copied = copy(&file(&dir), &dir.path().join("saved"), false)?;
    assert!(copied.breaches.iter().any(|it| it.contains("is cleaning and nothing is owed to it")), "{copied:?}");
    let restored = put_back(&dir.path().join("saved"), &dir.path().join("other"))?;
    assert_eq!(restored.copied.breaches, copied.breaches);
    Ok(())
}

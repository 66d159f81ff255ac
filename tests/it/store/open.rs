//! Opening: what is refused, and that a refused file is left as it was.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bessemer::store::{Store, StoreError};

use super::disk::{Disk, Mood};
use super::{BOTH, add_machine, file, open, options};

/// Runs SQL on a file behind the store's back.
#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(path: &Path, sql: &str) -> anyhow::Result<()> {
    Ok(rusqlite::Connection::open(path)?.execute_batch(sql)?)
}

/// The sentence that opening is refused with, after checking that the file is still what it was.
fn refused(path: &Path) -> anyhow::Result<String> {
    let before = std::fs::read(path)?;
    let Err(error) = Store::open(path, options(false)) else { anyhow::bail!("it was opened") };
    assert_eq!(before, std::fs::read(path)?, "it was touched");
    assert!(!path.with_extension("sqlite-wal").exists());
    Ok(error.to_string().replace(&format!("{}/", path.parent().unwrap_or(path).canonicalize()?.display()), ""))
}

#[test]
fn a_second_open_is_refused_also_by_another_name() -> anyhow::Result<()> {
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        let first = open(&dir, inline)?;
        let alias = dir.path().join("alias.sqlite");
        std::os::unix::fs::symlink(file(&dir), &alias)?;
        for path in [file(&dir), alias] {
            let Err(refusal) = Store::open(&path, options(inline)) else { anyhow::bail!("it was opened twice") };
            let expected = format!("store.sqlite is in use by another process (process {})", std::process::id());
            assert!(refusal.to_string().ends_with(&expected), "{refusal}");
        }
        drop(first);
        open(&dir, inline)?;
    }
    Ok(())
}

#[test]
fn a_newer_schema_is_refused_and_left_untouched() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    drop(open(&dir, false)?);
    meddle(&file(&dir), "PRAGMA user_version = 99")?;
    let refusal = refused(&file(&dir))?;
    assert!(
        refusal.starts_with("the store store.sqlite has schema 99, this version knows schemas up to "),
        "{refusal}"
    );
    Ok(())
}

/// As after a crash of the newer version: what its WAL holds is not folded into the file by the older one.
#[tokio::test]
async fn a_newer_store_that_was_not_closed_is_left_with_its_wal() -> anyhow::Result<()> {
    let (dir, dead) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let store = open(&dir, false)?;
    meddle(&file(&dir), "PRAGMA user_version = 99")?;
    store.write(|tx| add_machine(tx, "a")).await?;
    for name in ["store.sqlite", "store.sqlite-wal"] {
        std::fs::copy(dir.path().join(name), dead.path().join(name))?;
    }
    let files = || -> anyhow::Result<_> {
        Ok((std::fs::read(file(&dead))?, std::fs::read(dead.path().join("store.sqlite-wal"))?))
    };
    let before = files()?;
    let Err(StoreError::Newer { found: 99, .. }) = Store::open(&file(&dead), options(false)) else {
        anyhow::bail!("it was opened")
    };
    assert!(before == files()?, "it was touched");
    Ok(())
}

/// SQLite would read the WAL up to there and forget the rest.
#[tokio::test]
async fn a_wal_that_is_damaged_in_the_middle_is_refused_and_left_as_it_is() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    for i in 0..6 {
        store.write(move |tx| add_machine(tx, &format!("m{i}"))).await?;
    }
    let (db, wal) = (std::fs::read(file(&dir))?, std::fs::read(dir.path().join("store.sqlite-wal"))?);
    let frame = 24 + 4096;
    let frames = (wal.len() - 32) / frame;
    // Where, and whether what is lost could have been the last transaction, cut off by the power.
    for (at, torn) in
        [(28, false), (32 + 8, false), (32 + 3 * frame + 100, false), (32 + (frames - 1) * frame + 50, true)]
    {
        let dead = tempfile::tempdir()?;
        let mut damaged = wal.clone();
        damaged[at] ^= 0x40;
        std::fs::write(file(&dead), &db)?;
        std::fs::write(dead.path().join("store.sqlite-wal"), &damaged)?;
        match Store::open(&file(&dead), options(false)) {
            Ok(opened) => {
                assert!(torn, "byte {at} is wrong and it was opened");
                assert_eq!(super::machines(&opened).await?.len(), 5, "the others are there");
            }
            Err(refusal) => {
                assert!(!torn, "{refusal}");
                let said = refusal.to_string();
                assert!(
                    said.contains("in its write-ahead log cannot be read") && said.contains("bessemer check"),
                    "{said}"
                );
                assert_eq!(std::fs::read(dead.path().join("store.sqlite-wal"))?, damaged, "it was touched");
                let found = bessemer::store::check::check(&file(&dead)).findings;
                assert!(found.iter().any(|it| it.what.contains("in its write-ahead log cannot be read")), "{found:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_untouched() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let database = dir.path().join("other.sqlite");
    meddle(&database, "CREATE TABLE nodes (id INTEGER)")?;
    assert_eq!(
        refused(&database)?,
        "other.sqlite is no store of bessemer: it is another program's database; it was left untouched"
    );
    let text = dir.path().join("text.sqlite");
    std::fs::write(&text, "not a database at all, but long enough to be taken for one by its size".repeat(20))?;
    assert_eq!(
        refused(&text)?,
        "text.sqlite is no store of bessemer: it is not a SQLite database, or its beginning is damaged; \
         `bessemer check` looks closer; it was left untouched"
    );
    Ok(())
}

#[test]
fn a_store_that_cannot_be_written_or_read_is_not_opened_and_named() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    drop(open(&dir, false)?);
    let before = std::fs::read(file(&dir))?;
    let disk = Disk::under(dir.path())?;
    for mood in [Mood::Frozen, Mood::Full, Mood::Dead] {
        disk.set(mood);
        let Err(StoreError::Broken(error)) = Store::open(&file(&dir), options(false)) else {
            anyhow::bail!("{mood:?}: it was opened")
        };
        let said = format!("{error:#}");
        assert!(said.starts_with("cannot open ") && said.contains("store.sqlite: the store "), "{mood:?}: {said}");
        assert!(disk.refusals() > 0, "{mood:?}: nothing was asked of it");
        disk.set(Mood::Well);
        assert_eq!(before, std::fs::read(file(&dir))?, "{mood:?}");
    }
    drop(open(&dir, false)?);
    Ok(())
}

#[test]
fn a_directory_that_is_not_there_is_named() -> anyhow::Result<()> {
    let Err(StoreError::Broken(error)) = Store::open(Path::new("/nowhere/store.sqlite"), options(false)) else {
        anyhow::bail!("it was opened")
    };
    assert_eq!(format!("{error:#}"), "cannot open /nowhere/store.sqlite.lock: No such file or directory (os error 2)");
    Ok(())
}

#[tokio::test]
async fn nobody_else_may_read_the_file_or_its_wal() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    store.write(|tx| add_machine(tx, "a")).await?;
    for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
        let mode = std::fs::metadata(dir.path().join(name))?.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
    Ok(())
}

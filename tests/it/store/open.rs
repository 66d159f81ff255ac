//! Opening: what is refused, and that a refused file is left as it was.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bessemer::store::{Store, StoreError};

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
        "text.sqlite is no store of bessemer: it is not a SQLite database; it was left untouched"
    );
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

//! Jobs: alone and in a batch, failing, panicking, read while they run.

use bessemer::clock::{self, Clock};
use bessemer::random::Random;
use bessemer::store::{Options, Store, StoreError, Tx, nodes};
use tokio::task::JoinSet;

use super::{BOTH, Held, add_machine, exists, machines, open};

/// Asks for `count` writes at once, in order, and returns when all of them wait in the queue.
async fn ask<T: Send + 'static>(
    store: &Store,
    count: usize,
    job: impl Fn(&Tx, usize) -> anyhow::Result<T> + Send + Clone + 'static,
) -> JoinSet<(usize, anyhow::Result<T>)> {
    let mut asked = JoinSet::new();
    for i in 0..count {
        let (store, job) = (store.clone(), job.clone());
        asked.spawn(async move { (i, store.write(move |tx| job(tx, i)).await) });
    }
    // On a current-thread runtime each task runs up to its wait for the answer when it is first polled.
    for _ in 0..count + 1 {
        tokio::task::yield_now().await;
    }
    asked
}

#[tokio::test]
async fn a_failing_job_undoes_only_itself_in_a_shared_batch() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    let held = Held::hold(&store, |tx| add_machine(tx, "first")).await;
    let asked = ask(&store, 5, |tx, i| {
        add_machine(tx, &format!("m{i}"))?;
        if i % 2 == 1 { Err(anyhow::anyhow!("no {i}")) } else { Ok(i) }
    });
    let asked = asked.await;
    held.release().await?;
    for (i, outcome) in asked.join_all().await {
        match outcome {
            Ok(kept) => assert_eq!((kept, i % 2), (i, 0)),
            Err(error) => assert_eq!((error.to_string(), i % 2), (format!("no {i}"), 1)),
        }
    }
    assert_eq!(machines(&store).await?, ["first", "m0", "m2", "m4"]);
    Ok(())
}

#[tokio::test]
async fn a_failing_job_undoes_itself_with_both_executors() -> anyhow::Result<()> {
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        let store = open(&dir, inline)?;
        let refused = store.write(|tx| add_machine(tx, "a").and_then(|()| add_machine(tx, "a"))).await;
        assert!(matches!(refused, Err(StoreError::Duplicate(column)) if column == "nodes.name"));
        store.write(|tx| add_machine(tx, "b")).await?;
        assert_eq!(machines(&store).await?, ["b"]);
    }
    Ok(())
}

#[tokio::test]
async fn jobs_that_arrive_together_share_one_commit() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    // Each commit that wakes somebody counts once.
    let commits = store.work_changed();
    let held = Held::hold(&store, |tx| {
        tx.wake();
        Ok(())
    });
    let held = held.await;
    let asked = ask(&store, 200, |tx, i| {
        tx.wake();
        Ok(add_machine(tx, &format!("m{i:03}"))?)
    });
    let asked = asked.await;
    held.release().await?;
    assert!(asked.join_all().await.iter().all(|(_, outcome)| outcome.is_ok()));
    assert_eq!(commits.count(), 2, "201 jobs: the one that was held, and the others together");
    assert_eq!(machines(&store).await?.len(), 200);
    Ok(())
}

#[tokio::test]
async fn only_a_kept_job_wakes_those_who_wait_for_work() -> anyhow::Result<()> {
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        let store = open(&dir, inline)?;
        let woken = store.work_changed();
        let refused = store.write(|tx| {
            tx.wake();
            Err::<(), _>(StoreError::Full)
        });
        assert!(refused.await.is_err());
        assert!(!woken.has_changed());
        store
            .write(|tx| {
                tx.wake();
                Ok::<_, StoreError>(())
            })
            .await?;
        assert!(woken.has_changed());
    }
    Ok(())
}

#[tokio::test]
async fn a_reader_sees_only_what_is_committed() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    let held = Held::hold(&store, |tx| add_machine(tx, "a")).await;
    assert_eq!(machines(&store).await?, Vec::<String>::new());
    held.release().await?;
    assert_eq!(machines(&store).await?, ["a"]);
    Ok(())
}

#[tokio::test]
async fn a_look_sees_one_state_however_often_it_asks() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    let (begun, begins) = std::sync::mpsc::channel();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let mut looks = JoinSet::new();
    let reader = store.clone();
    looks.spawn(async move {
        let look = move |read: &bessemer::store::Read| {
            let before = nodes::all(read)?.len();
            let _ = begun.send(());
            let _ = wait.recv();
            Ok::<_, StoreError>((before, nodes::all(read)?.len()))
        };
        reader.read(look).await
    });
    tokio::task::spawn_blocking(move || begins.recv()).await??;
    store.write(|tx| add_machine(tx, "a")).await?;
    go.send(())?;
    assert_eq!(looks.join_all().await.remove(0)?, (0, 0));
    assert_eq!(machines(&store).await?, ["a"]);
    Ok(())
}

#[tokio::test]
async fn ids_time_and_chance_come_from_the_options() -> anyhow::Result<()> {
    let at = clock::from_micros(1_700_000_000_000_000);
    let mut told = vec![];
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        let options = Options { inline, ..Options::new(Clock::virtual_from(at), Random::seeded(7)) };
        let store = Store::open(&super::file(&dir), options)?;
        let job = |tx: &Tx| {
            let mut order = [1, 2, 3, 4, 5, 6, 7, 8];
            tx.shuffle(&mut order);
            Ok::<_, StoreError>((tx.uuid(), tx.token(), order, tx.now().as_second()))
        };
        told.push(store.write(job).await?);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].3, at.as_second());
    Ok(())
}

#[tokio::test]
async fn a_job_that_panics_is_answered_and_nothing_of_it_is_kept() -> anyhow::Result<()> {
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        let store = open(&dir, inline)?;
        store.write(|tx| add_machine(tx, "before")).await?;
        let mut tasks = JoinSet::new();
        let writer = store.clone();
        tasks.spawn(
            async move { writer.write(|tx| add_machine(tx, "half").map(|()| panic!("a bug, for the test"))).await },
        );
        match tasks.join_next().await {
            // Inline it is the caller's own panic; with a thread the caller is told that the store is closed.
            Some(Err(panic)) => assert!(inline && panic.is_panic()),
            Some(Ok(told)) => assert!(!inline && matches!(told, Err::<(), _>(StoreError::Closed))),
            None => panic!("no answer"),
        }
        let after = store.write(|tx| add_machine(tx, "after")).await;
        assert_eq!(after.is_ok(), inline);
        drop(store);
        let names = machines(&open(&dir, inline)?).await?;
        assert!(!names.contains(&"half".to_owned()) && names.contains(&"before".to_owned()), "{names:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_look_that_panics_costs_no_connection() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    for _ in 0..10 {
        let told = store.read(|_| -> Result<(), StoreError> { panic!("a bug, for the test") }).await;
        assert!(matches!(told, Err(StoreError::Broken(_))));
    }
    assert!(machines(&store).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn the_last_handle_closes_the_file_and_lets_the_next_one_in() -> anyhow::Result<()> {
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        for i in 0..20 {
            let store = open(&dir, inline)?;
            // Abandoned: nobody waits for it, but it was accepted.
            let abandoned = store.write(move |tx| add_machine(tx, &format!("m{i:02}")));
            let _ = tokio::time::timeout(std::time::Duration::ZERO, abandoned).await;
        }
        assert!(!exists(dir.path(), "store.sqlite-wal"), "the WAL was folded into the file");
        assert_eq!(machines(&open(&dir, inline)?).await?.len(), 20);
    }
    Ok(())
}

#[tokio::test]
async fn clients_that_keep_all_readers_they_may_have_leave_one_for_machines() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let store = open(&dir, false)?;
    let (open_gate, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, gate) = (store.for_clients(), gate.clone());
        clients.spawn(async move {
            let look = move |_: &bessemer::store::Read| {
                // Until nobody holds the other end any more.
                let _ = gate.lock().map(|gate| gate.recv());
                Ok::<_, StoreError>(())
            };
            store.read(look).await
        });
    }
    // In a runtime of one thread all of them have taken their places, or stand in line, after this.
    tokio::task::yield_now().await;
    let soon = std::time::Duration::from_secs(60);
    let seen = tokio::time::timeout(soon, store.read(|_| Ok::<_, StoreError>(()))).await;
    drop(open_gate);
    clients.join_all().await;
    Ok(seen??)
}

//! A store that fills in the middle of batches: what was acknowledged is there, and nothing else is.

use std::collections::BTreeSet;

use bessemer::store::{Options, Store, StoreError, Tx, nodes};
use tokio::task::JoinSet;

use super::{BOTH, add_machine, file, machines, options};

const WRITERS: usize = 64;
/// 4 KiB each: the empty schema takes about 60.
const PAGES: u32 = 400;

/// Many clients write until each has been told that the store is full; the names that were acknowledged.
async fn fill(store: &Store) -> anyhow::Result<BTreeSet<String>> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            let mut acknowledged = vec![];
            for i in 0.. {
                let name = format!("w{writer:02}-{i:03}");
                let asked = name.clone();
                match store.write(move |tx: &Tx| add_machine(tx, &asked)).await {
                    Ok(()) => acknowledged.push(name),
                    Err(StoreError::Full) => break,
                    Err(other) => anyhow::bail!("refused for another reason: {other:?}"),
                }
            }
            Ok(acknowledged)
        });
    }
    let mut all = BTreeSet::new();
    for acknowledged in writers.join_all().await {
        all.extend(acknowledged?);
    }
    Ok(all)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fills_loses_nothing_acknowledged_and_acknowledges_nothing_lost() -> anyhow::Result<()> {
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        let store = Store::open(&file(&dir), Options { max_pages: Some(PAGES), ..options(inline) })?;
        let acknowledged = fill(&store).await?;
        assert!(acknowledged.len() > WRITERS, "it was full before batches could form: {}", acknowledged.len());
        let there: BTreeSet<String> = machines(&store).await?.into_iter().collect();
        assert_eq!(acknowledged, there, "before it is closed");
        drop(store);
        let reopened: BTreeSet<String> = machines(&super::open(&dir, inline)?).await?.into_iter().collect();
        assert_eq!(acknowledged, reopened, "after it is opened again");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_store_still_answers_and_works_again_once_there_is_room() -> anyhow::Result<()> {
    for inline in BOTH {
        let dir = tempfile::tempdir()?;
        let store = Store::open(&file(&dir), Options { max_pages: Some(PAGES), ..options(inline) })?;
        let before = fill(&store).await?.len();
        assert_eq!(machines(&store).await?.len(), before);
        // What a batch with both kinds does: the job that needs no room succeeds.
        let deleted = store.write(|tx| {
            let nodes = nodes::all(tx)?;
            for node in nodes.iter().take(10) {
                nodes::delete(tx, node.uuid)?;
            }
            Ok::<_, StoreError>(nodes.len().min(10))
        });
        assert_eq!(deleted.await?, 10);
        store.write(|tx| add_machine(tx, "again")).await?;
        assert_eq!(machines(&store).await?.len(), before - 10 + 1);
    }
    Ok(())
}

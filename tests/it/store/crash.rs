//! `kill -9` in the middle of writing: every acknowledged row is there, and no half-written one.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use bessemer::random::Random;
use bessemer::store::{Store, Tx};
use tokio::task::JoinSet;

use super::{add_machine, machines, options};
use crate::crash::{self, Victim};

const ROUNDS: usize = 12;
const WRITERS: usize = 24;

/// Writes for as long as it lives, and reports each row once it is acknowledged.
#[test]
fn victim_writes_rows() -> anyhow::Result<()> {
    let Some(dir) = crash::victim_dir() else { return Ok(()) };
    let round = std::env::var("ROUND")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&dir.join("store.sqlite"), options(false))?;
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let (store, round) = (store.clone(), round.clone());
            writers.spawn(async move {
                for i in 0.. {
                    let name = format!("r{round}-w{writer}-{i}");
                    let asked = name.clone();
                    if store.write(move |tx: &Tx| add_machine(tx, &asked)).await.is_ok() {
                        crash::report(&name);
                    }
                }
            });
        }
        while writers.join_next().await.is_some() {}
        Ok(())
    })
}

#[tokio::test]
async fn what_was_acknowledged_survives_being_killed_at_any_moment() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let random = Random::system();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        acknowledged.extend(one_life(dir.path(), round, &random)?);
        let store = super::open(&dir, false)?;
        let there: BTreeSet<String> = machines(&store).await?.into_iter().collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "round {round}: acknowledged and lost: {lost:?}");
        // A commit may have been on disk when its answer was not told yet; that is no lie to anybody.
        acknowledged.extend(there);
    }
    Ok(())
}

/// Starts a victim and kills it after a random number of reports and a moment more.
fn one_life(dir: &Path, round: usize, random: &Random) -> anyhow::Result<Vec<String>> {
    let mut victim = Victim::start("store::crash::victim_writes_rows", dir, &[("ROUND", &round.to_string())])?;
    for _ in 0..1 + random.below(300) {
        victim.next()?;
    }
    std::thread::sleep(Duration::from_micros(random.below(5000)));
    victim.kill()
}

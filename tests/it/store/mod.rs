//! The store's promises, each for both executors where both make it.

use std::path::Path;
use std::sync::mpsc;

use bessemer::clock::Clock;
use bessemer::model::{Node, Port};
use bessemer::random::Random;
use bessemer::store::{Options, Store, StoreError, Tx, nodes, ports};

mod backup;
mod check;
mod crash;
pub mod disk;
mod full;
mod jobs;
mod open;
mod plug;
mod power_cut;
mod released;
mod schedule;
mod served;
mod unreadable;

const BOTH: [bool; 2] = [false, true];

fn options(inline: bool) -> Options {
    Options { inline, ..Options::new(Clock::system(), Random::system()) }
}

fn open(dir: &tempfile::TempDir, inline: bool) -> Result<Store, StoreError> {
    Store::open(&file(dir), options(inline))
}

fn file(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("store.sqlite")
}

/// A change of several rows that only make sense together: a node, two ports, a trait.
fn add_machine(tx: &Tx, name: &str) -> Result<(), StoreError> {
    let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
    node.name = Some(name.to_owned());
    node.description = Some("d".repeat(1500));
    nodes::insert(tx, &node)?;
    for nic in 0..2 {
        let port = Port::new(tx.uuid(), node.uuid, format!("{name}/{nic}"), tx.now());
        ports::insert(tx, &port)?;
    }
    nodes::add_trait(tx, node.uuid, "CUSTOM_WHOLE")?;
    Ok(())
}

/// The names of all machines, sorted; an error if one of them is not whole.
async fn machines(store: &Store) -> anyhow::Result<Vec<String>> {
    store
        .read(|read| {
            let mut names = vec![];
            for node in nodes::all(read)? {
                let whole = ports::of_node(read, node.uuid)?.len() == 2 && nodes::traits(read, node.uuid)?.len() == 1;
                anyhow::ensure!(whole, "half of {:?} was written", node.name);
                names.extend(node.name);
            }
            names.sort();
            Ok(names)
        })
        .await
}

/// Holds the writer in the middle of a job, so that the jobs asked for meanwhile become one batch.
struct Held {
    release: mpsc::Sender<()>,
    done: tokio::task::JoinSet<Result<(), StoreError>>,
}

impl Held {
    /// Returns once the writer stands in `first`'s transaction, after `first` has run.
    async fn hold(store: &Store, first: impl Fn(&Tx) -> Result<(), StoreError> + Send + 'static) -> Self {
        let (release, wait) = mpsc::channel::<()>();
        let (begun, mut begins) = tokio::sync::mpsc::channel::<()>(1);
        let mut done = tokio::task::JoinSet::new();
        let store = store.clone();
        done.spawn(async move {
            let job = move |tx: &Tx| {
                let outcome = first(tx);
                let _ = begun.try_send(());
                // Ends when the sender is used or dropped, so that no failing test hangs.
                let _ = wait.recv();
                outcome
            };
            store.write(job).await
        });
        begins.recv().await;
        Held { release, done }
    }

    async fn release(mut self) -> Result<(), StoreError> {
        let _ = self.release.send(());
        self.done.join_next().await.and_then(Result::ok).unwrap_or(Err(StoreError::Closed))
    }
}

/// Whether a path below the directory exists.
fn exists(dir: &Path, name: &str) -> bool {
    dir.join(name).exists()
}

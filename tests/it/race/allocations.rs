//! Allocations under many clients. The engine's part, trying again, is played by a loop here, so that the decisions are
//! tested alone; the same storm goes through HTTP in `api`.

use std::path::Path;
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::model::{Allocation, AllocationState, Node, PowerState, State};
use bessemer::random::Random;
use bessemer::service::allocations::{self, Attempt, Wanted};
use bessemer::service::{Refusal, Refused};
use bessemer::store::{self, Options, Store, nodes, work};
use serde_json::json;
use uuid::Uuid;

use super::invariants::breaches;

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn open(dir: &Path) -> Result<Store, store::StoreError> {
    Store::open(&dir.join("db"), Options::new(Clock::system(), Random::system()))
}

/// `count` nodes of class `metal` that can be given away, with what `change` does to each.
async fn pool(store: &Store, count: usize, change: fn(usize, &mut Node)) -> Refused<Vec<Uuid>> {
    store
        .write(move |tx| {
            let mut made = Vec::new();
            for i in 0..count {
                let mut node = Node::new(tx.uuid(), "fake-hardware".to_owned(), tx.now());
                node.name = Some(format!("node-{i}"));
                node.provision_state = State::Available;
                node.power_state = Some(PowerState::Off);
                node.resource_class = Some("metal".to_owned());
                change(i, &mut node);
                nodes::insert(tx, &node)?;
                made.push(node.uuid);
            }
            Ok(made)
        })
        .await
}

fn metal() -> Wanted {
    Wanted { resource_class: Some("metal".to_owned()), ..Wanted::default() }
}

async fn create(store: &Store, wanted: Wanted) -> Refused<Allocation> {
    store.write(move |tx| allocations::create(tx, &wanted)).await
}

async fn delete(store: &Store, uuid: Uuid) -> Refused<()> {
    store.write(move |tx| allocations::delete(tx, &uuid.to_string())).await
}

async fn show(store: &Store, uuid: Uuid) -> Refused<Allocation> {
    store.read(move |read| allocations::find(read, &uuid.to_string())).await
}

async fn node(store: &Store, uuid: Uuid) -> Refused<Node> {
    let found = store.read(move |read| nodes::find(read, uuid).map_err(Refusal::from)).await?;
    found.ok_or_else(|| Refusal::not_found("node"))
}

/// Changes a node's row as somebody else's transaction would.
async fn change(store: &Store, uuid: Uuid, change: fn(&mut Node)) -> Refused<()> {
    store
        .write(move |tx| {
            let before = nodes::find(tx, uuid)?.ok_or_else(|| Refusal::not_found("node"))?;
            let mut after = before.clone();
            change(&mut after);
            nodes::update(tx, &before, &after)?;
            Ok(())
        })
        .await
}

/// Tries every allocation that waits, once. How many still do.
async fn retry(store: &Store) -> Refused<usize> {
    store
        .write(|tx| {
            let mut waiting = 0;
            for owed in work::all(tx)? {
                if let Some(uuid) = owed.allocation_uuid
                    && allocations::attempt(tx, uuid)? == Attempt::Waiting
                {
                    waiting += 1;
                }
            }
            Ok(waiting)
        })
        .await
}

async fn assert_sound(store: &Store, deleted: &[Uuid]) -> Outcome {
    assert_eq!(breaches(store, deleted, true).await?, Vec::<String>::new());
    Ok(())
}

/// 64 clients create and delete at once: immediately, a little later, or twice. Nothing but success, "not found" after a
/// second delete, and no trace of anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_creates_and_deletes_leaves_nothing_and_fails_for_nothing() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    pool(&store, 20, |_, _| {}).await?;
    let mut checks = 0;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..64_usize {
        let store = store.clone();
        clients.spawn(async move {
            let mut deleted = Vec::new();
            for round in 0..12_usize {
                let made = create(&store, metal()).await?;
                match (client + round) % 3 {
                    0 => delete(&store, made.uuid).await?,
                    1 => {
                        tokio::time::sleep(Duration::from_micros(((client * 37 + round * 101) % 3000) as u64)).await;
                        delete(&store, made.uuid).await?;
                    }
                    _ => {
                        let (a, b) = tokio::join!(delete(&store, made.uuid), delete(&store, made.uuid));
                        let gone = |it: &Refused<()>| matches!(it, Err(Refusal::NotFound(_)));
                        assert!((a.is_ok() && gone(&b)) || (b.is_ok() && gone(&a)), "{a:?} {b:?}");
                    }
                }
                // Acknowledged means gone, for everybody, now.
                assert!(matches!(show(&store, made.uuid).await, Err(Refusal::NotFound(_))));
                deleted.push(made.uuid);
            }
            Ok::<_, Refusal>(deleted)
        });
    }
    let mut deleted = Vec::new();
    while let Some(client) = clients.join_next().await {
        deleted.extend(client??);
        // Any moment is as good as the end, but for those that are being worked on.
        checks += 1;
        assert_eq!(breaches(&store, &deleted, false).await?, Vec::<String>::new());
    }
    assert_eq!((deleted.len(), checks), (64 * 12, 64));
    assert_sound(&store, &deleted).await?;
    let left = store.read(store::allocations::all).await?;
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_creates_for_one_node_exactly_one_becomes_active() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let only = pool(&store, 1, |_, _| {}).await?[0];
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        clients.spawn(async move { create(&store, metal()).await });
    }
    let mut states = Vec::new();
    while let Some(made) = clients.join_next().await {
        states.push(show(&store, made??.uuid).await?);
    }
    let active: Vec<_> = states.iter().filter(|a| a.state == AllocationState::Active).collect();
    assert_eq!(active.len(), 1);
    assert_eq!(active[0].node_uuid, Some(only));
    let refused = states.iter().filter(|a| a.state == AllocationState::Error).count();
    assert_eq!(refused, 15, "the others say why");
    assert_sound(&store, &[]).await
}

/// I9: every node of a pool is handed out before anybody is turned away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_clients_as_nodes_are_all_served() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    pool(&store, 200, |_, _| {}).await?;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let store = store.clone();
        clients.spawn(async move { create(&store, metal()).await });
    }
    while let Some(made) = clients.join_next().await {
        assert_eq!(show(&store, made??.uuid).await?.state, AllocationState::Active);
    }
    assert_sound(&store, &[]).await
}

#[tokio::test]
async fn an_allocation_waits_for_a_reserved_node_and_gets_it_when_it_is_released() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let only = pool(&store, 1, |_, node| node.reservation = Some("somebody".to_owned())).await?[0];
    let made = create(&store, metal()).await?;
    assert_eq!(retry(&store).await?, 1);
    assert_eq!(show(&store, made.uuid).await?.state, AllocationState::Allocating);
    change(&store, only, |node| node.reservation = None).await?;
    let due = store.read(|read| work::runnable(read, Clock::system().now())).await?;
    assert_eq!(due.len(), 1, "a release makes it due at once");
    assert_eq!(retry(&store).await?, 0);
    assert_eq!(show(&store, made.uuid).await?.node_uuid, Some(only));
    assert_sound(&store, &[]).await
}

#[tokio::test]
async fn an_allocation_gives_up_after_its_deadline_and_says_why() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    pool(&store, 2, |_, node| node.reservation = Some("somebody".to_owned())).await?;
    let made = create(&store, metal()).await?;
    // Three seconds pass for it at once.
    store
        .write(move |tx| {
            let owed = work::of_allocation(tx, made.uuid)?.ok_or_else(|| Refusal::not_found("work"))?;
            let late = bessemer::model::Work { deadline_at: Some(tx.now()), ..owed.clone() };
            work::update(tx, &owed, &late)?;
            Ok::<_, Refusal>(())
        })
        .await?;
    assert_eq!(retry(&store).await?, 0);
    let failed = show(&store, made.uuid).await?;
    assert_eq!(failed.state, AllocationState::Error);
    assert!(failed.last_error.is_some_and(|why| why.contains("could not reserve any of 2 suitable nodes")));
    assert_sound(&store, &[]).await
}

/// I6: what waits is a row, so a process that dies while it waits loses nothing.
#[tokio::test]
async fn an_allocation_that_waits_is_carried_on_after_a_restart() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let only = pool(&store, 1, |_, node| node.reservation = Some("somebody".to_owned())).await?[0];
    let made = create(&store, metal()).await?;
    drop(store);
    let store = open(dir.path())?;
    // The reservation was of a call that died with the process.
    store.write(|tx| nodes::release_orphans(tx).map_err(Refusal::from)).await?;
    assert_eq!(retry(&store).await?, 0);
    assert_eq!(show(&store, made.uuid).await?.node_uuid, Some(only));
    assert_sound(&store, &[]).await
}

#[tokio::test]
async fn an_allocation_deleted_while_it_waits_leaves_no_work() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    pool(&store, 1, |_, node| node.reservation = Some("somebody".to_owned())).await?;
    let made = create(&store, metal()).await?;
    delete(&store, made.uuid).await?;
    let attempt = store.write(move |tx| allocations::attempt(tx, made.uuid)).await?;
    assert_eq!(attempt, Attempt::Settled, "a late worker finds nothing and does nothing");
    assert_sound(&store, &[made.uuid]).await
}

#[tokio::test]
async fn a_deploy_that_began_between_assign_and_delete_keeps_its_allocation() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let only = pool(&store, 1, |_, _| {}).await?[0];
    let made = create(&store, metal()).await?;
    change(&store, only, |node| {
        node.provision_state = State::DeployWait;
        node.target_provision_state = Some(State::Active);
    })
    .await?;
    assert!(matches!(delete(&store, made.uuid).await, Err(Refusal::Conflict(_))));
    change(&store, only, |node| {
        node.provision_state = State::Active;
        node.target_provision_state = None;
    })
    .await?;
    assert!(matches!(delete(&store, made.uuid).await, Err(Refusal::Conflict(_))));
    assert_eq!(show(&store, made.uuid).await?.node_uuid, Some(only));
    change(&store, only, |node| node.maintenance = true).await?;
    delete(&store, made.uuid).await?;
    assert_sound(&store, &[made.uuid]).await
}

#[tokio::test]
async fn a_delete_during_a_held_lock_is_locked_and_changes_nothing_until_the_release() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let only = pool(&store, 1, |_, _| {}).await?[0];
    let made = create(&store, metal()).await?;
    change(&store, only, |node| node.reservation = Some("power".to_owned())).await?;
    assert!(matches!(delete(&store, made.uuid).await, Err(Refusal::Locked(_))));
    assert_sound(&store, &[]).await?;
    change(&store, only, |node| node.reservation = None).await?;
    delete(&store, made.uuid).await?;
    assert_eq!(node(&store, only).await?.instance_uuid, None);
    assert_sound(&store, &[made.uuid]).await
}

#[tokio::test]
async fn traits_replace_those_of_the_instance_and_come_back_unless_changed_meanwhile() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let only =
        pool(&store, 1, |_, node| node.instance_info = json!({"traits": ["CUSTOM_OLD"], "k": 1}).into()).await?[0];
    store.write(move |tx| nodes::set_traits(tx, only, &["CUSTOM_A".into(), "CUSTOM_B".into()])).await?;
    let made = create(&store, Wanted { traits: vec!["CUSTOM_A".into()], ..metal() }).await?;
    assert_eq!(node(&store, only).await?.instance_info.value(), json!({"traits": ["CUSTOM_A"], "k": 1}));
    delete(&store, made.uuid).await?;
    assert_eq!(node(&store, only).await?.instance_info.value(), json!({"traits": ["CUSTOM_OLD"], "k": 1}));
    let again = create(&store, Wanted { traits: vec!["CUSTOM_B".into()], ..metal() }).await?;
    change(&store, only, |node| node.instance_info.set("traits", json!(["CUSTOM_MINE"]))).await?;
    delete(&store, again.uuid).await?;
    assert_eq!(node(&store, only).await?.instance_info.value(), json!({"traits": ["CUSTOM_MINE"], "k": 1}));
    assert_sound(&store, &[made.uuid, again.uuid]).await
}

/// Which node, or why none: the sentences are Ironic's, but for unknown power.
#[tokio::test]
async fn the_choice_looks_at_class_traits_owner_candidates_name_and_power() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let all = pool(&store, 6, |i, node| match i {
        0 => node.owner = Some("lab".to_owned()),
        1 => node.lessee = Some("tenant".to_owned()),
        2 => node.resource_class = Some("unread".to_owned()),
        3 => node.maintenance = true,
        4 => node.parent_node = Some(Uuid::from_u128(7)),
        _ => {}
    })
    .await?;
    let (two, five) = (all[2], all[5]);
    store.write(move |tx| nodes::set_traits(tx, five, &["CUSTOM_FAST".into()])).await?;
    change(&store, two, |node| node.power_state = None).await?;
    // Who asks · the node that it gets, by number, or what it is told.
    let name = |i: usize| format!("node-{i}");
    let cases: Vec<(Wanted, Result<usize, &str>)> = vec![
        (Wanted { owner: Some("lab".into()), ..metal() }, Ok(0)),
        (Wanted { owner: Some("tenant".into()), ..metal() }, Ok(1)),
        (Wanted { owner: Some("nobody".into()), ..metal() }, Err("no available nodes match the resource class metal.")),
        (Wanted { traits: vec!["CUSTOM_FAST".into()], ..metal() }, Ok(5)),
        (
            Wanted { traits: vec!["CUSTOM_FAST".into(), "CUSTOM_X".into()], ..metal() },
            Err("no suitable nodes have the requested traits CUSTOM_FAST, CUSTOM_X."),
        ),
        (Wanted { name: Some(name(1)), ..metal() }, Ok(1)),
        (Wanted { candidate_nodes: vec![name(3), name(5)], ..metal() }, Ok(5)),
        (
            Wanted { candidate_nodes: vec![name(3), name(4)], ..metal() },
            Err("none of the requested nodes are available and match the resource class metal."),
        ),
        (
            Wanted { resource_class: Some("none".into()), ..metal() },
            Err("no available nodes match the resource class none."),
        ),
        (Wanted { resource_class: Some("unread".into()), ..metal() }, Err("their power state is unknown")),
    ];
    for (wanted, expected) in cases {
        let asked = format!("{wanted:?}");
        let made = create(&store, wanted).await?;
        let is = show(&store, made.uuid).await?;
        match expected {
            Ok(i) => assert_eq!(is.node_uuid, Some(all[i]), "{asked}: {is:?}"),
            Err(why) => assert!(is.last_error.as_deref().is_some_and(|text| text.contains(why)), "{asked}: {is:?}"),
        }
        delete(&store, made.uuid).await?;
    }
    assert_sound(&store, &[]).await
}

/// Each refusal with the kind that the API makes a status of; none leaves a row.
#[tokio::test]
async fn a_refused_create_leaves_nothing() -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let all = pool(&store, 4, |i, node| match i {
        0 => node.provision_state = State::Active,
        1 => {
            node.provision_state = State::Active;
            node.instance_uuid = Some(Uuid::from_u128(1));
        }
        2 => {
            node.provision_state = State::Active;
            node.reservation = Some("somebody".to_owned());
        }
        _ => {}
    })
    .await?;
    let at = |i: usize| Wanted { node: Some(format!("node-{i}")), ..Wanted::default() };
    let uuid = Some(Uuid::from_u128(9));
    let cases: Vec<(Wanted, &str)> = vec![
        (Wanted::default(), "invalid"),
        (Wanted { resource_class: Some(String::new()), ..metal() }, "invalid"),
        (Wanted { candidate_nodes: vec!["nobody".into()], ..metal() }, "invalid"),
        (Wanted { node: Some("nobody".into()), ..metal() }, "invalid"),
        (Wanted { uuid, ..at(1) }, "conflict"),
        (Wanted { uuid: Some(Uuid::from_u128(1)), ..at(0) }, "conflict"),
        (at(2), "locked"),
        (at(3), "conflict"),
        (Wanted { resource_class: Some("other".into()), ..at(0) }, "conflict"),
        (Wanted { traits: vec!["CUSTOM_X".into()], ..at(0) }, "conflict"),
        (Wanted { candidate_nodes: vec!["node-3".into()], ..at(0) }, "conflict"),
    ];
    for (wanted, expected) in cases {
        let asked = format!("{wanted:?}");
        let kind = match create(&store, wanted).await {
            Err(Refusal::Invalid(_)) => "invalid",
            Err(Refusal::Conflict(_)) => "conflict",
            Err(Refusal::Locked(_)) => "locked",
            other => panic!("{asked}: {other:?}"),
        };
        assert_eq!(kind, expected, "{asked}");
        assert!(store.read(store::allocations::all).await?.is_empty(), "{asked} left a row");
    }
    // And what is not refused: class from the node, UUID from its instance.
    let made = create(&store, at(1)).await?;
    assert_eq!((made.uuid, made.state), (Uuid::from_u128(1), AllocationState::Active));
    assert_eq!((made.resource_class.as_deref(), made.node_uuid), (Some("metal"), Some(all[1])));
    assert!(matches!(create(&store, at(1)).await, Err(Refusal::Conflict(_))), "its UUID is taken now");
    assert_sound(&store, &[]).await
}

/// An allocation out of a pool of thousands must not cost more than out of a small one: this fails if the search
/// loads the pool, or if SQLite does not use the index made for it. What is measured is what the writer's thread spent of
/// the processor, which others on a busy machine do not make more.
#[tokio::test]
async fn a_pool_of_5000_costs_no_more_than_a_small_one() -> Outcome {
    let (small, large) = (costs(50).await?, costs(5000).await?);
    println!("{small:?}\n{large:?}");
    for ((what, small), (_, large)) in small.into_iter().zip(large) {
        // Loading the pool takes some 30 ms an allocation in a debug build, this much less than 5.
        assert!(large < small * 4, "{what}: {large:?} out of the large pool, {small:?} out of the small one");
    }
    Ok(())
}

/// What 200 allocations cost that are created and deleted in a pool of `count` nodes.
async fn costs(count: usize) -> Result<Vec<(&'static str, Duration)>, Box<dyn std::error::Error + Send + Sync>> {
    let dir = tempfile::tempdir()?;
    let store = open(dir.path())?;
    let all = pool(&store, count, |_, _| {}).await?;
    let last = all[count - 1];
    store.write(move |tx| nodes::set_traits(tx, last, &["CUSTOM_RARE".into()])).await?;
    let mut costs = Vec::new();
    for (what, wanted) in [
        ("any", metal()),
        ("rare trait", Wanted { traits: vec!["CUSTOM_RARE".into()], ..metal() }),
        ("absent trait", Wanted { traits: vec!["CUSTOM_ABSENT".into()], ..metal() }),
        ("absent class", Wanted { resource_class: Some("none".into()), ..Wanted::default() }),
    ] {
        let cost = store.write(move |tx| {
            let before = spent()?;
            for _ in 0..200 {
                let made = allocations::create(tx, &wanted)?;
                allocations::delete(tx, &made.uuid.to_string())?;
            }
            Ok::<_, Refusal>(spent()?.saturating_sub(before))
        });
        costs.push((what, cost.await?));
    }
    assert_sound(&store, &[]).await?;
    Ok(costs)
}

/// What this thread has had of the processor.
fn spent() -> Refused<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_THREAD).map_err(|error| Refusal::invalid(error.to_string()))?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let both = micros(usage.user_time()) + micros(usage.system_time());
    Ok(Duration::from_micros(both.try_into().unwrap_or(0)))
}

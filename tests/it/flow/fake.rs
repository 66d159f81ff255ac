//! A fake machine's whole life.

use std::time::Duration;

use bessemer::engine::{Act, Periods};
use bessemer::model::{InterfaceKind, PowerState, PowerTarget, State};
use bessemer::provision::asked::AskedStep;
use bessemer::service::provision::Request;
use bessemer::service::{Refusal, Rules, Timeouts};

use super::world::{Tested, World};

#[tokio::test]
async fn a_fake_node_lives_from_enroll_to_active_to_deleted() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    world.walk(node, "manage", State::Manageable).await?;
    world.walk(node, "inspect", State::Manageable).await?;
    world.walk(node, "provide", State::Available).await?;
    world.power(node, PowerTarget::On).await?;
    assert_eq!(world.settled(node, State::Available).await?.power_state, Some(PowerState::On));
    world.walk(node, "active", State::Active).await?;
    world.walk(node, "rebuild", State::Active).await?;
    let free = world.walk(node, "deleted", State::Available).await?;
    assert_eq!((free.target_provision_state, free.last_error), (None, None));
    assert_eq!(world.owed().await?, 0);
    Ok(())
}

/// Its reservation would be given back as one of the last process's, under whoever holds it.
#[tokio::test]
async fn nobody_holds_a_node_before_what_the_last_process_held_is_given_back() -> Tested {
    use bessemer::driver::{Environment, Settings};
    use bessemer::engine::{self, Lock};
    use bessemer::store::{Options, Store, nodes};
    let world = World::new().await?;
    let node = world.enroll().await?;
    let dir = world.close().await;
    let (clock, random) = (bessemer::clock::Clock::system(), bessemer::random::Random::system());
    let store = Store::open(&dir.path().join("store.sqlite"), Options::new(clock.clone(), random.clone()))?;
    let env = Environment::new(clock, bessemer::net::Net::system(), random, Settings::default());
    let stop = tokio_util::sync::CancellationToken::new();
    let (handle, engine) = engine::start(store.clone(), env, Rules::default(), Periods::default(), stop.clone());
    let call = || handle.call(node, Lock::Exclusive, Duration::from_secs(60), |_, _| Box::pin(async { Ok(()) }));
    assert!(matches!(call().await, Err(Refusal::Busy(_))), "the engine does not run yet");
    let found = store.read(move |read| nodes::find(read, node)).await?;
    assert!(found.is_some_and(|node| node.reservation.is_none()), "it was held");
    let called = async {
        let called = call().await;
        stop.cancel();
        called
    };
    let (ended, called) = tokio::join!(engine, called);
    ended?;
    Ok(called?)
}

#[tokio::test]
async fn power_is_switched_while_a_step_is_held() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    world.walk(node, "manage", State::Manageable).await?;
    let hold = AskedStep::new(InterfaceKind::Deploy, "hold");
    let request = Request { target: Some("clean".into()), clean_steps: Some(vec![hold]), ..Request::default() };
    world.ask(node, request).await?;
    world.settled(node, State::CleanHold).await?;
    for (target, state) in [(PowerTarget::On, PowerState::On), (PowerTarget::Off, PowerState::Off)] {
        world.power(node, target).await?;
        let mut changed = world.store.work_changed();
        let switched = async {
            while world.node(node).await?.target_power_state.is_some() {
                changed.changed().await;
            }
            world.node(node).await
        };
        let node = tokio::time::timeout(std::time::Duration::from_secs(60), switched).await??;
        assert_eq!((node.power_state, node.provision_state), (Some(state), State::CleanHold));
    }
    world.walk(node, "unhold", State::Manageable).await?;
    Ok(())
}

#[tokio::test]
async fn a_held_step_is_let_go_or_aborted_by_the_client() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    world.walk(node, "manage", State::Manageable).await?;
    let hold = AskedStep::new(InterfaceKind::Deploy, "hold");
    let request = Request { target: Some("clean".into()), clean_steps: Some(vec![hold]), ..Request::default() };
    world.ask(node, request.clone()).await?;
    world.settled(node, State::CleanHold).await?;
    // No ramdisk was booted, so no agent has to show that it is still there.
    world.walk(node, "unhold", State::Manageable).await?;
    world.ask(node, request).await?;
    world.settled(node, State::CleanHold).await?;
    world.walk(node, "abort", State::CleanFailed).await?;
    let back = world.walk(node, "manage", State::Manageable).await?;
    assert!(!back.maintenance);
    assert_eq!(world.owed().await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_act_whose_client_goes_away_is_done_and_gives_the_node_back() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    let (done, seen) = tokio::sync::oneshot::channel();
    let act = Act::new("Failed to do nothing".to_owned());
    let asked = world.handle.begin(node, Duration::from_secs(5), act, move |_, _| {
        Box::pin(async move {
            let _ = done.send(());
            Ok(())
        })
    });
    // Looked at once, as far as its first wait, and then dropped, as a server does when a connection breaks.
    let mut asked = Box::pin(asked);
    assert!(poll_once(asked.as_mut()).await.is_none());
    drop(asked);
    tokio::time::timeout(Duration::from_secs(60), seen).await??;
    world.settled(node, State::Enroll).await?;
    Ok(())
}

/// Polls once.
async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_verb_that_the_state_does_not_have_is_refused_and_changes_nothing() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    for verb in ["active", "deleted", "provide", "abort", "unhold", "nonsense", "fail", ""] {
        let refused = world.ask(node, Request::target(verb)).await;
        assert!(matches!(refused, Err(Refusal::Invalid(_))), "{verb}: {refused:?}");
    }
    let same = world.node(node).await?;
    assert_eq!((same.provision_state, same.reservation), (State::Enroll, None));
    assert_eq!(world.owed().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_step_that_nobody_has_fails_the_cleaning_before_it_begins() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    world.walk(node, "manage", State::Manageable).await?;
    let step = AskedStep::new(InterfaceKind::Raid, "imagined");
    let request = Request { target: Some("clean".into()), clean_steps: Some(vec![step]), ..Request::default() };
    world.ask(node, request).await?;
    let failed = world.settled(node, State::CleanFailed).await?;
    assert!(failed.last_error.is_some_and(|why| why.contains("raid.imagined")));
    assert!(!failed.maintenance, "nothing was done, so nobody need look");
    Ok(())
}

#[tokio::test]
async fn a_machine_that_somebody_else_deployed_is_adopted() -> Tested {
    let world = World::new().await?;
    let node = world.enroll().await?;
    world.walk(node, "manage", State::Manageable).await?;
    let adopted = world.walk(node, "adopt", State::Active).await?;
    assert_eq!((adopted.target_provision_state, adopted.last_error), (None, None));
    assert_eq!(world.owed().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_wait_for_an_agent_that_is_not_heard_ends_in_time_and_says_so() -> Tested {
    let timeouts = Timeouts { clean: Duration::from_millis(300), ..Timeouts::default() };
    let rules = Rules { timeouts, ..Rules::default() };
    let world = World::tuned(std::sync::Arc::new(tempfile::tempdir()?), rules, Periods::default()).await?;
    let node = world.enroll().await?;
    world.walk(node, "manage", State::Manageable).await?;
    let hold = AskedStep::new(InterfaceKind::Deploy, "hold");
    // Something that needs the ramdisk, or nobody would be waited for.
    let reset = AskedStep::new(InterfaceKind::Bios, "factory_reset");
    let request = Request { target: Some("clean".into()), clean_steps: Some(vec![hold, reset]), ..Request::default() };
    world.ask(node, request).await?;
    world.settled(node, State::CleanHold).await?;
    world.ask(node, Request::target("unhold")).await?;
    let failed = world.settled(node, State::CleanFailed).await?;
    assert!(failed.last_error.as_deref().is_some_and(|why| why.contains("Timeout reached")), "{:?}", failed.last_error);
    Ok(())
}

//! A BMC that stumbles is left alone by polling, and never by a client.

use std::time::Duration;

use bessemer::bmc::ipmi::{IpmiError, Pool, Settings};
use bessemer::sim::bmc::{Personality, SimBmc, Which};

use super::{eventually, login, pool, start};

type Test = Result<(), IpmiError>;

/// Gives up soon; a rest is as long as a test can only be if nothing ends it.
fn settings() -> Settings {
    Settings { reach: Duration::from_millis(150), patience: Duration::from_secs(2), ..Settings::default() }
}

/// Polls `times` times; how many of them sent anything.
async fn polls_sent(pool: &Pool, sim: &SimBmc, times: usize) -> Result<usize, IpmiError> {
    let bmc = pool.bmc(login(sim.addr()))?.polling();
    let mut sent = 0;
    for _ in 0..times {
        let before = sim.packets();
        let result = bmc.chassis_status().await;
        // The kernel has it by then, the simulator perhaps not yet.
        if !matches!(result, Err(IpmiError::LeftAlone { .. })) {
            eventually("the poll was heard", || sim.packets() > before).await;
            sent += 1;
        } else {
            assert_eq!(sim.packets(), before, "a poll that was refused sent something");
        }
    }
    Ok(sent)
}

#[tokio::test]
async fn each_way_to_stumble_makes_polling_rest_and_says_why() -> Test {
    type Turn = fn(&mut bessemer::sim::bmc::Faults);
    let ways: [(Turn, &str); 4] = [
        (|faults| faults.silent = true, "cannot be reached"),
        (|faults| faults.spoil_answers = Which::All, "answer"),
        (|faults| faults.wrong_passwords = true, "password"),
        (|faults| faults.full = true, "does not open a session"),
    ];
    for (turn, reason) in ways {
        let (sim, pool) = (start(Personality::default()), pool(settings()));
        sim.misbehave(turn);
        assert_eq!(polls_sent(&pool, &sim, 20).await?, 1, "{reason}");
        let stumbling = pool.stumbling(&sim.addr().ip().to_string(), sim.addr().port());
        assert!(stumbling.as_ref().is_some_and(|it| it.failures == 1 && it.next_poll_at > it.since), "{stumbling:?}");
        assert!(stumbling.as_ref().is_some_and(|it| it.reason.contains(reason)), "{reason}: {stumbling:?}");
        assert_eq!(pool.all_stumbling().len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_bmc_that_says_no_does_not_stumble() -> Test {
    let (sim, pool) = (start(Personality::default()), pool(settings()));
    let bmc = pool.bmc(login(sim.addr()))?.polling();
    for _ in 0..10 {
        let refused = bmc.raw(&[0x2c, 0x7f]).await;
        assert!(matches!(refused, Err(IpmiError::Refused { .. })), "{refused:?}");
    }
    assert_eq!((polls_sent(&pool, &sim, 10).await?, pool.all_stumbling()), (10, vec![]));
    Ok(())
}

#[tokio::test]
async fn a_client_s_command_is_sent_though_polling_rests_and_its_answer_ends_the_rest() -> Test {
    let (sim, pool) = (start(Personality::default()), pool(settings()));
    sim.misbehave(|faults| faults.silent = true);
    assert_eq!(polls_sent(&pool, &sim, 5).await?, 1);
    let client = pool.bmc(login(sim.addr()))?;
    let before = sim.packets();
    let error = client.chassis_status().await;
    assert!(matches!(error, Err(IpmiError::Unreachable { .. })), "{error:?}");
    eventually("the client's command was sent", || sim.packets() > before).await;
    assert_eq!(polls_sent(&pool, &sim, 5).await?, 0, "its failure is no reason to poll");
    sim.misbehave(|faults| faults.silent = false);
    client.chassis_status().await?;
    assert_eq!((polls_sent(&pool, &sim, 5).await?, pool.all_stumbling()), (5, vec![]));
    Ok(())
}

#[tokio::test]
async fn a_poll_that_waits_for_a_dead_bmc_is_cut_short_for_a_client_and_sent_again_after_it() -> Test {
    let sim = start(Personality::default());
    // A poll alone would take a minute to find out.
    let minute = Duration::from_secs(60);
    let pool = pool(Settings { reach: minute, patience: minute, ..Settings::default() });
    sim.misbehave(|faults| faults.silent = true);
    let poll = pool.bmc(login(sim.addr()))?.polling();
    let client = pool.bmc(login(sim.addr()))?;
    let (polled, ()) = tokio::join!(poll.chassis_status(), async {
        eventually("the poll is under way", || sim.callers() == 1).await;
        let asked = client.chassis_status();
        let (answered, ()) = tokio::join!(asked, async {
            eventually("the client's command goes out on its own", || sim.callers() == 2).await;
            sim.misbehave(|faults| faults.silent = false);
        });
        assert!(answered.is_ok(), "{answered:?}");
    });
    polled.map(drop)
}

#[tokio::test]
async fn clients_go_before_the_polls_that_wait_already() -> Test {
    let (sim, pool) = (start(Personality::default()), pool(Settings::default()));
    let client = pool.bmc(login(sim.addr()))?;
    client.chassis_status().await?;
    sim.misbehave(|faults| faults.delay = Duration::from_millis(20));
    let mut polls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let bmc = client.clone().polling();
        polls.spawn(async move { bmc.chassis_status().await });
    }
    eventually("the first of the polls was sent", || sim.times_asked(0x00, 0x01) > 1).await;
    client.device_id().await?;
    let polled = sim.times_asked(0x00, 0x01) - 1;
    assert!(polled < 15, "{polled} polls were answered before the client");
    while let Some(done) = polls.join_next().await {
        done.expect("no panic")?;
    }
    Ok(())
}

//! Our client against our simulated BMC, which misbehaves: one test per kind.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bessemer::bmc::ipmi::{Credential, IpmiError, Login, PowerControl, Secret, Settings};
use bessemer::clock::Clock;
use bessemer::sim::bmc::{Action, Chassis, Personality, Which};
use bessemer::wire::rmcp::suite::Suite;

use super::{client, eventually, login, pool, start, start_at};

type Test = Result<(), IpmiError>;

/// Waits scaled down, so that giving up does not take five seconds each.
fn impatient() -> Settings {
    Settings { reach: Duration::from_secs(3), patience: Duration::from_secs(6), ..Settings::default() }
}

#[tokio::test]
async fn a_bmc_that_ignores_the_presence_ping_is_as_good_as_any() -> Test {
    let sim = start(Personality::default());
    sim.misbehave(|faults| faults.ignore_ping = true);
    client(&sim)?.chassis_status().await.map(drop)
}

#[tokio::test]
async fn lost_doubled_and_late_packets_cost_time_and_nothing_else() -> Test {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    sim.misbehave(|faults| {
        (faults.lose_requests, faults.lose_answers) = (Which::Percent(10), Which::Percent(10));
        (faults.double_answers, faults.double_requests) = (Which::Percent(20), Which::Percent(20));
        faults.delay = Duration::from_millis(3);
    });
    for n in 0..20 {
        let on = n % 2 == 0;
        bmc.power_control(if on { PowerControl::Up } else { PowerControl::Down }).await?;
        assert_eq!(bmc.chassis_status().await?.power_on, on, "round {n}");
    }
    Ok(())
}

#[tokio::test]
async fn a_spoiled_answer_is_no_answer() -> Test {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    bmc.chassis_status().await?;
    sim.misbehave(|faults| faults.spoil_answers = Which::Every(2));
    for n in 0..20 {
        let on = n % 2 == 0;
        sim.chassis().act(if on { Action::On } else { Action::Off });
        assert_eq!(bmc.chassis_status().await?.power_on, on, "round {n}");
    }
    Ok(())
}

#[tokio::test]
async fn a_late_answer_never_passes_for_that_of_a_later_question() -> Test {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    bmc.chassis_status().await?;
    // Later than the retransmission time-out, so that each question is asked, and answered, more than once.
    sim.misbehave(|faults| faults.delay = Duration::from_millis(320));
    for n in 0..6 {
        let on = n % 2 == 0;
        sim.chassis().act(if on { Action::On } else { Action::Off });
        assert_eq!(bmc.chassis_status().await?.power_on, on, "round {n}");
    }
    assert!(sim.times_asked(0x00, 0x01) > 7, "no question was repeated, so this test tested nothing");
    Ok(())
}

#[tokio::test]
async fn a_bmc_that_is_silent_to_a_suite_is_asked_for_the_weaker_one_unless_the_stronger_is_pinned() -> Test {
    let sim = start(Personality { suites: vec![Suite::Three], ..Personality::default() });
    sim.misbehave(|faults| faults.silent_to_other_suites = true);
    client(&sim)?.chassis_status().await?;

    // What is wrong with the password is still said by one exchange of the suite that the BMC has.
    let wrong = Login { password: Secret::new("wrong"), ..login(sim.addr()) };
    let error = pool(impatient()).bmc(wrong)?.chassis_status().await;
    assert_eq!(error, Err(IpmiError::BadCredentials { which: Credential::Password }));

    let pinned = Login { suite: Some(Suite::Seventeen), ..login(sim.addr()) };
    let error = pool(impatient()).bmc(pinned)?.chassis_status().await;
    assert_eq!(error, Err(IpmiError::TimedOut { at: "Open Session", maybe_done: false }));
    Ok(())
}

#[tokio::test]
async fn the_silence_of_a_bmc_that_has_taken_the_stronger_suite_makes_nobody_weaker() -> Test {
    let sim = start(Personality::default());
    let pool = pool(impatient());
    let bmc = pool.bmc(login(sim.addr()))?;
    bmc.chassis_status().await?;
    let addr = sim.addr();
    sim.stop().await;
    let sim = start_at(
        addr,
        Personality { suites: vec![Suite::Three], ..Personality::default() },
        Chassis::new(Clock::system()),
    );
    sim.misbehave(|faults| faults.silent_to_other_suites = true);
    let error = bmc.chassis_status().await;
    assert!(matches!(error, Err(IpmiError::TimedOut { .. })), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_silent_bmc_is_unreachable_within_the_set_time() -> Test {
    let sim = start(Personality::default());
    sim.misbehave(|faults| faults.silent = true);
    let settings =
        Settings { reach: Duration::from_millis(700), patience: Duration::from_secs(120), ..Settings::default() };
    let (clock, bmc) = (Clock::system(), pool(settings).bmc(login(sim.addr()))?);
    let started = clock.instant();
    let error = bmc.chassis_status().await;
    assert!(matches!(error, Err(IpmiError::Unreachable { .. })), "{error:?}");
    assert!(clock.instant() - started < Duration::from_secs(60), "it waited for as long as for an answer");
    assert_eq!(Settings::default().reach, Duration::from_secs(5));
    Ok(())
}

#[tokio::test]
async fn a_closed_port_is_noticed_at_once() -> Test {
    let nobody = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let nobody = nobody.expect("a port that was free");
    let settings =
        Settings { reach: Duration::from_secs(120), patience: Duration::from_secs(120), ..Settings::default() };
    let (clock, bmc) = (Clock::system(), pool(settings).bmc(login(nobody))?);
    let started = clock.instant();
    let error = bmc.chassis_status().await.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("connection refused"), "{error}");
    assert!(clock.instant() - started < Duration::from_secs(60), "it waited for an answer");
    Ok(())
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_unreachable() -> Test {
    let mut login = login(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 623));
    login.host = "no-such-host.invalid".into();
    let error = pool(impatient()).bmc(login)?.chassis_status().await;
    assert!(matches!(error, Err(IpmiError::Unreachable { .. })), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_password_changed_behind_our_back_is_named_when_the_session_ends() -> Test {
    let sim = start(Personality::default());
    let pool = pool(impatient());
    pool.bmc(login(sim.addr()))?.chassis_status().await?;
    sim.misbehave(|faults| faults.wrong_passwords = true);
    pool.bmc(login(sim.addr()))?.chassis_status().await?;
    pool.shutdown().await;
    let error = client(&sim)?.chassis_status().await;
    assert_eq!(error, Err(IpmiError::BadCredentials { which: Credential::Password }));
    Ok(())
}

#[tokio::test]
async fn a_bmc_that_was_restarted_gets_a_new_session() -> Test {
    let sim = start(Personality::default());
    let (addr, chassis) = (sim.addr(), sim.chassis().clone());
    let bmc = pool(Settings::default()).bmc(login(addr))?;
    assert!(!bmc.chassis_status().await?.power_on);
    sim.stop().await;
    let sim = start_at(addr, Personality::default(), chassis);
    sim.chassis().act(Action::On);
    assert!(bmc.chassis_status().await?.power_on);
    assert_eq!(sim.sessions(), 1);
    Ok(())
}

#[tokio::test]
async fn when_all_slots_are_taken_we_wait_for_one() -> Test {
    let sim = start(Personality { max_sessions: 1, ..Personality::default() });
    let first = pool(Settings::default());
    first.bmc(login(sim.addr()))?.chassis_status().await?;
    // Another service with patience, and one without.
    let hurried = pool(Settings {
        patience: Duration::from_millis(300),
        room: Duration::from_millis(300),
        ..Settings::default()
    });
    let error = hurried.bmc(login(sim.addr()))?.chassis_status().await;
    assert_eq!(error, Err(IpmiError::SessionRefused { status: 0x01 }));
    assert!(error.is_err_and(|error| error.is_worth_retrying()));
    let bmc = client(&sim)?;
    let (second, ()) = tokio::join!(bmc.chassis_status(), async {
        Clock::system().sleep(Duration::from_millis(150)).await;
        first.shutdown().await;
    });
    second.map(drop)
}

#[tokio::test]
async fn a_busy_bmc_is_asked_again() -> Test {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    bmc.chassis_status().await?;
    sim.misbehave(|faults| faults.busy = Which::Next(2));
    bmc.chassis_status().await?;
    sim.misbehave(|faults| faults.busy = Which::All);
    let error = bmc.with_patience(Duration::from_millis(400)).chassis_status().await;
    assert_eq!(error, Err(IpmiError::Refused { code: 0xc0, netfn: 0, cmd: 1 }));
    Ok(())
}

#[tokio::test]
async fn a_reset_whose_answer_is_lost_is_repeated_once_after_a_look_and_an_interrupt_never() -> Test {
    let sim = start(Personality::default());
    let bmc = pool(impatient()).bmc(login(sim.addr()))?;
    bmc.power_control(PowerControl::Up).await?;
    let asked = |sim: &bessemer::sim::bmc::SimBmc| sim.times_asked(0x00, 0x02);
    let before = asked(&sim);
    sim.misbehave(|faults| faults.lose_answers = Which::Next(1));
    bmc.power_control(PowerControl::Reset).await?;
    assert_eq!(asked(&sim), before + 2);
    // A soft shutdown that worked is not pressed again.
    sim.misbehave(|faults| {
        (faults.lose_answers, faults.soft_off) = (Which::Next(1), Some(Duration::from_millis(1)));
    });
    bmc.power_control(PowerControl::SoftOff).await?;
    assert_eq!((asked(&sim), sim.chassis().power().button), (before + 3, 1));
    bmc.power_control(PowerControl::Up).await?;
    sim.misbehave(|faults| faults.lose_answers = Which::Next(1));
    let lost = bmc.power_control(PowerControl::DiagnosticInterrupt).await;
    assert!(matches!(lost, Err(IpmiError::TimedOut { maybe_done: true, .. })), "{lost:?}");
    assert_eq!(sim.chassis().power().interrupts, 1);
    Ok(())
}

/// A copy that the network kept would otherwise switch off what was switched on after it.
#[tokio::test]
async fn an_order_that_was_sent_twice_ends_its_session_and_a_question_does_not() -> Test {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    bmc.chassis_status().await?;
    sim.misbehave(|faults| faults.lose_answers = Which::Next(1));
    bmc.chassis_status().await?;
    bmc.power_control(PowerControl::Up).await?;
    assert_eq!(sim.sessions(), 1);
    sim.misbehave(|faults| faults.lose_answers = Which::Next(1));
    bmc.power_control(PowerControl::Down).await?;
    eventually("the session is closed", || sim.sessions() == 0).await;
    assert!(!bmc.chassis_status().await?.power_on);
    Ok(())
}

#[tokio::test]
async fn an_order_that_its_caller_has_given_up_ends_its_session_before_the_next_command() -> Test {
    const CLOSE_SESSION: (u8, u8) = (0x06, 0x3c);
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    bmc.chassis_status().await?;
    for (order, closed) in [(false, 0), (true, 1)] {
        sim.misbehave(|faults| faults.silent = true);
        let asked = async {
            if order { bmc.power_control(PowerControl::Up).await } else { bmc.chassis_status().await.map(drop) }
        };
        assert!(tokio::time::timeout(Duration::from_millis(100), asked).await.is_err());
        sim.misbehave(|faults| faults.silent = false);
        bmc.chassis_status().await?;
        assert_eq!(sim.times_asked(CLOSE_SESSION.0, CLOSE_SESSION.1), closed, "{order}");
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_power_command_says_with_which_code() -> Test {
    let sim = start(Personality::default());
    sim.misbehave(|faults| faults.refuse_power = Some(0xd5));
    let error = client(&sim)?.power_control(PowerControl::Up).await;
    assert_eq!(error, Err(IpmiError::Refused { code: 0xd5, netfn: 0, cmd: 2 }));
    assert_eq!(error.err().map(|error| error.is_worth_retrying()), Some(false));
    Ok(())
}

#[tokio::test]
async fn algorithms_that_nobody_asked_for_are_refused() -> Test {
    let sim = start(Personality::default());
    // Authentication without integrity and encryption; none at all; something unknown.
    for algorithms in [[3, 0, 0], [0, 0, 0], [9, 9, 9]] {
        sim.misbehave(|faults| faults.other_algorithms = Some(algorithms));
        let error = client(&sim)?.chassis_status().await;
        assert_eq!(error, Err(IpmiError::SessionRefused { status: 0x11 }));
    }
    assert_eq!(sim.sessions(), 0);
    Ok(())
}

#[tokio::test]
async fn an_answer_in_clear_is_no_answer() -> Test {
    let sim = start(Personality::default());
    let bmc = pool(impatient()).bmc(login(sim.addr()))?;
    bmc.chassis_status().await?;
    sim.misbehave(|faults| faults.answers_in_clear = true);
    let error = bmc.chassis_status().await;
    assert!(matches!(error, Err(IpmiError::TimedOut { .. })), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_caller_that_gives_up_frees_the_queue() -> Test {
    let sim = start(Personality::default());
    let bmc = pool(Settings::default()).bmc(login(sim.addr()))?;
    bmc.chassis_status().await?;
    sim.misbehave(|faults| faults.silent = true);
    let gave_up = tokio::time::timeout(Duration::from_millis(100), bmc.chassis_status()).await;
    assert!(gave_up.is_err());
    sim.misbehave(|faults| faults.silent = false);
    bmc.chassis_status().await.map(drop)
}

#[tokio::test]
async fn restarting_the_bmc_itself_succeeds_though_it_may_not_answer() -> Test {
    let sim = start(Personality::default());
    let bmc = pool(impatient()).bmc(login(sim.addr()))?;
    bmc.reset_controller(false).await?;
    eventually("it forgot its sessions", || sim.sessions() == 0).await;
    bmc.chassis_status().await?;
    sim.misbehave(|faults| faults.lose_answers = Which::Next(1));
    bmc.reset_controller(true).await
}

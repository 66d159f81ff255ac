//! Our client against our simulated BMC, which behaves.

use std::time::Duration;

use bessemer::bmc::ipmi::{BootDevice, Credential, IpmiError, Login, PowerControl, Privilege, Secret, Settings};
use bessemer::clock::Clock;
use bessemer::sim::bmc::{Action, BootFlags, Personality, Power, User};
use bessemer::wire::rmcp::suite::Suite;
use tokio::task::JoinSet;

use super::{client, eventually, login, pool, start};

type Test = Result<(), IpmiError>;

#[tokio::test]
async fn power_and_boot_flags_reach_the_machine() -> Test {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    assert!(!bmc.chassis_status().await?.power_on);
    for (control, expected) in [
        (PowerControl::Up, Power { on: true, starts: 1, ..Power::default() }),
        (PowerControl::Reset, Power { on: true, starts: 2, ..Power::default() }),
        (PowerControl::Cycle, Power { on: true, starts: 3, ..Power::default() }),
        (PowerControl::SoftOff, Power { on: true, starts: 3, button: 1, ..Power::default() }),
        (PowerControl::DiagnosticInterrupt, Power { on: true, starts: 3, button: 1, interrupts: 1 }),
        (PowerControl::Down, Power { on: false, starts: 3, button: 1, interrupts: 1 }),
    ] {
        bmc.power_control(control).await?;
        eventually("the power followed", || sim.chassis().power() == expected).await;
    }
    bmc.disable_boot_timeout().await?;
    for (device, persistent, efi, supermicro, number) in [
        (BootDevice::Pxe, false, false, false, 1),
        (BootDevice::Disk, true, false, true, 2),
        (BootDevice::Disk, true, true, false, 2),
        (BootDevice::Disk, true, true, true, 9),
        (BootDevice::Safe, false, true, false, 3),
        (BootDevice::Cdrom, false, true, false, 5),
        (BootDevice::Bios, false, true, false, 6),
    ] {
        bmc.set_boot_device(device, persistent, efi, supermicro).await?;
        assert_eq!(sim.chassis().boot_flags(), Some(BootFlags { device: number, persistent, efi }));
        let now = bmc.boot_override().await?;
        assert_eq!((now.device, now.persistent, now.efi, now.valid), (Some(device), persistent, efi, true));
    }
    Ok(())
}

#[tokio::test]
async fn the_device_its_log_and_its_sensors_can_be_read() -> Test {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    assert_eq!(bmc.device_id().await?.manufacturer_id, 32473);
    assert_eq!((bmc.sel_info().await?.entries, bmc.sel_entries(100).await?.len()), (0, 0));
    // Get Chassis Status, given as bytes.
    assert_eq!(bmc.raw(&[0x00, 0x01]).await?, [0x00, 0x10, 0x00]);
    let read = |sensors: Vec<bessemer::bmc::ipmi::SensorReading>| {
        sensors.into_iter().map(|s| (s.sensor.name.clone(), s.value, s.unit, s.status)).collect::<Vec<_>>()
    };
    let thermometer = ("Inlet Temp".to_owned(), Some(23.0), "degrees C".to_owned(), "ok");
    let supply = ("PSU 1".to_owned(), None, String::new(), "ok");
    let fan = |value, status| ("Fan 1".to_owned(), value, "RPM".to_owned(), status);
    assert_eq!(read(bmc.sensors().await?), [thermometer.clone(), fan(None, "ns"), supply.clone()]);
    sim.chassis().act(Action::On);
    assert_eq!(read(bmc.sensors().await?), [thermometer, fan(Some(4860.0), "ok"), supply]);
    Ok(())
}

#[tokio::test]
async fn the_strongest_suite_is_taken_and_a_pinned_one_kept() -> Test {
    use Suite::{Seventeen, Three};
    let refused = Err(IpmiError::SessionRefused { status: 0x11 });
    for (known, pinned, expected) in [
        (vec![Three, Seventeen], None, Ok(())),
        (vec![Three], None, Ok(())),
        (vec![Seventeen], None, Ok(())),
        (vec![Seventeen], Some(Seventeen), Ok(())),
        (vec![Three], Some(Three), Ok(())),
        (vec![Three], Some(Seventeen), refused.clone()),
        (vec![Seventeen], Some(Three), refused.clone()),
        (vec![], None, refused.clone()),
    ] {
        let sim = start(Personality { suites: known.clone(), ..Personality::default() });
        let bmc = pool(Settings::default()).bmc(Login { suite: pinned, ..login(sim.addr()) })?;
        assert_eq!(bmc.chassis_status().await.map(drop), expected, "{known:?}, pinned {pinned:?}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_the_credentials_is_said_exactly_and_at_once() -> Test {
    let user = |name: &str, privilege| User { name: name.into(), password: b"password".to_vec(), privilege };
    let users = vec![user("admin", 4), user("reader", 2)];
    let kg = Some(b"key of the BMC".to_vec());
    let sim = start(Personality { users, kg, ..Personality::default() });
    let right = Login { kg: Some(Secret::new("key of the BMC")), ..login(sim.addr()) };
    let cases = [
        (right.clone(), None),
        (Login { username: "root".into(), ..right.clone() }, Some(Credential::Username)),
        (Login { username: String::new(), ..right.clone() }, Some(Credential::Username)),
        (Login { password: Secret::new("Password"), ..right.clone() }, Some(Credential::Password)),
        (Login { kg: None, ..right.clone() }, Some(Credential::KgKey)),
        (Login { kg: Some(Secret::new("another")), ..right.clone() }, Some(Credential::KgKey)),
        (Login { username: "reader".into(), ..right.clone() }, Some(Credential::Privilege)),
        (Login { username: "reader".into(), privilege: Privilege::User, ..right.clone() }, None),
    ];
    // Whoever waits for an answer that does not come waits for longer than this test does.
    let settings =
        Settings { reach: Duration::from_secs(120), patience: Duration::from_secs(120), ..Settings::default() };
    let (clock, pool) = (Clock::system(), pool(settings));
    for (login, which) in cases {
        let started = clock.instant();
        let result = pool.bmc(login.clone())?.chassis_status().await.map(drop);
        assert_eq!(result, which.map_or(Ok(()), |which| Err(IpmiError::BadCredentials { which })), "{login:?}");
        assert!(clock.instant() - started < Duration::from_secs(60), "{:?}", clock.instant() - started);
    }
    Ok(())
}

#[tokio::test]
async fn a_user_without_the_privilege_is_told_so_by_the_bmc() -> Test {
    let users = vec![User { name: "admin".into(), password: b"password".to_vec(), privilege: 2 }];
    let sim = start(Personality { users, ..Personality::default() });
    let reader = pool(Settings::default()).bmc(Login { privilege: Privilege::User, ..login(sim.addr()) })?;
    let refused = Err(IpmiError::Refused { code: 0xd4, netfn: 0, cmd: 2 });
    assert_eq!(reader.power_control(PowerControl::Up).await, refused);
    Ok(())
}

#[test]
fn names_and_passwords_that_cannot_be_sent_are_refused_before_anything_is() {
    let right = Login::new("127.0.0.1", "sixteen letters.", Secret::new("twenty characters..."));
    assert_eq!(right.check(), Ok(()));
    for wrong in [
        Login { username: "seventeen letters".into(), ..right.clone() },
        Login { password: Secret::new("twenty-one characters"), ..right.clone() },
        Login { kg: Some(Secret::new("twenty-one characters")), ..right.clone() },
        Login { host: String::new(), ..right.clone() },
    ] {
        assert!(matches!(wrong.check(), Err(IpmiError::Misconfigured(_))), "{wrong:?}");
    }
}

#[tokio::test]
async fn nothing_prints_a_secret() -> Test {
    let sim = start(Personality::default());
    let login = Login { password: Secret::new("hunter2"), kg: Some(Secret::new("hunter3")), ..login(sim.addr()) };
    let bmc = pool(Settings::default()).bmc(login.clone())?;
    let error = bmc.chassis_status().await;
    let shown =
        format!("{login:?} {bmc:?} {error:?} {}", error.as_ref().err().map(ToString::to_string).unwrap_or_default());
    assert!(error.is_err() && !shown.contains("hunter"), "{shown}");
    Ok(())
}

#[tokio::test]
async fn one_session_serves_everybody_and_is_closed_at_the_end() -> Test {
    let sim = start(Personality::default());
    let pool = pool(Settings::default());
    let bmc = pool.bmc(login(sim.addr()))?;
    let mut callers = JoinSet::new();
    for n in 0..60 {
        let bmc = if n % 2 == 0 { bmc.clone() } else { bmc.clone().polling() };
        callers.spawn(async move { bmc.chassis_status().await });
    }
    while let Some(done) = callers.join_next().await {
        done.expect("no panic")?;
    }
    // Set Session Privilege Level was sent once, so there was one session.
    assert_eq!((sim.sessions(), sim.times_asked(0x06, 0x3b), sim.times_asked(0x00, 0x01)), (1, 1, 60));
    assert_eq!(pool.workers(), 1);
    pool.shutdown().await;
    assert_eq!((sim.sessions(), sim.times_asked(0x06, 0x3c)), (0, 1));
    assert_eq!(bmc.chassis_status().await, Err(IpmiError::Stopping));
    Ok(())
}

#[tokio::test]
async fn a_session_outlives_the_bmc_s_patience_and_ends_when_nobody_uses_it() -> Test {
    let sim = start(Personality { idle_expiry: Duration::from_millis(400), ..Personality::default() });
    let settings = Settings {
        keep_alive: Duration::from_millis(50),
        idle_close: Duration::from_millis(1500),
        ..Settings::default()
    };
    let pool = pool(settings);
    let bmc = pool.bmc(login(sim.addr()))?;
    bmc.chassis_status().await?;
    eventually("it was kept alive for long", || sim.times_asked(0x06, 0x01) >= 12).await;
    assert_eq!(sim.sessions(), 1);
    bmc.chassis_status().await?;
    assert_eq!(sim.times_asked(0x06, 0x3b), 1, "a second session was opened");
    eventually("the idle session was closed", || sim.times_asked(0x06, 0x3c) == 1).await;
    eventually("its worker ended", || pool.workers() == 0).await;
    Ok(())
}

#[tokio::test]
async fn no_more_sessions_are_held_than_allowed() -> Test {
    let sims: Vec<_> = (0..12).map(|_| start(Personality::default())).collect();
    let pool = pool(Settings { max_sessions: 3, ..Settings::default() });
    for round in 0..3 {
        let mut callers = JoinSet::new();
        for sim in &sims {
            let bmc = pool.bmc(login(sim.addr()))?;
            callers.spawn(async move { bmc.chassis_status().await });
        }
        while let Some(done) = callers.join_next().await {
            done.expect("no panic")?;
        }
        let held: usize = sims.iter().map(|sim| sim.sessions()).sum();
        assert!(held <= 3, "{held} sessions in round {round}");
    }
    Ok(())
}

#[tokio::test]
async fn three_hundred_bmcs_are_asked_at_once() -> Test {
    let sims: Vec<_> = (0..300).map(|_| start(Personality::default())).collect();
    let pool = pool(Settings::default());
    let mut callers = JoinSet::new();
    for (n, sim) in sims.iter().enumerate() {
        if n % 3 == 0 {
            sim.chassis().act(Action::On);
        }
        let bmc = pool.bmc(login(sim.addr()))?;
        callers.spawn(async move { bmc.chassis_status().await.map(|status| status.power_on == (n % 3 == 0)) });
    }
    while let Some(done) = callers.join_next().await {
        assert!(done.expect("no panic")?);
    }
    pool.shutdown().await;
    assert_eq!(sims.iter().map(|sim| sim.sessions()).sum::<usize>(), 0);
    Ok(())
}

//! What BMCs say about power is recorded, and only where that was asked for are machines put back.

use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::engine::Periods;
use bessemer::model::{Fault, InterfaceKind, Node, PowerState, State};
use bessemer::service::{Refusal, Rules};
use bessemer::sim::bmc::{Action, Personality, SimBmc};
use bessemer::store::nodes;
use serde_json::json;
use uuid::Uuid;

use super::world::{Tested, World};
use crate::bmc::start;

const CHASSIS: u8 = 0x00;
const CHASSIS_CONTROL: u8 = 0x02;

async fn world(force: bool) -> Result<World, Box<dyn std::error::Error>> {
    let periods = Periods {
        power_sync: Duration::from_millis(30),
        power_sync_failures: 1,
        force_power_state: force,
        ..Periods::default()
    };
    World::tuned(std::sync::Arc::new(tempfile::tempdir()?), Rules::default(), periods).await
}

/// A node with this BMC, in `state`, whose power was last seen as `recorded`.
async fn node_at(world: &World, sim: &SimBmc, state: State, recorded: PowerState) -> Result<Uuid, Refusal> {
    let addr = sim.addr();
    let made = world.store.write(move |tx| {
        let mut node = Node::new(tx.uuid(), "ipmi".to_owned(), tx.now());
        let hardware = bessemer::driver::catalog::hardware_type("ipmi");
        for kind in InterfaceKind::ALL {
            *node.interface_mut(kind) = hardware.and_then(|it| it.default(kind)).map(str::to_owned);
        }
        for (key, value) in [
            ("ipmi_address", json!(addr.ip().to_string())),
            ("ipmi_port", json!(addr.port())),
            ("ipmi_username", json!("admin")),
            ("ipmi_password", json!("password")),
        ] {
            node.driver_info.set(key, value);
        }
        (node.provision_state, node.power_state) = (state, Some(recorded));
        nodes::insert(tx, &node)?;
        Ok::<_, Refusal>(node.uuid)
    });
    made.await
}

/// Waits until the node is as it should be.
async fn becomes(world: &World, node: Uuid, what: &str, holds: impl Fn(&Node) -> bool) -> Tested {
    let clock = Clock::system();
    let deadline = clock.instant() + Duration::from_secs(60);
    loop {
        let now = world.node(node).await?;
        if holds(&now) {
            return Ok(());
        }
        if clock.instant() >= deadline {
            return Err(format!("never {what}: {:?} {:?}", now.power_state, now.last_error).into());
        }
        clock.sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn power_that_was_changed_behind_our_back_is_recorded_and_not_undone() -> Tested {
    let (sim, world) = (start(Personality::default()), world(false).await?);
    let node = node_at(&world, &sim, State::Active, PowerState::On).await?;
    becomes(&world, node, "off", |node| node.power_state == Some(PowerState::Off)).await?;
    sim.chassis().act(Action::On);
    becomes(&world, node, "on", |node| node.power_state == Some(PowerState::On)).await?;
    assert_eq!(sim.times_asked(CHASSIS, CHASSIS_CONTROL), 0, "nobody switched it");
    Ok(())
}

#[tokio::test]
async fn forced_power_is_put_back_and_a_machine_in_use_is_never_switched_off() -> Tested {
    let (spare, used, world) = (start(Personality::default()), start(Personality::default()), world(true).await?);
    used.chassis().act(Action::On);
    let on = node_at(&world, &spare, State::Manageable, PowerState::On).await?;
    let active = node_at(&world, &used, State::Active, PowerState::Off).await?;
    let clock = Clock::system();
    let deadline = clock.instant() + Duration::from_secs(60);
    while !spare.chassis().power().on {
        assert!(clock.instant() < deadline, "the machine was not put back on");
        clock.sleep(Duration::from_millis(5)).await;
    }
    becomes(&world, on, "on", |node| node.power_state == Some(PowerState::On)).await?;
    becomes(&world, active, "recorded as on", |node| node.power_state == Some(PowerState::On)).await?;
    assert_eq!(used.times_asked(CHASSIS, CHASSIS_CONTROL), 0, "it is in use");
    Ok(())
}

#[tokio::test]
async fn a_bmc_that_cannot_be_read_puts_its_node_into_maintenance_until_it_can() -> Tested {
    let (sim, world) = (start(Personality::default()), world(false).await?);
    sim.misbehave(|faults| faults.wrong_passwords = true);
    let node = node_at(&world, &sim, State::Manageable, PowerState::Off).await?;
    becomes(&world, node, "faulty", |node| node.maintenance && node.fault == Some(Fault::Power)).await?;
    let faulty = world.node(node).await?;
    assert!(faulty.last_error.is_some_and(|why| why.contains("password")), "it says why");
    assert_eq!(faulty.power_state, None);
    sim.misbehave(|faults| faults.wrong_passwords = false);
    becomes(&world, node, "well again", |node| !node.maintenance && node.power_state == Some(PowerState::Off)).await
}

#[tokio::test]
async fn an_outage_of_a_bmc_is_told_once_in_the_history_and_its_end_too() -> Tested {
    let sim = start(Personality::default());
    let periods =
        Periods { power_sync: Duration::from_millis(20), power_sync_failures: u32::MAX, ..Periods::default() };
    let world = World::tuned(std::sync::Arc::new(tempfile::tempdir()?), Rules::default(), periods).await?;
    let node = node_at(&world, &sim, State::Active, PowerState::Off).await?;
    let told = async |beginning: &'static str| {
        let read = world.store.read(move |read| {
            let all = bessemer::store::events::of_node(read, node, 0, 1000)?;
            Ok::<_, Refusal>(all.into_iter().filter(|event| event.text.starts_with(beginning)).count())
        });
        read.await
    };
    let clock = Clock::system();
    let deadline = clock.instant() + Duration::from_secs(60);
    sim.misbehave(|faults| faults.wrong_passwords = true);
    let callers = sim.callers();
    // Asked again and again, though less and less often.
    while sim.callers() < callers + 4 || told("power could not be read").await? == 0 {
        assert!(clock.instant() < deadline, "it was not asked again");
        clock.sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((told("power could not be read").await?, told("power can be read again").await?), (1, 0));
    sim.misbehave(|faults| faults.wrong_passwords = false);
    while told("power can be read again").await? == 0 {
        assert!(clock.instant() < deadline, "it did not come back");
        clock.sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(told("power could not be read").await?, 1);
    Ok(())
}

/// By a column of their own, or by what belongs to them; the first, one in between and the last.
#[tokio::test]
async fn power_is_read_of_all_nodes_but_those_that_cannot_be_read() -> Tested {
    let (sim, world) = (start(Personality::default()), world(false).await?);
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(node_at(&world, &sim, State::Manageable, PowerState::Off).await?);
    }
    let bad = [
        format!("UPDATE nodes SET extra = '{{' WHERE uuid IN ('{}', '{}')", all[0], all[4]),
        format!("INSERT INTO node_blob (node_uuid, kind, bytes) VALUES ('{}', 'boot_plan', x'7b')", all[2]),
    ];
    meddle(world.store.path(), &bad.join(";"))?;
    sim.chassis().act(Action::On);
    for node in [all[1], all[3]] {
        becomes(&world, node, "on", |node| node.power_state == Some(PowerState::On)).await?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn meddle(path: &std::path::Path, sql: &str) -> Tested {
    Ok(rusqlite::Connection::open(path)?.execute_batch(sql)?)
}

#[tokio::test]
async fn in_hold_power_is_recorded_as_it_is_and_nothing_is_put_back() -> Tested {
    let (sim, world) = (start(Personality::default()), world(true).await?);
    let held = bessemer::model::Hold { since: 0, taken: None, file: None };
    world.store.write(move |tx| bessemer::store::hold::put(tx, &held).map_err(Refusal::from)).await?;
    let node = node_at(&world, &sim, State::Manageable, PowerState::On).await?;
    becomes(&world, node, "off", |node| node.power_state == Some(PowerState::Off)).await?;
    let owed = world.store.read(move |read| bessemer::store::work::of_node(read, node).map_err(Refusal::from)).await?;
    assert!(owed.is_none(), "it would be switched on after the hold: {owed:?}");
    assert_eq!(sim.times_asked(CHASSIS, CHASSIS_CONTROL), 0);
    Ok(())
}

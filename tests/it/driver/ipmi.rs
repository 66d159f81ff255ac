//! The `ipmitool` interfaces against a simulated machine.

use std::net::SocketAddr;
use std::time::Duration;

use bessemer::clock::{Clock, Timestamp};
use bessemer::driver::ipmi::{IpmiManagement, IpmiPower, IpmiVendor};
use bessemer::driver::{
    BootDevice, DriverError, Environment, Interface as _, Management as _, Power as _, Settings, Task, Vendor as _,
};
use bessemer::model::{FlowName, Node, PowerState, PowerTarget};
use bessemer::net::Net;
use bessemer::net::memory::Network;
use bessemer::random::Random;
use bessemer::sim::bmc::{Action, BootFlags, Chassis, Personality, Seams, SimBmc, Which};
use serde_json::{Map, Value, json};

use crate::bmc::{eventually, ipmi_sim, start};

/// A task for a node whose BMC is at `addr`; `more` is merged into its `driver_info`.
fn task(addr: SocketAddr, more: Value) -> Task {
    task_on(Net::system(), addr, more)
}

fn task_on(net: Net, addr: SocketAddr, more: Value) -> Task {
    let mut info = Map::new();
    info.insert("ipmi_address".into(), addr.ip().to_string().into());
    info.insert("ipmi_port".into(), addr.port().into());
    info.insert("ipmi_username".into(), "admin".into());
    info.insert("ipmi_password".into(), "password".into());
    if let Value::Object(more) = more {
        info.extend(more);
    }
    let settings = Settings {
        power_change: Duration::from_secs(2),
        soft_power_off: Duration::from_secs(1),
        ..Settings::default()
    };
    let env = Environment::new(Clock::system(), net, Random::system(), settings);
    let mut node = Node::new(env.random.uuid(), "ipmi".into(), Timestamp::UNIX_EPOCH);
    node.driver_info = info.into();
    Task::new(node, Vec::new(), Vec::new(), env)
}

fn task_of(sim: &SimBmc) -> Task {
    task(sim.addr(), json!({}))
}

#[tokio::test]
async fn every_power_target_is_reached_and_nothing_is_done_that_is_done_already() -> Result<(), DriverError> {
    use PowerTarget::{Off, On, Reboot, SoftOff, SoftReboot};
    let sim = start(Personality::default());
    sim.misbehave(|faults| {
        (faults.power_delay, faults.soft_off) = (Duration::from_millis(120), Some(Duration::from_millis(80)));
    });
    let mut task = task_of(&sim);
    for (target, starts, orders) in [
        (On, 1, 1),
        (On, 1, 1),
        (Reboot, 2, 3),
        (SoftReboot, 3, 5),
        (SoftOff, 3, 6),
        (On, 4, 7),
        (Off, 4, 8),
        (Off, 4, 8),
    ] {
        assert_eq!(IpmiPower.set(&mut task, target, None).await?, target.result());
        assert_eq!(IpmiPower.state(&task).await?, Some(target.result()));
        let power = sim.chassis().power();
        assert_eq!((power.starts, sim.times_asked(0x00, 0x02)), (starts, orders), "{target}");
    }
    Ok(())
}

/// On a network in memory, in a time that passes when nothing else happens.
#[tokio::test(start_paused = true)]
async fn the_time_for_a_change_of_power_begins_once_the_bmc_has_room_for_us_and_until_then_it_is_said_until_when()
-> Result<(), DriverError> {
    let (clock, at) = (Clock::system(), SocketAddr::from(([127, 0, 0, 9], 623)));
    let network = Network::new(clock.clone(), Random::seeded(2));
    let seams = Seams { net: Net::memory(network.host()), clock: clock.clone(), random: Random::seeded(7) };
    let sim = SimBmc::start(seams, at, Personality::default(), Chassis::new(clock)).expect("a network of its own");
    sim.misbehave(|faults| (faults.full, faults.power_delay) = (true, Duration::from_millis(1500)));
    let mut task = task_on(Net::memory(network.host()), at, json!({}));
    let (trace, node) = (task.env.trace.clone(), task.node.uuid);
    let (reached, until) = tokio::join!(IpmiPower.set(&mut task, PowerTarget::On, None), async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let until = trace.calls_end(node);
        sim.misbehave(|faults| faults.full = false);
        until
    });
    assert_eq!(reached?, PowerState::On);
    assert!(until.is_some(), "a wait without an end");
    Ok(())
}

#[tokio::test]
async fn a_machine_that_may_not_be_switched_off_is_reset() -> Result<(), DriverError> {
    let sim = start(Personality::default());
    sim.chassis().act(Action::On);
    let mut task = task_of(&sim);
    task.node.disable_power_off = true;
    IpmiPower.set(&mut task, PowerTarget::Reboot, Some(Duration::from_millis(10))).await?;
    let power = sim.chassis().power();
    assert!(power.on && power.starts == 2);
    Ok(())
}

#[tokio::test]
async fn a_power_change_that_does_not_happen_is_told_with_what_the_bmc_says() {
    let sim = start(Personality::default());
    sim.misbehave(|faults| faults.ignore_power = true);
    let mut task = task_of(&sim);
    let error = IpmiPower.set(&mut task, PowerTarget::On, Some(Duration::from_millis(400))).await;
    let text = error.as_ref().err().map(ToString::to_string).unwrap_or_default();
    assert!(matches!(error, Err(DriverError::TimedOut(_))) && text.contains("says \"power off\""), "{text}");
    // A BMC that lies is believed: nobody can know better.
    sim.misbehave(|faults| faults.claim_power = Some(true));
    assert_eq!(IpmiPower.set(&mut task, PowerTarget::On, None).await, Ok(PowerState::On));
    sim.misbehave(|faults| (faults.claim_power, faults.refuse_power) = (None, Some(0xd4)));
    let error = IpmiPower.set(&mut task, PowerTarget::On, None).await;
    assert!(matches!(error, Err(DriverError::Refused(_))), "{error:?}");
}

#[tokio::test]
async fn a_supply_that_is_not_ready_yet_is_asked_again() -> Result<(), DriverError> {
    let sim = start(Personality::default());
    sim.misbehave(|faults| faults.refuse_power = Some(0xd5));
    let mut task = task_of(&sim);
    let ready = async {
        eventually("it was asked once", || sim.times_asked(0x00, 0x02) == 1).await;
        sim.misbehave(|faults| faults.refuse_power = None);
    };
    let (reached, ()) = tokio::join!(IpmiPower.set(&mut task, PowerTarget::On, None), ready);
    assert_eq!(reached?, PowerState::On);
    Ok(())
}

#[tokio::test]
async fn lost_answers_while_waiting_are_only_readings_missed() -> Result<(), DriverError> {
    let sim = start(Personality::default());
    sim.misbehave(|faults| {
        (faults.lose_answers, faults.power_delay) = (Which::Every(4), Duration::from_millis(300));
    });
    let mut task = task_of(&sim);
    IpmiPower.set(&mut task, PowerTarget::On, None).await?;
    IpmiPower.set(&mut task, PowerTarget::Off, None).await.map(drop)
}

#[tokio::test]
async fn errors_name_the_bmc_and_the_cause_and_no_secret() {
    let sim = start(Personality::default());
    let addr = sim.addr();
    for (more, cause) in [
        (json!({"ipmi_username": "root"}), "user name"),
        (json!({"ipmi_password": "hunter2"}), "password is wrong"),
        (json!({"ipmi_hex_kg_key": "0a0b"}), "Kg key"),
        (json!({"ipmi_port": 9}), "connection refused"),
    ] {
        let error = IpmiPower.state(&task(addr, more)).await.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(cause) && error.contains("127.0.0.1") && !error.contains("hunter2"), "{error}");
    }
    let error = IpmiPower.validate(&task(addr, json!({"ipmi_cipher_suite": "1"}))).await;
    assert!(matches!(error, Err(DriverError::Misconfigured(text)) if text.contains("driver_info/ipmi_cipher_suite")));
}

#[tokio::test]
async fn boot_devices_follow_the_boot_mode_and_the_maker() -> Result<(), DriverError> {
    let sim = start(Personality::default());
    let mut task = task_of(&sim);
    let flags = |device, persistent, efi| Some(BootFlags { device, persistent, efi });
    for (mode, vendor, device, persistent, expected) in [
        ("boot_mode:bios", "", BootDevice::Pxe, false, flags(1, false, false)),
        ("boot_mode:bios", "supermicro", BootDevice::Disk, true, flags(2, true, false)),
        ("boot_mode:uefi", "", BootDevice::Disk, true, flags(2, true, true)),
        ("boot_mode:uefi", "Supermicro", BootDevice::Disk, true, flags(9, true, true)),
        ("", "", BootDevice::Cdrom, false, flags(5, false, true)),
    ] {
        task.node.properties = json!({"capabilities": mode, "vendor": vendor}).into();
        IpmiManagement.set_boot_device(&mut task, device, persistent).await?;
        assert_eq!(sim.chassis().boot_flags(), expected, "{mode} {vendor}");
        let now = IpmiManagement.boot_device(&task).await?;
        assert_eq!((now.device, now.persistent), (Some(device), Some(persistent)));
    }
    // Each time the BMC was told not to forget it after a minute.
    assert_eq!(sim.times_asked(0x00, 0x08), 10);
    let error = IpmiManagement.set_boot_device(&mut task, BootDevice::Wanboot, false).await;
    assert!(matches!(error, Err(DriverError::Misconfigured(text)) if text.contains("pxe, disk, cdrom, bios, safe")));
    Ok(())
}

#[tokio::test]
async fn a_forced_boot_device_is_set_again_before_each_power_on() -> Result<(), DriverError> {
    let sim = start(Personality::default());
    let mut task = task(sim.addr(), json!({"ipmi_force_boot_device": true}));
    IpmiManagement.set_boot_device(&mut task, BootDevice::Disk, true).await?;
    for _ in 0..2 {
        IpmiPower.set(&mut task, PowerTarget::On, None).await?;
        assert_eq!(sim.chassis().take_boot().map(|flags| (flags.device, flags.persistent)), Some((2, false)));
        assert_eq!(sim.chassis().take_boot(), None);
        IpmiPower.set(&mut task, PowerTarget::Off, None).await?;
    }
    // For one boot, something else.
    IpmiManagement.set_boot_device(&mut task, BootDevice::Pxe, false).await?;
    IpmiPower.set(&mut task, PowerTarget::On, None).await?;
    assert_eq!(sim.chassis().take_boot().map(|flags| flags.device), Some(1));
    IpmiPower.set(&mut task, PowerTarget::Reboot, None).await?;
    assert_eq!(sim.chassis().take_boot().map(|flags| flags.device), Some(2));
    Ok(())
}

#[tokio::test]
async fn sensors_have_the_shape_of_ironic_s_and_the_maker_is_known() -> Result<(), DriverError> {
    let sim = start(Personality { manufacturer: 47488, ..Personality::default() });
    sim.chassis().act(Action::On);
    let task = task_of(&sim);
    let sensors = IpmiManagement.sensors(&task).await?;
    assert_eq!(sensors["Fan"]["Fan 1 (0x2)"]["Sensor Reading"], "4860 RPM");
    assert_eq!(sensors["Fan"]["Fan 1 (0x2)"]["Lower Critical"], "600.000");
    assert_eq!(sensors["Temperature"]["Inlet Temp (0x1)"]["Sensor Type (Threshold)"], "Temperature (0x01)");
    assert_eq!(sensors["Power"]["PSU 1 (0x3)"]["States Asserted"], "0x0001");
    assert_eq!(IpmiManagement.detect_vendor(&task).await?.as_deref(), Some("supermicro"));
    Ok(())
}

#[tokio::test]
async fn raw_bytes_an_interrupt_and_a_restart_reach_the_bmc() -> Result<(), DriverError> {
    let sim = start(Personality::default());
    sim.chassis().act(Action::On);
    let mut task = task_of(&sim);
    let args = |value: Value| value.as_object().cloned().unwrap_or_default();
    let raw = IpmiVendor.call(&mut task, "send_raw", &args(json!({"raw_bytes": "0x00 0x01"}))).await?;
    assert_eq!(raw, "01 10 00");
    let error = IpmiVendor.call(&mut task, "send_raw", &args(json!({"raw_bytes": "nonsense"}))).await;
    assert!(matches!(error, Err(DriverError::Misconfigured(text)) if text.starts_with("raw_bytes")));
    IpmiManagement.inject_nmi(&mut task).await?;
    assert_eq!(sim.chassis().power().interrupts, 1);
    IpmiVendor.call(&mut task, "bmc_reset", &args(json!({"warm": false}))).await?;
    eventually("it was restarted", || sim.times_asked(0x06, 0x02) == 1).await;
    let steps = IpmiVendor.steps(&task, FlowName::Clean);
    assert_eq!(
        steps.iter().map(|step| (step.name(), step.priority)).collect::<Vec<_>>(),
        [("vendor.send_raw".into(), 0)]
    );
    Ok(())
}

#[tokio::test]
async fn a_machine_that_took_its_boot_device_while_it_was_starting_is_told_again_when_it_is_off()
-> Result<(), DriverError> {
    let sim = start(Personality::default());
    for target in [PowerTarget::Reboot, PowerTarget::SoftReboot] {
        sim.chassis().act(Action::On);
        let mut task = task_of(&sim);
        IpmiManagement.set_boot_device(&mut task, BootDevice::Pxe, false).await?;
        // Its firmware was just about to start from somewhere, as when a step is repeated after a crash.
        let pxe = sim.chassis().take_boot();
        assert_eq!((pxe.map(|flags| flags.device), sim.chassis().boot_flags()), (Some(1), None));
        let mut power = sim.chassis().watch();
        let button = async {
            // There is no operating system here that would heed the button.
            if power.wait_for(|power| power.button > 0).await.is_ok() {
                sim.chassis().act(Action::Off);
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            done = IpmiPower.set(&mut task, target, None) => done?,
            () = button => unreachable!(),
        };
        assert_eq!(sim.chassis().boot_flags(), pxe, "{target}");
    }
    Ok(())
}

#[tokio::test]
async fn power_is_changed_on_ipmi_sim() -> Result<(), DriverError> {
    let Some(sim) = ipmi_sim::Sim::start() else { return Ok(()) };
    let mut task = task(sim.addr, json!({"ipmi_cipher_suite": 3}));
    for target in [PowerTarget::On, PowerTarget::Reboot, PowerTarget::Off] {
        IpmiPower.set(&mut task, target, None).await?;
        assert_eq!(IpmiPower.state(&task).await?, Some(target.result()), "{target}");
    }
    Ok(())
}

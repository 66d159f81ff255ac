//! The deploy interface, step by step, with an agent that does what it is told, late, twice or not at all.

use bessemer::driver::agent::AgentClient;
use bessemer::driver::traits::{OnCrash, RamdiskFor};
use bessemer::driver::{Driver, Outcome, Task};
use bessemer::model::boot_plan::Boot;
use bessemer::model::{FlowName, PowerState, Step};
use bessemer::sim::agent::End;
use bessemer::wire::ipa::CommandStatus;
use serde_json::json;
use sha2::Digest as _;

use super::service::{Bench, Tested};

fn hex(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A deploy of `image` with a config drive.
pub fn deploying(bench: &Bench, image: &[u8]) -> Tested<Task> {
    let path = bench.dir.path().join("images/disk.raw");
    std::fs::write(&path, image)?;
    let mut task = bench.task()?;
    task.flow = Some(FlowName::Deploy);
    task.node.instance_info = json!({
        "image_source": format!("file://{}", path.display()), "image_checksum": hex(image), "root_device": {"name": "/dev/sda"},
    })
    .into();
    task.config_drive = Some(br##"{"meta_data":{"hostname":"built"},"user_data":"#cloud-config"}"##[..].into());
    Ok(task)
}

pub fn step(task: &Task, name: &str) -> Tested<Step> {
    let steps = Driver::of(&task.node)?.deploy.steps(task, FlowName::Deploy);
    Ok(steps.into_iter().find(|step| step.step == name).ok_or("no such step")?)
}

/// Begins a step and looks at it after each heartbeat until it is settled.
pub async fn walk(task: &mut Task, step: &Step) -> Tested<Outcome> {
    let driver = Driver::of(&task.node)?;
    let mut outcome = driver.deploy.run_step(task, step).await?;
    while let Outcome::Wait { .. } = outcome {
        // A late heartbeat is no heartbeat missed: looking again at any time is allowed.
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        outcome = driver.deploy.resume_step(task, step).await?;
    }
    Ok(outcome)
}

#[tokio::test]
async fn an_image_and_its_config_drive_reach_the_disk_and_the_machine_is_switched_off() -> Tested {
    let mut bench = Bench::with_images().await?;
    let image: Vec<u8> = (0..500_000_u32).map(|i| (i % 250) as u8).collect();
    let mut task = deploying(&bench, &image)?;
    let driver = Driver::of(&task.node)?;
    driver.deploy.validate(&task).await?;
    driver.deploy.prepare(&mut task).await?;
    for name in ["write_image", "prepare_instance_boot"] {
        let step = step(&task, name)?;
        assert_eq!(walk(&mut task, &step).await?, Outcome::Done, "{name}");
    }
    let written = std::fs::read(bench.disk())?;
    assert_eq!(written[..image.len()], image);
    let drive = std::fs::read(bench.dir.path().join("disk.config-2"))?;
    assert_eq!(&drive[0x8028..0x8030], b"config-2");
    assert_eq!(written[written.len() - drive.len()..], drive);
    assert!(task.node.driver_internal_info.text("root_uuid_or_disk_id").is_some());
    assert_eq!(task.boot_plan().map(|plan| &plan.boot), Some(&Boot::Disk));
    task.node.power_state = Some(PowerState::On);
    let off = step(&task, "tear_down_agent")?;
    assert_eq!(walk(&mut task, &off).await?, Outcome::Done);
    assert_eq!(bench.agent.end().await, End::PowerOff);
    assert_eq!(task.node.power_state, Some(PowerState::Off));
    assert!(task.changes.forget_agent);
    // Beginning the step again after a crash finds no agent, and that is fine.
    assert_eq!(walk(&mut task, &off).await?, Outcome::Done);
    Ok(())
}

#[tokio::test]
async fn every_misbehaviour_that_wears_off_ends_in_one_written_image() -> Tested {
    let image = vec![7; 100_000];
    for fault in ["lost", "busy", "late", "foreign", "garbage", "mismatch"] {
        let bench = Bench::with_images().await?;
        let mut task = deploying(&bench, &image)?;
        task.args.set("agent_steps_known", true);
        bench.faults.set(|knobs| match fault {
            "lost" => knobs.lost_answers = 2,
            "busy" => knobs.busy_answers = 2,
            "late" => knobs.late_results = 3,
            "foreign" => knobs.foreign_results = 3,
            "garbage" => knobs.garbage_answers = 1,
            _ => knobs.version_mismatches = 2,
        });
        let step = step(&task, "write_image")?;
        assert_eq!(walk(&mut task, &step).await?, Outcome::Done, "{fault}");
        assert_eq!(std::fs::read(bench.disk())?[..image.len()], image, "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn a_step_that_was_begun_before_a_crash_is_looked_for_before_it_is_sent() -> Tested {
    let bench = Bench::with_images().await?;
    let mut task = deploying(&bench, &[7; 100_000])?;
    let (driver, step) = (Driver::of(&task.node)?, step(&task, "write_image")?);
    assert_eq!(driver.deploy.on_crash(&step), OnCrash::Ask);
    // Never sent: a look sends it.
    let first = driver.deploy.resume_step(&mut task, &step).await?;
    assert!(matches!(first, Outcome::Wait { .. }), "{first:?}");
    let client = AgentClient::of(&task).await?;
    while client.commands().await?.iter().any(|command| command.command_status == CommandStatus::Running) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // Sent, and the process died before it noted so: a look finds it done.
    let mut task = deploying(&bench, &[7; 100_000])?;
    let mut outcome = driver.deploy.resume_step(&mut task, &step).await?;
    while let Outcome::Wait { .. } = outcome {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        outcome = driver.deploy.resume_step(&mut task, &step).await?;
    }
    assert_eq!(outcome, Outcome::Done);
    let steps = client.commands().await?.iter().filter(|command| command.is("execute_deploy_step")).count();
    assert_eq!(steps, 1);
    Ok(())
}

/// Which life of the service should have served an image that did not arrive decides whether the agent is to blame.
#[tokio::test]
async fn an_image_that_the_services_end_has_cut_is_written_again_and_one_that_is_cut_in_one_life_is_not() -> Tested {
    let image = vec![7; 100_000];
    for (cuts, lives, good) in [(1, 1, false), (1, 2, true), (2, 2, false), (2, 3, true)] {
        let bench = Bench::with_images().await?;
        let mut task = deploying(&bench, &image)?;
        bench.faults.set(|knobs| knobs.cut_transfers = cuts);
        let (driver, step) = (Driver::of(&task.node)?, step(&task, "write_image")?);
        let mut outcome = driver.deploy.run_step(&mut task, &step).await?;
        let mut life = 1;
        while let Outcome::Wait { .. } = outcome {
            let listed = AgentClient::of(&task).await?.commands().await?;
            let ended = listed.iter().filter(|it| it.command_status == CommandStatus::Failed).count();
            // Each of the lives ends after a transfer has failed and before anybody has looked.
            if ended == life && life < lives {
                life += 1;
                task.env.life = format!("life {life}").into();
            } else {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                if ended < life && ended < cuts as usize {
                    continue;
                }
            }
            outcome = driver.deploy.resume_step(&mut task, &step).await?;
        }
        match outcome {
            Outcome::Done if good => assert_eq!(std::fs::read(bench.disk())?[..image.len()], image),
            Outcome::Fail { why } if !good => assert!(why.contains("Connection reset by peer"), "{why}"),
            other => return Err(format!("{cuts} cuts in {lives} lives: {other:?}").into()),
        }
        assert!(task.args.text("agent_step_sent_in").is_none() || !good, "what it was is forgotten");
    }
    Ok(())
}

#[tokio::test]
async fn a_failing_step_fails_with_the_agents_own_words() -> Tested {
    let bench = Bench::with_images().await?;
    let mut task = deploying(&bench, &[7; 1000])?;
    bench.faults.set(|knobs| knobs.failing_step = Some("write_image".into()));
    let step = step(&task, "write_image")?;
    let Outcome::Fail { why } = walk(&mut task, &step).await? else { return Err("not failed".into()) };
    assert!(why.contains("deploy.write_image") && why.contains("does not want to"), "{why}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_restarts_in_the_middle_is_borne_with_and_then_given_up() -> Tested {
    let mut bench = Bench::with_images().await?;
    let mut task = deploying(&bench, &[7; 400_000])?;
    bench.faults.set(|knobs| knobs.restart_after_bytes = Some(100_000));
    let step = step(&task, "write_image")?;
    let driver = Driver::of(&task.node)?;
    let begun = driver.deploy.run_step(&mut task, &step).await?;
    assert!(matches!(begun, Outcome::Wait { .. }));
    assert!(matches!(bench.agent.end().await, End::Locked(_)));
    let mut waits = 0;
    loop {
        match driver.deploy.resume_step(&mut task, &step).await {
            Ok(Outcome::Wait { .. }) if waits < 20 => waits += 1,
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                break;
            }
            other => return Err(format!("{other:?} after {waits} waits").into()),
        }
    }
    assert!(waits >= 3, "{waits}");
    Ok(())
}

/// A ramdisk that was kept has cleaned the machine before, and a client may ask for a step twice: that it was done then says
/// nothing of now.
#[tokio::test]
async fn a_step_that_the_agent_cannot_take_at_once_is_not_taken_for_done_because_it_was_done_before() -> Tested {
    let bench = Bench::new().await?;
    for flow in 0..2 {
        let mut task = bench.task()?;
        task.flow = Some(FlowName::Clean);
        let steps = Driver::of(&task.node)?.deploy.agent_steps(&mut task, FlowName::Clean).await?.ok_or("no steps")?;
        let erase = steps.into_iter().find(|step| step.step == "erase_devices_metadata").ok_or("no such step")?;
        for time in 1..=2 {
            bench.faults.set(|knobs| knobs.busy_answers = 1);
            assert_eq!(walk(&mut task, &erase).await?, Outcome::Done);
            assert_eq!(bench.faults.writes(), flow * 2 + time, "flow {flow}, time {time}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_agents_steps_come_with_the_configured_priorities() -> Tested {
    let bench = Bench::new().await?;
    let mut task = bench.task()?;
    let driver = Driver::of(&task.node)?;
    let steps = driver.deploy.agent_steps(&mut task, FlowName::Clean).await?.ok_or("no steps")?;
    let priority = |name: &str| steps.iter().find(|step| step.step == name).map(|step| step.priority);
    assert_eq!((priority("erase_devices"), priority("erase_devices_metadata")), (Some(0), Some(10)));
    assert_eq!(
        task.node.driver_internal_info.get("hardware_manager_version"),
        Some(json!({"generic_hardware_manager": "1.2"}))
    );
    let deploy = driver.deploy.agent_steps(&mut task, FlowName::Deploy).await?.ok_or("no steps")?;
    assert!(deploy.iter().any(|step| step.step == "write_image"));
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_deployed_is_refused_before_anything_happens() -> Tested {
    let bench = Bench::with_images().await?;
    let task = deploying(&bench, &[7; 1000])?;
    let driver = Driver::of(&task.node)?;
    for (change, field) in [
        (json!({"image_source": null}), "image_source"),
        (json!({"image_source": "ftp://host/x"}), "image_source"),
        (json!({"image_source": "file:///etc/passwd"}), "images.roots"),
        (json!({"image_source": "http://host/x", "image_checksum": null}), "image_checksum"),
        (json!({"image_checksum": "d41d8cd98f00b204e9800998ecf8427e"}), "md5"),
        (json!({"image_type": "floppy"}), "image_type"),
        (json!({"image_type": "partition"}), "root_gb"),
        (json!({"capabilities": {"boot_mode": "legacy"}}), "boot_mode"),
    ] {
        let mut task = deploying(&bench, &[7; 1000])?;
        let mut info = task.node.instance_info.map();
        info.extend(change.as_object().cloned().unwrap_or_default());
        task.node.instance_info = info.into();
        let refused = driver.deploy.validate(&task).await;
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(field)), "{field}: {refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_agent_that_cannot_switch_off_is_not_waited_for() -> Tested {
    for dies in [false, true] {
        let mut bench = Bench::with_images().await?;
        let patient = bessemer::driver::Settings {
            agent_power_off: std::time::Duration::from_secs(300),
            ..(*bench.env.settings).clone()
        };
        bench.env.settings = std::sync::Arc::new(patient);
        bench.faults.set(|knobs| (knobs.power_off_fails, knobs.dies_instead_of_power_off) = (!dies, dies));
        let mut task = deploying(&bench, &[7; 1000])?;
        task.node.power_state = Some(PowerState::On);
        let off = step(&task, "tear_down_agent")?;
        let walked = tokio::time::timeout(std::time::Duration::from_secs(60), walk(&mut task, &off)).await;
        assert_eq!(walked.map_err(|_| format!("it was waited for, dies: {dies}"))??, Outcome::Done);
        assert_eq!(task.node.power_state, Some(PowerState::Off), "the BMC did it");
    }
    Ok(())
}

#[tokio::test]
async fn the_logs_of_a_failed_ramdisk_are_kept_under_the_nodes_name() -> Tested {
    let mut bench = Bench::new().await?;
    let dir = bench.dir.path().join("logs");
    let logs = bessemer::driver::environment::Logs {
        dir: dir.clone(),
        keep: 10,
        bytes: 1 << 20,
        within: std::time::Duration::from_secs(2),
    };
    bench.env.settings =
        std::sync::Arc::new(bessemer::driver::Settings { logs: Some(logs), ..(*bench.env.settings).clone() });
    let mut task = bench.task()?;
    task.flow = Some(FlowName::Clean);
    task.node.name = Some("rack-1".to_owned());
    Driver::of(&task.node)?.deploy.collect_logs(&task).await;
    let names: Vec<String> = std::fs::read_dir(&dir)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<std::io::Result<_>>()?;
    assert!(names.len() == 1 && names[0].starts_with(&format!("{}_rack-1_cleaning_", task.node.uuid)), "{names:?}");
    assert!(names[0].ends_with(".tar.gz"), "{names:?}");
    assert_eq!(std::fs::read(dir.join(&names[0]))?[..2], [0x1f, 0x8b], "a gzip file");
    // An agent that never answers costs its bound and nothing more.
    bench.faults.set(|knobs| knobs.logs_hang = true);
    let collecting = Driver::of(&task.node)?.deploy.collect_logs(&task);
    tokio::time::timeout(std::time::Duration::from_secs(20), collecting).await?;
    assert_eq!(std::fs::read_dir(&dir)?.count(), 1);
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_told_so_listens_in_tls_1_3_only_and_is_driven_there() -> Tested {
    use rustls::version::{TLS12, TLS13};
    let bench = Bench::new().await?;
    let task = bench.task()?;
    let url = task.node.driver_internal_info.text("agent_url").ok_or("no agent")?;
    let address = url.trim_start_matches("https://").to_owned();
    for (version, answers) in [(&TLS12, false), (&TLS13, true)] {
        let config = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_protocol_versions(&[version])?
            .dangerous()
            .with_custom_certificate_verifier(super::service::whoever())
            .with_no_client_auth();
        let stream = tokio::net::TcpStream::connect(&address).await?;
        let name = rustls::pki_types::ServerName::try_from("127.0.0.1")?;
        let shaken = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config)).connect(name, stream).await;
        assert_eq!(shaken.is_ok(), answers, "{version:?}");
    }
    assert_eq!(AgentClient::of(&task).await?.commands().await?, vec![]);
    Ok(())
}

#[tokio::test]
async fn an_image_of_another_format_than_was_said_is_not_written() -> Tested {
    let bench = Bench::with_images().await?;
    let mut task = deploying(&bench, &[7; 1000])?;
    task.node.instance_info.set("image_disk_format", "qcow2");
    let write = step(&task, "write_image")?;
    let refused = Driver::of(&task.node)?.deploy.run_step(&mut task, &write).await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("image_disk_format")), "{refused:?}");
    Ok(())
}

/// Whoever knows the address of one file, or of one deploy, knows no other.
#[tokio::test]
async fn what_a_machine_fetches_is_under_a_key_that_nobody_guesses() -> Tested {
    let bench = Bench::with_images().await?;
    let mut keys = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let mut task = deploying(&bench, &[7; 1000])?;
        Driver::of(&task.node)?.boot.prepare_ramdisk(&mut task, RamdiskFor::Agent).await?;
        keys.insert(task.boot_plan().ok_or("no plan")?.key.clone());
        keys.insert(task.image_key("sha256-aa"));
    }
    assert!(keys.len() == 4 && keys.iter().all(|key| key.len() >= 32), "{keys:?}");
    Ok(())
}

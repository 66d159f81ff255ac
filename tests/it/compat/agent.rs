//! Our client against the HTTP front of the real ironic-python-agent: its certificate, server, results and errors.
//!
//! Needs the agent's Python package on the path of `python3` (PYTHONPATH helps). The lab drives the whole agent in a real
//! ramdisk; this finds a misread word in seconds.

use std::process::Stdio;
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::driver::agent::AgentClient;
use bessemer::driver::{Driver, Environment, Outcome, Settings, Task};
use bessemer::model::secret::Sealed;
use bessemer::model::{FlowName, InterfaceKind, Node, Port, Step, StepSource};
use bessemer::net::Net;
use bessemer::random::Random;
use serde_json::{Map, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

type Tested<T = ()> = Result<T, Box<dyn std::error::Error>>;

struct RealAgent {
    _process: Child,
    dir: tempfile::TempDir,
    task: Task,
}

/// None, with the reason printed, if the agent is not installed.
async fn start() -> Tested<Option<RealAgent>> {
    let (env, dir) = (
        Environment::new(
            Clock::system(),
            Net::system(),
            Random::system(),
            Settings { agent_poll: Duration::from_millis(30), ..Settings::default() },
        ),
        tempfile::tempdir()?,
    );
    let (token, certificate) = (env.random.token(), dir.path().join("agent.pem"));
    let probe = Command::new("python3").args(["-c", "import ironic_python_agent"]).output().await;
    if !probe.is_ok_and(|output| output.status.success()) {
        println!("skipped: python3 has no ironic_python_agent");
        return Ok(None);
    }
    let mut process = Command::new("python3")
        .args(["-c", include_str!("agent.py"), &token, &certificate.display().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut line = String::new();
    BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line).await?;
    let port: u16 = line.trim().parse().map_err(|_| format!("the agent did not start: {line:?}"))?;
    let mut node = Node::new(env.random.uuid(), "fake-hardware".into(), env.clock.now());
    *node.interface_mut(InterfaceKind::Deploy) = Some("custom-agent".into());
    node.driver_internal_info.set("agent_url", format!("https://127.0.0.1:{port}"));
    node.driver_internal_info.set("agent_verify_ca", std::fs::read_to_string(&certificate)?);
    let ports = vec![Port::new(env.random.uuid(), node.uuid, "52:54:00:aa:bb:01".into(), env.clock.now())];
    let token = ("/agent_secret_token".to_owned(), Sealed::seal(token.into()));
    let mut task = Task::new(node, ports, vec![], env).with_secrets("driver_internal_info", vec![token]);
    task.flow = Some(FlowName::Deploy);
    Ok(Some(RealAgent { _process: process, dir, task }))
}

fn step(fail: &str) -> Step {
    Step {
        interface: InterfaceKind::Deploy,
        step: "write_image".into(),
        args: Map::from_iter([("fail".to_owned(), json!(fail))]),
        priority: 80,
        abortable: true,
        requires_ramdisk: true,
        reboot_requested: false,
        source: StepSource::Agent,
        children: None,
    }
}

#[tokio::test]
async fn the_real_agents_answers_are_understood() -> Tested {
    let Some(mut real) = start().await? else { return Ok(()) };
    let task = &mut real.task;
    let driver = Driver::of(&task.node)?;
    let offered = driver.deploy.agent_steps(task, FlowName::Deploy).await?.ok_or("no steps")?;
    assert_eq!(offered.iter().map(Step::name).collect::<Vec<_>>(), ["deploy.write_image"]);
    for (fail, expected) in [("", None), ("well", Some("checksum")), ("badly", Some("a plain exception"))] {
        let step = step(fail);
        let mut outcome = driver.deploy.run_step(task, &step).await?;
        while let Outcome::Wait { .. } = outcome {
            tokio::time::sleep(Duration::from_millis(50)).await;
            outcome = driver.deploy.resume_step(task, &step).await?;
        }
        match (&outcome, expected) {
            (Outcome::Done, None) => {}
            (Outcome::Fail { why }, Some(expected)) => assert!(why.contains(expected), "{why}"),
            other => return Err(format!("{other:?}").into()),
        }
    }
    let client = AgentClient::of(task).await?;
    let within = Duration::from_secs(10);
    assert_eq!(client.call("standby.sync", Map::new(), within).await?, None);
    let failed = client.call("standby.get_partition_uuids", Map::new(), within).await;
    assert!(failed.as_ref().is_err_and(|error| error.to_string().contains("there is no disk here")), "{failed:?}");
    for (command, expected) in [("standby.dance", "Unknown command"), ("nonsense.sync", "nonsense")] {
        let refused = client.call(command, Map::new(), within).await;
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(expected)), "{refused:?}");
    }
    // Another's hardware managers: the steps are fetched anew and the step is sent again.
    task.node.driver_internal_info.set("hardware_manager_version", json!({"generic_hardware_manager": "0.9"}));
    let step = step("");
    let mut outcome = driver.deploy.run_step(task, &step).await?;
    while let Outcome::Wait { .. } = outcome {
        tokio::time::sleep(Duration::from_millis(50)).await;
        outcome = driver.deploy.resume_step(task, &step).await?;
    }
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(task.agent_steps.as_ref().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn the_real_agent_takes_the_hashed_rescue_password() -> Tested {
    let Some(real) = start().await? else { return Ok(()) };
    let hash = "$5$rounds=5000$abcdefgh$ijtOJ//yvc/9bq1g0llFn9dB688BwBDRD90DlKKSKE1";
    let secret = ("/hashed_rescue_password".to_owned(), Sealed::seal(hash.into()));
    let mut task = real.task.with_secrets("instance_info", vec![secret]);
    task.flow = Some(FlowName::Rescue);
    *task.node.interface_mut(InterfaceKind::Rescue) = Some("agent".into());
    let rescue = Driver::of(&task.node)?.interface(InterfaceKind::Rescue);
    let steps = rescue.steps(&task, FlowName::Rescue);
    assert_eq!(rescue.run_step(&mut task, &steps[0]).await?, Outcome::Done);
    assert_eq!(std::fs::read_to_string(real.dir.path().join("ipa-rescue-password"))?, hash);
    // Looked at again after a crash, its list says that it is done.
    assert_eq!(rescue.resume_step(&mut task, &steps[0]).await?, Outcome::Done);
    assert!(task.changes.forget_rescue_password);
    Ok(())
}

//! Commands and their results, when all is well and when nothing is.

use std::time::Duration;

use bessemer::driver::DriverError;
use bessemer::driver::agent::{AgentClient, Started};
use bessemer::wire::ipa::CommandStatus;
use serde_json::{Map, Value, json};

use super::service::{Bench, Tested};
use crate::http::scripted::{Server, head, ok};

const WITHIN: Duration = Duration::from_secs(60);

fn step_params(step: &str) -> Map<String, Value> {
    let params = json!({"step": {"step": step, "interface": "deploy", "args": {}}, "node": {}, "ports": []});
    params.as_object().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_question_is_answered_and_a_step_runs_until_the_next_heartbeat() -> Tested {
    let mut bench = Bench::new().await?;
    let client = AgentClient::of(&bench.task()?).await?;
    let steps = client.call("clean.get_clean_steps", Map::new(), WITHIN).await?.ok_or("no result")?;
    assert!(steps["clean_steps"]["generic_hardware_manager"].is_array());
    let started = client.start("clean.execute_clean_step", step_params("erase_devices_metadata")).await?;
    assert!(matches!(started, Started::Accepted(result) if result.command_status == CommandStatus::Running));
    // The first heartbeat is that of the boot, the second that of the step.
    bench.service.heard(|heard| heard.heartbeats.len() > 1).await?;
    let last = client.commands().await?.pop().ok_or("no command")?;
    assert_eq!(last.command_status, CommandStatus::Succeeded);
    assert_eq!(last.step().and_then(|step| step["step"].as_str()), Some("erase_devices_metadata"));
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_found_in_the_list_and_the_command_is_not_sent_twice() -> Tested {
    let bench = Bench::new().await?;
    let client = AgentClient::of(&bench.task()?).await?;
    // An older result of the same name must not be taken for the lost one.
    client.call("clean.execute_clean_step", step_params("burnin_cpu"), WITHIN).await?;
    let older = client.commands().await?.pop().ok_or("no command")?;
    bench.faults.set(|knobs| knobs.lost_answers = 1);
    let Started::Accepted(adopted) = client.start("clean.execute_clean_step", step_params("erase_devices")).await?
    else {
        return Err("busy".into());
    };
    assert_ne!(adopted.id, older.id);
    assert_eq!(client.commands().await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_busy_agent_is_no_error_and_is_waited_for_where_an_answer_is_needed() -> Tested {
    let bench = Bench::new().await?;
    let client = AgentClient::of(&bench.task()?).await?;
    bench.faults.set(|knobs| knobs.busy_answers = 1);
    let second = client.start("clean.execute_clean_step", step_params("erase_devices")).await?;
    assert_eq!(second, Started::Busy);
    bench.faults.set(|knobs| knobs.busy_answers = 3);
    client.call("standby.sync", Map::new(), WITHIN).await?;
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_no_json_counts_as_lost() -> Tested {
    let bench = Bench::new().await?;
    let client = AgentClient::of(&bench.task()?).await?;
    bench.faults.set(|knobs| knobs.garbage_answers = 1);
    assert_eq!(client.commands().await?, []);
    bench.faults.set(|knobs| knobs.garbage_answers = 9);
    let refused = client.commands().await;
    assert!(matches!(refused, Err(DriverError::TimedOut(_))), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_failing_command_and_an_unknown_one_say_why() -> Tested {
    let bench = Bench::new().await?;
    let client = AgentClient::of(&bench.task()?).await?;
    bench.faults.set(|knobs| knobs.failing_step = Some("burnin_cpu".into()));
    let failed = client.call("clean.execute_clean_step", step_params("burnin_cpu"), WITHIN).await;
    assert!(failed.as_ref().is_err_and(|error| error.to_string().contains("does not want to")), "{failed:?}");
    for (command, expected) in [("standby.dance", "Unknown command"), ("nonsense.sync", "Extension")] {
        let refused = client.call(command, Map::new(), WITHIN).await;
        assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(expected)), "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn another_token_and_another_certificate_are_refused() -> Tested {
    let (bench, other) = (Bench::new().await?, Bench::new().await?);
    let mut task = bench.task()?;
    let certificate = other.task()?.node.driver_internal_info.get("agent_verify_ca").unwrap_or_default();
    task.node.driver_internal_info.set("agent_verify_ca", certificate);
    let refused = AgentClient::of(&task).await?.commands().await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("TLS")), "{refused:?}");
    let mut task = bench.task()?;
    let url = other.task()?.node.driver_internal_info;
    task.node.driver_internal_info.set("agent_url", url.text("agent_url"));
    task.node.driver_internal_info.set("agent_verify_ca", url.text("agent_verify_ca"));
    let refused = AgentClient::of(&task).await?.commands().await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains("token")), "{refused:?}");
    // The certificate is what the real agent makes: no library path verifies it, so pinning is the only way.
    task.node.driver_internal_info.remove("agent_verify_ca");
    let refused = AgentClient::of(&task).await?.commands().await;
    assert!(refused.is_err_and(|error| error.to_string().contains("TLS")));
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_gone_is_unreachable_within_bounds() -> Tested {
    let bench = Bench::new().await?;
    let task = bench.task()?;
    let client = AgentClient::of(&task).await?;
    bench.agent.stop().await;
    let refused = tokio::time::timeout(WITHIN, client.commands()).await?;
    assert!(matches!(refused, Err(DriverError::Unreachable(_))), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_sends_us_elsewhere_is_not_followed() -> Tested {
    let bench = Bench::new().await?;
    let other = Server::start([("/", ok(b"{}"))]).await?;
    let moved = head(&format!("302 Found\r\nLocation: {}\r\nContent-Length: 0", other.url("/")));
    let agent = Server::start([("/v1/commands/", moved)]).await?;
    let mut task = bench.task()?;
    task.node.driver_internal_info.remove("agent_verify_ca");
    task.node.driver_internal_info.set("agent_url", agent.url(""));
    let refused = AgentClient::of(&task).await?.commands().await;
    assert!(matches!(refused, Err(DriverError::Refused(_))), "{refused:?}");
    assert_eq!((agent.heads().len(), other.heads().len()), (1, 0));
    Ok(())
}

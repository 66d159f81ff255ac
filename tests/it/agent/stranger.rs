//! The simulated agent as the service sees it: it behaves as the real one does, and misbehaves where it is told to.

use std::net::IpAddr;
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::random::Random;
use bessemer::sim::agent::{Agent, End, Faults, Machine, Pace, World};

use super::service::{MAC, Service, Tested};

fn boot(command_line: &str, dir: &tempfile::TempDir, faults: &Faults) -> Agent {
    let mut machine = Machine::small(IpAddr::from([127, 0, 0, 1]), MAC, dir.path().join("disk"));
    machine.port = 0;
    let pace = Pace {
        lookup_pause: Duration::from_millis(1),
        heartbeat_pause: Duration::from_millis(5),
        step: Duration::from_millis(5),
    };
    let world = World { net: Net::system(), clock: Clock::system(), random: Random::system(), pace };
    Agent::boot(machine, command_line, world, faults.clone())
}

#[tokio::test]
async fn an_inspection_reports_the_machine_and_the_card_that_booted() -> Tested {
    let (mut service, dir) = (Service::start(None).await?, tempfile::tempdir()?);
    let line =
        format!("ipa-inspection-callback-url={}/v1/continue_inspection BOOTIF=01-52-54-00-aa-bb-01", service.url);
    let _agent = boot(&line, &dir, &Faults::default());
    let heard = service.heard(|heard| !heard.inspections.is_empty()).await?;
    let report = &heard.inspections[0];
    assert_eq!(report["inventory"]["boot"]["pxe_interface"], MAC);
    assert_eq!(report["inventory"]["cpu"]["architecture"], "x86_64");
    assert_eq!((&report["error"], heard.lookups), (&serde_json::Value::Null, 0));
    Ok(())
}

#[tokio::test]
async fn a_second_boot_finds_its_token_masked_and_locks_itself_up() -> Tested {
    let (mut service, dir) = (Service::start(None).await?, tempfile::tempdir()?);
    let line = format!("ipa-api-url={}", service.url);
    let _first = boot(&line, &dir, &Faults::default());
    service.heard(|heard| !heard.heartbeats.is_empty()).await?;
    let mut second = boot(&line, &dir, &Faults::default());
    assert!(matches!(second.end().await, End::Locked(why) if why.contains("token")));
    Ok(())
}

#[tokio::test]
async fn a_wrong_token_and_a_silent_agent_are_never_heard() -> Tested {
    let (mut service, dir, faults) = (Service::start(None).await?, tempfile::tempdir()?, Faults::default());
    faults.set(|knobs| knobs.wrong_token = true);
    let _wrong = boot(&format!("ipa-api-url={}", service.url), &dir, &faults);
    service.heard(|heard| heard.lookups == 1).await?;
    let silent = Faults::default();
    silent.set(|knobs| knobs.silent = true);
    let _silent = boot(&format!("ipa-api-url={}", service.url), &dir, &silent);
    // Heard means accepted: half a hundred refused heartbeats fit into this wait.
    let heard = tokio::time::timeout(Duration::from_millis(300), service.heard(|heard| !heard.heartbeats.is_empty()));
    assert!(heard.await.is_err());
    assert_eq!(service.heard(|_| true).await?.lookups, 1);
    Ok(())
}

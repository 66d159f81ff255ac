//! A config drive at an address: this service fetches it, judged and checked, and the agent never sees the address.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine as _;
use bessemer::driver::agent::AgentClient;
use bessemer::driver::{Driver, DriverError, Outcome, Task};
use bessemer::model::{InterfaceKind, Step, StepSource};
use bessemer::trace::{Kind, Subject};
use flate2::{Compression, write::GzEncoder};

use super::deploy::{deploying, step, walk};
use super::service::{Bench, Tested};
use crate::http::scripted::{Answer, Server, head, ok};

fn packed(bytes: &[u8]) -> Tested<String> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(gzip.finish()?))
}

fn with_drive(bench: &Bench, location: &str) -> Tested<Task> {
    let mut task = deploying(bench, &[7; 1000])?;
    task.config_drive = Some(location.as_bytes().into());
    Ok(task)
}

/// Why `write_image` was not sent, with no more of it on the way to the agent.
async fn refused(bench: &Bench, location: &str) -> Tested<DriverError> {
    let mut task = with_drive(bench, location)?;
    let write = step(&task, "write_image")?;
    let found = Driver::of(&task.node)?.deploy.run_step(&mut task, &write).await;
    assert_eq!(AgentClient::of(&task).await?.commands().await?, vec![], "{location}");
    found.err().ok_or_else(|| format!("{location} was taken").into())
}

#[tokio::test]
async fn it_is_fetched_once_and_reaches_the_disk() -> Tested {
    let bench = Bench::with_images().await?;
    let drive = vec![5; 4096];
    let text = format!("{}\n", packed(&drive)?);
    let server = Server::start([
        ("/moved", head("302 Found\r\nLocation: /drive\r\nContent-Length: 0")),
        ("/drive", ok(text.as_bytes())),
    ])
    .await?;
    let mut task = with_drive(&bench, &server.url("/moved?token=s3cret"))?;
    Driver::of(&task.node)?.deploy.validate(&task).await?;
    assert_eq!(server.heads().len(), 0, "the verb asks nobody");
    let write = step(&task, "write_image")?;
    assert_eq!(walk(&mut task, &write).await?, Outcome::Done);
    assert_eq!(std::fs::read(bench.dir.path().join("disk.config-2"))?, drive);
    let heads = server.heads();
    assert!(heads.len() == 2 && heads.iter().all(|head| head.contains("user-agent: bessemer/")), "{heads:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_near_is_asked_for_it_by_us_or_the_agent() -> Tested {
    let bench = Bench::with_images().await?;
    let text = packed(&[5; 4096])?;
    let near = Server::start_at(Ipv4Addr::new(127, 0, 0, 2), [("/drive", ok(text.as_bytes()))]).await?;
    let to = |location: &str| head(&format!("302 Found\r\nLocation: {location}\r\nContent-Length: 0"));
    let public = Server::start([
        ("/near", to(&near.url("/drive"))),
        ("/twice", to("/near")),
        ("/metadata", to("http://169.254.169.254/latest/user-data")),
        ("/mapped", to(&format!("http://[::ffff:127.0.0.2]:{}/drive", near.address.port()))),
    ])
    .await?;
    for location in [near.url("/drive"), "http://169.254.169.254/latest/".to_owned(), "https://[fe80::1]/".to_owned()] {
        let task = with_drive(&bench, &location)?;
        let told = Driver::of(&task.node)?.deploy.validate(&task).await;
        assert!(told.is_err_and(|error| error.to_string().contains("images.local_networks")), "{location}");
        assert!(refused(&bench, &location).await?.to_string().contains("images.local_networks"), "{location}");
    }
    for path in ["/near", "/twice", "/metadata", "/mapped"] {
        assert!(refused(&bench, &public.url(path)).await?.to_string().contains("images.local_networks"), "{path}");
    }
    assert_eq!(near.heads().len(), 0);
    Ok(())
}

/// Each may be long, and hundreds of machines may be deployed at once.
#[tokio::test]
async fn drives_take_no_more_memory_than_there_is_for_all_and_it_is_said_what_one_waits_for() -> Tested {
    let text = packed(&[5; 4096])?;
    let server = Server::start([("/drive", ok(text.as_bytes()))]).await?;
    for given in [text.clone(), server.url("/drive"), r#"{"meta_data": {"a": 1}}"#.to_owned()] {
        let bench = Bench::with_images().await?;
        let mut task = with_drive(&bench, &given)?;
        let (env, node, write) = (task.env.clone(), task.node.uuid, step(&task, "write_image")?);
        let client = AgentClient::of(&task).await?;
        let others = env.drive_room.take(&task, usize::MAX).await?;
        let (written, waited) = tokio::join!(Driver::of(&task.node)?.deploy.run_step(&mut task, &write), async {
            let looking = async {
                while !env.trace.of(&[Subject::Node(node)]).iter().any(|seen| seen.kind == Kind::DriveAwaited) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let seen = tokio::time::timeout(Duration::from_secs(60), looking).await;
            let sent = client.commands().await.map(|commands| commands.len());
            let until = env.trace.calls_end(node);
            drop(others);
            (seen, sent, until)
        });
        assert!(written.is_ok(), "{given}: {written:?}");
        assert!(matches!(waited, (Ok(()), Ok(0), Some(_))), "{given}: {waited:?}");
        assert_eq!(env.trace.calls_end(node), None, "nothing is waited for any more");
        let all = tokio::time::timeout(Duration::from_secs(60), env.drive_room.take(&task, usize::MAX)).await;
        assert!(matches!(all, Ok(Ok(_))), "{given}: its part was not given back");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_no_drive_is_refused_before_anything_is_written_and_not_shown() -> Tested {
    let bench = Bench::with_images().await?;
    let bomb = packed(&vec![0; (64 << 20) + 1])?;
    let plain = base64::engine::general_purpose::STANDARD.encode("s3cret");
    let endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\nAAAA".to_vec();
    let server = Server::start([
        ("/page", ok(b"<!DOCTYPE html> s3cret")),
        ("/plain", ok(plain.as_bytes())),
        ("/bomb", ok(bomb.as_bytes())),
        ("/empty", ok(b"")),
        ("/other", ok(b"http://127.0.0.1/s3cret")),
        ("/long", ok(&vec![b'A'; (64 << 20) + 1])),
        ("/part", head("206 Partial Content\r\nContent-Range: bytes 0-3/9\r\nContent-Length: 0")),
        ("/endless", Answer::Bytes(endless)),
    ])
    .await?;
    for path in ["/page", "/plain", "/bomb", "/empty", "/other", "/long", "/part", "/none"] {
        let why = refused(&bench, &server.url(path)).await?.to_string();
        assert!(why.contains("configdrive") && !why.contains("s3cret"), "{path}: {why}");
        assert_eq!(server.count(path), 1, "{path}");
        // What is too long is not read to its end, so nobody has looked at what it is.
        assert_eq!(why.contains("bytes"), path == "/long", "{path}: {why}");
    }
    let broken = refused(&bench, &server.url("/endless")).await?;
    assert!(matches!(&broken, DriverError::Unreachable(why) if why.contains("instance_info/configdrive")), "{broken}");
    assert_eq!(server.count("/endless"), 3, "what breaks off is asked for again");
    assert!(!bench.disk().exists() || !std::fs::read(bench.disk())?.contains(&7), "nothing was written");
    Ok(())
}

#[tokio::test]
async fn a_step_of_the_agent_s_own_is_shown_the_drive_and_not_its_address() -> Tested {
    let bench = Bench::with_images().await?;
    let text = packed(&[5; 4096])?;
    let server = Server::start([("/drive", ok(text.as_bytes()))]).await?;
    let mut task = with_drive(&bench, &server.url("/drive"))?;
    let own =
        Step { source: StepSource::Agent, ..Step::of_driver(InterfaceKind::Deploy, "erase_devices_metadata", 10) };
    assert_eq!(walk(&mut task, &own).await?, Outcome::Done);
    assert_eq!(bench.faults.drives_shown(), [text]);
    Ok(())
}

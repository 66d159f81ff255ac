//! Crowds, and clients that are slow on purpose: whoever is served else is served still.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bessemer::api::Listener;
use bessemer::api::admission::{ANSWER_BYTES, Class};
use bessemer::api::auth::Auth;
use bessemer::api::connections::Limits;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::service::{Client, LATEST, Outcome, Service};

/// How long something may take that happens at once.
const SOON: Duration = Duration::from_secs(60);
const HALF_A_HEAD: &[u8] = b"GET /v1/nodes HTTP/1.1\r\nHost: h";
const HALF_A_BODY: &[u8] = b"POST /v1/heartbeat HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{";

fn limits(connections: usize, each: usize) -> Limits {
    Limits { connections, each, ..Limits::default() }
}

/// Opens `count` connections, says the same on each, and keeps them.
async fn crowd(service: &Service, count: usize, says: &[u8]) -> Outcome<Vec<TcpStream>> {
    let mut crowd = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(service.address).await?;
        // Who is refused may notice here already.
        let _ = stream.write_all(says).await;
        crowd.push(stream);
    }
    Ok(crowd)
}

/// Whether the service has closed this connection, or does within a moment that is long enough for it to have done so.
async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    matches!(tokio::time::timeout(within, stream.read(&mut [0; 64])).await, Ok(Ok(0) | Err(_)))
}

async fn still_open(crowd: &mut [TcpStream]) -> usize {
    let mut open = 0;
    for stream in crowd {
        if !is_closed(stream, Duration::from_millis(1)).await {
            open += 1;
        }
    }
    open
}

async fn from(source: [u8; 4], to: SocketAddr, request: &[u8]) -> Outcome<String> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::from(source), 0))?;
    let mut stream = socket.connect(to).await?;
    stream.write_all(request).await?;
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(SOON, stream.read(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}

#[tokio::test]
async fn a_crowd_of_idle_and_half_said_connections_keeps_nobody_out() -> Outcome {
    for says in [&b""[..], HALF_A_HEAD] {
        let service = Service::start_within(Auth::None, Listener::Admin, limits(40, 40)).await?;
        let mut client = Client::new(service.address);
        assert_eq!(client.call(LATEST, "GET", "/v1/nodes", None).await?.status, 200);
        let mut crowd = crowd(&service, 200, says).await?;
        assert_eq!(service.get("/v1/nodes").await?.status, 200, "a newcomer");
        // Those that were idle for longest are closed, which takes a moment to be seen here.
        let mut closed = 0;
        while closed < 160 && is_closed(&mut crowd[closed], SOON).await {
            closed += 1;
        }
        assert_eq!(closed, 160);
        assert!(still_open(&mut crowd[160..]).await <= 40);
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_asks_now_and_then_keeps_its_connection_before_those_that_never_do() -> Outcome {
    let service = Service::start_within(Auth::None, Listener::Admin, limits(20, 20)).await?;
    let mut client = Client::new(service.address);
    let mut idle = Vec::new();
    for _ in 0..10 {
        idle.extend(crowd(&service, 8, b"").await?);
        // Its own connection: an error if it was closed.
        assert_eq!(client.call(LATEST, "GET", "/v1", None).await?.status, 200);
    }
    Ok(())
}

#[tokio::test]
async fn one_address_cannot_take_all_connections_though_it_is_in_the_middle_of_a_request_on_each() -> Outcome {
    let nothing: bessemer::api::server::Fallback = Arc::new(|_, _| Box::pin(async { hyper::Response::default() }));
    let listener = Listener::Provisioning(nothing);
    let service = Service::start_within(Auth::None, listener, limits(40, 10)).await?;
    let mut hostile = crowd(&service, 60, HALF_A_BODY).await?;
    let answer = from([127, 0, 0, 2], service.address, b"GET /v1 HTTP/1.1\r\nHost: h\r\n\r\n").await?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(still_open(&mut hostile).await <= 10);
    Ok(())
}

#[tokio::test]
async fn one_address_has_a_part_of_the_memory_for_machines_bodies() -> Outcome {
    let service = Service::start().await?;
    let announce = |bytes: usize| {
        format!(
            "POST /v1/continue_inspection HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {bytes}\r\n\r\n"
        )
    };
    let hostile = crowd(&service, 8, announce(16 << 20).as_bytes()).await?;
    let mut let_in = 0;
    for mut stream in hostile {
        let mut answer = [0; 12];
        tokio::time::timeout(SOON, stream.read_exact(&mut answer)).await??;
        let_in += usize::from(&answer == b"HTTP/1.1 100");
        if &answer == b"HTTP/1.1 100" {
            // It goes on holding what it has.
            let other = from([127, 0, 0, 3], service.address, announce(16 << 20).as_bytes()).await?;
            assert!(other.starts_with("HTTP/1.1 100"), "{other}");
            drop(stream);
        }
    }
    assert!(let_in >= 1, "nobody was let in");
    Ok(())
}

#[tokio::test]
async fn who_does_not_take_an_answer_is_cut_off() -> Outcome {
    let taken_within = Duration::from_secs(3);
    let service =
        Service::start_within(Auth::None, Listener::Admin, Limits { taken_within, ..Limits::default() }).await?;
    for _ in 0..15 {
        let node = json!({"driver": "fake-hardware", "extra": {"text": "x".repeat(900_000)}});
        assert_eq!(service.post("/v1/nodes", node).await?.status, 201);
    }
    let whole = 15 * 900_000;
    // Whether one was cut off is seen only by taking what is left. The table looks once a second, or later if it is busy.
    for pause in [5, 10, 20, 40] {
        let mut lazy = TcpStream::connect(service.address).await?;
        lazy.write_all(b"GET /v1/nodes/detail HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await?;
        // Long enough to see that the answer is under way, and not one byte more.
        lazy.readable().await?;
        let other = service.get("/v1/nodes/detail").await?;
        assert_eq!((other.status, other.json["nodes"].as_array().map(Vec::len)), (200, Some(15)));
        tokio::time::sleep(Duration::from_secs(pause)).await;
        let mut taken = Vec::new();
        let _ = tokio::time::timeout(SOON, lazy.read_to_end(&mut taken)).await?;
        if taken.len() < whole {
            return Ok(());
        }
    }
    Err("all of it arrived, however late it was taken".into())
}

#[tokio::test]
async fn a_page_of_large_objects_is_cut_short_and_goes_on_behind_its_last() -> Outcome {
    let service = Service::start().await?;
    for _ in 0..24 {
        let node = json!({"driver": "fake-hardware", "extra": {"text": "x".repeat(900_000)}});
        assert_eq!(service.post("/v1/nodes", node).await?.status, 201);
    }
    let (mut path, mut seen, mut pages) =
        ("/v1/nodes?fields=uuid,extra".to_owned(), std::collections::HashSet::new(), 0);
    while pages < 10 {
        let reply = service.get(&path).await?;
        let nodes = reply.json["nodes"].as_array().cloned().unwrap_or_default();
        assert!(nodes.len() < 24, "{} large nodes in one page", nodes.len());
        seen.extend(nodes.iter().map(|node| node["uuid"].to_string()));
        pages += 1;
        let Some(next) = reply.json["next"].as_str() else { break };
        path = next.split_once("/v1").map(|(_, rest)| format!("/v1{rest}")).unwrap_or_default();
    }
    assert_eq!((seen.len(), pages), (24, 2));
    Ok(())
}

#[tokio::test]
async fn heartbeats_are_served_ahead_of_a_crowd_that_lists() -> Outcome {
    const CLIENTS: usize = 32;
    const BEATS: usize = 10;
    let service = Service::start().await?;
    let node = service.free_nodes(300).await?[0];
    let listed = Arc::new(AtomicUsize::new(0));
    let mut crowd = JoinSet::new();
    for _ in 0..CLIENTS {
        let (mut client, listed) = (Client::new(service.address), listed.clone());
        crowd.spawn(async move {
            while let Ok(reply) = client.call(LATEST, "GET", "/v1/nodes/detail", None).await {
                assert!(matches!(reply.status, 200 | 503), "{reply:?}");
                // Who is told to come back has not been served; on a busy machine that is many.
                if reply.status == 200 {
                    listed.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
    }
    let begun = async {
        while listed.load(Ordering::SeqCst) < CLIENTS {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, begun).await?;
    let before = listed.load(Ordering::SeqCst);
    let mut machine = Client::new(service.address);
    for _ in 0..BEATS {
        // A read, and a write that refuses: nobody expects this machine.
        let beat = json!({"callback_url": "http://127.0.0.1:9999", "agent_token": "nobody's"});
        let reply = machine.call(LATEST, "POST", &format!("/v1/heartbeat/{node}"), Some(beat)).await?;
        assert!((400..500).contains(&reply.status), "{reply:?}");
    }
    let meanwhile = listed.load(Ordering::SeqCst) - before;
    crowd.shutdown().await;
    // In one line with them, each would have waited for all that stood before it.
    assert!(meanwhile < BEATS * CLIENTS * 3 / 4, "{meanwhile} lists were answered during {BEATS} calls of a machine");
    Ok(())
}

/// Takes all the places that a class has for one address.
async fn all_places(service: &Service, class: Class) -> Vec<bessemer::api::fair::Share> {
    let mut held = Vec::new();
    let place = || service.state.admission.enter(class, IpAddr::from([127, 0, 0, 1]));
    while let Ok(Ok(share)) = tokio::time::timeout(Duration::ZERO, place()).await {
        held.push(share);
        assert!(held.len() < 10_000, "{class:?} has no bound");
    }
    held
}

#[tokio::test]
async fn who_finds_all_places_taken_is_told_when_to_come_back_and_all_others_are_served() -> Outcome {
    let service = Service::start().await?;
    let held = all_places(&service, Class::Read).await;
    let reply = service.get("/v1/nodes/x").await?;
    assert!(reply.status == 503 && reply.fault().contains("Try again"), "{reply:?}");
    assert!(reply.headers.get("retry-after").is_some_and(|secs| secs.parse::<u64>().is_ok_and(|secs| secs > 0)));
    assert_eq!(service.get("/v1/nodes").await?.status, 200);
    drop(held);
    assert_eq!(service.get("/v1/nodes/x").await?.status, 404);
    // What machines fetch counts, too, and one address has a part.
    let nothing: bessemer::api::server::Fallback = Arc::new(|_, _| Box::pin(async { hyper::Response::default() }));
    let service = Service::start_as(Auth::None, Listener::Provisioning(nothing)).await?;
    let _held = all_places(&service, Class::Machine).await;
    let request = b"GET /boot.ipxe HTTP/1.1\r\nHost: h\r\n\r\n";
    let refused = from([127, 0, 0, 1], service.address, request).await?;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: "), "{refused}");
    assert!(from([127, 0, 0, 2], service.address, request).await?.starts_with("HTTP/1.1 200"));
    Ok(())
}

#[tokio::test]
async fn an_answer_for_which_there_is_no_memory_waits_and_then_its_client_is_told_to_come_back() -> Outcome {
    let service = Service::start().await?;
    let node = json!({"name": "large", "driver": "fake-hardware", "extra": {"text": "x".repeat(200_000)}});
    assert_eq!(service.post("/v1/nodes", node).await?.status, 201);
    // Something is left, and not enough.
    let here = IpAddr::from([127, 0, 0, 1]);
    let answers = &service.state.admission.answers;
    let others = answers.enter(here, ANSWER_BYTES - 100_000).await;
    assert!(others.is_ok());
    let reply = service.get("/v1/nodes/large").await?;
    assert!(reply.status == 503 && reply.fault().contains("memory"), "{} {}", reply.status, reply.fault());
    assert_eq!(reply.headers.get("retry-after").map(String::as_str), Some("2"), "nobody else stands there");
    // The longer the line, the later it shall come back.
    let mut line = JoinSet::new();
    for _ in 0..9 {
        let state = service.state.clone();
        line.spawn(async move { while state.admission.answers.enter(here, 200_000).await.is_err() {} });
    }
    let late = service.get("/v1/nodes/large").await?;
    line.shutdown().await;
    let told = late.headers.get("retry-after").and_then(|secs| secs.parse::<u64>().ok());
    assert!(told.is_some_and(|secs| secs >= 6), "{told:?}");
    assert_eq!(service.get("/v1/nodes").await?.status, 200, "small ones do not count");
    drop(others);
    assert_eq!(service.get("/v1/nodes/large").await?.status, 200);
    assert_eq!(answers.left(), ANSWER_BYTES, "what was taken has been given back");
    Ok(())
}

#[tokio::test]
async fn a_head_without_an_end_is_not_kept() -> Outcome {
    let service = Service::start().await?;
    let request = format!("GET /v1 HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(256 << 10));
    // Who still writes when the connection is closed may see no answer at all.
    let answer = from([127, 0, 0, 1], service.address, request.as_bytes()).await.unwrap_or_default();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    Ok(())
}

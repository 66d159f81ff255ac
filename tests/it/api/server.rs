//! The server itself: versions, limits, envelopes, garbage, authentication, two listeners, stopping.

use std::time::Duration;

use bessemer::api::auth::Auth;
use bessemer::clock::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::service::{LATEST, Outcome, Service};

/// What the service answers to these bytes, until the answer is whole or the connection is closed.
async fn raw(service: &Service, bytes: &[u8]) -> Outcome<String> {
    let mut stream = TcpStream::connect(service.address).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&answer) {
        // A connection that is reset has ended, too.
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read(&mut buffer)).await?.unwrap_or(0);
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether the head has been read, and a body of the length that it says.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    length.is_some_and(|length: usize| answer.len() >= end + 4 + length)
}

fn request(head: &str, body: &str) -> Vec<u8> {
    format!("{head}\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn errors_are_double_encoded_in_one_of_two_forms() -> Outcome {
    let service = Service::start().await?;
    for (method, path, status, key) in [
        ("GET", "/v2", 404, "title"),
        ("GET", "/v1/nothing", 404, "title"),
        ("DELETE", "/v1/drivers", 405, "title"),
        ("GET", "/v1/nodes/bad%20name", 400, "title"),
        ("GET", "/v1/nodes/nobody", 404, "faultstring"),
        ("GET", "/v1/nodes/nobody/bogus", 404, "faultstring"),
        ("GET", "/v1?x=1", 400, "faultstring"),
    ] {
        let reply = service.call(LATEST, method, path, None).await?;
        assert_eq!(reply.status, status, "{path}");
        let inner: Value = serde_json::from_str(reply.json["error_message"].as_str().unwrap_or_default())?;
        assert!(inner.get(key).is_some(), "{path}: {inner}");
        assert!(reply.headers.contains_key("openstack-request-id"));
    }
    let reply = service.call(LATEST, "DELETE", "/v1/drivers", None).await?;
    assert_eq!(reply.headers["allow"], "GET");
    Ok(())
}

#[tokio::test]
async fn the_version_headers_let_a_client_negotiate() -> Outcome {
    let service = Service::start().await?;
    let good = service.call("1.50", "GET", "/v1/nodes", None).await?;
    assert_eq!(good.headers["x-openstack-ironic-api-version"], "1.50");
    let beyond = service.call("1.999", "GET", "/v1/nodes", None).await?;
    assert_eq!((beyond.status, beyond.headers["x-openstack-ironic-api-maximum-version"].as_str()), (406, "1.115"));
    assert!(!beyond.headers.contains_key("x-openstack-ironic-api-version"));
    let nonsense = service.call("abc", "GET", "/v1/nodes", None).await?;
    assert_eq!(nonsense.status, 406);
    assert!(!nonsense.headers.contains_key("x-openstack-ironic-api-maximum-version"));
    let none = raw(&service, &request("GET /v1/nodes HTTP/1.1", "")).await?;
    assert!(none.to_ascii_lowercase().contains("x-openstack-ironic-api-version: 1.1\r\n"), "{none}");
    let other = raw(&service, &request("GET /v1/nodes HTTP/1.1\r\nOpenStack-API-Version: baremetal 1.61", "")).await?;
    assert!(other.to_ascii_lowercase().contains("x-openstack-ironic-api-version: 1.61\r\n"), "{other}");
    Ok(())
}

#[tokio::test]
async fn bodies_are_bounded_in_size_and_depth_and_must_be_json() -> Outcome {
    let service = Service::start().await?;
    let deep = format!("{}{}", "[".repeat(26), "]".repeat(26));
    for (body, status) in [("{", 400), ("{\"driver\": \"fake-hardware\",}", 400), (deep.as_str(), 400), ("", 400)] {
        let answer = raw(&service, &request("POST /v1/nodes HTTP/1.1", body)).await?;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{body}: {answer}");
    }
    let announced = "POST /v1/nodes HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n";
    let answer = raw(&service, announced.as_bytes()).await?;
    assert!(answer.starts_with("HTTP/1.1 413"), "refused before it is sent: {answer}");
    assert!(answer.contains("faultstring") && !answer.contains("error_message"), "not wrapped: {answer}");
    let node = service.post("/v1/nodes", json!({"driver": "fake-hardware"})).await?.json["uuid"].clone();
    let large = json!({"target": "manage", "configdrive": "x".repeat(2 << 20)});
    let path = format!("/v1/nodes/{}/states/provision", node.as_str().unwrap_or_default());
    let reply = service.call(LATEST, "PUT", &path, Some(large)).await?;
    assert_eq!(reply.status, 400, "large enough for a config drive, but manage takes none: {reply:?}");
    Ok(())
}

#[tokio::test]
async fn all_bodies_together_are_bounded_and_large_ones_keep_small_ones_and_machines_from_nothing() -> Outcome {
    let service = Service::start().await?;
    let announce = async |path: &str, bytes: usize| {
        let mut stream = TcpStream::connect(service.address).await?;
        let head = format!("{path} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {bytes}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        Outcome::Ok(stream)
    };
    let told = async |stream: &mut TcpStream| {
        let mut answer = vec![0; 512];
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read(&mut answer)).await??;
        Outcome::Ok(String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase())
    };
    let provision = "PUT /v1/nodes/nobody/states/provision";
    let mut holders = vec![announce(provision, 64 << 20).await?, announce(provision, 64 << 20).await?];
    for holder in &mut holders {
        assert!(told(holder).await?.starts_with("http/1.1 100"), "there is room for two config drives");
    }
    let refused = told(&mut announce(provision, 2 << 20).await?).await?;
    assert!(refused.starts_with("http/1.1 503") && refused.contains("retry-after: 2\r\n"), "{refused}");
    // Small bodies and machines' reports are not in their way.
    assert_eq!(service.post("/v1/nodes", json!({"driver": "fake-hardware"})).await?.status, 201);
    let report = told(&mut announce("POST /v1/continue_inspection", 16 << 20).await?).await?;
    assert!(report.starts_with("http/1.1 100"), "{report}");
    // Who waits gets the room that another gives back.
    let mut waiting = announce(provision, 2 << 20).await?;
    holders.pop();
    let answer = told(&mut waiting).await?;
    assert!(answer.starts_with("http/1.1 100"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_chunked_body_beyond_the_limit_is_cut_off() -> Outcome {
    let service = Service::start().await?;
    let mut bytes = b"POST /v1/nodes HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        bytes.extend_from_slice(b"10000\r\n");
        bytes.extend(std::iter::repeat_n(b' ', 0x10000));
        bytes.extend_from_slice(b"\r\n");
    }
    let mut stream = TcpStream::connect(service.address).await?;
    // The service may close while we still write.
    let _ = stream.write_all(&bytes).await;
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer).await;
    assert!(read.is_err() || &answer == b"HTTP/1.1 413", "{:?}", String::from_utf8_lossy(&answer));
    Ok(())
}

#[tokio::test]
async fn garbage_is_answered_or_dropped_and_harms_nobody() -> Outcome {
    let service = Service::start().await?;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"GET\r\n\r\n",
        b"GET /%ff%fe/../nodes?%zz=%&& HTTP/1.1\r\nHost: \"<x>\r\n\r\n",
    ] {
        let answer = raw(&service, bytes).await?;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(service.get("/v1/nodes").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_client_that_takes_no_json_is_told_so() -> Outcome {
    let service = Service::start().await?;
    let html = raw(&service, &request("GET /v1/nodes HTTP/1.1\r\nAccept: text/html", "")).await?;
    assert!(html.starts_with("HTTP/1.1 406"), "{html}");
    let any = raw(&service, &request("GET /v1/nodes HTTP/1.1\r\nAccept: text/html, */*;q=0.1", "")).await?;
    assert!(any.starts_with("HTTP/1.1 200"), "{any}");
    let head = raw(&service, &request("HEAD /v1/nodes HTTP/1.1", "")).await?;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    Ok(())
}

#[tokio::test]
async fn http_basic_asks_for_a_user_of_the_file_except_where_machines_call() -> Outcome {
    use base64::Engine as _;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("htpasswd");
    // Cost 4: the slowness of bcrypt is not what is tested.
    std::fs::write(&file, format!("admin:{}\n", bcrypt::hash("secret", 4)?))?;
    let service = Service::start_with(Auth::basic(file.clone(), Clock::system())).await?;
    let status = async |path: &str, authorization: Option<String>| {
        let header = authorization.map(|value| format!("\r\nAuthorization: {value}")).unwrap_or_default();
        let answer = raw(&service, &request(&format!("GET {path} HTTP/1.1{header}"), "")).await?;
        Outcome::Ok((answer.get(9..12).unwrap_or_default().to_owned(), answer))
    };
    let basic = |pair: &str| Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)));
    assert_eq!(status("/v1/nodes", basic("admin:secret")).await?.0, "200");
    assert_eq!(status("/v1/nodes", basic("admin:secret")).await?.0, "200", "and again, from memory");
    for (authorization, expected) in [
        (None, "401"),
        (basic("admin:wrong"), "401"),
        (basic("nobody:secret"), "401"),
        (Some("Bearer x".to_owned()), "401"),
        (Some("Basic %%%".to_owned()), "400"),
        (basic("no colon"), "400"),
    ] {
        let (got, answer) = status("/v1/nodes", authorization.clone()).await?;
        assert_eq!(got, expected, "{authorization:?}");
        assert!(answer.to_ascii_lowercase().contains("www-authenticate: basic"), "{answer}");
        assert!(answer.contains("{\"error\":") && !answer.contains("error_message"), "{answer}");
    }
    for (path, expected) in [("/", "200"), ("/v1", "200"), ("/v1/lookup", "404"), ("/v1/nothing", "401")] {
        assert_eq!(status(path, None).await?.0, expected, "{path}");
    }
    // A user who is taken out of the file is out within a second.
    std::fs::write(&file, format!("somebody:{}\n", bcrypt::hash("else", 4)?))?;
    let gone = async {
        while status("/v1/nodes", basic("admin:secret")).await?.0 != "401" {
            tokio::task::yield_now().await;
        }
        Outcome::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await??;
    Ok(())
}

#[tokio::test]
async fn machines_reach_only_what_they_need_and_the_rest_is_the_boot_servers() -> Outcome {
    use bessemer::api::{Listener, server::Body};
    use http_body_util::{BodyExt as _, Full};
    let fallback: bessemer::api::server::Fallback = std::sync::Arc::new(|request, _peer| {
        Box::pin(async move {
            let text = format!("boot {}", request.uri().path());
            let body: Body = Full::new(text.into()).map_err(|never| match never {}).boxed_unsync();
            hyper::Response::new(body)
        })
    });
    let service = Service::start_as(Auth::None, Listener::Provisioning(fallback)).await?;
    let mut served = Vec::new();
    for route in bessemer::api::surface::routes::ROUTES {
        let path: String = route
            .path
            .split_inclusive('/')
            .map(|part| if part.starts_with('{') { "7c0e1d5c-0000-4000-8000-000000000001/" } else { part })
            .collect();
        // Clients may leave the version out, or end a path in a slash or in what its content is called.
        let path = path.trim_end_matches('/');
        let bare = path.strip_prefix("/v1").unwrap_or(path);
        for path in [format!("{path}/"), format!("{path}.json"), path.to_owned(), bare.to_owned()] {
            let path = if path.is_empty() { "/".to_owned() } else { path };
            let line = format!("{} {path} HTTP/1.1", route.method.as_str());
            let answer = raw(&service, &request(&line, "{}")).await?;
            let fell_through = answer.contains(&format!("boot {path}"));
            let public = route.reach == bessemer::api::surface::Reach::Public;
            assert!(fell_through || answer.starts_with("HTTP/1.1 405") || public, "{line}: {answer}");
            if !fell_through && public && !served.contains(&route.path) {
                served.push(route.path);
            }
        }
    }
    let needed = ["/", "/v1", "/v1/lookup", "/v1/heartbeat", "/v1/heartbeat/{node}", "/v1/continue_inspection"];
    served.sort_unstable();
    let mut expected = needed.to_vec();
    expected.sort_unstable();
    assert_eq!(served, expected);
    for path in [
        "/v1/lookup/../nodes",
        "/v1/./nodes",
        "//v1/nodes",
        "/v1//nodes",
        "/v1/%6eodes",
        "/%76%31/nodes",
        "/v1/nodes%2f",
        "/V1/nodes",
        "/bessemer/v1/events",
        "/bessemer/v1/openapi.json",
    ] {
        let answer = raw(&service, &request(&format!("GET {path} HTTP/1.1"), "")).await?;
        assert!(answer.contains("boot ") && !answer.contains("\"nodes\""), "{path}: {answer}");
    }
    let absolute = raw(&service, &request("GET http://admin.example:6385/v1/nodes HTTP/1.1", "")).await?;
    assert!(absolute.contains("boot /v1/nodes"), "{absolute}");
    for (path, expected) in [
        ("/", "OpenStack"),
        ("/v1", "media_types"),
        ("/v1/lookup?addresses=52:54:00:00:00:01", "error_message"),
        ("/v1/nodes", "boot /v1/nodes"),
        ("/v1/allocations", "boot /v1/allocations"),
        ("/boot.ipxe", "boot /boot.ipxe"),
    ] {
        let answer = raw(&service, &request(&format!("GET {path} HTTP/1.1"), "")).await?;
        assert!(answer.contains(expected), "{path}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stopping_server_ends_the_request_in_progress_and_takes_no_more() -> Outcome {
    let mut service = Service::start().await?;
    let mut busy = TcpStream::connect(service.address).await?;
    let body = "{\"driver\": \"fake-hardware\"}";
    let head = format!("POST /v1/nodes HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
    // Half of the body, so that the request is in progress when the server is told to stop.
    busy.write_all(head.as_bytes()).await?;
    busy.write_all(&body.as_bytes()[..5]).await?;
    let mut idle = TcpStream::connect(service.address).await?;
    idle.write_all(&request("GET / HTTP/1.1", "")).await?;
    let mut all = Vec::new();
    idle.read_to_end(&mut all).await?;
    service.stop();
    busy.write_all(&body.as_bytes()[5..]).await?;
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(60), busy.read_to_end(&mut answer)).await??;
    assert!(answer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&answer));
    assert!(TcpStream::connect(service.address).await.is_err(), "nobody listens any more");
    Ok(())
}

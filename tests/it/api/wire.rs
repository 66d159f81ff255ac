//! Bytes on the provisioning listener that two readers could read differently, and paths and hosts that are not what they
//! look like. Whatever they are, one request is one request, and none of them is the admin API's.

use std::time::Duration;

use bessemer::api::Listener;
use bessemer::api::auth::Auth;
use bessemer::api::server::{Body, Fallback};
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::service::{Outcome, Service};

/// A listener that says of everything that is not the API's which path was asked for.
async fn listener() -> Outcome<Service> {
    let fallback: Fallback = std::sync::Arc::new(|request, _peer| {
        Box::pin(async move {
            let text = format!("boot <{}>", request.uri().path());
            let body: Body = Full::new(text.into()).map_err(|never| match never {}).boxed_unsync();
            hyper::Response::new(body)
        })
    });
    let service = Service::start_as(Auth::None, Listener::Provisioning(fallback)).await?;
    // What a leak would show.
    service.free_nodes(1).await?;
    Ok(service)
}

/// Everything that is answered, until the connection is closed. Our side says that it sends no more.
async fn answers(service: &Service, bytes: &[u8]) -> Outcome<String> {
    let mut stream = TcpStream::connect(service.address).await?;
    // It may be closed while we still write.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    // A reset is an end, too.
    let _ = read.map_err(|_| format!("never closed: {}", String::from_utf8_lossy(bytes)))?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn count(answer: &str) -> usize {
    answer.matches("HTTP/1.1 ").count()
}

/// A request that must not be seen as one.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";

#[tokio::test]
async fn a_request_with_two_lengths_or_none_that_is_sure_ends_the_connection() -> Outcome {
    let service = listener().await?;
    let (length, over) = (HIDDEN.len(), HIDDEN.len() + 10);
    for (name, head) in [
        (
            "two lengths",
            format!(
                "POST /v1/heartbeat HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: {length}\r\n\r\n{HIDDEN}"
            ),
        ),
        (
            "two lengths, the other way round",
            format!(
                "POST /v1/heartbeat HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\nContent-Length: 0\r\n\r\n{HIDDEN}"
            ),
        ),
        ("a list of lengths", format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0, {length}\r\n\r\n{HIDDEN}")),
        ("a length with a sign", format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n{HIDDEN}")),
        ("a negative length", format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n{HIDDEN}")),
        ("a hexadecimal length", format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n{HIDDEN}")),
        (
            "a length beyond numbers",
            format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n{HIDDEN}"),
        ),
        (
            "length and chunks",
            format!(
                "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: {over}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"
            ),
        ),
        (
            "chunks and length",
            format!(
                "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{HIDDEN}"
            ),
        ),
        ("chunks that are none", format!("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n{HIDDEN}")),
        (
            "chunks that are not last",
            format!("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{HIDDEN}"),
        ),
        (
            "chunks in HTTP/1.0",
            format!("POST /x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}"),
        ),
        (
            "a folded header",
            format!("POST /x HTTP/1.1\r\nHost: h\r\nX: y\r\n Content-Length: {length}\r\n\r\n{HIDDEN}"),
        ),
        (
            "a blank before the colon",
            format!("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length : {length}\r\n\r\n{HIDDEN}"),
        ),
        ("a NUL in a header", format!("GET /x HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n{HIDDEN}")),
        ("a CR in a header", format!("GET /x HTTP/1.1\r\nHost: h\r\nX: a\r{HIDDEN}")),
        (
            "a chunk that is too long",
            format!(
                "POST /v1/continue_inspection HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\n{HIDDEN}"
            ),
        ),
        (
            "a chunk that is longer than it says",
            format!(
                "POST /v1/continue_inspection HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{HIDDEN}"
            ),
        ),
        ("another version", format!("GET /x HTTP/9.9\r\nHost: h\r\n\r\n{HIDDEN}")),
        ("HTTP/2", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{HIDDEN}")),
    ] {
        let answer = answers(&service, head.as_bytes()).await?;
        assert!(!answer.contains("</hidden>"), "{name}: {answer}");
        assert!(count(&answer) <= 1, "{name}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_not_the_next_request() -> Outcome {
    let service = listener().await?;
    for (path, code) in [("/x", "200"), ("/boot.ipxe", "200"), ("/v1/nodes", "200"), ("/v1/lookup", "404")] {
        let body = HIDDEN.repeat(100);
        let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let answer = answers(&service, head.as_bytes()).await?;
        assert!(answer.starts_with(&format!("HTTP/1.1 {code}")) && count(&answer) == 1, "{path}: {answer}");
    }
    Ok(())
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_that_row_and_each_as_if_alone() -> Outcome {
    let service = listener().await?;
    let paths: Vec<String> =
        (0..100).map(|n| if n % 2 == 0 { format!("/boot/{n}") } else { "/v1/nodes".into() }).collect();
    let mut all: String = paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).collect();
    // The first is public, which gives the others no more.
    all.insert_str(0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let answer = answers(&service, all.as_bytes()).await?;
    assert_eq!(count(&answer), 101);
    let seen: Vec<&str> = answer.split("boot <").skip(1).filter_map(|part| part.split('>').next()).collect();
    assert_eq!(seen, paths);
    assert!(!answer.contains("node-0"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn no_host_form_or_header_makes_a_request_one_of_the_admin_api_s() -> Outcome {
    let service = listener().await?;
    let port = service.address.port();
    for head in [
        format!("GET http://127.0.0.1:{port}/v1/nodes HTTP/1.1\r\nHost: h"),
        "GET http://admin.example:6385/v1/nodes HTTP/1.1\r\nHost: admin.example:6385".into(),
        "GET https://user:word@admin.example/v1/nodes HTTP/1.1\r\nHost: h".into(),
        "GET //admin.example/v1/nodes HTTP/1.1\r\nHost: h".into(),
        "GET /v1/nodes HTTP/1.1\r\nHost: 127.0.0.1:6385".into(),
        "GET /v1/nodes HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1:6385".into(),
        "GET /v1/nodes HTTP/1.1".into(),
        "GET /v1/nodes HTTP/1.0".into(),
        "GET /v1/lookup HTTP/1.1\r\nHost: h\r\nX-Original-URL: /v1/nodes\r\nX-Rewrite-URL: /v1/nodes".into(),
        "GET /v1/nodes HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1;host=admin".into(),
        "POST /v1/lookup HTTP/1.1\r\nHost: h\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0".into(),
        "GET /v1/nodes HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk".into(),
        "GET /v1/nodes HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YWRtaW46YWRtaW4=".into(),
        "CONNECT 127.0.0.1:6385 HTTP/1.1\r\nHost: h".into(),
        "OPTIONS * HTTP/1.1\r\nHost: h".into(),
        "TRACE /v1/nodes HTTP/1.1\r\nHost: h\r\nCookie: secret-of-a-browser".into(),
        "get /v1/nodes HTTP/1.1\r\nHost: h".into(),
        "GET /v1/lookup?addresses=x#/../nodes HTTP/1.1\r\nHost: h".into(),
        "GET /v1/lookup/..;/nodes HTTP/1.1\r\nHost: h".into(),
        "GET /v1/lookup%2f..%2fnodes HTTP/1.1\r\nHost: h".into(),
        "GET /v1/lookup/%2e%2e/nodes HTTP/1.1\r\nHost: h".into(),
        "GET /v1/lookup\\..\\nodes HTTP/1.1\r\nHost: h".into(),
        "GET /boot/../v1/nodes HTTP/1.1\r\nHost: h".into(),
        "GET /nodes HTTP/1.1\r\nHost: h".into(),
        "GET /v1/nodes/node-0 HTTP/1.1\r\nHost: h".into(),
        "PUT /v1/nodes/node-0/states/power HTTP/1.1\r\nHost: h\r\nContent-Length: 0".into(),
        "DELETE /v1/nodes/node-0 HTTP/1.1\r\nHost: h".into(),
        "GET /bessemer/v1/nodes/node-0/why HTTP/1.1\r\nHost: h".into(),
        "DELETE /bessemer/v1/hold HTTP/1.1\r\nHost: h".into(),
        "GET /bessemer/v1/backups HTTP/1.1\r\nHost: h".into(),
    ] {
        let answer = answers(&service, format!("{head}\r\n\r\n").as_bytes()).await?;
        let shows = ["node-0\"", "\"nodes\":[", "was_held", "secret-of-a-browser", "HTTP/1.1 101", "HTTP/1.1 202", "HTTP/1.1 204"];
        assert!(shows.iter().all(|it| !answer.contains(it)), "{head}: {answer}");
        assert!(count(&answer) <= 1, "{head}: {answer}");
    }
    // Lines that end without a CR are read as lines, and are the same requests.
    let answer = answers(&service, b"GET /v1/nodes HTTP/1.1\nHost: h\n\nGET /v1/nodes HTTP/1.1\nHost: h\n\n").await?;
    assert_eq!(answer.matches("boot </v1/nodes>").count(), count(&answer), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused_before_it_ends() -> Outcome {
    let service = listener().await?;
    let long = "a".repeat(40 << 10);
    for head in [
        format!("GET /{long} HTTP/1.1\r\nHost: h\r\n"),
        format!("GET / HTTP/1.1\r\nHost: h\r\nX: {long}\r\n"),
        format!("GET / HTTP/1.1\r\nHost: h\r\n{}", "X: y\r\n".repeat(2_000)),
        format!("{long} / HTTP/1.1\r\nHost: h\r\n"),
    ] {
        // No end of the head: what is refused is refused for its length.
        let mut stream = TcpStream::connect(service.address).await?;
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        let answer = String::from_utf8_lossy(&answer);
        let short: String = head.chars().take(30).collect();
        assert!(read.is_ok(), "{short}: not closed: {answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{short}: {answer}");
    }
    Ok(())
}

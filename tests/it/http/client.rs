//! Bounds: redirects, sizes, times, and lengths that lie.

use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::net::http::{Client, HttpError, Request, Url};
use hyper::header::{AUTHORIZATION, HeaderValue};

use super::scripted::{Answer, Server, head, ok};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn client() -> Client {
    Client::new(Net::system(), Clock::system())
}

/// What would not end fails, and says so.
async fn within<T>(asked: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::time::timeout(Duration::from_secs(60), asked).await.map_err(|_| "a server that says nothing holds us")?)
}

fn get(url: &str) -> Result<Request> {
    Ok(Request::get(Url::parse(url)?))
}

#[tokio::test]
async fn redirects_are_followed_and_a_circle_is_refused() -> Result {
    let server = Server::start([
        ("/a", head("302 Found\r\nLocation: /b\r\nContent-Length: 0")),
        ("/b", head("301 Moved\r\nLocation: c\r\nContent-Length: 0")),
        ("/c", ok(b"here")),
        ("/loop", head("307 Again\r\nLocation: /loop\r\nContent-Length: 0")),
    ])
    .await?;
    let body = client().send(get(&server.url("/a"))?).await?.bytes().await?;
    assert_eq!(&body[..], b"here");
    let looped = client().send(get(&server.url("/loop"))?).await;
    assert!(matches!(looped, Err(HttpError::TooManyRedirects)));
    assert_eq!(server.count("/loop"), 6);
    Ok(())
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() -> Result {
    let other = Server::start([("/x", ok(b""))]).await?;
    let moved = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", other.url("/x"));
    let first = Server::start([("/a", Answer::Bytes(moved.into_bytes()))]).await?;
    let mut request = get(&first.url("/a"))?;
    request.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer t0ken"));
    client().send(request).await?;
    assert!(first.heads()[0].contains("t0ken"));
    assert!(!other.heads()[0].contains("t0ken"));
    Ok(())
}

#[tokio::test]
async fn a_body_shorter_than_announced_is_a_lost_answer() -> Result {
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".to_vec();
    let server = Server::start([("/short", Answer::Bytes(short))]).await?;
    let answer = client().send(get(&server.url("/short"))?).await?.bytes().await;
    assert!(matches!(answer, Err(HttpError::Lost(_))), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_body_longer_than_allowed_is_cut_off_while_it_comes() -> Result {
    let server = Server::start([("/big", ok(&[7; 100_000]))]).await?;
    let mut request = get(&server.url("/big"))?;
    request.limits.body_bytes = 1_000;
    let answer = client().send(request).await?.bytes().await;
    assert!(matches!(answer, Err(HttpError::TooLarge { limit_bytes: 1_000 })), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_says_nothing_or_stops_midway_does_not_hold_us() -> Result {
    let partial = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
    let server = Server::start([("/silent", Answer::Stall(vec![])), ("/half", Answer::Stall(partial))]).await?;
    let mut request = get(&server.url("/silent"))?;
    request.limits.first_byte = Duration::from_millis(50);
    let silent = within(client().send(request)).await?.map(|_| ());
    assert!(silent.is_err_and(|error| error.maybe_acted_on()));
    let mut request = get(&server.url("/half"))?;
    request.limits.idle = Duration::from_millis(50);
    let half = within(client().send(request).await?.bytes()).await?;
    assert!(matches!(half, Err(HttpError::Lost(_))), "{half:?}");
    Ok(())
}

#[tokio::test]
async fn a_slow_but_steady_body_arrives() -> Result {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n".to_vec();
    bytes.extend([b'x'; 50]);
    let server = Server::start([("/slow", Answer::Slow(bytes, 9, Duration::from_millis(2)))]).await?;
    let body = client().send(get(&server.url("/slow"))?).await?.bytes().await?;
    assert_eq!(body.len(), 50);
    Ok(())
}

#[tokio::test]
async fn a_closed_port_means_that_nothing_was_asked() -> Result {
    let listener = Net::system().listen(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    drop(listener);
    let refused = client().send(get(&format!("http://{address}/"))?).await.map(|_| ());
    assert!(refused.is_err_and(|error| error.retryable() && !error.maybe_acted_on()));
    Ok(())
}

#[tokio::test]
async fn answers_that_are_not_http_are_errors() -> Result {
    for garbage in [
        &b"\x00\xff\x00"[..],
        b"HTTP/1.1",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    ] {
        let server = Server::start([("/", Answer::Bytes(garbage.to_vec()))]).await?;
        let answer = client().send(get(&server.url("/"))?).await.map(|_| ());
        assert!(answer.is_err(), "{garbage:?}");
    }
    Ok(())
}

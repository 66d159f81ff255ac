//! A server that answers raw bytes per path, so that it can lie as no real server library would.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bessemer::net::Net;
use bessemer::net::TcpStream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

/// What to do with a request.
#[derive(Clone)]
pub enum Answer {
    /// These bytes, then close.
    Bytes(Vec<u8>),
    /// These bytes, then nothing, holding the connection open.
    Stall(Vec<u8>),
    /// Head, then the body in pieces of this many bytes with this pause between them.
    Slow(Vec<u8>, usize, Duration),
}

/// A server on loopback. Stops when dropped.
pub struct Server {
    pub address: SocketAddr,
    /// Request heads as they came.
    seen: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Serves `answers` by path without query; 404 otherwise.
    pub async fn start(answers: impl IntoIterator<Item = (&'static str, Answer)>) -> std::io::Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST, answers).await
    }

    /// The same on another address of this machine.
    pub async fn start_at(
        address: Ipv4Addr,
        answers: impl IntoIterator<Item = (&'static str, Answer)>,
    ) -> std::io::Result<Self> {
        Self::start_on(&Net::system(), SocketAddr::from((address, 0)), answers).await
    }

    /// The same on any network.
    pub async fn start_on(
        net: &Net,
        at: SocketAddr,
        answers: impl IntoIterator<Item = (&'static str, Answer)>,
    ) -> std::io::Result<Self> {
        let listener = net.listen(at).await?;
        let address = listener.local_addr()?;
        let answers: HashMap<_, _> = answers.into_iter().collect();
        let seen = Arc::new(Mutex::new(vec![]));
        let mut tasks = JoinSet::new();
        let log = seen.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, answers.clone(), log.clone()));
            }
        });
        Ok(Server { address, seen, _tasks: tasks })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many requests came for `path`.
    pub fn count(&self, path: &str) -> usize {
        self.heads().iter().filter(|head| head.split(' ').nth(1) == Some(path)).count()
    }

    pub fn heads(&self) -> Vec<String> {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }
}

/// `200` with a length and this body.
pub fn ok(body: &[u8]) -> Answer {
    let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    Answer::Bytes(bytes)
}

/// Any answer without a body.
pub fn head(text: &str) -> Answer {
    Answer::Bytes(format!("HTTP/1.1 {text}\r\n\r\n").into_bytes())
}

async fn serve(mut stream: TcpStream, answers: HashMap<&'static str, Answer>, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = vec![];
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|n| n == 1) {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
    if let Ok(mut seen) = seen.lock() {
        seen.push(request);
    }
    let missing = head("404 Not Found\r\nContent-Length: 0");
    match answers.get(path.as_str()).unwrap_or(&missing) {
        Answer::Bytes(bytes) => drop(stream.write_all(bytes).await),
        Answer::Stall(bytes) => {
            drop(stream.write_all(bytes).await);
            std::future::pending::<()>().await;
        }
        Answer::Slow(bytes, piece, pause) => {
            for piece in bytes.chunks(*piece) {
                if stream.write_all(piece).await.is_err() {
                    break;
                }
                tokio::time::sleep(*pause).await;
            }
        }
    }
    drop(stream.shutdown().await);
}

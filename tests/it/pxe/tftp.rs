//! The TFTP server as a client on the wire sees it. The client here knows only bytes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bessemer::clock::Clock;
use bessemer::net::{Net, UdpBind, UdpSocket};
use bessemer::pxe::loaders::Loaders;
use bessemer::pxe::tftp::{Server, Settings};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub struct Fixture {
    pub addr: SocketAddr,
    pub dir: TempDir,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Fixture {
    pub fn start(edit: impl FnOnce(&mut Settings)) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut settings = Settings::at(SocketAddr::from(([127, 0, 0, 1], 0)));
        settings.timeout = Duration::from_millis(60);
        edit(&mut settings);
        let server = Server::bind(Net::system(), Clock::system(), Loaders::new(dir.path()), settings)?;
        let (addr, stop) = (server.local_addr()?, CancellationToken::new());
        let task = spawn(server.run(stop.clone()));
        Ok(Fixture { addr, dir, stop, task })
    }

    pub fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        Ok(std::fs::write(self.dir.path().join(name), content)?)
    }

    /// Stops the server and fails if it had panicked.
    pub async fn finish(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the task by its handle")]
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    let handle: JoinHandle<()> = tokio::spawn(task);
    AbortOnDropHandle::new(handle)
}

pub fn rrq(name: &str, options: &[(&str, &str)]) -> Vec<u8> {
    let mut packet = vec![0, 1];
    for text in [name, "octet"].into_iter().chain(options.iter().flat_map(|(k, v)| [*k, *v])) {
        packet.extend(text.bytes());
        packet.push(0);
    }
    packet
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

/// A client that can lose packets on purpose.
struct Client {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Client {
    fn new(server: SocketAddr) -> Result<Self> {
        let socket = Net::system().udp(UdpBind::at(SocketAddr::from(([127, 0, 0, 1], 0))))?;
        Ok(Client { socket, server })
    }

    async fn ask(&self, packet: &[u8]) -> Result<()> {
        self.socket.send_to(packet, self.server).await?;
        Ok(())
    }

    async fn hear(&self) -> Result<(Vec<u8>, SocketAddr)> {
        let mut buffer = [0; 2048];
        let received = tokio::time::timeout(Duration::from_secs(60), self.socket.recv(&mut buffer));
        let received = received.await.context("the server stayed silent")??;
        Ok((buffer[..received.len].to_vec(), received.peer))
    }

    /// Reads a whole file; the arrivals whose numbers are in `lose` are treated as lost.
    async fn read(&self, request: &[u8], block_bytes: usize, window: usize, lose: &[usize]) -> Result<Vec<u8>> {
        self.ask(request).await?;
        let (mut content, mut want, mut arrivals, mut since_ack) = (Vec::new(), 1_u16, 0, 0);
        loop {
            let (packet, peer) = self.hear().await?;
            arrivals += 1;
            if lose.contains(&arrivals) {
                continue;
            }
            match packet[..] {
                [0, 6, ..] => self.acknowledge(0, peer).await?,
                [0, 3, high, low, ref data @ ..] if u16::from_be_bytes([high, low]) == want => {
                    content.extend_from_slice(data);
                    since_ack += 1;
                    if data.len() < block_bytes || since_ack == window {
                        self.acknowledge(want, peer).await?;
                        since_ack = 0;
                    }
                    if data.len() < block_bytes {
                        return Ok(content);
                    }
                    want = want.wrapping_add(1);
                }
                // Out of order: say what we have, as RFC 7440 asks.
                [0, 3, ..] if window > 1 => self.acknowledge(want.wrapping_sub(1), peer).await?,
                [0, 3, ..] => {}
                _ => bail!("unexpected packet {packet:?}"),
            }
        }
    }

    async fn acknowledge(&self, block: u16, peer: SocketAddr) -> Result<()> {
        let [high, low] = block.to_be_bytes();
        self.socket.send_to(&[0, 4, high, low], peer).await?;
        Ok(())
    }
}

#[tokio::test]
async fn files_of_every_awkward_length_arrive_whole() -> Result<()> {
    let server = Fixture::start(|_| {})?;
    for len in [0, 1, 511, 512, 513, 5120, 70_000] {
        let content = pattern(len);
        server.put("loader", &content)?;
        let client = Client::new(server.addr)?;
        ensure!(client.read(&rrq("/loader", &[]), 512, 1, &[]).await? == content, "{len} bytes, no options");
        let options = [("blksize", "1024"), ("windowsize", "4"), ("tsize", "0")];
        ensure!(client.read(&rrq("loader", &options), 1024, 4, &[]).await? == content, "{len} bytes, options");
    }
    server.finish().await
}

#[tokio::test]
async fn block_numbers_wrap_and_the_file_goes_on() -> Result<()> {
    let server = Fixture::start(|_| {})?;
    let content = pattern(8 * 66_000 + 3);
    server.put("long", &content)?;
    let client = Client::new(server.addr)?;
    let request = rrq("long", &[("blksize", "8"), ("windowsize", "16")]);
    assert!(client.read(&request, 8, 16, &[]).await? == content);
    server.finish().await
}

#[tokio::test]
async fn lost_packets_are_sent_again_the_option_acknowledgement_too() -> Result<()> {
    let server = Fixture::start(|_| {})?;
    let content = pattern(20_000);
    server.put("loader", &content)?;
    for (window, lose) in [(1, vec![1, 2, 4, 9]), (4, vec![1, 2, 5, 6, 13]), (16, vec![2, 17])] {
        let client = Client::new(server.addr)?;
        let request = rrq("loader", &[("blksize", "512"), ("windowsize", &window.to_string())]);
        let got = client.read(&request, 512, window, &lose).await.with_context(|| format!("window {window}"))?;
        assert!(got == content, "window {window}");
    }
    server.finish().await
}

#[tokio::test]
async fn the_option_acknowledgement_names_what_was_granted() -> Result<()> {
    let server = Fixture::start(|s| s.timeout = Duration::from_secs(5))?;
    server.put("loader", &pattern(3000))?;
    let client = Client::new(server.addr)?;
    let greedy = [("blksize", "65464"), ("windowsize", "65535"), ("tsize", "0"), ("timeout", "3"), ("windowwait", "9")];
    client.ask(&rrq("loader", &greedy)).await?;
    let (oack, peer) = client.hear().await?;
    assert_eq!(oack, b"\0\x06blksize\x001468\0windowsize\x0016\0tsize\x003000\0timeout\x003\0");
    assert_ne!(peer, server.addr, "a transfer has a port of its own");
    // Firmware that only wanted the size stops here, and the server forgets it at once.
    client.socket.send_to(b"\0\x05\0\0stop\0", peer).await?;
    client.ask(&rrq("loader", &[])).await?;
    let (first, _) = client.hear().await?;
    assert_eq!(first[..4], [0, 3, 0, 1]);
    server.finish().await
}

#[tokio::test]
async fn a_repeated_request_starts_one_transfer() -> Result<()> {
    let server = Fixture::start(|s| s.timeout = Duration::from_secs(5))?;
    server.put("loader", &pattern(100))?;
    let client = Client::new(server.addr)?;
    for _ in 0..3 {
        client.ask(&rrq("loader", &[])).await?;
    }
    let (_, first) = client.hear().await?;
    // The three requests are in the server's queue before the answer to a fourth question of another name.
    client.ask(&rrq("missing", &[])).await?;
    let (packet, second) = client.hear().await?;
    assert_eq!(packet[..4], [0, 5, 0, 1], "no second copy of block 1 came before this");
    assert_ne!(first, second);
    client.acknowledge(1, first).await?;
    server.finish().await
}

#[tokio::test]
async fn refusals_come_at_once_and_name_no_path() -> Result<()> {
    let server = Fixture::start(|_| {})?;
    std::fs::create_dir(server.dir.path().join("sub"))?;
    let client = Client::new(server.addr)?;
    let netascii = b"\0\x01loader\0netascii\0".to_vec();
    let write = b"\0\x02loader\0octet\0".to_vec();
    let table = [
        (rrq("pxelinux.cfg/01-52-54-00-aa-bb-01", &[]), 1),
        (rrq("../etc/passwd", &[]), 1),
        (rrq("sub", &[]), 1),
        (rrq("", &[]), 1),
        (netascii, 4),
        (write, 2),
        (b"\0\x01unterminated".to_vec(), 4),
        (b"\0\x01\xff\xfe\0octet\0".to_vec(), 4),
        (b"\0\x01loader\0octet\0blksize\0many\0".to_vec(), 4),
    ];
    for (request, code) in table {
        client.ask(&request).await?;
        let (answer, _) = client.hear().await?;
        let shown = String::from_utf8_lossy(&answer);
        assert_eq!(answer[..4], [0, 5, 0, code], "{request:?}");
        assert!(!shown.contains('/') && answer.ends_with(&[0]), "{shown:?}");
    }
    server.finish().await
}

#[tokio::test]
async fn the_answer_comes_from_the_address_that_was_asked() -> Result<()> {
    let server = Fixture::start(|s| s.listen = SocketAddr::from(([0, 0, 0, 0], 0)))?;
    server.put("loader", b"x")?;
    for asked in [[127, 0, 0, 1], [127, 61, 3, 9]] {
        let client = Client::new(SocketAddr::from((asked, server.addr.port())))?;
        for (name, opcode) in [("loader", 3), ("missing", 5)] {
            client.ask(&rrq(name, &[])).await?;
            let (answer, peer) = client.hear().await?;
            assert_eq!((peer.ip(), answer[1]), (asked.into(), opcode));
            client.acknowledge(1, peer).await?;
        }
    }
    server.finish().await
}

#[tokio::test]
async fn one_address_cannot_take_every_transfer() -> Result<()> {
    let server = Fixture::start(|s| {
        s.most_per_peer = 2;
        s.timeout = Duration::from_secs(9);
    })?;
    server.put("loader", &pattern(10))?;
    let clients = (0..3).map(|_| Client::new(server.addr)).collect::<Result<Vec<_>>>()?;
    for client in &clients[..2] {
        client.ask(&rrq("loader", &[])).await?;
    }
    let (_, first) = clients[0].hear().await?;
    clients[1].hear().await?;
    clients[2].ask(&rrq("loader", &[])).await?;
    // The third is dropped, not refused. When a place is free again, its repeated request is served.
    clients[0].acknowledge(1, first).await?;
    let served = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            clients[2].ask(&rrq("loader", &[])).await?;
            if let Ok(heard) = tokio::time::timeout(Duration::from_millis(50), clients[2].hear()).await {
                return heard;
            }
        }
    });
    assert_eq!(served.await??.0[..4], [0, 3, 0, 1]);
    server.finish().await
}

#[tokio::test]
async fn a_shutdown_lets_a_running_transfer_finish() -> Result<()> {
    let server = Fixture::start(|s| s.drain = Duration::from_secs(60))?;
    let content = pattern(2000);
    server.put("loader", &content)?;
    let client = Client::new(server.addr)?;
    client.ask(&rrq("loader", &[])).await?;
    let (first, peer) = client.hear().await?;
    assert_eq!(first[..4], [0, 3, 0, 1]);
    let finished = tokio::join!(server.finish(), async {
        client.acknowledge(1, peer).await?;
        let mut last = 1;
        while last < 4 {
            let (packet, _) = client.hear().await?;
            last = packet[3];
            client.acknowledge(u16::from(last), peer).await?;
        }
        anyhow::Ok(())
    });
    finished.0?;
    finished.1
}

#[tokio::test]
async fn a_client_that_takes_all_transfers_and_says_no_more_keeps_no_other_from_its_file() -> Result<()> {
    let server = Fixture::start(|settings| (settings.most_transfers, settings.most_per_peer) = (8, 8))?;
    server.put("loader", &pattern(5000))?;
    let mut silent = Vec::new();
    for _ in 0..20 {
        let socket = Net::system().udp(UdpBind::at(SocketAddr::from(([127, 0, 0, 2], 0))))?;
        // It may name its own time, and names the longest.
        socket.send_to(&rrq("loader", &[("timeout", "10")]), server.addr).await?;
        silent.push(socket);
    }
    let heard = tokio::time::timeout(Duration::from_secs(60), silent[7].recv(&mut [0; 2048])).await?;
    ensure!(heard.is_ok(), "the last of those that have room was not served");
    for _ in 0..4 {
        let client = Client::new(server.addr)?;
        assert_eq!(client.read(&rrq("loader", &[]), 512, 1, &[]).await?, pattern(5000));
    }
    Ok(())
}

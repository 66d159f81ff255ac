//! A TFTP transfer to a client that follows a script: it loses packets, repeats itself, talks nonsense, lies, or stops.
//!
//! The first bytes say what is asked for; then come the acts, one for each packet that the client hears or waits for in vain:
//! `[what, a, b]`. When the script is over the client is honest. Packets go through a network in memory, and time is the
//! runtime's and jumps over waits.
//!
//! Oracles: what is sent is the file, block by block, and never more of it at once than was agreed; every transfer ends, within
//! the time of its tries; and a client that only lost or repeated something has the whole file.

use std::net::SocketAddr;
use std::time::Duration;

use bessemer::clock::{Clock, Instant};
use bessemer::net::memory::Network;
use bessemer::net::{Net, PatientUdp, UdpBind, UdpSocket};
use bessemer::pxe::tftp::terms::Terms;
use bessemer::pxe::tftp::transfer::{self, End};
use bessemer::random::Random;
use bytes::Bytes;
use tftpd::{OptionType, TransferOption};
use tokio_util::sync::CancellationToken;

/// After so many the client is honest, so that a run stays short.
const MOST_ACTS: usize = 64;
const MOST_BYTES: usize = 4000;
/// What the server bears: a packet is sent so often.
const TRIES: u32 = 6;
const WAIT: Duration = Duration::from_secs(1);

pub fn run(data: &[u8]) {
    let Some((&[block, window, len, more], script)) = data.split_first_chunk() else { return };
    let content: Bytes =
        (0..usize::from(len) * usize::from(more) % MOST_BYTES).map(|at| (at * 7 + at / 251) as u8).collect();
    let option = |option, value: u8| TransferOption { option, value: u64::from(value) * 3 };
    let asked = [option(OptionType::BlockSize, block), option(OptionType::WindowSize, window)];
    let asked = &asked[..usize::from(more) % 3];
    let (terms, granted) = Terms::agree(asked, content.len(), WAIT);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { panic!("no runtime") };
    runtime.block_on(async {
        let clock = Clock::system();
        let network = Network::new(clock.clone(), Random::seeded(1));
        let (server, socket) = connected(&network);
        let (peer, heard, file) = (None, Heard::default(), content.clone());
        let mut client = Client { socket, clock: clock.clone(), peer, file, terms, script, heard };
        let (cut, started) = (CancellationToken::new(), clock.instant());
        let end = tokio::select! {
            biased;
            end = transfer::send((&server, &clock), &content, terms, granted, &cut) => end,
            () = client.live() => unreachable!("a client outlives its transfer"),
        };
        let end = end.unwrap_or_else(|error| panic!("a transfer broke off: {error}"));
        let blocks = content.len() / terms.block_bytes + 1;
        let most = WAIT * TRIES * (blocks + MOST_ACTS + 2) as u32;
        assert!(clock.instant() - started <= most, "it took {:?}", clock.instant() - started);
        client.judge(end);
    });
}

fn connected(network: &Network) -> (PatientUdp, UdpSocket) {
    let [here, there] = [SocketAddr::from(([10, 77, 0, 1], 40_000)), SocketAddr::from(([10, 77, 0, 2], 2000))];
    let socket = Net::memory(network.host()).udp(UdpBind::at(there));
    let server = Net::memory(network.host()).patient_udp(UdpBind::at(here), there);
    let (Ok(server), Ok(socket)) = (server, socket) else { panic!("no sockets") };
    (server, socket)
}

#[derive(Default)]
struct Heard {
    /// Of the file, in order.
    bytes: Vec<u8>,
    blocks: u16,
    /// What came and what was said in one instant. The network takes no time, so it is also sent and heard in it.
    instant: Option<Instant>,
    at_once: usize,
    said_at_once: usize,
    /// Not acknowledged, one after another.
    waits: u32,
    most_waits: u32,
    lied: bool,
    stopped: bool,
}

struct Client<'a> {
    socket: UdpSocket,
    clock: Clock,
    peer: Option<SocketAddr>,
    file: Bytes,
    terms: Terms,
    script: &'a [u8],
    heard: Heard,
}

impl Client<'_> {
    async fn live(&mut self) {
        let mut buffer = vec![0; 70_000];
        for acts in 0.. {
            // A little later than the server, so that it is the one that repeats.
            match tokio::time::timeout(WAIT + WAIT / 4, self.socket.recv(&mut buffer)).await {
                Ok(Ok(received)) => {
                    self.peer = Some(received.peer);
                    self.hear(&buffer[..received.len]);
                }
                Ok(Err(error)) => panic!("{error}"),
                Err(_) => {}
            }
            let act = self.script.split_first_chunk().filter(|_| acts < MOST_ACTS);
            let Some((&act, rest)) = act else {
                self.acknowledge(self.heard.blocks).await;
                continue;
            };
            self.script = rest;
            self.act(act).await;
        }
    }

    fn hear(&mut self, packet: &[u8]) {
        let [0, opcode, high, low, data @ ..] = packet else { panic!("no packet: {packet:02x?}") };
        if *opcode == 6 {
            return;
        }
        assert_eq!(*opcode, 3, "{packet:02x?}");
        let number = u16::from_be_bytes([*high, *low]);
        let start = (usize::from(number) - 1) * self.terms.block_bytes;
        assert_eq!(data, &self.file[start..(start + self.terms.block_bytes).min(self.file.len())], "block {number}");
        self.instant();
        self.heard.at_once += 1;
        // A window for whatever the client said, and one that is sent again.
        let most = self.terms.window * (1 + self.heard.said_at_once);
        assert!(self.heard.at_once <= most, "{} at once, {most} at most", self.heard.at_once);
        if number == self.heard.blocks + 1 {
            self.heard.blocks = number;
            self.heard.bytes.extend_from_slice(data);
        }
    }

    /// A new one begins its counts anew.
    fn instant(&mut self) {
        let now = Some(self.clock.instant());
        if self.heard.instant != now {
            (self.heard.instant, self.heard.at_once, self.heard.said_at_once) = (now, 0, 0);
        }
    }

    async fn act(&mut self, [what, a, b]: [u8; 3]) {
        match what % 8 {
            0..=2 => self.acknowledge(self.heard.blocks).await,
            3 => {
                let number = u16::from_be_bytes([a & 1, b]);
                self.heard.lied |= number > self.heard.blocks;
                self.acknowledge(number).await;
            }
            4 => self.misses(),
            5 => {
                self.misses();
                let rest = self.script;
                self.say(&rest[..rest.len().min(usize::from(a))]).await;
            }
            6 => {
                self.acknowledge(self.heard.blocks).await;
                self.acknowledge(self.heard.blocks).await;
            }
            _ => {
                self.heard.stopped = true;
                self.say(b"\0\x05\0\0enough\0").await;
            }
        }
    }

    /// What was heard is not acknowledged.
    fn misses(&mut self) {
        self.heard.waits += 1;
        self.heard.most_waits = self.heard.most_waits.max(self.heard.waits);
    }

    async fn acknowledge(&mut self, number: u16) {
        let [high, low] = number.to_be_bytes();
        self.heard.waits = 0;
        self.say(&[0, 4, high, low]).await;
    }

    async fn say(&mut self, packet: &[u8]) {
        // Nonsense may be an acknowledgement, or an error, by chance.
        match packet {
            [_, 4, high, low, ..] => self.heard.lied |= u16::from_be_bytes([*high, *low]) > self.heard.blocks,
            [_, 5, ..] => self.heard.stopped = true,
            _ => {}
        }
        self.instant();
        self.heard.said_at_once += 1;
        let Some(peer) = self.peer else { return };
        let _ = self.socket.send_to(packet, peer).await;
    }

    fn judge(&self, end: End) {
        let heard = &self.heard;
        if heard.stopped || heard.lied || heard.most_waits > 1 {
            return;
        }
        assert_eq!(end, End::Complete);
        assert_eq!(heard.bytes, self.file, "the client has another file");
    }
}

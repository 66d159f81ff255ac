//! Our IPMI client against a BMC that follows a script: honest, silent, garbled, or an authenticated liar.
//!
//! The input's first byte says what is asked and with which suite; then come the acts, one for each datagram that the client sends:
//! `[what, how many bytes, bytes…]`. When the script is over the BMC is honest. Time is the runtime's and jumps over waits.
//!
//! Oracles: every question ends, in the time that it was given; no error shows the password; an honest BMC is believed; and whoever
//! does not know the password cannot change what the client believes.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bessemer::bmc::ipmi::{IpmiError, Login, Pool, Secret, Settings};
use bessemer::clock::Clock;
use bessemer::net::{Net, UdpBind, UdpSocket};
use bessemer::random::Random;
use bessemer::wire::rmcp::Packet;
use bessemer::wire::rmcp::ipmb::IpmbMessage;
use bessemer::wire::rmcp::rakp::{Exchange, OpenRequest, OpenResponse, Proof, Rakp1, Rakp2, Status};
use bessemer::wire::rmcp::session::{Frame, PayloadType, encode_legacy, encode_plain, seal};
use bessemer::wire::rmcp::suite::{Keys, Suite};

const PASSWORD: &str = "s3cret-pass";
const PATIENCE: Duration = Duration::from_secs(20);
/// After so many the BMC is honest, so that a run stays short.
const MOST_ACTS: usize = 48;
const ON: [u8; 3] = [0x21, 0, 0];

pub fn run(data: &[u8]) {
    let Some((&first, script)) = data.split_first() else { return };
    let suite = if first & 1 == 0 { Suite::Seventeen } else { Suite::Three };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let Ok(runtime) = runtime else { panic!("no runtime") };
    runtime.block_on(async {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let socket = Net::system().udp(UdpBind::at(here)).unwrap_or_else(|error| panic!("a socket: {error}"));
        let addr = socket.local_addr().unwrap_or(here);
        let mut bmc = Bmc { suite, exchange: None, keys: None, seq: 0, script, acts: 0, honest: true, trusted: true };
        let answered = tokio::select! {
            biased;
            never = bmc.serve(&socket) => never,
            answered = ask(addr, suite, first >> 1) => answered,
        };
        judge(&bmc, answered);
    });
}

/// What came of the question: whether the machine is on, where that was asked.
type Answered = Result<Option<bool>, IpmiError>;

async fn ask(addr: SocketAddr, suite: Suite, what: u8) -> Answered {
    let clock = Clock::system();
    let settings = Settings { patience: PATIENCE, ..Settings::default() };
    let pool = Pool::new(Net::system(), clock.clone(), Random::seeded(7), settings);
    let login = Login::new(addr.ip().to_string(), "admin", Secret::new(PASSWORD));
    let login = Login { port: addr.port(), suite: Some(suite), ..login };
    let bmc = pool.bmc(login)?;
    let started = clock.instant();
    let answered = match what % 5 {
        0 => bmc.chassis_status().await.map(|status| Some(status.power_on)),
        1 => bmc.device_id().await.map(|_| None),
        2 => bmc.sel_info().await.map(|_| None),
        3 => bmc.sel_entries(16).await.map(|entries| {
            assert!(entries.len() <= 16);
            None
        }),
        _ => bmc.sensors().await.map(|readings| {
            for reading in &readings {
                assert!(reading.value.is_none_or(f64::is_finite) && reading.sensor.name.len() < 128);
                let _ = (reading.sensor.kind_text(), reading.sensor.limits().count());
            }
            None
        }),
    };
    // Each question has its patience; the walks ask at most a few hundred.
    let most = if what % 5 < 3 { PATIENCE + Duration::from_secs(5) } else { PATIENCE * 600 };
    assert!(clock.instant() - started <= most, "it took {:?}", clock.instant() - started);
    pool.shutdown().await;
    answered
}

fn judge(bmc: &Bmc<'_>, answered: Answered) {
    match answered {
        Ok(Some(on)) => assert!(!bmc.trusted || on, "somebody without the password was believed"),
        Ok(None) => {}
        Err(error) => {
            assert!(!error.to_string().contains(PASSWORD) && !format!("{error:?}").contains(PASSWORD));
            let refused = matches!(error, IpmiError::Refused { .. } | IpmiError::Unsupported(_));
            assert!(!bmc.honest || refused, "an honest BMC failed: {error}");
        }
    }
}

struct Bmc<'a> {
    suite: Suite,
    exchange: Option<Exchange>,
    keys: Option<Keys>,
    seq: u32,
    script: &'a [u8],
    acts: usize,
    /// Whether nothing but honest answers was given.
    honest: bool,
    /// Whether nothing untrue was said under the session's keys.
    trusted: bool,
}

impl<'a> Bmc<'a> {
    async fn serve(&mut self, socket: &UdpSocket) -> Answered {
        let mut buffer = [0; 2048];
        loop {
            let Ok(received) = socket.recv(&mut buffer).await else { continue };
            let asked = buffer[..received.len].to_vec();
            for reply in self.act(&asked) {
                let _ = socket.send_to(&reply, received.peer).await;
            }
        }
    }

    /// The datagrams that the next act sends.
    fn act(&mut self, asked: &[u8]) -> Vec<Vec<u8>> {
        let mut sent = vec![];
        while let Some((what, bytes)) = self.next() {
            self.honest &= what % 8 == 0;
            match what % 8 {
                0 => break,
                // Whatever is said, with the honest envelope around it.
                1 | 7 => {
                    self.trusted = false;
                    let (code, data) = match bytes.split_first() {
                        Some((code, data)) if what % 8 == 7 => (*code, data),
                        _ => (0, bytes),
                    };
                    sent.extend(self.answer(asked, Some((code, data))));
                    return sent;
                }
                // Noise before the answer.
                2 => sent.push(bytes.to_vec()),
                6 => sent.push(Packet::Ipmi(bytes).encode()),
                3 => {
                    sent.extend(self.answer(asked, None).map(|packet| changed(packet, bytes)));
                    return sent;
                }
                4 => return sent,
                _ => {
                    let twice = self.answer(asked, None);
                    sent.extend(twice.clone().into_iter().chain(twice));
                    return sent;
                }
            }
        }
        sent.extend(self.answer(asked, None));
        sent
    }

    /// The next act of the script.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[what, len], rest) = self.script.split_first_chunk::<2>()?;
        let (bytes, rest) = rest.split_at(usize::from(len).min(rest.len()));
        self.script = rest;
        self.acts += 1;
        (self.acts <= MOST_ACTS).then_some((what, bytes))
    }
}

/// The packet with some of its bytes changed: `[where, how]` in turn.
fn changed(mut packet: Vec<u8>, how: &[u8]) -> Vec<u8> {
    for &[at, mask] in how.as_chunks::<2>().0 {
        let at = usize::from(at) * packet.len() / 256;
        if let Some(byte) = packet.get_mut(at) {
            *byte ^= mask;
        }
    }
    packet
}

impl Bmc<'_> {
    /// The answer to a datagram, or what is said instead: a completion code and data.
    fn answer(&mut self, asked: &[u8], said: Option<(u8, &[u8])>) -> Option<Vec<u8>> {
        let Ok(Packet::Ipmi(inner)) = Packet::decode(asked) else { return None };
        let inner = match Frame::decode(inner).ok()? {
            Frame::Legacy { payload, .. } => {
                let request = IpmbMessage::decode(payload).ok()?;
                let (code, data) = said.unwrap_or((0, &[1, 0x80, 0x04, 0x02, 0, 0, 0, 0]));
                encode_legacy(&request.answer(code, data).encode())
            }
            Frame::Modern(frame) if frame.kind == PayloadType::Ipmi => {
                let keys = self.keys.clone()?;
                let request = IpmbMessage::decode(&frame.open(&keys).ok()?).ok()?;
                let (code, data) = said.unwrap_or_else(|| honest(&request));
                self.seq += 1;
                let console = self.exchange.as_ref()?.console_id;
                seal(&keys, [9; 16], console, self.seq, &request.answer(code, data).encode())
            }
            Frame::Modern(frame) => {
                let (kind, payload) = self.opening(frame.kind, frame.payload)?;
                encode_plain(kind, said.map_or(&payload, |(_, bytes)| bytes))
            }
        };
        Some(Packet::Ipmi(&inner).encode())
    }

    /// Our side of Open Session and RAKP.
    fn opening(&mut self, kind: PayloadType, payload: &[u8]) -> Option<(PayloadType, Vec<u8>)> {
        match kind {
            PayloadType::OpenRequest => {
                let asked = OpenRequest::decode(payload).ok()?;
                let managed_id = 0x0bad_cafe;
                self.exchange = Some(Exchange {
                    suite: self.suite,
                    console_id: asked.console_id,
                    managed_id,
                    console_random: [0; 16],
                    managed_random: [6; 16],
                    guid: [8; 16],
                    role: 0,
                    name: vec![],
                });
                let OpenRequest { tag, privilege, console_id, algorithms } = asked;
                let answer = OpenResponse { tag, status: Status::OK, privilege, console_id, managed_id, algorithms };
                Some((PayloadType::OpenResponse, answer.encode()))
            }
            PayloadType::Rakp1 => {
                let asked = Rakp1::decode(payload).ok()?;
                let exchange = self.exchange.as_mut()?;
                (exchange.console_random, exchange.role, exchange.name) =
                    (asked.console_random, asked.role, asked.name);
                let code = exchange.rakp2_code(PASSWORD.as_bytes()).as_bytes().to_vec();
                let (managed_random, guid) = (exchange.managed_random, exchange.guid);
                let console_id = exchange.console_id;
                let answer = Rakp2 { tag: asked.tag, status: Status::OK, console_id, managed_random, guid, code };
                Some((PayloadType::Rakp2, answer.encode()))
            }
            PayloadType::Rakp3 => {
                let asked = Proof::decode(payload).ok()?;
                let exchange = self.exchange.as_ref()?;
                let keys = exchange.keys(PASSWORD.as_bytes());
                let code = exchange.rakp4_code(&keys).as_bytes().to_vec();
                self.keys = Some(keys);
                let answer = Proof { tag: asked.tag, status: Status::OK, session_id: exchange.console_id, code };
                Some((PayloadType::Rakp4, answer.encode()))
            }
            _ => None,
        }
    }
}

/// What a BMC says that is on and has little to tell.
fn honest(request: &IpmbMessage) -> (u8, &'static [u8]) {
    match (request.netfn, request.cmd) {
        (0x00, 0x01) => (0, &ON),
        (0x06, 0x3b) => (0, &[4]),
        (0x06, 0x3c) => (0, &[]),
        (0x06, 0x01) => (0, &[0x20, 1, 2, 3, 2, 0xbf, 0xa2, 2, 0, 1, 0, 0, 0, 0, 0]),
        _ => (0xc1, &[]),
    }
}

//! The DHCP server with its store, and a few machines that want addresses and give them up in any order, while time passes
//! and the server starts anew.
//!
//! The first byte says how it serves; then come the acts, `[what, who, which, how]`. Messages go through a network in memory, the
//! store is a file of the run's own, and time is the runtime's and jumps over waits.
//!
//! Oracles: whoever is told that an address is theirs has it in the store; nobody else is told so before it runs out or is given
//! up; a reserved address goes to its card alone; strangers hear nothing where they are not served; nobody hears more than
//! was asked; and whatever came, one of our machines is answered at the end.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use bessemer::blocking;
use bessemer::clock::{Clock, Instant};
use bessemer::model::{Node, Port};
use bessemer::net::memory;
use bessemer::net::{Net, UdpBind, UdpSocket};
use bessemer::pxe::dhcp::reservations::{Reservation, Reservations};
use bessemer::pxe::dhcp::{Network, Server, Settings};
use bessemer::pxe::loaders::Loaders;
use bessemer::random::Random;
use bessemer::store::{Options, Store, StoreError, leases, nodes, ports};
use bessemer::wire::dhcp::{Message, MessageType, Op};
use bessemer::wire::dhcp_options::code;
use bessemer::wire::mac::Mac;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Of our cards, and of strangers'.
const OURS: u8 = 4;
const CARDS: u8 = 6;
const MOST_ACTS: usize = 40;
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);
/// In the pool are five, so that they are soon all taken.
const FIRST: u8 = 10;
const LAST: u8 = 14;
/// The card that has a reservation, if there is one.
const RESERVED: u8 = 1;
const LEASE_SECS: u32 = 600;

pub fn run(data: &[u8]) {
    let Some((how, script)) = data.split_first() else { return };
    blocking::inline_on_this_thread();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { panic!("no runtime") };
    let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("no directory: {error}"));
    let path = dir.path().join("store.sqlite");
    runtime.block_on(async {
        let clock = Clock::virtual_from("2026-01-01T00:00:00Z".parse().unwrap_or_default());
        std::fs::write(&path, empty().await).unwrap_or_else(|error| panic!("no store: {error}"));
        let store = open(&path, &clock);
        let mut world = World::new(*how, store, clock);
        world.start().await;
        let (acts, _) = script.as_chunks();
        for act in acts.iter().take(MOST_ACTS) {
            world.act(*act).await;
        }
        world.end().await;
    });
}

fn open(path: &std::path::Path, clock: &Clock) -> Store {
    let options = Options { inline: true, ..Options::new(clock.clone(), Random::seeded(1)) };
    Store::open(path, options).unwrap_or_else(|error| panic!("no store: {error}"))
}

/// The bytes of a store that knows our cards and has leased nothing.
async fn empty() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    if let Some(bytes) = BYTES.get() {
        return bytes;
    }
    let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("no directory: {error}"));
    let path = dir.path().join("store.sqlite");
    let store = open(&path, &Clock::system());
    let filled = store.write(|tx| {
        let node = Node::new(tx.uuid(), "fake-hardware".into(), tx.now());
        nodes::insert(tx, &node)?;
        for card in 0..OURS {
            ports::insert(tx, &Port::new(tx.uuid(), node.uuid, mac(card).to_string(), tx.now()))?;
        }
        Ok::<_, StoreError>(())
    });
    filled.await.unwrap_or_else(|error| panic!("no store: {error}"));
    drop(store);
    BYTES.get_or_init(|| std::fs::read(&path).unwrap_or_default())
}

fn mac(card: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, card])
}

fn address(byte: u8) -> Ipv4Addr {
    match byte % 8 {
        0 => SERVER,
        7 => Ipv4Addr::new(10, 0, 0, 1),
        n => Ipv4Addr::new(127, 77, 1, FIRST - 1 + n),
    }
}

struct World {
    settings: Settings,
    store: Store,
    clock: Clock,
    network: memory::Network,
    server: Option<(CancellationToken, JoinSet<()>)>,
    cards: Vec<UdpSocket>,
    /// What each was offered or told last.
    told: BTreeMap<u8, Ipv4Addr>,
    /// Whose each address is, and until when.
    held: BTreeMap<Ipv4Addr, (u8, Instant)>,
    xid: u32,
}

impl World {
    fn new(how: u8, store: Store, clock: Clock) -> Self {
        // Inside the pool or outside of it.
        let reserved = [None, Some(FIRST + 2), Some(LAST + 1), None][usize::from(how >> 1) % 4];
        let reservation =
            reserved.map(|last| (mac(RESERVED), Reservation { address: Ipv4Addr::new(127, 77, 1, last), name: None }));
        let settings = Settings {
            listen: SocketAddr::from((SERVER, 67)),
            device: None,
            network: Network { server: SERVER, netmask: Ipv4Addr::new(255, 255, 0, 0), gateway: None, dns: vec![] },
            pool: Ipv4Addr::new(127, 77, 1, FIRST)..=Ipv4Addr::new(127, 77, 1, LAST),
            reservations: reservation.into_iter().collect::<Reservations>(),
            serve_unknown: how & 1 == 1,
            lease_secs: LEASE_SECS,
            url: Some("http://127.77.0.1:8080".into()),
            trace: Default::default(),
        };
        let network = memory::Network::new(clock.clone(), Random::seeded(2));
        let card = |n| Net::memory(network.host()).udp(UdpBind::at(SocketAddr::from(([127, 77, 2, n], 68))));
        let cards = (0..CARDS).map(|n| card(n).unwrap_or_else(|error| panic!("no socket: {error}"))).collect();
        let (server, told, held) = Default::default();
        World { settings, store, clock, network, server, cards, told, held, xid: 0 }
    }

    async fn start(&mut self) {
        let net = Net::memory(self.network.host());
        let (clock, store, loaders) = (self.clock.clone(), self.store.clone(), Loaders::new("/nonexistent"));
        let server = Server::bind(&net, clock, store, loaders, self.settings.clone()).await;
        let server = server.unwrap_or_else(|error| panic!("the server does not start: {error:#}"));
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(server.run(stop.clone()));
        self.server = Some((stop, task));
    }

    async fn stop(&mut self) {
        let Some((stop, mut task)) = self.server.take() else { return };
        assert!(task.try_join_next().is_none(), "the server ended by itself");
        stop.cancel();
        while let Some(ended) = task.join_next().await {
            ended.unwrap_or_else(|error| panic!("the server broke: {error}"));
        }
    }

    async fn act(&mut self, [what, who, which, how]: [u8; 4]) {
        let (who, at) = (who % CARDS, address(which));
        let own = self.told.get(&who).copied().filter(|_| how & 1 == 0).unwrap_or(at);
        match what % 8 {
            0 => self.clock.sleep(Duration::from_secs(u64::from(which) * 4)).await,
            1 => {
                self.ask(who, MessageType::Discover, how, |it| it.options.set(code::REQUESTED_ADDRESS, at.octets()))
                    .await
            }
            2 | 3 => {
                let server = if how & 6 == 6 { Ipv4Addr::new(9, 9, 9, 9) } else { SERVER };
                let choose = |it: &mut Message| {
                    it.options.set(code::REQUESTED_ADDRESS, own.octets());
                    if what % 8 == 2 {
                        it.options.set(code::SERVER_ID, server.octets());
                    }
                };
                self.ask(who, MessageType::Request, how, choose).await;
            }
            4 => {
                let kind = if how & 2 == 0 { MessageType::Request } else { MessageType::Inform };
                self.ask(who, kind, how, |it| it.ciaddr = own).await;
            }
            what @ (5 | 6) => {
                let kind = if what == 5 { MessageType::Release } else { MessageType::Decline };
                let which = |it: &mut Message| match kind {
                    MessageType::Release => it.ciaddr = own,
                    _ => it.options.set(code::REQUESTED_ADDRESS, own.octets()),
                };
                self.ask(who, kind, how, which).await;
                self.held.retain(|address, (card, _)| (*address, *card) != (own, who));
            }
            _ if how & 1 == 0 => {
                self.stop().await;
                self.start().await;
            }
            _ => {
                for card in 0..CARDS {
                    self.send(card, &self.message(card, MessageType::Discover, which)).await;
                }
                self.hear(usize::from(CARDS)).await;
            }
        }
    }

    fn message(&self, who: u8, kind: MessageType, how: u8) -> Message {
        let mut message = Message::new(Op::Request, self.xid, mac(who));
        message.options.set(code::MESSAGE_TYPE, [kind as u8]);
        if how & 0x80 != 0 {
            message.giaddr = Ipv4Addr::new(127, 77, 9, 9);
        }
        if how & 0x40 != 0 {
            message.options.set(code::CLIENT_ID, [255, how, who]);
        }
        message
    }

    async fn ask(&mut self, who: u8, kind: MessageType, how: u8, with: impl FnOnce(&mut Message)) {
        self.xid += 1;
        let mut message = self.message(who, kind, how);
        with(&mut message);
        let times = if how & 0x30 == 0x30 { 2 } else { 1 };
        for _ in 0..times {
            self.send(who, &message).await;
        }
        self.hear(times).await;
    }

    async fn send(&self, who: u8, message: &Message) {
        let sent = self.cards[usize::from(who)].send_to(&message.encode(), self.settings.listen).await;
        sent.unwrap_or_else(|error| panic!("not sent: {error}"));
    }

    /// Whatever the machines are told now.
    async fn hear(&mut self, most: usize) {
        // The runtime's time goes on only when nobody has anything to do.
        self.clock.sleep(Duration::from_millis(1)).await;
        let mut heard = 0;
        for who in 0..CARDS {
            let mut buffer = [0; 1500];
            while let Ok(received) = self.cards[usize::from(who)].try_recv(&mut buffer) {
                let reply = Message::decode(&buffer[..received.len]);
                let reply = reply.unwrap_or_else(|error| panic!("no message: {error}"));
                self.judge(who, &reply).await;
                heard += 1;
            }
        }
        assert!(heard <= most, "{heard} answers to {most} messages");
    }

    async fn judge(&mut self, who: u8, reply: &Message) {
        assert_eq!((reply.op, reply.mac(), reply.xid), (Op::Reply, Some(mac(who)), self.xid));
        let reservation = self.settings.reservations.of(mac(who)).map(|it| it.address);
        let served = who < OURS || self.settings.serve_unknown || reservation.is_some();
        assert!(served, "a stranger is answered: {reply:?}");
        let (address, now) = (reply.yiaddr, self.clock.instant());
        if address.is_unspecified() {
            return;
        }
        assert!(self.settings.pool.contains(&address) || reservation == Some(address), "{address} is nobody's to give");
        assert!(!self.settings.reservations.keep(address) || reservation == Some(address), "{address} is reserved");
        self.told.insert(who, address);
        if reply.kind() != Some(MessageType::Ack) {
            return;
        }
        let holder = self.held.get(&address).filter(|(card, until)| *card != who && *until > now);
        assert!(holder.is_none(), "{address} for card {who} is card {holder:?}'s at {now:?}");
        let (card, at) = (mac(who).to_string(), self.clock.now());
        let lease = self.store.read(move |read| leases::find(read, &card)).await;
        let lease = lease.unwrap_or_else(|error| panic!("the store: {error}"));
        let kept = lease.as_ref().is_some_and(|lease| lease.address == address && lease.expires_at > at);
        assert!(kept, "card {who} was told {address}, and the store says {lease:?}");
        self.held.retain(|_, (card, _)| *card != who);
        self.held.insert(address, (who, now + Duration::from_secs(u64::from(LEASE_SECS) - 1)));
    }

    /// One of our machines that has an address asks for the rest, and is told.
    async fn end(&mut self) {
        self.xid += 1;
        let mut message = self.message(0, MessageType::Inform, 0);
        message.ciaddr = Ipv4Addr::new(127, 77, 1, 99);
        self.send(0, &message).await;
        self.clock.sleep(Duration::from_millis(1)).await;
        let mut buffer = [0; 1500];
        let heard = self.cards[0].try_recv(&mut buffer).map(|received| Message::decode(&buffer[..received.len]));
        assert!(matches!(&heard, Ok(Ok(it)) if it.kind() == Some(MessageType::Ack)), "no answer at the end: {heard:?}");
        self.stop().await;
    }
}

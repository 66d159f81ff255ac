//! A store with one known machine, and DHCP clients on loopback: what the tests of the boot servers start from.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bessemer::clock::Clock;
use bessemer::model::boot_plan::{Boot, BootPlan};
use bessemer::model::{Node, Port};
use bessemer::net::{Net, UdpBind, UdpSocket};
use bessemer::pxe::dhcp::{Network, Server, Settings};
use bessemer::pxe::loaders::Loaders;
use bessemer::random::Random;
use bessemer::store::blobs::{self, BlobKind};
use bessemer::store::{Options, Store, StoreError, nodes, ports};
use bessemer::wire::dhcp::{Message, MessageType, Op};
use bessemer::wire::dhcp_options::code;
use bessemer::wire::mac::Mac;
use dhcproto::Decodable as _;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::tftp::spawn;

pub const OURS: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x10]);
/// A card of the same node that must not boot from the network.
pub const SILENT: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x11]);
pub const STRANGER: Mac = Mac([0x52, 0x54, 0, 0x99, 0, 0x01]);

/// A store with one node that has the cards [`OURS`] and [`SILENT`], and no plan.
pub struct World {
    pub store: Store,
    pub node: Uuid,
    pub dir: TempDir,
}

impl World {
    pub async fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let store = Store::open(&dir.path().join("db"), Options::new(Clock::system(), Random::system()))?;
        let node = store.write(|tx| {
            let node = Node::new(tx.uuid(), "fake-hardware".into(), tx.now());
            nodes::insert(tx, &node)?;
            for (mac, pxe_enabled) in [(OURS, true), (SILENT, false)] {
                let port = Port::new(tx.uuid(), node.uuid, mac.to_string(), tx.now());
                ports::insert(tx, &Port { pxe_enabled, ..port })?;
            }
            Ok::<_, StoreError>(node.uuid)
        });
        let node = node.await?;
        Ok(World { store, node, dir })
    }

    /// Stores a ramdisk plan for the node.
    pub async fn plan(&self, kernel: &str, ramdisk: &str, arguments: &str) -> Result<BootPlan> {
        let (kernel, ramdisk, arguments) = (kernel.to_owned(), ramdisk.to_owned(), arguments.to_owned());
        let plan = BootPlan { boot: Boot::Ramdisk { kernel, ramdisk, arguments }, key: Random::system().token() };
        let (node, stored) = (self.node, plan.clone());
        self.store.write(move |tx| blobs::put_json(tx, node, BlobKind::BootPlan, &stored)).await?;
        Ok(plan)
    }

    /// A directory with the loaders that the table knows, each with its own name as content.
    pub fn loaders(&self) -> Result<Loaders> {
        let dir = self.dir.path().join("loaders");
        std::fs::create_dir_all(&dir)?;
        for name in ["undionly.kpxe", "snponly.efi", "snponly-arm64.efi"] {
            std::fs::write(dir.join(name), name.repeat(200))?;
        }
        Ok(Loaders::new(dir))
    }

    pub async fn dhcp(&self, edit: impl FnOnce(&mut Settings)) -> Result<Dhcp> {
        let server = Ipv4Addr::new(127, 77, 0, 1);
        let mut settings = Settings {
            listen: SocketAddr::from((server, 0)),
            device: None,
            network: Network { server, netmask: Ipv4Addr::new(255, 255, 0, 0), gateway: None, dns: vec![] },
            pool: Ipv4Addr::new(127, 77, 1, 10)..=Ipv4Addr::new(127, 77, 1, 13),
            reservations: Default::default(),
            serve_unknown: false,
            lease_secs: 3600,
            url: Some("http://127.77.0.1:8080".into()),
            trace: Default::default(),
        };
        edit(&mut settings);
        let server =
            Server::bind(&Net::system(), Clock::system(), self.store.clone(), self.loaders()?, settings).await?;
        let (addr, stop) = (server.local_addr()?, CancellationToken::new());
        let task = spawn(server.run(stop.clone()));
        Ok(Dhcp { addr, stop, task })
    }
}

/// A running server.
pub struct Dhcp {
    pub addr: SocketAddr,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Dhcp {
    pub async fn finish(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.task.await?)
    }
}

/// A client's socket. Every reply is also read by an independent decoder, which must agree.
pub struct Client {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Client {
    pub fn new(server: &Dhcp) -> Result<Self> {
        let socket = Net::system().udp(UdpBind::at(SocketAddr::from(([127, 0, 0, 1], 0))))?;
        Ok(Client { socket, server: server.addr })
    }

    pub async fn send(&self, request: &Message) -> Result<()> {
        self.socket.send_to(&request.encode(), self.server).await?;
        Ok(())
    }

    pub async fn hear(&self) -> Result<Message> {
        let mut buffer = [0; 1500];
        let received = tokio::time::timeout(Duration::from_secs(60), self.socket.recv(&mut buffer));
        let received = received.await.context("the DHCP server stayed silent")??;
        let bytes = &buffer[..received.len];
        let message = Message::decode(bytes)?;
        let other = dhcproto::v4::Message::decode(&mut dhcproto::Decoder::new(bytes))?;
        assert_eq!((other.xid(), other.yiaddr(), other.siaddr()), (message.xid, message.yiaddr, message.siaddr));
        let kind = other.opts().msg_type().map(u8::from);
        assert_eq!(kind, message.options.byte(code::MESSAGE_TYPE));
        assert!(bytes.len() >= 300 && bytes[240] == code::MESSAGE_TYPE, "padded, with the type first");
        Ok(message)
    }

    pub async fn ask(&self, request: &Message) -> Result<Message> {
        self.send(request).await?;
        let reply = self.hear().await?;
        assert_eq!((reply.op, reply.xid), (Op::Reply, request.xid));
        Ok(reply)
    }

    /// Passes if `request` is not answered: a later one that must be is, and nothing came before its answer.
    pub async fn ignored(&self, request: &Message) -> Result<()> {
        self.send(request).await?;
        // Requests are worked on side by side, so the first one's turn is long over only after a few of the second.
        for xid in 0x7000..0x7004 {
            let mut probe = message(MessageType::Discover, OURS);
            probe.xid = xid;
            let reply = self.ask(&probe).await?;
            assert_eq!(reply.xid, xid);
        }
        Ok(())
    }

    /// DISCOVER and REQUEST; the address that was acknowledged.
    pub async fn lease(&self, mac: Mac) -> Result<Ipv4Addr> {
        let offer = self.ask(&message(MessageType::Discover, mac)).await?;
        let ack = self.ask(&select(&offer, mac)).await?;
        assert_eq!((ack.kind(), ack.yiaddr), (Some(MessageType::Ack), offer.yiaddr));
        Ok(ack.yiaddr)
    }
}

pub fn message(kind: MessageType, mac: Mac) -> Message {
    let mut message = Message::new(Op::Request, 0x1234, mac);
    message.options.set(code::MESSAGE_TYPE, [kind as u8]);
    message
}

/// The REQUEST that accepts `offer`.
pub fn select(offer: &Message, mac: Mac) -> Message {
    let mut request = message(MessageType::Request, mac);
    let server = offer.options.get(code::SERVER_ID).unwrap_or_default().to_vec();
    request.options.set(code::SERVER_ID, server);
    request.options.set(code::REQUESTED_ADDRESS, offer.yiaddr.octets());
    request
}

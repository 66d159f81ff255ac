//! The DHCPv4 server (RFC 2131), for one network.
//!
//! ```text
//!   datagram ─► decode ─► who is it? ─► DISCOVER: read, offer from the pool (memory only)
//!                                      REQUEST:  one job: whose card, is the address free, write the lease ─► commit ─► ACK
//! ```
//! **A lease is on disk before its ACK.** That costs a commit, so every request is a task of its own: those that
//! arrive together share one commit. **A flood delays nobody by more than one look at the store** (`queue`). A client is its hardware address and not its client identifier, because firmware,
//! boot loader and kernel of one machine each send another identifier and shall keep one address.
//!
//! By default only cards that belong to a node are answered at all, and silence is the answer to everybody else; a NAK
//! goes only to clients that we would serve. Deliberately absent: probing addresses before an offer (it costs each boot
//! a second), BOOTP without DHCP, InfiniBand, and a second subnet.

pub mod client;
pub mod destination;
pub mod pool;
pub mod probe;
mod queue;
pub mod reply;
pub mod reservations;
mod work;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use self::client::LoaderTable;
use self::pool::Pool;
use self::reply::BootFile;
use self::reservations::Reservations;
use self::work::{Done, Work};
use super::loaders::Loaders;
use crate::blocking;
use crate::clock::Clock;
use crate::net::{Net, UdpBind, UdpSocket};
use crate::service::boot::{self, Acquaintance, Claim, Owner, Verdict};
use crate::store::{Store, StoreError, leases};
use crate::trace::{Kind, Trace};
use crate::wire::dhcp::{Message, MessageType};
use crate::wire::dhcp_options::code;
use crate::wire::mac::Mac;

/// The largest message that is read: an Ethernet frame's worth.
const MOST_BYTES: usize = 1500;

/// The network as its clients are told about it.
#[derive(Clone, Debug)]
pub struct Network {
    /// Our address: server identifier and TFTP server.
    pub server: Ipv4Addr,
    pub netmask: Ipv4Addr,
    pub gateway: Option<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `0.0.0.0:67`, or a loopback address, where clients are answered at the address they asked from.
    pub listen: SocketAddr,
    /// The interface to serve; none on loopback.
    pub device: Option<String>,
    pub network: Network,
    pub pool: RangeInclusive<Ipv4Addr>,
    pub reservations: Reservations,
    /// Whether cards that belong to no node get an address.
    pub serve_unknown: bool,
    pub lease_secs: u32,
    /// Base URL of the provisioning listener, without a trailing slash. None: iPXE is told nothing.
    pub url: Option<String>,
    pub trace: Trace,
}

/// A bound server that does not run yet.
pub struct Server {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    clock: Clock,
    store: Store,
    loaders: LoaderTable,
    socket: UdpSocket,
    pool: Mutex<Pool>,
}

impl Server {
    /// Binds the port and reads the leases. Errors: the port is taken or needs `CAP_NET_BIND_SERVICE`, the store failed.
    pub async fn bind(
        net: &Net,
        clock: Clock,
        store: Store,
        loaders: Loaders,
        settings: Settings,
    ) -> anyhow::Result<Server> {
        let socket = net.udp(UdpBind {
            device: settings.device.clone(),
            broadcast: true,
            receive_buffer_bytes: Some(1 << 20),
            ..UdpBind::at(settings.listen)
        })?;
        let mut pool = Pool::new(&settings.pool);
        for lease in store.read(leases::all).await? {
            pool.taken(lease.address, lease.expires_at);
            if let Ok(mac) = lease.mac.parse() {
                settings.trace.held(mac, lease.address.into());
            }
        }
        pool.exclude(settings.network.server);
        settings.network.gateway.into_iter().chain(settings.reservations.addresses()).for_each(|it| pool.exclude(it));
        settings.trace.serves_dhcp();
        let table = blocking::run(move || LoaderTable::of(&loaders)).await?;
        Ok(Server {
            shared: Arc::new(Shared { settings, clock, store, loaders: table, socket, pool: Mutex::new(pool) }),
        })
    }

    /// The bound address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.shared.socket.local_addr()
    }

    /// Serves until `stop`. Requests that are being worked on are finished: their leases may be on disk already.
    pub async fn run(self, stop: CancellationToken) {
        let mut work = Work::new(self.shared);
        let mut buffer = [0; MOST_BYTES];
        loop {
            work.go_on();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(done) = work.tasks.join_next() => work.done(done),
                received = work.shared.socket.recv(&mut buffer) => match received {
                    Ok(received) => {
                        work.take(&buffer[..received.len], received.peer);
                        work.take_what_is_there(&mut buffer);
                    }
                    Err(error) => {
                        debug!(%error, "DHCP receive failed");
                        work.shared.clock.sleep(Duration::from_millis(10)).await;
                    }
                }
            }
        }
        while work.tasks.join_next().await.is_some() {}
    }
}

impl Settings {
    /// Whether an address of the pool goes to nobody who asks for it.
    fn is_kept(&self, address: Ipv4Addr) -> bool {
        address == self.network.server || self.network.gateway == Some(address) || self.reservations.keep(address)
    }

    /// Whether the pool belongs to the link that a request came from: the relay's, or our own.
    fn serves(&self, giaddr: Ipv4Addr) -> bool {
        let link = if giaddr.is_unspecified() { self.network.server } else { giaddr };
        self.listen.ip().is_loopback() || self.same_subnet(link, *self.pool.start())
    }

    fn same_subnet(&self, a: Ipv4Addr, b: Ipv4Addr) -> bool {
        (u32::from(a) ^ u32::from(b)) & u32::from(self.network.netmask) == 0
    }
}

/// A request and what it asks, for the functions below.
struct Asked {
    mac: Mac,
    client: client::Client,
    message: Message,
}

impl Shared {
    /// Which of these cards are ours.
    async fn look_up(&self, asked: Vec<Mac>) -> Done {
        let macs = asked.clone();
        let found = self.store.read(move |read| {
            let owned = macs.into_iter().map(|mac| Ok((mac, boot::owner(read, &mac.to_string())?.is_some())));
            owned.collect::<Result<Vec<_>, StoreError>>()
        });
        let ours: BTreeSet<Mac> = match found.await {
            Ok(found) => {
                let ours = found.into_iter().filter(|(mac, owned)| self.welcome_or_noted(*mac, *owned));
                ours.map(|(mac, _)| mac).collect()
            }
            Err(error) => {
                error!(%error, "DHCP requests not answered");
                BTreeSet::new()
            }
        };
        Done::Look { asked, ours }
    }

    /// Whether a card is ours; if not, and it gets no answer, it is noted for whoever wonders where their machine is.
    fn welcome_or_noted(&self, mac: Mac, owned: bool) -> bool {
        let ours = owned || self.settings.reservations.of(mac).is_some();
        if !ours && !self.settings.serve_unknown {
            self.note(mac, false, Kind::UnknownCard, "it is not answered");
        }
        ours
    }

    /// Answers a message; whether its card is one that is answered.
    async fn serve(&self, message: Message, source: SocketAddr) -> bool {
        let (Some(kind), Some(mac)) = (message.kind(), message.mac()) else { return true };
        if !self.settings.serves(message.giaddr) {
            debug!(%mac, relay = %message.giaddr, "DHCP request from a network that the pool is not for");
            self.note(mac, false, Kind::OtherNetwork, format!("by the relay {}", message.giaddr));
            return true;
        }
        let asked = Asked { mac, client: client::recognise(&message), message };
        let reply = match kind {
            MessageType::Discover => self.discover(&asked).await,
            MessageType::Request => self.request(&asked).await,
            MessageType::Inform => self.inform(&asked).await,
            MessageType::Release | MessageType::Decline => self.give_up(kind, &asked).await,
            MessageType::Offer | MessageType::Ack | MessageType::Nak => Ok(None),
        };
        let answered = matches!(reply, Ok(Some(_)));
        match reply {
            Ok(Some(reply)) => self.send(&asked.message, &reply, source).await,
            Ok(None) => {}
            // No answer rather than one that is not on disk; the client asks again.
            Err(error) => error!(%mac, %error, "DHCP request not answered"),
        }
        kind != MessageType::Discover || answered
    }

    async fn send(&self, request: &Message, reply: &Message, source: SocketAddr) {
        let kind = reply.kind().unwrap_or(MessageType::Nak);
        let to = destination::destination(request, kind, source, self.settings.listen.ip());
        let from = IpAddr::V4(self.settings.network.server);
        debug!(mac = ?request.mac(), ?kind, address = %reply.yiaddr, %to, "DHCP reply");
        if let Err(error) = self.socket.send_from(&reply.encode(), to, from).await {
            warn!(%to, %error, "DHCP reply not sent");
        }
    }

    async fn discover(&self, asked: &Asked) -> Result<Option<Message>, StoreError> {
        let known = self.acquaintance(asked.mac).await?;
        if !self.welcome(asked.mac, known.owner) {
            self.note(asked.mac, false, Kind::UnknownCard, told(asked.client));
            return Ok(None);
        }
        let address = match self.reserved(asked.mac).await? {
            Some(reserved) => Some(reserved),
            None => {
                let own = known.lease.map(|lease| lease.address).filter(|own| !self.settings.is_kept(*own));
                let wish = asked.message.options.address(code::REQUESTED_ADDRESS);
                let guest = known.owner.is_none();
                self.pool().offer(asked.mac, own, wish, guest, self.clock.now())
            }
        };
        let Some(address) = address else {
            warn!(mac = %asked.mac, "no address left to offer");
            self.note(asked.mac, known.owner.is_some(), Kind::NoAddress, "");
            return Ok(None);
        };
        Ok(Some(self.grant(asked, MessageType::Offer, Some(address), known.owner)))
    }

    /// The four meanings of a REQUEST (RFC 2131 section 4.3.2) differ only in where the address is written.
    async fn request(&self, asked: &Asked) -> Result<Option<Message>, StoreError> {
        let options = &asked.message.options;
        let chosen = options.address(code::SERVER_ID);
        if let Some(other) = chosen.filter(|server| *server != self.settings.network.server) {
            self.note(asked.mac, false, Kind::Elsewhere, format!("{other}, {}", told(asked.client)));
            self.pool().withdraw(asked.mac);
            return Ok(None);
        }
        let wish = options.address(code::REQUESTED_ADDRESS);
        let Some(address) = wish.or(Some(asked.message.ciaddr)).filter(|a| !a.is_unspecified()) else {
            return Ok(None);
        };
        if !self.may_have(asked.mac, address) {
            let known = self.acquaintance(asked.mac).await?;
            return Ok(self.welcome(asked.mac, known.owner).then(|| self.refuse(asked, address)));
        }
        let verdict = self.claim(asked, address).await?;
        Ok(match verdict {
            Verdict::Granted { owner, expires_at } => {
                let mut pool = self.pool();
                pool.withdraw(asked.mac);
                if !self.settings.reservations.keep(address) {
                    pool.taken(address, expires_at);
                }
                drop(pool);
                if owner.is_some() {
                    info!(mac = %asked.mac, %address, client = ?asked.client, "DHCP lease");
                }
                Some(self.grant(asked, MessageType::Ack, Some(address), owner))
            }
            Verdict::Taken => Some(self.refuse(asked, address)),
            Verdict::Stranger => None,
        })
    }

    /// A client that has an address from elsewhere wants the rest.
    async fn inform(&self, asked: &Asked) -> Result<Option<Message>, StoreError> {
        let known = self.acquaintance(asked.mac).await?;
        let answer = self.welcome(asked.mac, known.owner) && !asked.message.ciaddr.is_unspecified();
        Ok(answer.then(|| self.grant(asked, MessageType::Ack, None, known.owner)))
    }

    async fn give_up(&self, kind: MessageType, asked: &Asked) -> Result<Option<Message>, StoreError> {
        let (mac, ciaddr) = (asked.mac, asked.message.ciaddr);
        let text = mac.to_string();
        if kind == MessageType::Release {
            if self.store.write(move |tx| boot::release(tx, &text, ciaddr)).await? {
                self.pool().released(mac, ciaddr, self.clock.now());
            }
        } else if let Some(address) = asked.message.options.address(code::REQUESTED_ADDRESS)
            && self.store.write(move |tx| boot::decline(tx, &text, address)).await?
        {
            warn!(%mac, %address, "a client found its address in use by somebody else");
            self.note(mac, true, Kind::Declined, address.to_string());
            self.pool().declined(mac, address, self.clock.now());
        }
        Ok(None)
    }

    async fn acquaintance(&self, mac: Mac) -> Result<Acquaintance, StoreError> {
        let mac = mac.to_string();
        self.store.read(move |read| boot::acquaintance(read, &mac)).await
    }

    async fn claim(&self, asked: &Asked, address: Ipv4Addr) -> Result<Verdict, StoreError> {
        let claim = Claim {
            mac: asked.mac.to_string(),
            address,
            lease_secs: self.settings.lease_secs,
            hostname: self.name(asked.mac).or_else(|| asked.message.options.get(code::HOST_NAME).and_then(hostname)),
            strangers: self.welcome(asked.mac, None) && !self.is_kept_from(asked.mac, address),
        };
        self.store.write(move |tx| boot::claim(tx, &claim)).await
    }

    /// Whether this is an address that a card gets only if it belongs to a node.
    fn is_kept_from(&self, mac: Mac, address: Ipv4Addr) -> bool {
        self.settings.reservations.of(mac).is_none() && self.pool().is_kept_from_guests(address)
    }

    /// Whether a card is answered at all.
    fn welcome(&self, mac: Mac, owner: Option<Owner>) -> bool {
        owner.is_some() || self.settings.serve_unknown || self.settings.reservations.of(mac).is_some()
    }

    /// Whether the address is one that this card could have from us.
    fn may_have(&self, mac: Mac, address: Ipv4Addr) -> bool {
        if let Some(reserved) = self.settings.reservations.of(mac) {
            return reserved.address == address || self.pool().offers(mac, address);
        }
        let pool = self.pool();
        !self.settings.is_kept(address) && pool.contains(address) && pool.claimable(mac, address, self.clock.now())
    }

    /// The address that is kept for a card. None also while another one still holds it from before it was reserved: then the
    /// card gets one of the pool, and its own as soon as it asks again after that lease.
    async fn reserved(&self, mac: Mac) -> Result<Option<Ipv4Addr>, StoreError> {
        let Some(address) = self.settings.reservations.of(mac).map(|it| it.address) else { return Ok(None) };
        let text = mac.to_string();
        let now = self.clock.now();
        let free = self.store.read(move |read| boot::is_free_for(read, &text, address, now)).await?;
        if !free {
            warn!(%mac, %address, "the reserved address is still leased to another card");
        }
        Ok(free.then_some(address))
    }

    fn name(&self, mac: Mac) -> Option<String> {
        self.settings.reservations.of(mac)?.name.clone()
    }

    fn grant(&self, asked: &Asked, kind: MessageType, address: Option<Ipv4Addr>, owner: Option<Owner>) -> Message {
        let boot = owner.filter(|owner| owner.pxe_enabled).and_then(|_| self.boot_file(asked));
        self.note_grant(asked, kind, address, owner, boot.as_ref());
        let lease_secs = address.map(|_| self.settings.lease_secs);
        let mut reply = reply::grant(&asked.message, kind, address, lease_secs, boot.as_ref(), &self.settings.network);
        if let Some(name) = self.name(asked.mac) {
            reply.options.set(code::HOST_NAME, name);
        }
        reply::fit(&mut reply, &asked.message);
        reply
    }

    fn boot_file(&self, asked: &Asked) -> Option<BootFile> {
        let found = reply::boot_file(asked.client, asked.mac, &self.loaders, self.settings.url.as_deref());
        if found.is_none() && asked.client != client::Client::Ordinary {
            warn!(mac = %asked.mac, client = ?asked.client, "no boot loader for this kind of machine");
        }
        found
    }

    fn refuse(&self, asked: &Asked, address: Ipv4Addr) -> Message {
        info!(mac = %asked.mac, %address, "DHCP request refused: the address is not this client's");
        self.note(asked.mac, false, Kind::NotItsOwn, address.to_string());
        reply::refuse(&asked.message, "the address is not yours", self.settings.network.server)
    }

    fn note(&self, mac: Mac, known: bool, kind: Kind, text: impl Into<String>) {
        self.settings.trace.card(mac, known, kind, text);
    }

    /// What a client got, and whether it can boot from that.
    fn note_grant(
        &self,
        asked: &Asked,
        kind: MessageType,
        address: Option<Ipv4Addr>,
        owner: Option<Owner>,
        boot: Option<&BootFile>,
    ) {
        let address = address.unwrap_or(asked.message.ciaddr);
        if kind == MessageType::Offer {
            return self.note(asked.mac, owner.is_some(), Kind::Offered, format!("{address}, {}", told(asked.client)));
        }
        if owner.is_some() {
            self.settings.trace.held(asked.mac, IpAddr::V4(address));
        }
        let bootable = owner.is_none_or(|owner| owner.pxe_enabled);
        let kind = match (asked.client, boot) {
            (client::Client::Ordinary, _) => Kind::LeasedSystem,
            _ if !bootable => Kind::NoBootFile,
            (client::Client::Ipxe, Some(_)) => Kind::LeasedIpxe,
            (client::Client::Ipxe, None) => Kind::NoUrl,
            (_, Some(_)) => Kind::LeasedFirmware,
            (_, None) => Kind::NoLoader,
        };
        let to_load = boot.map(|boot| format!(", told to load {}", boot.name)).unwrap_or_default();
        self.note(asked.mac, owner.is_some(), kind, format!("{address}, {}{to_load}", told(asked.client)));
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A kind of client, for a person.
fn told(client: client::Client) -> String {
    match client {
        client::Client::Ipxe => "as iPXE".to_owned(),
        client::Client::Firmware(0) => "as BIOS firmware".to_owned(),
        client::Client::Firmware(architecture) => format!("as UEFI firmware (architecture {architecture})"),
        client::Client::HttpFirmware(architecture) => format!("as UEFI HTTP boot (architecture {architecture})"),
        client::Client::Ordinary => "as an operating system".to_owned(),
    }
}

/// A host name as far as it is one: letters, digits, hyphens and dots; anything else is nobody's name.
fn hostname(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?.trim_end_matches('\0');
    let plain = (1..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    plain.then(|| text.to_owned())
}

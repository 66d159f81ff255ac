//! The servers that a machine meets before it runs anything of ours: DHCP, TFTP, boot scripts and files over HTTP.
//!
//! ```text
//!   firmware ─► DHCP ─► TFTP: iPXE ─► DHCP ─► HTTP: boot script ─► HTTP: kernel, ramdisk ─► the agent, which is api's
//! ```
//! All of them answer from what the store says at that moment: whose card is it, has its node a boot plan. None of them
//! changes a node. [`start`] opens those that listen on a network of their own; [`http::Handler`] answers on the
//! provisioning listener, beside the agent's API.

pub mod dhcp;
pub mod http;
pub mod loaders;
mod router_advert;
pub mod tftp;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::dhcp::probe;
use self::dhcp::reservations::Reservations;
use self::loaders::Loaders;
use self::router_advert::Advertiser;
use crate::clock::Clock;
use crate::net::{Interface, Net};
use crate::random::Random;
use crate::store::Store;
use crate::trace::Trace;

/// Where to serve.
#[derive(Clone, Debug)]
pub enum At {
    /// A network interface, at its first IPv4 address and the ports that machines know.
    Interface(String),
    /// A loopback address and the DHCP port there, for simulated machines.
    Loopback(SocketAddr),
}

/// What the operator wants.
#[derive(Clone, Debug)]
pub struct Settings {
    pub at: At,
    pub pool: RangeInclusive<Ipv4Addr>,
    /// None: the interface's own.
    pub netmask: Option<Ipv4Addr>,
    pub gateway: Option<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
    pub reservations: Reservations,
    /// Whether cards that belong to no node get an address.
    pub serve_unknown: bool,
    pub lease_secs: u32,
    /// Serve even if another DHCP server answers on the interface.
    pub force: bool,
    pub tftp_port: u16,
    /// Base URL of the provisioning listener. None: machines get as far as iPXE.
    pub url: Option<String>,
}

/// The seams and the store.
#[derive(Clone)]
pub struct Parts {
    pub net: Net,
    pub clock: Clock,
    pub random: Random,
    pub store: Store,
    pub loaders: Loaders,
    /// Where it is noted what machines ask for.
    pub trace: Trace,
}

/// The bound addresses.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub dhcp: SocketAddr,
    pub tftp: SocketAddr,
}

/// Binds DHCP and TFTP, and answers router solicitations where that is possible; their tasks go into `tasks` and end with
/// `stop`. On an interface it first takes up to a second to look for another DHCP server.
///
/// Errors: a port is taken or needs a capability, the interface is missing or has no address, or another DHCP server
/// answers there and `force` is not set.
pub async fn start(
    parts: Parts,
    settings: Settings,
    tasks: &mut JoinSet<anyhow::Result<()>>,
    stop: &CancellationToken,
) -> anyhow::Result<Bound> {
    let place = Place::find(&settings)?;
    place.refuse_misplaced(&settings)?;
    let tftp = tftp_server(&parts, &settings, &place)?;
    let dhcp = dhcp_server(&parts, &settings, &place).await?;
    refuse_beside_another(&parts, &settings, &place).await?;
    let advertiser = place.interface.and_then(|interface| advertiser(&parts, interface));

    let bound = Bound { dhcp: dhcp.local_addr()?, tftp: tftp.local_addr()? };
    tasks.spawn(until_stopped(dhcp.run(stop.clone())));
    tasks.spawn(until_stopped(tftp.run(stop.clone())));
    if let Some(advertiser) = advertiser {
        tasks.spawn(until_stopped(advertiser.run(stop.clone())));
    }
    info!(dhcp = %bound.dhcp, tftp = %bound.tftp, loaders = %parts.loaders.dir().display(), "network boot");
    Ok(bound)
}

async fn until_stopped(server: impl Future<Output = ()>) -> anyhow::Result<()> {
    server.await;
    Ok(())
}

/// [`Settings::at`], looked up.
struct Place {
    server: Ipv4Addr,
    netmask: Ipv4Addr,
    dhcp: SocketAddr,
    interface: Option<Interface>,
}

impl Place {
    fn find(settings: &Settings) -> anyhow::Result<Self> {
        match &settings.at {
            At::Interface(name) => {
                let interface = Interface::find(name)?;
                let Some(&(server, netmask)) = interface.ipv4.first() else {
                    bail!("the interface {name} has no IPv4 address, and machines need one to boot from");
                };
                let netmask = settings.netmask.unwrap_or(netmask);
                let dhcp = SocketAddr::from((Ipv4Addr::UNSPECIFIED, dhcp::destination::SERVER_PORT));
                Ok(Place { server, netmask, dhcp, interface: Some(interface) })
            }
            At::Loopback(dhcp) => {
                let IpAddr::V4(server) = dhcp.ip() else {
                    bail!("DHCP is served on IPv4 addresses only, not on {dhcp}")
                };
                let netmask = settings.netmask.unwrap_or(Ipv4Addr::new(255, 0, 0, 0));
                Ok(Place { server, netmask, dhcp: *dhcp, interface: None })
            }
        }
    }

    /// A reservation that cannot work here. The configuration has found most of them; only here is the interface's own
    /// address and netmask known.
    fn refuse_misplaced(&self, settings: &Settings) -> anyhow::Result<()> {
        let pool = *settings.pool.start();
        match settings.reservations.misplaced(pool, self.netmask, self.server) {
            Some((mac, address)) => bail!(
                "dhcp.reservations.\"{mac}\": expected an address for a machine in the pool's network, {pool} with the netmask \
                 {}, other than the server's {}, not {address}",
                self.netmask,
                self.server
            ),
            None => Ok(()),
        }
    }

    fn device(&self) -> Option<String> {
        self.interface.as_ref().map(|interface| interface.name.clone())
    }

    /// What a failed bind concerns, and what usually helps.
    fn failure(&self, what: &str, port: u16) -> String {
        let on = self.device().unwrap_or_else(|| self.server.to_string());
        format!(
            "cannot serve {what} on {on}, port {port} (it must be free; on an interface it needs the capabilities \
             CAP_NET_BIND_SERVICE and CAP_NET_RAW, or root)"
        )
    }
}

fn tftp_server(parts: &Parts, settings: &Settings, place: &Place) -> anyhow::Result<tftp::Server> {
    // On an interface any of its addresses may be asked; the answer leaves from that one.
    let ip = if place.interface.is_some() { Ipv4Addr::UNSPECIFIED } else { place.server };
    let listen = SocketAddr::from((ip, settings.tftp_port));
    let served = tftp::Settings { device: place.device(), trace: parts.trace.clone(), ..tftp::Settings::at(listen) };
    tftp::Server::bind(parts.net.clone(), parts.clock.clone(), parts.loaders.clone(), served)
        .with_context(|| place.failure("TFTP", settings.tftp_port))
}

async fn dhcp_server(parts: &Parts, settings: &Settings, place: &Place) -> anyhow::Result<dhcp::Server> {
    let served = dhcp::Settings {
        listen: place.dhcp,
        device: place.device(),
        network: dhcp::Network {
            server: place.server,
            netmask: place.netmask,
            gateway: settings.gateway,
            dns: settings.dns.clone(),
        },
        pool: settings.pool.clone(),
        reservations: settings.reservations.clone(),
        serve_unknown: settings.serve_unknown,
        lease_secs: settings.lease_secs,
        url: settings.url.clone(),
        trace: parts.trace.clone(),
    };
    dhcp::Server::bind(&parts.net, parts.clock.clone(), parts.store.clone(), parts.loaders.clone(), served)
        .await
        .with_context(|| place.failure("DHCP", place.dhcp.port()))
}

async fn refuse_beside_another(parts: &Parts, settings: &Settings, place: &Place) -> anyhow::Result<()> {
    let Some(interface) = place.interface.as_ref().filter(|_| !settings.force) else { return Ok(()) };
    let name = &interface.name;
    match probe::foreign_server(&parts.net, &parts.clock, &parts.random, name, place.server).await {
        Some(other) => bail!(
            "another DHCP server ({other}) answers on {name}; two of them would give machines each other's addresses. \
             Stop it, or set dhcp.force = true to serve beside it"
        ),
        None => Ok(()),
    }
}

/// Without it machines boot too, only later, so that it cannot be opened is no failure.
fn advertiser(parts: &Parts, interface: Interface) -> Option<Advertiser> {
    match parts.net.icmp6(&interface) {
        Ok(socket) => Some(Advertiser { socket, interface, store: parts.store.clone(), clock: parts.clock.clone() }),
        Err(error) => {
            warn!(interface = interface.name, %error, "cannot tell machines that there is no IPv6 router; iPXE will wait for one");
            None
        }
    }
}

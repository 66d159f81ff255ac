//! What machines meet: the provisioning listener and DHCP, and the rules between the two.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::keys;
use super::reservations::{self, Reservation};
use super::settings::Values;

/// The listener for machines.
#[derive(Clone, Debug)]
pub struct Provisioning {
    pub listen: SocketAddr,
    /// How machines reach it; no trailing slash.
    pub url: String,
}

impl Provisioning {
    /// The URL once the listener is bound: port 0 in the configuration means whichever was free.
    pub fn url_at(&self, bound: SocketAddr) -> String {
        if self.url == url_of(self.listen) { url_of(bound) } else { self.url.clone() }
    }
}

fn url_of(listen: SocketAddr) -> String {
    format!("http://{listen}")
}

/// DHCP, and TFTP beside it.
#[derive(Clone, Debug)]
pub struct Dhcp {
    pub at: DhcpAt,
    /// First and last address, both leased.
    pub pool: (Ipv4Addr, Ipv4Addr),
    pub reservations: Vec<Reservation>,
    /// None: the interface's own.
    pub netmask: Option<Ipv4Addr>,
    pub gateway: Option<Ipv4Addr>,
    pub dns: Vec<Ipv4Addr>,
    pub unknown: Unknown,
    pub lease: Duration,
    /// Serve beside another DHCP server.
    pub force: bool,
    pub tftp_port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DhcpAt {
    Interface(String),
    /// A loopback address, for simulated machines.
    Address(SocketAddr),
}

/// What a machine gets that is no port's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    Ignore,
    Lease,
}

/// The longest name that Linux gives to an interface (IFNAMSIZ without the zero).
const INTERFACE_NAME: usize = 15;
/// A pool must lie in one network of this prefix, and no netmask may be shorter.
const SHORTEST_PREFIX: u32 = 16;

/// DHCP if an interface or an address is given. A half-given one is a problem, never a silent no.
pub(super) fn dhcp(values: &mut Values) -> Option<Dhcp> {
    let at = match (values.text(keys::DHCP_INTERFACE), values.socket(keys::DHCP_LISTEN)) {
        (Some(_), Some(_)) => {
            values.wrong(keys::DHCP_LISTEN, "nothing, because dhcp.interface is given too");
            return None;
        }
        (Some(name), None) => {
            if name.len() > INTERFACE_NAME || name.contains(['/', ' ']) {
                values.wrong(keys::DHCP_INTERFACE, "the name of an interface, as `ip link` shows it");
            }
            DhcpAt::Interface(name)
        }
        (None, Some(address)) => {
            if !address.ip().is_loopback() || address.is_ipv6() {
                values
                    .wrong(keys::DHCP_LISTEN, "a loopback address (127.x.y.z:PORT); for a network name dhcp.interface");
            }
            DhcpAt::Address(address)
        }
        (None, None) => {
            for key in
                [keys::DHCP_POOL, keys::DHCP_RESERVATIONS, keys::DHCP_NETMASK, keys::DHCP_GATEWAY, keys::DHCP_DNS]
            {
                if values.is_given(key) {
                    values.wrong(key, "dhcp.interface beside it, without which DHCP is off");
                }
            }
            return None;
        }
    };
    let netmask = values.ipv4(keys::DHCP_NETMASK);
    if netmask.is_some_and(|mask| prefix(mask).is_none()) {
        values.wrong(keys::DHCP_NETMASK, "a netmask from 255.255.0.0 to 255.255.255.252");
    }
    let pool = pool(values, &at, netmask)?;
    let gateway = values.ipv4(keys::DHCP_GATEWAY);
    let server = match &at {
        DhcpAt::Address(SocketAddr::V4(server)) => Some(*server.ip()),
        _ => None,
    };
    let length = netmask.and_then(prefix).unwrap_or(SHORTEST_PREFIX);
    let whole = netmask.is_some();
    Some(Dhcp {
        pool,
        reservations: reservations::read(values, &reservations::Around { pool, length, whole, server, gateway }),
        netmask,
        gateway,
        dns: dns(values),
        unknown: if values.words(keys::DHCP_UNKNOWN) == "lease" { Unknown::Lease } else { Unknown::Ignore },
        lease: values.secs(keys::DHCP_LEASE_SECS),
        force: values.flag(keys::DHCP_FORCE),
        tftp_port: u16::try_from(values.number(keys::TFTP_PORT)).unwrap_or(69),
        at,
    })
}

fn dns(values: &mut Values) -> Vec<Ipv4Addr> {
    let names = values.list(keys::DHCP_DNS);
    let servers: Vec<Ipv4Addr> = names.iter().filter_map(|name| name.parse().ok()).collect();
    if servers.len() != names.len() {
        values.wrong(keys::DHCP_DNS, "IPv4 addresses");
    }
    servers
}

/// The prefix length of a netmask that is one and is neither too wide nor too narrow.
fn prefix(mask: Ipv4Addr) -> Option<u32> {
    let bits = u32::from(mask);
    let length = bits.leading_ones();
    (bits.count_ones() == length && (SHORTEST_PREFIX..=30).contains(&length)).then_some(length)
}

fn pool(values: &mut Values, at: &DhcpAt, netmask: Option<Ipv4Addr>) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let Some(text) = values.text(keys::DHCP_POOL) else {
        values.missing(keys::DHCP_POOL, "DHCP is on, so it needs addresses to lease, such as 10.77.0.100-10.77.0.199");
        return None;
    };
    let ends = text.split_once('-').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    let Some((first, last)): Option<(Ipv4Addr, Ipv4Addr)> = ends else {
        values.wrong(keys::DHCP_POOL, "FIRST-LAST, such as 10.77.0.100-10.77.0.199");
        return None;
    };
    if first > last {
        values.wrong(keys::DHCP_POOL, "the lower address first");
    }
    let length = netmask.and_then(prefix).unwrap_or(SHORTEST_PREFIX);
    let network = |address: Ipv4Addr| u32::from(address) >> (32 - length);
    if network(first) != network(last) {
        values.wrong(keys::DHCP_POOL, &format!("two addresses of one network (/{length})"));
    }
    if let DhcpAt::Address(server) = at {
        refuse_server_in_pool(values, (first, last), server.ip());
    }
    Some((first, last))
}

fn refuse_server_in_pool(values: &mut Values, (first, last): (Ipv4Addr, Ipv4Addr), server: IpAddr) {
    if let IpAddr::V4(server) = server
        && (first..=last).contains(&server)
    {
        values.wrong(keys::DHCP_POOL, &format!("a pool without the server's own address {server}"));
    }
}

/// The provisioning listener, and its URL.
pub(super) fn provisioning(values: &mut Values, admin: SocketAddr, dhcp: Option<&Dhcp>) -> Option<Provisioning> {
    let given = values.text(keys::PROVISIONING_LISTEN).is_some();
    let Some(listen) = values.socket(keys::PROVISIONING_LISTEN) else {
        if !given && values.is_given(keys::PROVISIONING_URL) {
            values.wrong(keys::PROVISIONING_URL, "provisioning.listen beside it");
        }
        if !given && dhcp.is_some() {
            values.missing(
                keys::PROVISIONING_LISTEN,
                "DHCP is on, and machines fetch their boot scripts there; use this server's address on their network, \
                 such as 10.77.0.1:8080",
            );
        }
        return None;
    };
    if listen == admin && listen.port() != 0 {
        values.wrong(keys::PROVISIONING_LISTEN, "another address or port than the admin API's");
    }
    if let Some(dhcp) = dhcp {
        refuse_server_in_pool(values, dhcp.pool, listen.ip());
        reservations::refuse_server(values, &dhcp.reservations, listen.ip());
    }
    let url = match values.text(keys::PROVISIONING_URL) {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => url_of(listen),
    };
    let named = values.is_given(keys::PROVISIONING_URL);
    if named && crate::net::http::Url::parse(&url).is_err() {
        values.wrong(keys::PROVISIONING_URL, "a URL, such as http://10.77.0.1:8080");
    }
    if !named && listen.ip().is_unspecified() {
        values.wrong(
            keys::PROVISIONING_LISTEN,
            "one address of this server, or provisioning.url beside it: machines cannot be sent to an address that means any",
        );
    }
    Some(Provisioning { listen, url })
}

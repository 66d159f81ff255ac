//! `dhcp.reservations`: fixed addresses, and what is wrong with them.

use std::net::{IpAddr, Ipv4Addr};

use toml::Value;

use super::keys;
use super::settings::Values;
use crate::wire::mac::Mac;

/// An address that goes to one card only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub mac: Mac,
    pub address: Ipv4Addr,
    /// The name that the machine is told to have.
    pub name: Option<String>,
}

/// More are not kept in a configuration file by anybody, and each is looked at when the service starts.
const MOST: usize = 4096;

/// What a reservation has to agree with.
pub(super) struct Around {
    pub pool: (Ipv4Addr, Ipv4Addr),
    /// The prefix length of the network.
    pub length: u32,
    /// Whether that length is the network's own, so that its first and last address are known.
    pub whole: bool,
    pub server: Option<Ipv4Addr>,
    pub gateway: Option<Ipv4Addr>,
}

impl Around {
    /// Why an address cannot be a machine's; the sentence says what was expected.
    fn objection(&self, address: Ipv4Addr) -> Option<String> {
        let (pool, bits, host) = (u32::from(self.pool.0), u32::from(address), u32::MAX.unbounded_shr(self.length));
        if (pool ^ bits) & !host != 0 {
            return Some(format!("an address of the pool's network {}/{}", Ipv4Addr::from(pool & !host), self.length));
        }
        if self.whole && (bits & host == 0 || bits & host == host) {
            return Some("an address that is neither the network's first nor its last".to_owned());
        }
        if self.server == Some(address) {
            return Some("another address than the server's own".to_owned());
        }
        (self.gateway == Some(address)).then(|| "another address than dhcp.gateway".to_owned())
    }
}

/// The reservations that are right; what is wrong with the others is noted.
pub(super) fn read(values: &mut Values, around: &Around) -> Vec<Reservation> {
    let mut all: Vec<Reservation> = vec![];
    let named = values.named(keys::DHCP_RESERVATIONS);
    if named.len() > MOST {
        values.wrong_entry(keys::DHCP_RESERVATIONS, "*", &format!("at most {MOST} reservations"));
        return all;
    }
    for (card, value) in named {
        let entry = entry(&card, &value).and_then(|new| {
            let double = |it: &&Reservation| it.mac == new.mac || it.address == new.address;
            if let Some(objection) = around.objection(new.address) {
                return Err(format!("{objection}, not {}", new.address));
            }
            match all.iter().find(double) {
                Some(other) if other.mac == new.mac => Err(format!("one entry for {}, not two", new.mac)),
                Some(other) => Err(format!("an address of its own, not {}, which is {}'s", new.address, other.mac)),
                None => Ok(new),
            }
        });
        match entry {
            Ok(new) => all.push(new),
            Err(expected) => values.wrong_entry(keys::DHCP_RESERVATIONS, &card, &expected),
        }
    }
    all
}

/// The provisioning listener is an address of the server too.
pub(super) fn refuse_server(values: &mut Values, all: &[Reservation], server: IpAddr) {
    for it in all.iter().filter(|it| IpAddr::V4(it.address) == server) {
        let expected = format!("another address than the server's own {server}");
        values.wrong_entry(keys::DHCP_RESERVATIONS, &it.mac.to_string(), &expected);
    }
}

/// `MAC = "ADDRESS"` or `MAC = { address = "ADDRESS", name = "NAME" }`.
fn entry(card: &str, value: &Value) -> Result<Reservation, String> {
    let mac: Mac = card.parse().map_err(|_| "a MAC address before the equals sign, such as 52:54:00:12:34:56")?;
    // The group bit is set in addresses of many, which no card has for its own.
    if mac.0[0] & 1 != 0 || mac.0 == [0; 6] {
        return Err("the MAC address of one card".to_owned());
    }
    let mut name = None;
    let mut address = value.as_str();
    for (key, inner) in value.as_table().into_iter().flatten() {
        match &**key {
            "address" => address = inner.as_str(),
            "name" => name = inner.as_str(),
            _ => return Err(format!("address and name and nothing else, not {key}")),
        }
    }
    let address = address.and_then(|text| text.trim().parse().ok());
    let address = address.ok_or("an IPv4 address, or { address = \"10.77.0.50\", name = \"web1\" }")?;
    if name.is_some_and(|name| !is_host_name(name)) {
        return Err("a name of letters, digits, hyphens and dots, 63 at most".to_owned());
    }
    Ok(Reservation { mac, address, name: name.map(str::to_owned) })
}

fn is_host_name(name: &str) -> bool {
    let label = |it: &str| !it.is_empty() && !it.starts_with('-') && !it.ends_with('-');
    name.len() <= 63
        && name.split('.').all(label)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

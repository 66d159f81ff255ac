//! What a network interface is: its number, its IPv4 addresses, and whether it forwards IPv6.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// An interface by name, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    pub index: u32,
    /// Addresses and their netmasks, in the kernel's order: the first is the one that datagrams leave from.
    pub ipv4: Vec<(Ipv4Addr, Ipv4Addr)>,
}

/// Whether an interface of this machine has the address. One that cannot be asked for counts as having it not.
pub(super) fn has_address(wanted: IpAddr) -> bool {
    let Ok(mut entries) = nix::ifaddrs::getifaddrs() else { return false };
    entries.any(|entry| {
        let Some(address) = entry.address else { return false };
        let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
        v4.or(address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip()))) == Some(wanted)
    })
}

impl Interface {
    /// Looks an interface up. Errors: `NotFound` if there is none of that name.
    pub fn find(name: &str) -> io::Result<Self> {
        let missing = |_| io::Error::new(io::ErrorKind::NotFound, format!("there is no network interface {name}"));
        let index = nix::net::if_::if_nametoindex(name).map_err(missing)?;
        let mut ipv4 = Vec::new();
        for entry in nix::ifaddrs::getifaddrs()?.filter(|entry| entry.interface_name == name) {
            let v4 = |address: Option<nix::sys::socket::SockaddrStorage>| Some(address?.as_sockaddr_in()?.ip());
            if let (Some(address), Some(netmask)) = (v4(entry.address), v4(entry.netmask)) {
                ipv4.push((address, netmask));
            }
        }
        Ok(Interface { name: name.to_owned(), index, ipv4 })
    }

    /// Whether the kernel routes IPv6 packets that arrive here. What cannot be read counts as yes: a router speaks for
    /// itself, and silence is the safe answer.
    pub async fn forwards_ipv6(&self) -> bool {
        let path = format!("/proc/sys/net/ipv6/conf/{}/forwarding", self.name);
        let read = crate::blocking::run(move || std::fs::read_to_string(path)).await;
        !matches!(read, Ok(Ok(text)) if text.trim() == "0")
    }
}

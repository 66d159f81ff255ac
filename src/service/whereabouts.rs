//! Where the agent of a machine may be: what it is told goes only there, and only there is it called.
//!
//! The token says that a heartbeat is of the ramdisk that looked itself up; but whoever is first to look up has the token.
//! What nobody can choose is the address that our DHCP gave to a machine's card. So that is where its agent is, unless the
//! operator named other networks; where DHCP is somebody else's, it is at the address from which the heartbeat came.
//!
//! Deliberately absent: names, since whoever answers for them could lead us anywhere later.

use std::net::IpAddr;

use super::rules::Agents;
use super::{Refusal, Refused};
use crate::clock::Timestamp;
use crate::model::Node;
use crate::net::http::{Url, is_near};
use crate::store::leases::{self, Lease};
use crate::store::{Read, Tx, ports};

/// Who speaks to us, as the connection tells.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: IpAddr,
    /// Whether `callback` is one of this server's own addresses.
    pub calls_home: bool,
}

impl Peer {
    pub fn new(address: IpAddr) -> Self {
        Peer { address: address.to_canonical(), calls_home: false }
    }
}

/// The address in a callback URL; none if the agent does not want to be called.
pub fn callback(url: &str) -> Refused<Option<IpAddr>> {
    if url.is_empty() {
        return Ok(None);
    }
    let wrong = || Refusal::invalid("callback_url: expected an http or https URL of an address and a port");
    let parsed = Url::parse(url).map_err(|_| wrong())?;
    if parsed.has_credentials() || url.contains(['?', '#']) {
        return Err(wrong());
    }
    // Ironic takes names, and has to believe whoever resolves them.
    parsed.host.parse().map(|ip: IpAddr| Some(ip.to_canonical())).map_err(|_| wrong())
}

/// Refuses a callback to where the node's agent cannot be.
pub fn check(read: &Read, node: &Node, url: &str, peer: Peer, agents: &Agents) -> Refused<()> {
    let Some(at) = callback(url)? else { return Ok(()) };
    let refused = |why: &str| {
        tracing::warn!(node = %node.uuid, callback = %at, peer = %peer.address, why, "heartbeat refused");
        Err(Refusal::invalid(format!("callback_url: {at} {why}")))
    };
    if leased(read, node)?.iter().any(|lease| lease.address == at) {
        return Ok(());
    }
    if agents.networks.iter().any(|block| block.contains(at)) {
        // A block may hold this server too.
        return if peer.calls_home && !at.is_loopback() { refused("is this server's own") } else { Ok(()) };
    }
    if is_near(at) || peer.calls_home {
        return refused("is an address of this server or its links");
    }
    if !agents.networks.is_empty() {
        return refused("is outside provisioning.agent_networks, and was not leased to this machine");
    }
    if agents.leased {
        return refused("was not leased to this machine; provisioning.agent_networks names other networks");
    }
    if at != peer.address {
        return refused("is not where the heartbeat comes from; provisioning.agent_networks names other networks");
    }
    Ok(())
}

/// Whether somebody speaks for a machine from where it is not.
pub fn is_impostor(tx: &Tx, node: &Node, peer: Peer, agents: &Agents) -> Refused<bool> {
    let found = impostor(tx, node, peer, agents, tx.now())?;
    if let Some(why) = &found {
        tracing::warn!(node = %node.uuid, peer = %peer.address, why, "refused: this is not the machine");
    }
    Ok(found.is_some())
}

/// Why whoever speaks is not the machine; nothing if it may be. Where our DHCP gives out the addresses, a machine speaks from
/// the one that it has, and one that has none has not booted: whoever speaks for it then would have its token before it does.
pub fn impostor(read: &Read, node: &Node, peer: Peer, agents: &Agents, now: Timestamp) -> Refused<Option<String>> {
    if !agents.leased || agents.networks.iter().any(|block| block.contains(peer.address)) {
        return Ok(None);
    }
    let mut held = leased(read, node)?;
    if held.iter().any(|lease| lease.expires_at > now) {
        held.retain(|lease| lease.expires_at > now);
    }
    if held.iter().any(|lease| lease.address == peer.address) {
        return Ok(None);
    }
    let has: Vec<String> = held.iter().map(|lease| lease.address.to_string()).collect();
    Ok(match &has[..] {
        // It was told apart by something else than its cards, of which nobody knows any.
        [] if ports::of_node(read, node.uuid)?.is_empty() => None,
        [] => Some(format!("it came from {}, and no address was leased to the machine's cards yet", peer.address)),
        has => Some(format!("it came from {}, and the machine's address is {}", peer.address, has.join(" or "))),
    })
}

/// What our DHCP gave to the node's cards. An old lease counts as well: many a ramdisk never renews its own, and its
/// address goes to nobody else before the lease goes too.
fn leased(read: &Read, node: &Node) -> Refused<Vec<Held>> {
    let mut found = Vec::new();
    for port in ports::of_node(read, node.uuid)? {
        if let Some(Lease { address, expires_at, .. }) = leases::find(read, &port.address)? {
            found.push(Held { address: IpAddr::V4(address), expires_at });
        }
    }
    Ok(found)
}

struct Held {
    address: IpAddr,
    expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_an_address_and_nothing_else() {
        for (url, address) in [
            ("https://10.0.0.5:9999", Some("10.0.0.5")),
            ("http://[2001:db8::5]:9999/", Some("2001:db8::5")),
            ("https://[::ffff:10.0.0.5]:9999", Some("10.0.0.5")),
            ("", None),
        ] {
            let found = callback(url).map(|found| found.map(|ip| ip.to_string()));
            assert_eq!(found.ok(), Some(address.map(str::to_owned)), "{url}");
        }
        for bad in [
            "ftp://10.0.0.5",
            "10.0.0.5:9999",
            "https://agent.example:9999",
            "https://localhost:9999",
            "http://2130706433:9999",
            "http://0x7f.1:9999",
            "http://017700000001",
            "https://u:p@10.0.0.5:9999",
            "https://10.0.0.5:9999/?x=",
            "https://10.0.0.5:9999/#x",
            "https://10.0.0.5:99999",
            "https://[fe80::1%25eth0]:1",
            "https:///x",
            "file:///etc/passwd",
            "https://10.0.0.5:9999\r\nX: y",
        ] {
            assert!(callback(bad).is_err(), "{bad}");
        }
    }
}

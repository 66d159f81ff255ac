//! Which addresses a request may go to, whatever a name or a redirect leads to.
//!
//! An address that somebody else chose (an image's, a rule's) must not make this service ask those who trust it for being
//! near: itself, what is only on its links, a cloud's metadata. The check is made of the address that is then connected to,
//! after names were resolved and for each redirect anew, so that no name can mean one thing when it is looked at and
//! another when it is used. Private networks are not near: that is where images are kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::net::{Block, Net};

/// Where clouds keep what an instance may know of itself, beside 169.254.0.0/16.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// See the head of this file. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Reach(Option<Arc<Bounds>>);

#[derive(Debug, Default)]
struct Bounds {
    allowed: Vec<Block>,
    listeners: Vec<SocketAddr>,
}

impl Reach {
    /// Everywhere: for addresses that the operator or the program chose.
    pub fn any() -> Self {
        Reach(None)
    }

    /// Neither this machine nor what is only on its link.
    pub fn routed() -> Self {
        Reach(Some(Arc::default()))
    }

    /// The same, but also to these blocks, and never to these listeners, which are our own.
    pub fn routed_and(allowed: Vec<Block>, listeners: Vec<SocketAddr>) -> Self {
        Reach(Some(Arc::new(Bounds { allowed, listeners })))
    }

    /// Whether `to` may be connected to.
    pub fn allows(&self, net: &Net, to: SocketAddr) -> bool {
        let Some(bounds) = &self.0 else { return true };
        let ip = to.ip().to_canonical();
        let ours = |listener: &SocketAddr| {
            listener.port() == to.port()
                && (listener.ip() == ip || (listener.ip().is_unspecified() && net.is_own_address(ip)))
        };
        !bounds.listeners.iter().any(ours) && (!is_near(ip) || bounds.allowed.iter().any(|block| block.contains(ip)))
    }

    /// Whether an address that is written out as such may be connected to, as far as can be told without a port. A name
    /// is judged when it is resolved.
    pub fn allows_host(&self, net: &Net, host: &str) -> bool {
        host.parse().map_or(true, |ip: IpAddr| self.allows(net, SocketAddr::new(ip, 0)))
    }
}

/// Whether an address is of this machine, of its links, of everybody, or of a cloud's metadata.
pub fn is_near(address: IpAddr) -> bool {
    let address = address.to_canonical();
    if METADATA.contains(&address) || address.is_multicast() || address.is_loopback() || address.is_unspecified() {
        return true;
    }
    match address {
        // 0.0.0.0/8 is "this network": Linux takes some of it for itself.
        IpAddr::V4(it) => it.is_link_local() || it.is_broadcast() || it.octets()[0] == 0,
        IpAddr::V6(it) => it.is_unicast_link_local() || embedded(it).is_some_and(|v4| is_near(IpAddr::V4(v4))),
    }
}

/// The IPv4 address to which a translator or tunnel would carry it: IPv4-compatible (::/96), NAT64 (64:ff9b::/96 and
/// 64:ff9b:1::/48 in its usual form), 6to4 (2002::/16).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let at = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match at {
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 1, .., high, low] => {
            v4(high, low)
        }
        [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Checked = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn what_is_near_is_told_from_what_is_routed_in_every_spelling() -> Checked {
        let near = [
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "169.254.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "255.255.255.255",
            "224.0.0.1",
            "239.1.1.1",
            "100.100.100.200",
            "168.63.129.16",
            "::1",
            "::",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.1.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::169.254.169.254",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
        ];
        let routed = [
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "192.0.2.1",
            "100.64.0.1",
            "2001:db8::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ];
        let net = Net::system();
        for (addresses, expected) in [(&near[..], false), (&routed[..], true)] {
            for address in addresses {
                let to = SocketAddr::new(address.parse()?, 80);
                assert_eq!(Reach::routed().allows(&net, to), expected, "{address}");
                assert!(Reach::any().allows(&net, to), "{address}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_block_that_was_allowed_may_be_reached_but_never_our_own_listeners() -> Checked {
        let net = Net::system();
        let listeners = vec!["127.0.0.1:6385".parse()?, "10.77.0.1:8080".parse()?, "0.0.0.0:9000".parse()?];
        let reach = Reach::routed_and(vec!["127.0.0.0/8".parse().map_err(|()| "block")?], listeners);
        for (to, allowed) in [
            ("127.0.0.1:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("127.0.0.1:6385", false),
            ("[::ffff:127.0.0.1]:6385", false),
            ("10.77.0.1:8080", false),
            ("10.77.0.1:80", true),
            ("127.0.0.1:9000", false),
            ("10.99.0.1:9000", true),
            ("169.254.169.254:80", false),
        ] {
            assert_eq!(reach.allows(&net, to.parse()?), allowed, "{to}");
        }
        assert!(reach.allows_host(&net, "images.example.org") && !reach.allows_host(&net, "169.254.169.254"));
        Ok(())
    }
}

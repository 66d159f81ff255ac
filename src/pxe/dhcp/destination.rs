//! Where a reply goes: one pure function, because everything else about it is a matter of the network's mood.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::wire::dhcp::{Message, MessageType};

/// The port that servers and relays listen on.
pub const SERVER_PORT: u16 = 67;
/// The port that clients listen on.
pub const CLIENT_PORT: u16 = 68;

/// The destination of a reply of `kind` to `request`, which came from `source` to a socket listening on `listen`
/// (RFC 2131 section 4.1).
///
/// Replies to clients without an address are broadcast even if the broadcast flag is clear: unicast to an address that
/// nobody answers ARP for would need an entry in the kernel's table, and every boot ROM takes a broadcast.
/// On loopback there is neither broadcast nor port 68, so a listener there answers whoever sent the datagram.
pub fn destination(request: &Message, kind: MessageType, source: SocketAddr, listen: IpAddr) -> SocketAddr {
    let to = |address: Ipv4Addr, port| SocketAddr::new(IpAddr::V4(address), port);
    if listen.is_loopback() {
        source
    } else if !request.giaddr.is_unspecified() {
        to(request.giaddr, SERVER_PORT)
    } else if kind == MessageType::Ack && !request.ciaddr.is_unspecified() {
        to(request.ciaddr, CLIENT_PORT)
    } else {
        to(Ipv4Addr::BROADCAST, CLIENT_PORT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::dhcp::{BROADCAST, Op};
    use crate::wire::mac::Mac;

    #[test]
    fn every_kind_of_request_has_its_destination() {
        use MessageType::{Ack, Nak, Offer};
        let none = "0.0.0.0";
        // (giaddr, ciaddr, broadcast flag, kind, listener, expected)
        let table = [
            ("10.9.0.1", none, 0, Offer, none, "10.9.0.1:67"),
            ("10.9.0.1", "10.9.0.8", 0, Ack, none, "10.9.0.1:67"),
            ("10.9.0.1", none, BROADCAST, Nak, none, "10.9.0.1:67"),
            (none, "10.9.0.8", 0, Ack, none, "10.9.0.8:68"),
            (none, "10.9.0.8", BROADCAST, Ack, none, "10.9.0.8:68"),
            (none, "10.9.0.8", 0, Nak, none, "255.255.255.255:68"),
            (none, "10.9.0.8", 0, Offer, none, "255.255.255.255:68"),
            (none, none, 0, Offer, none, "255.255.255.255:68"),
            (none, none, BROADCAST, Ack, none, "255.255.255.255:68"),
            (none, none, 0, Offer, "127.77.0.1", "127.77.1.9:4011"),
            ("10.9.0.1", "10.9.0.8", 0, Ack, "127.77.0.1", "127.77.1.9:4011"),
        ];
        for (giaddr, ciaddr, flags, kind, listen, expected) in table {
            let parse = |text: &str| text.parse::<Ipv4Addr>().unwrap_or(Ipv4Addr::UNSPECIFIED);
            let mut request = Message::new(Op::Request, 1, Mac([2, 0, 0, 0, 0, 1]));
            (request.giaddr, request.ciaddr, request.flags) = (parse(giaddr), parse(ciaddr), flags);
            let source = SocketAddr::from(([127, 77, 1, 9], 4011));
            let found = destination(&request, kind, source, IpAddr::V4(parse(listen)));
            assert_eq!(found.to_string(), expected, "{giaddr} {ciaddr} {flags:#x} {kind:?} {listen}");
        }
    }
}

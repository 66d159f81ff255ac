//! DHCP: a datagram in, what we understand of it, and the replies that it gets. Bytes that are none are what happens to the pool of
//! addresses instead ([`super::dhcp_pool`]).
//!
//! Oracles: what is read and written again reads the same; `dhcproto`, written by others, agrees about whatever it can read;
//! every reply is one that both understand, goes where it may, and gives the client its own identifiers back.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;

use bessemer::pxe::dhcp::reply::{BootFile, boot_file, grant, refuse};
use bessemer::pxe::dhcp::{Network, client, destination};
use bessemer::wire::dhcp::{Message, MessageType, Op};
use bessemer::wire::dhcp_options::code;
use dhcproto::{Decodable as _, Decoder, v4};

/// A reply is what was asked, a boot file and a few numbers.
const MOST_MORE_BYTES: usize = 400;

pub fn run(data: &[u8]) {
    // What arrives is an Ethernet frame's worth at most.
    let data = data.get(..1500).unwrap_or(data);
    let Ok(message) = Message::decode(data) else { return super::dhcp_pool::run(data) };
    assert!(usize::from(message.hlen) <= 16);
    same_again(&message);
    if is_as_presumed(&data[240..])
        && let Ok(other) = v4::Message::decode(&mut Decoder::new(data))
    {
        agrees(&message, &other, data);
    }
    let options = &message.options;
    let _ = (options.ipxe(176), options.secs(code::LEASE_SECS), options.wants(code::BOOT_FILE));
    if message.op == Op::Request {
        for kind in [MessageType::Offer, MessageType::Ack] {
            answered(&message, kind, data.len());
        }
        let nak = refuse(&message, "the address is not yours", Ipv4Addr::new(10, 77, 0, 1));
        reads(&message, &nak, data.len());
    }
}

/// Written without its overload, which has been applied already.
fn same_again(message: &Message) {
    let mut plain = message.clone();
    if plain.options.has(code::OVERLOAD) {
        plain.options.set(code::OVERLOAD, [0]);
    }
    let again = Message::decode(&plain.encode()).unwrap_or_else(|error| panic!("our own message: {error}"));
    for code in 1..255 {
        assert_eq!(again.options.get(code), plain.options.get(code), "option {code}");
    }
    // A name that fills the field has no zero at its end, and is not written.
    if plain.file.len() > 127 {
        plain.file.clear();
    }
    let bare = |message: &Message| Message { options: Default::default(), ..message.clone() };
    assert_eq!(bare(&again), bare(&plain));
}

fn agrees(message: &Message, other: &v4::Message, data: &[u8]) {
    let ours = (message.xid, message.secs, message.flags, message.hops, message.hlen);
    assert_eq!(ours, (other.xid(), other.secs(), u16::from(other.flags()), other.hops(), other.hlen()));
    let ours = (message.ciaddr, message.yiaddr, message.siaddr, message.giaddr);
    assert_eq!(ours, (other.ciaddr(), other.yiaddr(), other.siaddr(), other.giaddr()));
    assert_eq!(&message.chaddr[..usize::from(message.hlen)], other.chaddr());
    // It joins repeated options in its own way, and does not look into the overloaded fields.
    let found = options(&data[240..]);
    let once = |code: u8| found.iter().filter(|it| it.0 == code).count() == 1 && !message.options.has(code::OVERLOAD);
    // It loses what follows an option that is shorter than its kind has to be.
    if once(code::MESSAGE_TYPE)
        && message.kind().is_some()
        && let Some(kind) = other.opts().msg_type()
    {
        assert_eq!(message.options.byte(code::MESSAGE_TYPE), Some(u8::from(kind)));
    }
    if once(code::REQUESTED_ADDRESS)
        && let Some(v4::DhcpOption::RequestedIpAddress(address)) = other.opts().get(v4::OptionCode::RequestedIpAddress)
    {
        assert_eq!(message.options.address(code::REQUESTED_ADDRESS), Some(*address));
    }
}

/// Options of which the other decoder takes for granted how long they are, and asserts it in a build with assertions.
const PRESUMED: [(u8, RangeInclusive<usize>); 8] =
    [(80, 0..=0), (81, 3..=255), (94, 3..=3), (151, 1..=255), (152, 4..=4), (153, 4..=4), (154, 4..=4), (155, 4..=4)];

fn is_as_presumed(area: &[u8]) -> bool {
    let found = options(area);
    PRESUMED.iter().all(|(code, bytes)| {
        let mut those = found.iter().filter(|it| it.0 == *code);
        those.next().is_none_or(|it| bytes.contains(&it.1)) && those.next().is_none()
    })
}

/// The codes of an option area, as anybody would walk it, and how many bytes follow each.
fn options(area: &[u8]) -> Vec<(u8, usize)> {
    let (mut found, mut at) = (vec![], 0);
    while at < area.len() && area[at] != 255 {
        if area[at] == 0 {
            at += 1;
            continue;
        }
        let Some(len) = area.get(at + 1).map(|len| usize::from(*len)) else { break };
        found.push((area[at], len));
        at += 2 + len;
    }
    found
}

fn answered(request: &Message, kind: MessageType, asked_bytes: usize) {
    let server = Ipv4Addr::new(10, 77, 0, 1);
    let network = Network {
        server,
        netmask: Ipv4Addr::new(255, 255, 255, 0),
        gateway: Some(server),
        dns: vec![server, Ipv4Addr::new(9, 9, 9, 9)],
    };
    let client = client::recognise(request);
    let url = "http://10.77.0.1:8080";
    let found = request.mac().and_then(|mac| boot_file(client, mac, &client::LoaderTable::default(), Some(url)));
    let boot = found.unwrap_or_else(|| BootFile { name: "snponly.efi".into(), vendor_class: Some(b"HTTPClient") });
    let address = Ipv4Addr::new(10, 77, 0, 100);
    let reply = grant(request, kind, Some(address), Some(3600), Some(&boot), &network);
    assert_eq!((reply.kind(), reply.yiaddr), (Some(kind), address));
    reads(request, &reply, asked_bytes);
    let source = SocketAddr::from(([10, 77, 0, 9], 68));
    let to = destination::destination(request, kind, source, IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let known = [request.giaddr, request.ciaddr, Ipv4Addr::BROADCAST].map(IpAddr::V4);
    assert!(known.contains(&to.ip()) && matches!(to.port(), 67 | 68), "{to}");
}

/// A reply on the wire: both decoders understand it, and it belongs to the request.
fn reads(request: &Message, reply: &Message, asked_bytes: usize) {
    let bytes = reply.encode();
    assert!(bytes.len() >= 300 && bytes.len() <= asked_bytes.max(300) + MOST_MORE_BYTES, "{} bytes", bytes.len());
    assert_eq!(bytes[240], code::MESSAGE_TYPE, "some ROMs look no further");
    let again = Message::decode(&bytes).unwrap_or_else(|error| panic!("our own reply: {error}"));
    assert_eq!((again.op, again.xid, again.chaddr), (Op::Reply, request.xid, request.chaddr));
    for code in [code::CLIENT_ID, code::MACHINE_ID, code::RELAY_AGENT] {
        assert_eq!(again.options.get(code), request.options.get(code), "option {code} is given back");
    }
    let last = options(&bytes[240..]).last().map(|it| it.0);
    assert!(!again.options.has(code::RELAY_AGENT) || last == Some(code::RELAY_AGENT));
    // The echoes may be what the other decoder finds malformed; the rest never is.
    let mut plain = reply.clone();
    for code in [code::CLIENT_ID, code::MACHINE_ID, code::RELAY_AGENT] {
        plain.options.set(code, *b"plain text");
    }
    let bytes = plain.encode();
    let other = v4::Message::decode(&mut Decoder::new(&bytes)).unwrap_or_else(|e| panic!("dhcproto: {e}"));
    agrees(&plain, &other, &bytes);
}

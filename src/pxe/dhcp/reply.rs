//! What a reply says. Pure.

use std::net::Ipv4Addr;

use super::Network;
use super::client::{Client, LoaderTable};
use crate::wire::dhcp::{BROADCAST, Message, MessageType, Op};
use crate::wire::dhcp_options::{IPXE_NO_PROXY_DHCP, code};
use crate::wire::mac::Mac;

/// Bytes of a name that the header has room for.
const LONGEST_FILE: usize = 127;

/// Where a client finds what it is to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootFile {
    /// A file name for TFTP, or a URL.
    pub name: String,
    /// UEFI's HTTP boot takes an answer only if it names this class.
    pub vendor_class: Option<&'static [u8]>,
}

/// What `client` with the card `mac` is to load, if anything. `url` is the base of the provisioning listener.
pub fn boot_file(client: Client, mac: Mac, loaders: &LoaderTable, url: Option<&str>) -> Option<BootFile> {
    let plain = |name: String| BootFile { name, vendor_class: None };
    match client {
        Client::Ipxe => Some(plain(format!("{}/boot/{}.ipxe", url?, mac.hyphens()))),
        Client::Firmware(architecture) => Some(plain(loaders.file(architecture)?.to_owned())),
        Client::HttpFirmware(architecture) => Some(BootFile {
            name: format!("{}/boot/loader/{}", url?, loaders.file(architecture)?),
            vendor_class: Some(b"HTTPClient"),
        }),
        Client::Ordinary => None,
    }
}

/// An OFFER or ACK. `address` is the client's; a lease time is absent in answers to INFORM only.
pub fn grant(
    request: &Message,
    kind: MessageType,
    address: Option<Ipv4Addr>,
    lease_secs: Option<u32>,
    boot: Option<&BootFile>,
    network: &Network,
) -> Message {
    let mut reply = answer(request, kind, network.server);
    reply.yiaddr = address.unwrap_or(Ipv4Addr::UNSPECIFIED);
    if kind == MessageType::Ack {
        reply.ciaddr = request.ciaddr;
    }
    let options = &mut reply.options;
    if let Some(secs) = lease_secs {
        options.set(code::LEASE_SECS, secs.to_be_bytes());
        options.set(code::RENEW_SECS, (secs / 2).to_be_bytes());
        options.set(code::REBIND_SECS, (secs - secs / 8).to_be_bytes());
    }
    options.set(code::SUBNET_MASK, network.netmask.octets());
    if let Some(gateway) = network.gateway {
        options.set(code::ROUTERS, gateway.octets());
    }
    if !network.dns.is_empty() {
        options.set(code::NAME_SERVERS, network.dns.iter().flat_map(Ipv4Addr::octets).collect::<Vec<_>>());
    }
    if request.options.has(code::IPXE) || request.options.user_class_is(b"iPXE") {
        // iPXE would wait three seconds for a proxy DHCP server that nobody runs.
        options.set(code::IPXE, [IPXE_NO_PROXY_DHCP, 1, 1]);
    }
    if let Some(boot) = boot {
        add_boot_file(&mut reply, request, boot, network.server);
    }
    echo(&mut reply, request);
    reply
}

/// Bytes that every client takes (RFC 2131 section 2), with an IP header and a UDP header, and those two.
const ALWAYS_TAKEN: u16 = 576;
const HEADERS: u16 = 20 + 8;
/// What a client can do without, in the order in which it is left out of a reply that would be too long for it. It is not
/// told its own identifier again only if nothing else helps: some drop a reply for that.
const SPARE: [u8; 6] =
    [code::HOST_NAME, code::TFTP_SERVER, code::NAME_SERVERS, code::REBIND_SECS, code::RENEW_SECS, code::CLIENT_ID];

/// Leaves out what makes the reply longer than the client said that it takes (option 57, RFC 2132 section 9.10), or than
/// all of them do.
pub fn fit(reply: &mut Message, request: &Message) {
    let most = request.options.number(code::MOST_BYTES).unwrap_or(0).max(ALWAYS_TAKEN) - HEADERS;
    let too_long = |reply: &Message| reply.encode().len() > usize::from(most);
    if too_long(reply) && reply.file.len() <= LONGEST_FILE {
        // The header's field says the same.
        reply.options.remove(code::BOOT_FILE);
    }
    for code in SPARE {
        if !too_long(reply) {
            return;
        }
        reply.options.remove(code);
    }
}

/// A NAK, which a relay must broadcast because the client's address is what is wrong.
pub fn refuse(request: &Message, why: &'static str, server: Ipv4Addr) -> Message {
    let mut reply = answer(request, MessageType::Nak, server);
    if !request.giaddr.is_unspecified() {
        reply.flags |= BROADCAST;
    }
    reply.options.set(code::MESSAGE, why);
    echo(&mut reply, request);
    reply
}

fn answer(request: &Message, kind: MessageType, server: Ipv4Addr) -> Message {
    let mut reply = Message::new(Op::Reply, request.xid, Mac([0; 6]));
    (reply.htype, reply.hlen, reply.chaddr) = (request.htype, request.hlen, request.chaddr);
    (reply.flags, reply.giaddr) = (request.flags, request.giaddr);
    reply.options.set(code::MESSAGE_TYPE, [kind as u8]);
    reply.options.set(code::SERVER_ID, server.octets());
    reply
}

/// The header fields say it all for a ROM; the options repeat it for those who ask, and for names too long for a field.
fn add_boot_file(reply: &mut Message, request: &Message, boot: &BootFile, server: Ipv4Addr) {
    reply.siaddr = server;
    reply.file = boot.name.clone().into_bytes();
    let too_long = reply.file.len() > LONGEST_FILE;
    if too_long || boot.vendor_class.is_some() || request.options.wants(code::BOOT_FILE) {
        reply.options.set(code::BOOT_FILE, boot.name.as_bytes());
    }
    if request.options.wants(code::TFTP_SERVER) {
        reply.options.set(code::TFTP_SERVER, server.to_string());
    }
    if let Some(class) = boot.vendor_class {
        reply.options.set(code::VENDOR_CLASS, class);
    }
}

/// What a server returns as it came: the relay's information (RFC 3046), the client's identifier (RFC 6842), and the machine
/// identifier (RFC 4578), without which some ROMs drop the reply, and with which those that sent none do.
fn echo(reply: &mut Message, request: &Message) {
    for code in [code::CLIENT_ID, code::MACHINE_ID, code::RELAY_AGENT] {
        if let Some(value) = request.options.get(code) {
            reply.options.set(code, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(most: Option<u16>, identifier: usize) -> Message {
        let mut request = Message::new(Op::Request, 7, Mac([2, 0, 0, 0, 0, 1]));
        if let Some(most) = most {
            request.options.set(code::MOST_BYTES, most.to_be_bytes());
        }
        request.options.set(code::CLIENT_ID, vec![7; identifier]);
        request.options.set(code::MACHINE_ID, vec![0; 17]);
        request.options.set(code::RELAY_AGENT, vec![1; 30]);
        request.options.set(code::PARAMETER_LIST, [code::BOOT_FILE, code::TFTP_SERVER]);
        request
    }

    fn told(request: &Message, name: &str) -> Message {
        let network = Network {
            server: Ipv4Addr::new(10, 0, 0, 1),
            netmask: Ipv4Addr::new(255, 255, 255, 0),
            gateway: Some(Ipv4Addr::new(10, 0, 0, 1)),
            dns: vec![Ipv4Addr::new(10, 0, 0, 2); 20],
        };
        let boot = BootFile { name: name.to_owned(), vendor_class: None };
        let (kind, address) = (MessageType::Offer, Some(Ipv4Addr::new(10, 0, 0, 9)));
        let mut reply = grant(request, kind, address, Some(600), Some(&boot), &network);
        reply.options.set(code::HOST_NAME, "a-name");
        fit(&mut reply, request);
        reply
    }

    #[test]
    fn a_reply_is_no_longer_than_its_client_takes() {
        for (most, identifier, bound) in [
            (Some(1500), 255, 1472),
            (Some(700), 255, 672),
            (Some(576), 255, 548),
            (None, 255, 548),
            // Less than everybody has to take is a mistake.
            (Some(100), 255, 548),
            (Some(0), 8, 548),
        ] {
            let request = asking(most, identifier);
            for name in ["undionly.kpxe".to_owned(), format!("http://h/{}", "x".repeat(200))] {
                let reply = told(&request, &name);
                let bytes = reply.encode().len();
                assert!(bytes <= bound, "{most:?}: {bytes}");
                // What it cannot do without is there, and so is the name of what it is to load.
                for needed in
                    [code::MESSAGE_TYPE, code::SERVER_ID, code::LEASE_SECS, code::RELAY_AGENT, code::MACHINE_ID]
                {
                    assert!(reply.options.has(needed), "{most:?}: {needed}");
                }
                assert!(name.len() <= LONGEST_FILE || reply.options.has(code::BOOT_FILE), "{most:?}");
            }
        }
    }

    #[test]
    fn nothing_is_left_out_for_a_client_that_takes_it_all() {
        let reply = told(&asking(Some(1500), 255), "undionly.kpxe");
        for code in SPARE.into_iter().chain([code::BOOT_FILE]) {
            assert!(reply.options.has(code), "{code}");
        }
    }
}

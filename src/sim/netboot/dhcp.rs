//! A DHCP client as boot ROMs and iPXE have it: DISCOVER, OFFER, REQUEST, ACK, again and again until one is answered.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{Firmware, PATIENCE};
use crate::clock::Instant;
use crate::net::{UdpBind, UdpSocket};
use crate::sim::bmc::Seams;
use crate::wire::dhcp::{BROADCAST, Message, MessageType, Op};
use crate::wire::dhcp_options::code;
use crate::wire::mac::Mac;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(4);

/// Which program asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Rom,
    Ipxe,
}

/// What was leased, and what to load.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
    pub file: Option<String>,
}

pub(super) async fn lease(seams: &Seams, firmware: Firmware, asker: Asker) -> Result<Lease, String> {
    // Without an address of its own the machine speaks from the network's zero address; on loopback from any.
    let bind = UdpBind::at(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
    let socket = seams.net.udp(bind).map_err(|error| error.to_string())?;
    let xid = u32::from_be_bytes(seams.random.bytes());
    let asking = Asking { seams, firmware, asker, socket, xid, until: seams.clock.instant() + PATIENCE };
    let offer = asking.exchange(asking.message(MessageType::Discover), MessageType::Offer).await?;
    let server = offer.options.address(code::SERVER_ID).ok_or("an offer without a server identifier")?;
    let mut request = asking.message(MessageType::Request);
    request.options.set(code::REQUESTED_ADDRESS, offer.yiaddr.octets());
    request.options.set(code::SERVER_ID, server.octets());
    let ack = asking.exchange(request, MessageType::Ack).await?;
    if ack.yiaddr != offer.yiaddr {
        return Err(format!("{} was offered and {} leased", offer.yiaddr, ack.yiaddr));
    }
    let file = match ack.options.get(code::BOOT_FILE) {
        Some(file) => file.to_vec(),
        None => ack.file.clone(),
    };
    let file = String::from_utf8_lossy(&file).trim_end_matches('\0').to_owned();
    let server = if ack.siaddr.is_unspecified() { server } else { ack.siaddr };
    Ok(Lease { address: ack.yiaddr, server, file: (!file.is_empty()).then_some(file) })
}

struct Asking<'a> {
    seams: &'a Seams,
    firmware: Firmware,
    asker: Asker,
    socket: UdpSocket,
    xid: u32,
    until: Instant,
}

impl Asking<'_> {
    fn message(&self, kind: MessageType) -> Message {
        let mut message = Message::new(Op::Request, self.xid, Mac(self.firmware.mac));
        message.flags = BROADCAST;
        let architecture: u16 = if self.firmware.uefi { 7 } else { 0 };
        let options = &mut message.options;
        options.set(code::MESSAGE_TYPE, [kind as u8]);
        options.set(code::PARAMETER_LIST, [code::SUBNET_MASK, code::ROUTERS, code::TFTP_SERVER, code::BOOT_FILE]);
        options.set(code::VENDOR_CLASS, format!("PXEClient:Arch:{architecture:05}:UNDI:003016"));
        options.set(code::ARCHITECTURES, architecture.to_be_bytes());
        if self.asker == Asker::Ipxe {
            options.set(code::USER_CLASS, "iPXE");
            // iPXE's own options: its version, and that it can do HTTP.
            options.set(code::IPXE, [0xeb, 3, 1, 21, 1, 0x13, 1, 1]);
        }
        message
    }

    /// Sends until the answer of `kind` comes; a refusal ends it.
    async fn exchange(&self, message: Message, kind: MessageType) -> Result<Message, String> {
        let bytes = message.encode();
        let mut wait = FIRST_WAIT;
        while self.seams.clock.instant() < self.until {
            // Refused while nobody listens yet: the same as silence.
            let _ = self.socket.send_to(&bytes, self.firmware.dhcp).await;
            let heard = tokio::time::timeout(wait, self.hear(kind)).await;
            match heard {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => return Err("the lease was refused".to_owned()),
                Err(_) => wait = (wait * 2).min(MAX_WAIT),
            }
        }
        Err("PXE-E51: No DHCP or proxyDHCP offers were received".to_owned())
    }

    /// The next answer that is ours; none if it is a refusal.
    async fn hear(&self, kind: MessageType) -> Option<Message> {
        let mut buffer = [0; 2048];
        loop {
            let Ok(received) = self.socket.recv(&mut buffer).await else {
                self.seams.clock.sleep(Duration::from_millis(20)).await;
                continue;
            };
            let Ok(answer) = Message::decode(buffer.get(..received.len).unwrap_or_default()) else { continue };
            if answer.op != Op::Reply || answer.xid != self.xid || answer.mac() != Some(Mac(self.firmware.mac)) {
                continue;
            }
            match answer.kind() {
                Some(MessageType::Nak) => return None,
                it if it == Some(kind) => return Some(answer),
                _ => {}
            }
        }
    }
}

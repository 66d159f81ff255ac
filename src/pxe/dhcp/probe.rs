//! Is another DHCP server answering on this network already?
//!
//! Two servers on one link hand out the same addresses and each other's boot files, and the machines that suffer belong
//! to somebody else. So before the first answer an INFORM and then a DISCOVER are sent from an invented card. The DISCOVER is
//! what servers answer to everybody; but some test an address for seconds before they offer it, and hear nothing
//! meanwhile, so the INFORM, which needs no address, goes first and has its turn alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tracing::warn;

use super::destination::{CLIENT_PORT, SERVER_PORT};
use crate::clock::Clock;
use crate::net::{Net, UdpBind, UdpSocket};
use crate::random::Random;
use crate::wire::dhcp::{BROADCAST, Message, MessageType, Op};
use crate::wire::dhcp_options::code;
use crate::wire::mac::Mac;

/// The whole probe takes no longer.
pub const PROBE: Duration = Duration::from_millis(900);
/// Between repetitions: one lost broadcast must not hide a server.
const REPEAT: Duration = Duration::from_millis(300);

/// The address of a DHCP server other than `own` that answers on `device` within [`PROBE`].
///
/// A host that runs a DHCP client of its own has the client's port in use; then there is no telling, which is logged and
/// counts as nobody.
pub async fn foreign_server(
    net: &Net,
    clock: &Clock,
    random: &Random,
    device: &str,
    own: Ipv4Addr,
) -> Option<Ipv4Addr> {
    let bind = UdpBind {
        device: Some(device.to_owned()),
        broadcast: true,
        ..UdpBind::at(SocketAddr::from((Ipv4Addr::UNSPECIFIED, CLIENT_PORT)))
    };
    let socket = match net.udp(bind) {
        Ok(socket) => socket,
        Err(error) => {
            warn!(device, %error, "cannot look for other DHCP servers: the client port is not free");
            return None;
        }
    };
    let questions = questions(random, own);
    let deadline = clock.instant() + PROBE;
    // The first round is the INFORM, all others are both.
    for round in 1.. {
        for question in questions.iter().take(round) {
            let to = SocketAddr::from((Ipv4Addr::BROADCAST, SERVER_PORT));
            if let Err(error) = socket.send_to(&question.encode(), to).await {
                warn!(device, %error, "cannot look for other DHCP servers");
                return None;
            }
        }
        let wait = REPEAT.min(deadline - clock.instant());
        if let Ok(server) = tokio::time::timeout(wait, answer(&socket, clock, &questions, own)).await {
            return Some(server);
        }
        if clock.instant() >= deadline {
            break;
        }
    }
    None
}

fn questions(random: &Random, own: Ipv4Addr) -> [Message; 2] {
    let [a, b, c, d, e, x0, x1, x2, x3] = random.bytes();
    // A locally administered address, which no vendor gives out.
    let mac = Mac([0x02, a, b, c, d, e]);
    let xid = u32::from_be_bytes([x0, x1, x2, x3]);
    let mut discover = Message::new(Op::Request, xid, mac);
    discover.flags = BROADCAST;
    discover.options.set(code::MESSAGE_TYPE, [MessageType::Discover as u8]);
    let mut inform = Message::new(Op::Request, xid ^ 1, mac);
    inform.ciaddr = own;
    inform.options.set(code::MESSAGE_TYPE, [MessageType::Inform as u8]);
    [inform, discover]
}

/// Waits for an answer to one of the questions; what belongs to others is not ours to read.
async fn answer(socket: &UdpSocket, clock: &Clock, questions: &[Message], own: Ipv4Addr) -> Ipv4Addr {
    let mut buffer = [0; 1500];
    loop {
        let Ok(received) = socket.recv(&mut buffer).await else {
            clock.sleep(Duration::from_millis(10)).await;
            continue;
        };
        let Ok(message) = Message::decode(&buffer[..received.len]) else { continue };
        let ours = message.op == Op::Reply && questions.iter().any(|q| q.xid == message.xid);
        let server = message.options.address(code::SERVER_ID);
        if let Some(server) = server.filter(|server| ours && *server != own) {
            return server;
        }
    }
}

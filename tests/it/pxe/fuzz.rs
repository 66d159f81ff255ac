//! Garbage on the wire: random bytes and mutated real packets, seeded. Nothing panics, and the server still serves.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use bessemer::net::{Net, UdpBind};
use bessemer::random::Random;
use bessemer::wire::dhcp::{Message, MessageType, Op};
use bessemer::wire::dhcp_options::code;
use bessemer::wire::mac::Mac;

use super::tftp::{Fixture, rrq};
use super::world::{Client, OURS, World, message};

/// Random bytes, or one of `real` with a few bytes changed, cut off or doubled.
pub fn garbage(random: &Random, real: &[Vec<u8>]) -> Vec<u8> {
    let pick = random.below(real.len() as u64 + 1) as usize;
    let Some(packet) = real.get(pick) else {
        let len = random.below(700) as usize;
        return (0..len).map(|_| random.below(256) as u8).collect();
    };
    let mut packet = packet.clone();
    for _ in 0..=random.below(8) {
        let at = random.below(packet.len().max(1) as u64) as usize;
        match random.below(4) {
            0 => packet.truncate(at),
            1 if packet.len() < 4096 => packet.extend_from_within(at.min(packet.len())..),
            _ => {
                if let Some(byte) = packet.get_mut(at) {
                    *byte = random.below(256) as u8;
                }
            }
        }
    }
    packet
}

pub fn real_dhcp() -> Vec<Vec<u8>> {
    [MessageType::Discover, MessageType::Request, MessageType::Inform]
        .map(|kind| {
            let mut message = Message::new(Op::Request, 7, Mac([2, 0, 0, 0, 0, 9]));
            message.options.set(code::MESSAGE_TYPE, [kind as u8]);
            message.options.set(code::VENDOR_CLASS, *b"PXEClient:Arch:00007:UNDI:003016");
            message.options.set(code::ARCHITECTURES, [0, 7, 0, 9]);
            message.options.set(code::MACHINE_ID, [0; 17]);
            message.options.set(code::IPXE, [176, 1, 1, 19, 1, 1]);
            message.options.set(code::USER_CLASS, *b"\x04iPXE");
            message.options.set(code::RELAY_AGENT, [1, 4, 1, 2, 3, 4]);
            message.options.set(code::OVERLOAD, [3]);
            message.encode()
        })
        .to_vec()
}

#[test]
fn the_dhcp_decoder_survives_garbage_and_what_it_reads_can_be_written() {
    let random = Random::seeded(0xd4c9);
    let real = real_dhcp();
    for round in 0..60_000 {
        let bytes = garbage(&random, &real);
        let Ok(message) = Message::decode(&bytes) else { continue };
        let options = &message.options;
        let _ = (options.architectures(), options.user_class_is(b"iPXE"), options.ipxe(176), message.mac());
        // An overload that was applied must not be applied again to fields that are no longer options.
        let mut again = message.clone();
        again.options.set(code::OVERLOAD, [0]);
        let written = Message::decode(&again.encode());
        assert_eq!(
            written.as_ref().map(|m| m.options.get(code::MACHINE_ID)),
            Ok(options.get(code::MACHINE_ID)),
            "{round}"
        );
    }
}

#[tokio::test]
async fn the_tftp_server_survives_garbage() -> Result<()> {
    let server = Fixture::start(|s| s.timeout = Duration::from_millis(5))?;
    server.put("loader", &[7; 600])?;
    let random = Random::seeded(0x7f7b);
    let real = [
        rrq("loader", &[("blksize", "1468"), ("windowsize", "16"), ("tsize", "0")]),
        rrq("../loader", &[("utimeout", "1")]),
        vec![0, 4, 0, 1],
        b"\0\x06blksize\x00512\0".to_vec(),
        b"\0\x05\0\x01no\0".to_vec(),
    ];
    let client = Net::system().udp(UdpBind::at(SocketAddr::from(([127, 0, 0, 1], 0))))?;
    let mut buffer = [0; 2048];
    for _ in 0..4_000 {
        client.send_to(&garbage(&random, &real), server.addr).await?;
        // Also to the transfers that garbage started: they hear garbage instead of acknowledgements.
        if let Ok(answer) = client.try_recv(&mut buffer) {
            client.send_to(&garbage(&random, &real), answer.peer).await?;
        }
    }
    let fresh = Net::system().udp(UdpBind::at(SocketAddr::from(([127, 0, 0, 1], 0))))?;
    let served = async {
        loop {
            fresh.send_to(&rrq("loader", &[]), server.addr).await?;
            if let Ok(answer) = tokio::time::timeout(Duration::from_millis(100), fresh.recv(&mut buffer)).await {
                return anyhow::Ok(answer?.len);
            }
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(60), served).await??, 4 + 512);
    server.finish().await
}

#[tokio::test]
async fn the_dhcp_server_survives_garbage() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|s| s.serve_unknown = true).await?;
    let random = Random::seeded(0xd4c7);
    let mut real = real_dhcp();
    real.push(message(MessageType::Discover, OURS).encode());
    let noise = Net::system().udp(UdpBind::at(SocketAddr::from(([127, 0, 0, 1], 0))))?;
    let mut buffer = [0; 2048];
    for _ in 0..4_000 {
        noise.send_to(&garbage(&random, &real), server.addr).await?;
        let _ = noise.try_recv(&mut buffer);
    }
    let client = Client::new(&server)?;
    let served = async {
        loop {
            client.send(&message(MessageType::Discover, OURS)).await?;
            if let Ok(reply) = tokio::time::timeout(Duration::from_millis(100), client.hear()).await {
                return reply;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), served).await??;
    server.finish().await
}

//! Garbage and mutated real packets on both sides: nobody panics, nobody stops working. Seeded, and short enough for
//! every run of the tests.

use std::net::SocketAddr;
use std::time::Duration;

use bessemer::bmc::ipmi::{IpmiError, Settings};
use bessemer::clock::Clock;
use bessemer::net::{Net, UdpBind};
use bessemer::random::Random;
use bessemer::sim::bmc::Personality;
use bessemer::wire::rmcp::Packet;
use bessemer::wire::rmcp::ipmb::IpmbMessage;
use bessemer::wire::rmcp::rakp::{OpenRequest, OpenResponse, Proof, Rakp1, Rakp2};
use bessemer::wire::rmcp::session::{Frame, PayloadType, encode_legacy, encode_plain, seal};
use bessemer::wire::rmcp::suite::{Keys, Suite};

use super::{client, login, pool, start};

const ROUNDS: u64 = 20_000;

/// One packet of each kind, as it really looks.
fn real_packets(keys: &Keys) -> Vec<Vec<u8>> {
    let message = IpmbMessage::request(0x00, 0x01, 3, vec![1, 2, 3]).encode();
    let open = OpenRequest { tag: 1, privilege: 4, console_id: 7, algorithms: [3, 4, 1] };
    let opened = OpenResponse {
        tag: 1,
        status: bessemer::wire::rmcp::rakp::Status::OK,
        privilege: 4,
        console_id: 7,
        managed_id: 9,
        algorithms: [3, 4, 1],
    };
    let rakp1 = Rakp1 { tag: 2, managed_id: 9, console_random: [5; 16], role: 0x14, name: b"admin".to_vec() };
    let rakp2 = Rakp2 {
        tag: 2,
        status: bessemer::wire::rmcp::rakp::Status::OK,
        console_id: 7,
        managed_random: [6; 16],
        guid: [8; 16],
        code: vec![1; 32],
    };
    let proof = Proof { tag: 3, status: bessemer::wire::rmcp::rakp::Status::OK, session_id: 7, code: vec![2; 16] };
    let inner = [
        encode_legacy(&message),
        encode_plain(PayloadType::OpenRequest, &open.encode()),
        encode_plain(PayloadType::OpenResponse, &opened.encode()),
        encode_plain(PayloadType::Rakp1, &rakp1.encode()),
        encode_plain(PayloadType::Rakp2, &rakp2.encode()),
        encode_plain(PayloadType::Rakp3, &proof.encode()),
        encode_plain(PayloadType::Rakp4, &proof.encode()),
        seal(keys, [4; 16], 7, 1, &message),
    ];
    let mut packets: Vec<Vec<u8>> = inner.iter().map(|inner| Packet::Ipmi(inner).encode()).collect();
    packets.push(Packet::Ping { tag: 1 }.encode());
    packets.push(Packet::Pong { tag: 1, ipmi: true }.encode());
    packets
}

/// A real packet with a few bytes changed, cut, or grown; now and then pure noise.
fn mutated(packets: &[Vec<u8>], random: &Random) -> Vec<u8> {
    let byte = || random.bytes::<1>()[0];
    if random.below(10) == 0 {
        return (0..random.below(80)).map(|_| byte()).collect();
    }
    let mut packet = packets[random.below(packets.len() as u64) as usize].clone();
    for _ in 0..=random.below(3) {
        let at = random.below(packet.len() as u64) as usize;
        match random.below(8) {
            0 => packet.truncate(at),
            1 => packet.extend((0..random.below(40)).map(|_| byte())),
            _ => {
                if let Some(there) = packet.get_mut(at) {
                    *there = byte();
                }
            }
        }
    }
    packet
}

/// Everything that a receiver does with a packet.
fn decode_all(packet: &[u8], keys: &Keys) {
    let Ok(Packet::Ipmi(inner)) = Packet::decode(packet) else { return };
    let payload = match Frame::decode(inner) {
        Ok(Frame::Modern(frame)) => {
            if let Ok(message) = frame.open(keys) {
                assert!(message.len() <= packet.len());
                let _ = IpmbMessage::decode(&message);
            }
            frame.payload.to_vec()
        }
        Ok(Frame::Legacy { payload, .. }) => payload.to_vec(),
        Err(_) => return,
    };
    if let Ok(message) = IpmbMessage::decode(&payload) {
        let _ = message.unbridged();
    }
    let _ = (OpenRequest::decode(&payload), OpenResponse::decode(&payload), Rakp1::decode(&payload));
    let _ = (Rakp2::decode(&payload), Proof::decode(&payload), keys.decrypt(&payload));
}

#[test]
fn no_decoder_panics_on_noise_or_on_a_mutated_packet() {
    let random = Random::seeded(1);
    for suite in [Suite::Three, Suite::Seventeen] {
        let keys = Keys::derive(suite, suite.hmac(b"fuzz", &[]));
        let packets = real_packets(&keys);
        for _ in 0..ROUNDS {
            decode_all(&mutated(&packets, &random), &keys);
        }
        for packet in &packets {
            (0..packet.len()).for_each(|len| decode_all(&packet[..len], &keys));
        }
    }
}

#[tokio::test]
async fn the_simulated_bmc_survives_a_stream_of_garbage() -> Result<(), IpmiError> {
    let sim = start(Personality::default());
    let bmc = client(&sim)?;
    bmc.chassis_status().await?;
    let random = Random::seeded(2);
    let keys = Keys::derive(Suite::Seventeen, Suite::Seventeen.hmac(b"fuzz", &[]));
    let packets = real_packets(&keys);
    let socket = Net::system().udp(UdpBind::at(SocketAddr::from(([127, 0, 0, 1], 0)))).expect("a socket");
    for n in 0..3000 {
        let _ = socket.send_to(&mutated(&packets, &random), sim.addr()).await;
        if n % 100 == 0 {
            bmc.chassis_status().await?;
        }
    }
    bmc.chassis_status().await.map(drop)
}

#[tokio::test]
async fn our_client_survives_a_bmc_that_answers_garbage() -> Result<(), IpmiError> {
    let at = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Net::system().udp(UdpBind::at(at)).expect("a socket");
    let addr = server.local_addr().expect("an address");
    let random = Random::seeded(3);
    let keys = Keys::derive(Suite::Seventeen, Suite::Seventeen.hmac(b"fuzz", &[]));
    let packets = real_packets(&keys);
    let babble = async {
        let mut buffer = [0; 2048];
        while let Ok(received) = server.recv(&mut buffer).await {
            // The question itself, mutated, is what looks most like an answer.
            let mut kinds = packets.clone();
            kinds.push(buffer[..received.len].to_vec());
            for _ in 0..40 {
                let _ = server.send_to(&mutated(&kinds, &random), received.peer).await;
            }
        }
    };
    let settings = Settings {
        reach: Duration::from_millis(500),
        patience: Duration::from_secs(2),
        room: Duration::from_secs(2),
        ..Settings::default()
    };
    let clock = Clock::system();
    let asking = async {
        for _ in 0..6 {
            let started = clock.instant();
            let answer = pool(settings).bmc(login(addr))?.chassis_status().await;
            assert!(answer.is_err(), "garbage passed for an answer");
            assert!(clock.instant() - started < Duration::from_secs(60));
        }
        Ok(())
    };
    tokio::select! {
        () = babble => Ok(()),
        done = asking => done,
    }
}

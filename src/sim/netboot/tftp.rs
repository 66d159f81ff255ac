//! A TFTP client as boot ROMs have it (RFC 1350, options of RFC 2347 to 2349): one block at a time, each asked for again
//! when it does not come.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::PATIENCE;
use crate::net::UdpBind;
use crate::sim::bmc::Seams;

const BLOCK_BYTES: usize = 1432;
const WAIT: Duration = Duration::from_millis(500);
const MAX_BYTES: usize = 64 << 20;
const ACK: u16 = 4;

/// Fetches a file from `server` to `from`.
pub(super) async fn fetch(seams: &Seams, from: Ipv4Addr, server: SocketAddr, file: &str) -> Result<Vec<u8>, String> {
    let bind = UdpBind::at(SocketAddr::new(IpAddr::V4(from), 0));
    let socket = seams.net.udp(bind).map_err(|error| format!("{from}: {error}"))?;
    let mut say = request(file);
    let mut to = server;
    let (mut content, mut expected, mut block_bytes) = (Vec::new(), 1u16, 512);
    let (mut buffer, mut heard_at) = ([0; 4096], seams.clock.instant());
    loop {
        let _ = socket.send_to(&say, to).await;
        let packet = loop {
            match tokio::time::timeout(WAIT, socket.recv(&mut buffer)).await {
                // Each transfer has a port of its own at the server; whoever answered first is the one.
                Ok(Ok(received)) if received.peer.ip() == server.ip() && (to == server || to == received.peer) => {
                    to = received.peer;
                    break Some(buffer.get(..received.len).unwrap_or_default());
                }
                Ok(_) => {}
                Err(_) => break None,
            }
        };
        let Some(packet) = packet else {
            if seams.clock.instant() - heard_at > PATIENCE {
                return Err(format!("PXE-E32: TFTP open timeout ({file})"));
            }
            continue;
        };
        heard_at = seams.clock.instant();
        match packet {
            // The options that were taken; they are acknowledged as block 0.
            [0, 6, options @ ..] => {
                block_bytes = block_size(options).unwrap_or(512);
                say = ack(0);
            }
            [0, 3, high, low, data @ ..] => {
                let number = u16::from_be_bytes([*high, *low]);
                if number != expected {
                    // One that is here already: its acknowledgement was lost.
                    say = ack(expected.wrapping_sub(1));
                    continue;
                }
                content.extend_from_slice(data);
                say = ack(number);
                expected = expected.wrapping_add(1);
                if content.len() > MAX_BYTES {
                    return Err(format!("{file} is too long for this machine"));
                }
                if data.len() < block_bytes {
                    let _ = socket.send_to(&say, to).await;
                    return Ok(content);
                }
            }
            [0, 5, _, _, text @ ..] => {
                return Err(format!("PXE-T01: {} ({file})", String::from_utf8_lossy(text).trim_end_matches('\0')));
            }
            _ => {}
        }
    }
}

fn request(file: &str) -> Vec<u8> {
    let size = BLOCK_BYTES.to_string();
    let mut out = vec![0, 1];
    for word in [file, "octet", "blksize", size.as_str(), "tsize", "0"] {
        out.extend_from_slice(word.as_bytes());
        out.push(0);
    }
    out
}

fn ack(block: u16) -> Vec<u8> {
    [ACK.to_be_bytes(), block.to_be_bytes()].concat()
}

fn block_size(options: &[u8]) -> Option<usize> {
    let mut words = options.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    words.find(|word| word.eq_ignore_ascii_case("blksize"))?;
    words.next()?.parse().ok().filter(|size| (8..=BLOCK_BYTES).contains(size))
}

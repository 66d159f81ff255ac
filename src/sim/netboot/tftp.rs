//! TFTP as boot ROMs read it: the size first if the firmware is UEFI, then the file, with the options that each asks for.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;

use super::{Boot, BootError, Firmware};
use crate::net::{UdpBind, UdpSocket};

pub(super) const STAGE: &str = "TFTP";
pub(super) const SILENCE: &str = "the server went silent";
/// No ROM has room for more.
const MOST_BYTES: usize = 64 << 20;

/// Fetches `name` from `server`, from the leased address.
pub(super) async fn get(boot: &Boot<'_>, from: Ipv4Addr, server: SocketAddr, name: &str) -> Result<Bytes, BootError> {
    if boot.machine.firmware == Firmware::Bios {
        let options = [("tsize", 0), ("blksize", 1456)];
        return Transfer::open(boot, from, server)?.read(name, &options).await;
    }
    // UEFI asks twice: the first answer tells it how much memory to take.
    let size = Transfer::open(boot, from, server)?.size(name).await?;
    let options = [("blksize", 1468), ("windowsize", 4)];
    let content = Transfer::open(boot, from, server)?.read(name, &options).await?;
    if content.len() == size { Ok(content) } else { Err(BootError::new(STAGE, "the size announced was another")) }
}

struct Transfer<'a> {
    boot: &'a Boot<'a>,
    socket: UdpSocket,
    server: SocketAddr,
    /// The server's port of this transfer, known from its first packet.
    peer: Option<SocketAddr>,
    last_sent: Vec<u8>,
}

impl<'a> Transfer<'a> {
    fn open(boot: &'a Boot<'a>, from: Ipv4Addr, server: SocketAddr) -> Result<Self, BootError> {
        let socket = boot.world.net.udp(UdpBind::at(SocketAddr::from((from, 0))));
        let socket =
            socket.map_err(|error| BootError::new(STAGE, format!("cannot use the address {from}: {error}")))?;
        Ok(Transfer { boot, socket, server, peer: None, last_sent: Vec::new() })
    }

    async fn size(mut self, name: &str) -> Result<usize, BootError> {
        self.request(name, &[("tsize", 0)]).await?;
        let packet = self.hear().await?;
        let granted = granted(&packet)?;
        self.send(b"\0\x05\0\x08User aborted the transfer\0".to_vec()).await?;
        granted.tsize.ok_or_else(|| BootError::new(STAGE, "the server does not tell the size"))
    }

    async fn read(mut self, name: &str, options: &[(&str, usize)]) -> Result<Bytes, BootError> {
        self.request(name, options).await?;
        let (mut content, mut terms, mut since_ack) = (Vec::new(), Terms { block: 512, window: 1, tsize: None }, 0);
        let mut want: u16 = 1;
        loop {
            let packet = self.hear().await?;
            match packet[..] {
                [0, 6, ..] => {
                    terms = granted(&packet)?;
                    self.acknowledge(0).await?;
                }
                [0, 3, high, low, ref data @ ..] if u16::from_be_bytes([high, low]) == want => {
                    content.extend_from_slice(data);
                    since_ack += 1;
                    let end = data.len() < terms.block;
                    if end || since_ack == terms.window {
                        self.acknowledge(want).await?;
                        since_ack = 0;
                    }
                    if end {
                        return Ok(content.into());
                    }
                    want = want.wrapping_add(1);
                }
                // Something between was lost: the last good block, so that the server goes back to it.
                [0, 3, ..] if since_ack > 0 => {
                    self.acknowledge(want.wrapping_sub(1)).await?;
                    since_ack = 0;
                }
                _ => {}
            }
            if content.len() > MOST_BYTES {
                return Err(BootError::new(STAGE, "the file is larger than the machine's memory"));
            }
        }
    }

    async fn request(&mut self, name: &str, options: &[(&str, usize)]) -> Result<(), BootError> {
        let mut packet = format!("\0\u{1}{name}\0octet\0").into_bytes();
        for (option, value) in options {
            packet.extend(format!("{option}\0{value}\0").into_bytes());
        }
        self.send(packet).await
    }

    async fn acknowledge(&mut self, block: u16) -> Result<(), BootError> {
        let [high, low] = block.to_be_bytes();
        self.send(vec![0, 4, high, low]).await
    }

    async fn send(&mut self, packet: Vec<u8>) -> Result<(), BootError> {
        if !self.boot.loses() {
            let to = self.peer.unwrap_or(self.server);
            self.socket.send_to(&packet, to).await.map_err(|error| BootError::new(STAGE, error))?;
        }
        self.last_sent = packet;
        Ok(())
    }

    /// The next packet of this transfer; what was sent last is repeated until it comes.
    async fn hear(&mut self) -> Result<Vec<u8>, BootError> {
        let mut buffer = [0; 2048];
        for _ in 0..self.boot.world.pace.tftp_tries {
            let deadline = self.boot.world.clock.instant() + self.boot.world.pace.tftp_retry;
            while let Ok(received) = tokio::time::timeout_at(deadline, self.socket.recv(&mut buffer)).await {
                let received = received.map_err(|error| BootError::new(STAGE, error))?;
                // A ROM drops answers from another address than it asked, and from another port than the first.
                let expected = received.peer.ip() == self.server.ip() && self.peer.is_none_or(|p| p == received.peer);
                if !expected || self.boot.loses() {
                    continue;
                }
                let packet = buffer[..received.len].to_vec();
                if let [0, 5, _, code, text @ ..] = &packet[..] {
                    let text = String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
                    return Err(BootError::new(STAGE, format!("error {code}: {text}")));
                }
                self.peer = Some(received.peer);
                return Ok(packet);
            }
            let repeated = self.last_sent.clone();
            self.send(repeated).await?;
        }
        Err(BootError::new(STAGE, SILENCE))
    }
}

struct Terms {
    block: usize,
    window: usize,
    tsize: Option<usize>,
}

/// Reads an option acknowledgement.
fn granted(packet: &[u8]) -> Result<Terms, BootError> {
    let fields = packet.strip_prefix(&[0, 6]).and_then(|rest| std::str::from_utf8(rest).ok());
    let fields = fields.ok_or_else(|| BootError::new(STAGE, "options were not acknowledged"))?;
    let fields: Vec<&str> = fields.split_terminator('\0').collect();
    let mut terms = Terms { block: 512, window: 1, tsize: None };
    for pair in fields.chunks(2) {
        let value = pair.get(1).and_then(|v| v.parse().ok());
        let value: usize = value.ok_or_else(|| BootError::new(STAGE, "an option without a number"))?;
        match pair[0].to_ascii_lowercase().as_str() {
            "blksize" => terms.block = value,
            "windowsize" => terms.window = value.max(1),
            "tsize" => terms.tsize = Some(value),
            other => return Err(BootError::new(STAGE, format!("option {other} was not asked for"))),
        }
    }
    Ok(terms)
}

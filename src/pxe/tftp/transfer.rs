//! One TFTP transfer: a file to a client, window after window, until the last block is acknowledged.
//!
//! Each transfer has a socket of its own, connected to the client, so the kernel drops what anybody else sends. Everything
//! is retransmitted on a timeout, the option acknowledgement too, and a bound on tries ends a transfer whose client
//! has gone. Until the client has answered once only very few packets are sent: the request may be forged.
//! A transfer is a thread that waits on its socket, because at a window of one, which is what firmware asks for, nothing but the
//! way from an acknowledgement to the next block decides how fast a machine boots.

use std::io;

use bytes::Bytes;
use tftpd::{Opcode, Packet, TransferOption};
use tokio_util::sync::CancellationToken;

use super::terms::Terms;
use crate::clock::Clock;
use crate::net::PatientUdp;

/// Sendings of one window, after the client has shown that it exists.
const MOST_TRIES: u32 = 6;
/// Sendings of the very first packet. The client repeats its request when all are lost.
const MOST_FIRST_TRIES: u32 = 3;

/// How a transfer ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Complete,
    /// The client stopped it; firmware that only wants to know the size does this always.
    Stopped,
    /// No acknowledgement came in time.
    Silent,
}

/// Sends `content` to the peer of `socket`, unless `cut` comes first. Waits for nothing but the socket.
pub async fn send(
    (socket, clock): (&PatientUdp, &Clock),
    content: &Bytes,
    terms: Terms,
    oack: Vec<TransferOption>,
    cut: &CancellationToken,
) -> io::Result<End> {
    socket.set_patience(terms.timeout)?;
    let buffer = Vec::with_capacity(4 + terms.block_bytes);
    let mut flight = Flight { socket, clock, cut, content, terms, acked: 0, hurried: false, buffer };
    let mut tries_left = MOST_FIRST_TRIES;
    if !oack.is_empty() {
        match flight.offer(oack).await? {
            Heard::Progress(_) => tries_left = MOST_TRIES,
            Heard::Stop => return Ok(End::Stopped),
            Heard::Nothing | Heard::Again => return Ok(End::Silent),
        }
    }
    let blocks = content.len() / terms.block_bytes + 1;
    let mut repeated = false;
    while flight.acked < blocks {
        let last = (flight.acked + terms.window).min(blocks);
        flight.send_blocks(last)?;
        // That the first block of a window was lost is believed once per window: answering every duplicate would double
        // all later packets (the Sorcerer's Apprentice of RFC 1123, 4.2.3.1).
        match flight.listen(last, terms.window > 1 && !repeated).await? {
            Heard::Progress(acked) => {
                flight.acked = acked;
                (tries_left, repeated) = (MOST_TRIES, false);
            }
            Heard::Again => repeated = true,
            Heard::Nothing => {
                tries_left -= 1;
                if tries_left == 0 {
                    return Ok(End::Silent);
                }
            }
            Heard::Stop => return Ok(End::Stopped),
        }
    }
    Ok(End::Complete)
}

struct Flight<'a> {
    socket: &'a PatientUdp,
    clock: &'a Clock,
    cut: &'a CancellationToken,
    content: &'a Bytes,
    terms: Terms,
    /// Blocks that the client has; the next to send is this plus one. Wire numbers are its low 16 bits.
    acked: usize,
    /// Whether the socket waits for less than the agreed time.
    hurried: bool,
    /// One packet, reused: a transfer of a megabyte is 700 of them.
    buffer: Vec<u8>,
}

enum Heard {
    /// So many blocks have arrived.
    Progress(usize),
    /// The client repeats its last acknowledgement.
    Again,
    Stop,
    Nothing,
}

impl Flight<'_> {
    /// Sends the option acknowledgement until block 0 is acknowledged.
    async fn offer(&mut self, oack: Vec<TransferOption>) -> io::Result<Heard> {
        let packet = Packet::Oack(oack).serialize().map_err(io::Error::other)?;
        for _ in 0..MOST_FIRST_TRIES {
            self.socket.send(&packet)?;
            match self.listen(0, true).await? {
                // Acknowledging block 0 repeats nothing: it is the answer.
                Heard::Again => return Ok(Heard::Progress(0)),
                Heard::Nothing => {}
                other => return Ok(other),
            }
        }
        Ok(Heard::Nothing)
    }

    /// Sends the blocks after the acknowledged ones up to `last`. The frame is written here and not by the codec, which
    /// would copy each block twice.
    fn send_blocks(&mut self, last: usize) -> io::Result<()> {
        for block in self.acked + 1..=last {
            let start = (block - 1) * self.terms.block_bytes;
            let end = (start + self.terms.block_bytes).min(self.content.len());
            self.buffer.clear();
            self.buffer.extend(Opcode::Data.as_bytes());
            self.buffer.extend((block as u16).to_be_bytes());
            self.buffer.extend_from_slice(&self.content[start..end]);
            self.socket.send(&self.buffer)?;
        }
        Ok(())
    }

    /// Waits for an acknowledgement of a block up to `sent`, at most the agreed time in all. Whether a
    /// repetition of the last one counts is for `hear_again` to say.
    async fn listen(&mut self, sent: usize, hear_again: bool) -> io::Result<Heard> {
        let mut buffer = [0; 512];
        let since = self.clock.instant();
        if std::mem::take(&mut self.hurried) {
            self.socket.set_patience(self.terms.timeout)?;
        }
        loop {
            if self.cut.is_cancelled() {
                return Ok(Heard::Stop);
            }
            let Some(len) = self.socket.recv(&mut buffer).await? else { return Ok(Heard::Nothing) };
            match Packet::deserialize(&buffer[..len]) {
                Ok(Packet::Ack(number)) => {
                    // The distance from the last known block, in the 16 bits of the wire, finds the block across wraps.
                    let ahead = usize::from(number.wrapping_sub(self.acked as u16));
                    if ahead == 0 && hear_again {
                        return Ok(Heard::Again);
                    }
                    if ahead > 0 && self.acked + ahead <= sent {
                        return Ok(Heard::Progress(self.acked + ahead));
                    }
                }
                Ok(Packet::Error { .. }) => return Ok(Heard::Stop),
                // Anything else is not for us to answer.
                _ => {}
            }
            // Somebody who goes on talking nonsense is no better than somebody silent. Rare, so that the usual round needs no call
            // for the time that is left.
            let Some(left) = self.terms.timeout.checked_sub(self.clock.instant() - since).filter(|it| !it.is_zero())
            else {
                return Ok(Heard::Nothing);
            };
            self.socket.set_patience(left)?;
            self.hurried = true;
        }
    }
}

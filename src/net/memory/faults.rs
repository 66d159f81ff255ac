//! What can befall packets, and a count of what has.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

/// The knobs; all off by default. Chances are in a thousand.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Datagrams that are lost.
    pub lose: u32,
    /// Datagrams that arrive twice.
    pub double: u32,
    /// Datagrams and pieces of streams that are late, by up to `late_by`. Datagrams overtake each other then.
    pub late: u32,
    pub late_by: Duration,
    /// Connections that are refused though somebody listens.
    pub refuse: u32,
    /// Connections whose beginning is never answered.
    pub ignore: u32,
    /// Pieces of a stream at which the connection is reset instead.
    pub reset: u32,
    /// Pieces of a stream that take up to `stall_by`, and everything behind them.
    pub stall: u32,
    pub stall_by: Duration,
    /// Traffic to and from these addresses is left alone.
    pub spared: BTreeSet<SocketAddr>,
}

impl Faults {
    pub(super) fn spares(&self, from: SocketAddr, to: SocketAddr) -> bool {
        self.spared.contains(&from) || self.spared.contains(&to)
    }
}

/// Counts, and a sum over everything that passed: equal in two runs if they were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub datagrams: u64,
    pub connections: u64,
    pub pieces: u64,
    pub lost: u64,
    pub doubled: u64,
    pub late: u64,
    /// Datagrams that arrived before one that was sent earlier.
    pub reordered: u64,
    pub refused: u64,
    pub ignored: u64,
    pub resets: u64,
    pub stalls: u64,
    pub sum: u64,
}

impl Seen {
    pub(super) fn pass(&mut self, at_micros: u64, from: SocketAddr, to: SocketAddr, bytes: usize) {
        let ip = |at: SocketAddr| match at.ip() {
            std::net::IpAddr::V4(it) => u64::from(u32::from(it)),
            std::net::IpAddr::V6(it) => u128::from(it) as u64,
        };
        let fields = [at_micros, ip(from), u64::from(from.port()), ip(to), u64::from(to.port()), bytes as u64];
        for field in fields {
            // FNV-1a over words: order matters, and nothing else is asked of it.
            self.sum = (self.sum ^ field).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    }
}

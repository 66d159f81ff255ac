//! One UDP socket to one BMC: send, wait, send again.
//!
//! Retransmission adapts as TCP's does (RFC 6298): a smoothed round-trip time and its variation, doubled at each
//! silence, and never sampled from an exchange that was repeated (Karn), because its answer may be to either copy.
//! The bounds are a BMC's: they answer within milliseconds or, when busy, within seconds, and being asked five times a
//! second helps none of them.

use std::io;
use std::time::Duration;

use super::IpmiError;
use crate::clock::{Clock, Instant};
use crate::net::{Net, UdpBind, UdpSocket};
use crate::wire::rmcp::{MAX_DATAGRAM_BYTES, Packet};

const FIRST_TIMEOUT: Duration = Duration::from_millis(500);
const MIN_TIMEOUT: Duration = Duration::from_millis(200);
const MAX_TIMEOUT: Duration = Duration::from_secs(2);

/// One side of an exchange: what to say next, and whether what was heard is the answer.
pub(super) trait Conversation {
    type Answer;
    /// The datagram for this transmission, without the RMCP header; called again for each repetition.
    fn speak(&mut self) -> Vec<u8>;
    /// The answer, or nothing if this packet is not it: then the waiting goes on.
    fn hear(&mut self, packet: &[u8]) -> Option<Self::Answer>;
}

/// How long, and whether at all, to repeat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tries {
    /// Give up at.
    pub until: Instant,
    /// Whether the datagram may be sent more than once.
    pub repeat: bool,
}

/// Why an exchange ended without an answer.
#[derive(Debug)]
pub(super) enum LinkError {
    Silence,
    Io(io::Error),
}

impl LinkError {
    /// The error for a BMC with which there was no contact before.
    pub(super) fn unreachable(self, reach: Duration) -> IpmiError {
        let reason = match self {
            LinkError::Silence => format!("no answer within {:.0?}", reach),
            LinkError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                "connection refused (nothing listens on that UDP port)".to_owned()
            }
            LinkError::Io(error) => error.to_string(),
        };
        IpmiError::Unreachable { reason }
    }
}

pub(super) struct Link {
    socket: UdpSocket,
    clock: Clock,
    rtt: RoundTrip,
    /// Datagrams sent again so far; a handshake wants to know whether its messages may have arrived twice.
    pub repeats: u32,
}

impl Link {
    /// Resolves the name and connects a fresh socket, so that nothing meant for an earlier one can arrive.
    pub(super) async fn open(net: &Net, clock: &Clock, host: &str, port: u16, within: Duration) -> io::Result<Self> {
        let peers = net.resolve(host, port, within).await?;
        // The first address is the one that the resolver prefers; BMCs have one.
        let peer = *peers.first().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let any = if peer.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let any = any.parse().map_err(io::Error::other)?;
        let socket = net.udp(UdpBind::at(any))?;
        socket.connect(peer).await?;
        Ok(Link { socket, clock: clock.clone(), rtt: RoundTrip::default(), repeats: 0 })
    }

    /// How long an established session may stay silent before it is taken for dead.
    pub(super) fn patience(&self) -> Duration {
        (self.rtt.timeout * 3).clamp(MAX_TIMEOUT, MAX_TIMEOUT * 2)
    }

    /// Speaks until the answer comes or `tries` ends.
    pub(super) async fn exchange<C: Conversation>(
        &mut self,
        conversation: &mut C,
        tries: Tries,
    ) -> Result<C::Answer, LinkError> {
        let mut timeout = self.rtt.timeout;
        let mut repeated = false;
        loop {
            let sent_at = self.clock.instant();
            self.send(&conversation.speak()).await.map_err(LinkError::Io)?;
            let last = !tries.repeat || sent_at + timeout >= tries.until;
            let wait_until = if last { tries.until } else { sent_at + timeout };
            if let Some(answer) = self.listen(conversation, wait_until).await? {
                if !repeated {
                    self.rtt.sample(self.clock.instant() - sent_at);
                }
                return Ok(answer);
            }
            if last {
                return Err(LinkError::Silence);
            }
            repeated = true;
            self.repeats += 1;
            timeout = (timeout * 2).min(MAX_TIMEOUT);
        }
    }

    /// Sends one packet and waits for nothing.
    pub(super) async fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.socket.send(&Packet::Ipmi(packet).encode()).await.map(drop)
    }

    async fn listen<C: Conversation>(
        &mut self,
        conversation: &mut C,
        until: Instant,
    ) -> Result<Option<C::Answer>, LinkError> {
        let mut buffer = [0; MAX_DATAGRAM_BYTES];
        loop {
            let received = match tokio::time::timeout_at(until, self.socket.recv(&mut buffer)).await {
                Err(_) => return Ok(None),
                Ok(received) => received.map_err(LinkError::Io)?,
            };
            let bytes = buffer.get(..received.len).unwrap_or_default();
            if let Ok(Packet::Ipmi(inner)) = Packet::decode(bytes)
                && let Some(answer) = conversation.hear(inner)
            {
                return Ok(Some(answer));
            }
            // A flood of nonsense must not keep us from noticing the deadline: a ready socket never yields by itself.
            if self.clock.instant() >= until {
                return Ok(None);
            }
        }
    }
}

/// RFC 6298's estimator.
#[derive(Debug)]
struct RoundTrip {
    smoothed: Option<(Duration, Duration)>,
    timeout: Duration,
}

impl Default for RoundTrip {
    fn default() -> Self {
        RoundTrip { smoothed: None, timeout: FIRST_TIMEOUT }
    }
}

impl RoundTrip {
    fn sample(&mut self, rtt: Duration) {
        let (srtt, var) = match self.smoothed {
            None => (rtt, rtt / 2),
            Some((srtt, var)) => ((srtt * 7 + rtt) / 8, (var * 3 + srtt.abs_diff(rtt)) / 4),
        };
        self.smoothed = Some((srtt, var));
        self.timeout = (srtt + var * 4).clamp(MIN_TIMEOUT, MAX_TIMEOUT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_follows_the_round_trip_within_bounds() {
        let mut rtt = RoundTrip::default();
        assert_eq!(rtt.timeout, FIRST_TIMEOUT);
        (0..50).for_each(|_| rtt.sample(Duration::from_micros(300)));
        assert_eq!(rtt.timeout, MIN_TIMEOUT);
        (0..50).for_each(|_| rtt.sample(Duration::from_millis(900)));
        assert!(rtt.timeout >= Duration::from_millis(900) && rtt.timeout <= MAX_TIMEOUT, "{:?}", rtt.timeout);
        (0..50).for_each(|_| rtt.sample(Duration::from_secs(30)));
        assert_eq!(rtt.timeout, MAX_TIMEOUT);
    }
}

//! Messages from the socket to the store: read as fast as they come, queued, and begun as there is room.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tracing::debug;

use super::Shared;
use super::queue::Queue;
use crate::wire::dhcp::{Message, Op};
use crate::wire::mac::Mac;

/// Requests in work at once; what arrives beyond waits in the queue.
const MOST_IN_FLIGHT: usize = 256;
/// Of them, those of strangers, where they are served.
const MOST_GUESTS: usize = MOST_IN_FLIGHT / 4;
/// Messages that are read in a row, before something is done about them.
const MOST_AT_ONCE: usize = 256;

/// A message and where it came from.
type Letter = (Message, SocketAddr);

/// What is waiting and what is being done.
pub(super) struct Work {
    pub shared: Arc<Shared>,
    queue: Queue<Letter>,
    pub tasks: JoinSet<Done>,
    /// Whether strangers are being looked up.
    looking: bool,
    /// Messages of strangers in work.
    guests: usize,
}

pub(super) enum Done {
    /// A message of this machine, which is served or not.
    Message(Mac, bool),
    Guest(Mac),
    Look {
        asked: Vec<Mac>,
        ours: BTreeSet<Mac>,
    },
}

impl Work {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Work { shared, queue: Queue::default(), tasks: JoinSet::new(), looking: false, guests: 0 }
    }

    pub(super) fn take(&mut self, bytes: &[u8], peer: SocketAddr) {
        let Some(message) = readable(bytes, peer) else { return };
        if let Some(mac) = message.mac() {
            let (kind, xid) = (message.kind(), message.xid);
            self.queue.push(mac, (message, peer), |(waiting, _)| (waiting.kind(), waiting.xid) == (kind, xid));
        }
    }

    /// A flood fills the socket's buffer quicker than one message at a time is taken out of it, and then others are lost.
    pub(super) fn take_what_is_there(&mut self, buffer: &mut [u8]) {
        for _ in 0..MOST_AT_ONCE {
            let Ok(received) = self.shared.socket.try_recv(buffer) else { return };
            self.take(&buffer[..received.len], received.peer);
        }
        let dropped = self.queue.take_dropped();
        if dropped > 0 {
            debug!(dropped, "a flood of DHCP messages");
        }
    }

    /// Begins what may be begun.
    pub(super) fn go_on(&mut self) {
        while self.tasks.len() < MOST_IN_FLIGHT
            && let Some((mac, (message, peer))) = self.queue.next_known()
        {
            let shared = Arc::clone(&self.shared);
            self.tasks.spawn(async move { Done::Message(mac, shared.serve(message, peer).await) });
        }
        while self.guests < MOST_GUESTS
            && let Some((mac, (message, peer))) = self.queue.next_guest()
        {
            self.guests += 1;
            let shared = Arc::clone(&self.shared);
            self.tasks.spawn(async move {
                shared.serve(message, peer).await;
                Done::Guest(mac)
            });
        }
        if self.looking {
            return;
        }
        let asked = self.queue.take_strangers();
        if !asked.is_empty() {
            self.looking = true;
            let shared = Arc::clone(&self.shared);
            self.tasks.spawn(async move { shared.look_up(asked).await });
        }
    }

    pub(super) fn done(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Message(mac, served)) => self.queue.done(mac, served),
            Ok(Done::Guest(mac)) => {
                self.guests -= 1;
                self.queue.done(mac, true);
            }
            Ok(Done::Look { asked, ours }) => {
                self.looking = false;
                self.queue.looked_up(asked, &ours, self.shared.settings.serve_unknown);
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
    }
}

/// A request, or nothing that we answer.
fn readable(bytes: &[u8], peer: SocketAddr) -> Option<Message> {
    match Message::decode(bytes) {
        Ok(message) => (message.op == Op::Request).then_some(message),
        Err(error) => {
            debug!(%peer, %error, "dropped what is no DHCP message");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{Network, Server, Settings};
    use super::*;
    use crate::clock::Clock;
    use crate::net::{Net, UdpBind, memory};
    use crate::pxe::loaders::Loaders;
    use crate::random::Random;
    use crate::store::{Options, Store};
    use crate::wire::dhcp::MessageType;
    use crate::wire::dhcp_options::code;

    fn letter(mac: Mac) -> Message {
        let mut message = Message::new(Op::Request, 1, mac);
        message.options.set(code::MESSAGE_TYPE, [MessageType::Discover as u8]);
        message
    }

    /// The bound that the README states, counted rather than timed.
    #[tokio::test]
    async fn no_more_messages_are_read_before_that_of_a_known_machine_is_begun() -> anyhow::Result<()> {
        let (dir, clock, at) = (tempfile::tempdir()?, Clock::system(), Ipv4Addr::new(127, 77, 0, 1));
        let store = Store::open(&dir.path().join("store"), Options::new(clock.clone(), Random::seeded(1)))?;
        let network = memory::Network::new(clock.clone(), Random::seeded(2));
        let settings = Settings {
            listen: SocketAddr::from((at, 67)),
            device: None,
            network: Network { server: at, netmask: Ipv4Addr::new(255, 255, 0, 0), gateway: None, dns: vec![] },
            pool: at..=at,
            reservations: Default::default(),
            serve_unknown: false,
            lease_secs: 60,
            url: None,
            trace: Default::default(),
        };
        let loaders = Loaders::new(dir.path());
        let server = Server::bind(&Net::memory(network.host()), clock, store, loaders, settings).await?;
        let mut work = Work::new(server.shared.clone());
        let ours = Mac([2, 0, 0, 0, 0, 1]);
        work.queue.push(ours, (letter(ours), SocketAddr::from((at, 68))), |_| false);
        let asked = work.queue.take_strangers();
        work.queue.looked_up(asked, &BTreeSet::from([ours]), false);
        assert!(work.queue.next_known().is_some());
        work.queue.done(ours, true);

        // It stands in the middle of a flood.
        let net = Net::memory(network.host());
        let flood = net.udp(UdpBind::at(SocketAddr::from(([127, 77, 0, 9], 68))))?;
        for n in 0..1000u16 {
            let [a, b] = n.to_be_bytes();
            let mac = if n == 200 { ours } else { Mac([2, 1, 0, 0, a, b]) };
            flood.send_to(&letter(mac).encode(), server.local_addr()?).await?;
        }
        let mut buffer = [0; 1500];
        work.take_what_is_there(&mut buffer);
        work.go_on();
        assert!(work.queue.next_known().is_none() && work.tasks.len() == 2, "its message, and one look for all others");
        let left = std::iter::from_fn(|| server.shared.socket.try_recv(&mut buffer).ok()).count();
        assert_eq!(left, 1000 - MOST_AT_ONCE);
        let promise = format!("at most {MOST_AT_ONCE} datagrams are read before it is begun");
        assert!(include_str!("../../../README.md").contains(&promise), "README: {promise}");
        Ok(())
    }
}

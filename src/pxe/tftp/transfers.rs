//! The running transfers, and who gives way when there are as many as there may be.
//!
//! A client that asks from many ports, or in the name of many addresses, and then says nothing more holds what it has for
//! half a minute. So a full table is not the end: the address that has most transfers loses its oldest to a newcomer that has
//! fewer than it, two at least. A transfer that was cut off ends when its wait does; until then its thread is counted apart.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use tftpd::TransferOption;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::transfer::End;
use crate::net::Received;

/// Transfers that have been cut off and have not ended yet.
const MOST_CUT: usize = 64;

/// Names a transfer: a client port asks for one file at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub peer: SocketAddr,
    pub name: String,
}

/// A request that came again while its transfer ran. Firmware asks for the size, stops, and asks for the file from the same
/// port; when that is quicker than we notice the stop, its second request must not be lost.
pub(super) struct Repeat {
    pub options: Vec<TransferOption>,
    pub received: Received,
}

struct Running {
    repeat: Option<Repeat>,
    cut: CancellationToken,
}

/// See the head of this file.
pub(super) struct Transfers {
    most: usize,
    most_per_peer: usize,
    pub tasks: JoinSet<Option<End>>,
    cut: CancellationToken,
    keys: HashMap<Id, Key>,
    running: HashMap<Key, Running>,
    /// Those that have not been cut off, by address, the oldest first.
    per_peer: BTreeMap<IpAddr, VecDeque<Key>>,
    /// How many they are.
    alive: usize,
}

impl Transfers {
    pub(super) fn new(most: usize, most_per_peer: usize) -> Self {
        Transfers {
            most,
            most_per_peer,
            tasks: JoinSet::new(),
            cut: CancellationToken::new(),
            keys: HashMap::new(),
            running: HashMap::new(),
            per_peer: BTreeMap::new(),
            alive: 0,
        }
    }

    /// Ends the threads of those that are left when the guard is dropped.
    pub(super) fn cut_all(&self) -> DropGuard {
        self.cut.clone().drop_guard()
    }

    /// The options back, unless the transfer runs: then they are kept for the case that the client has stopped it.
    pub(super) fn unless_running(
        &mut self,
        key: &Key,
        options: Vec<TransferOption>,
        received: Received,
    ) -> Option<Vec<TransferOption>> {
        let Some(running) = self.running.get_mut(key) else { return Some(options) };
        running.repeat = Some(Repeat { options, received });
        None
    }

    /// Whether one more may start for this address, for which another's may be cut off.
    pub(super) fn has_room(&mut self, peer: IpAddr) -> bool {
        let own = self.per_peer.get(&peer).map_or(0, VecDeque::len);
        if own >= self.most_per_peer {
            return false;
        }
        self.alive < self.most || self.make_room(own)
    }

    fn make_room(&mut self, own: usize) -> bool {
        let greediest = self.per_peer.iter_mut().max_by_key(|(_, keys)| keys.len());
        let Some((_, keys)) = greediest.filter(|(_, keys)| keys.len() > own + 1) else { return false };
        if self.running.len() - self.alive >= MOST_CUT {
            return false;
        }
        let Some(running) = keys.pop_front().and_then(|oldest| self.running.get(&oldest)) else { return false };
        running.cut.cancel();
        self.alive -= 1;
        true
    }

    pub(super) fn start<F>(&mut self, key: Key, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Option<End>> + Send + 'static,
    {
        let cut = self.cut.child_token();
        let id = self.tasks.spawn(task(cut.clone())).id();
        self.per_peer.entry(key.peer.ip()).or_default().push_back(key.clone());
        self.alive += 1;
        self.running.insert(key.clone(), Running { repeat: None, cut });
        self.keys.insert(id, key);
    }

    /// Counts a transfer off. Returns what is to be started in its place: the repeated request of a client that stopped it.
    pub(super) fn ended(&mut self, ended: Result<(Id, Option<End>), JoinError>) -> Option<(String, Repeat)> {
        let (id, end) = match ended {
            Ok(ended) => ended,
            Err(error) => (error.id(), None),
        };
        let key = self.keys.remove(&id)?;
        let running = self.running.remove(&key)?;
        let peer = key.peer.ip();
        if let Some(keys) = self.per_peer.get_mut(&peer) {
            if let Some(at) = keys.iter().position(|it| *it == key) {
                keys.remove(at);
                self.alive -= 1;
            }
            if keys.is_empty() {
                self.per_peer.remove(&peer);
            }
        }
        let was_stopped = end == Some(End::Stopped) && !running.cut.is_cancelled();
        running.repeat.filter(|_| was_stopped).map(|repeat| (key.name, repeat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts one for an address if there is room.
    fn start(transfers: &mut Transfers, address: u8, port: u16) -> bool {
        let peer = SocketAddr::from(([10, 0, 0, address], port));
        let room = transfers.has_room(peer.ip());
        if room {
            transfers.start(Key { peer, name: "loader".to_owned() }, |_| std::future::pending());
        }
        room
    }

    #[tokio::test]
    async fn one_address_has_its_part_and_who_has_most_gives_way_to_a_newcomer() {
        let mut transfers = Transfers::new(4, 2);
        assert!(start(&mut transfers, 1, 1) && start(&mut transfers, 1, 2));
        assert!(!start(&mut transfers, 1, 3), "it has its part");
        assert!(start(&mut transfers, 2, 1) && start(&mut transfers, 2, 2));
        // All are taken now.
        assert!(start(&mut transfers, 3, 1) && start(&mut transfers, 4, 1));
        assert_eq!((transfers.alive, transfers.running.len()), (4, 6), "two were cut off");
        assert!(!start(&mut transfers, 5, 1), "nobody has more than one");
    }
}

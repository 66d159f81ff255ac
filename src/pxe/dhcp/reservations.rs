//! Fixed addresses by card. A card that has one is known, whoever's it is.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

use crate::wire::mac::Mac;

/// What is kept for a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    pub address: Ipv4Addr,
    /// The name that its machine is told to have.
    pub name: Option<String>,
}

/// All of them, no address twice.
#[derive(Clone, Debug, Default)]
pub struct Reservations {
    by_card: HashMap<Mac, Reservation>,
    addresses: HashSet<Ipv4Addr>,
}

impl Reservations {
    pub fn insert(&mut self, mac: Mac, reservation: Reservation) {
        self.addresses.insert(reservation.address);
        self.by_card.insert(mac, reservation);
    }

    pub fn of(&self, mac: Mac) -> Option<&Reservation> {
        self.by_card.get(&mac)
    }

    /// Whether the address is kept for some card.
    pub fn keep(&self, address: Ipv4Addr) -> bool {
        self.addresses.contains(&address)
    }

    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.addresses.iter().copied()
    }

    /// One whose address cannot be a machine's in the network of `pool`, which is also that of `server` unless it is behind a
    /// relay.
    pub fn misplaced(&self, pool: Ipv4Addr, netmask: Ipv4Addr, server: Ipv4Addr) -> Option<(Mac, Ipv4Addr)> {
        let mask = u32::from(netmask);
        let bad = |address: Ipv4Addr| {
            let (bits, host) = (u32::from(address), u32::from(address) & !mask);
            (bits ^ u32::from(pool)) & mask != 0 || host == 0 || host == !mask || address == server
        };
        self.by_card.iter().map(|(mac, it)| (*mac, it.address)).find(|(_, address)| bad(*address))
    }
}

impl FromIterator<(Mac, Reservation)> for Reservations {
    fn from_iter<I: IntoIterator<Item = (Mac, Reservation)>>(all: I) -> Self {
        let mut reservations = Reservations::default();
        all.into_iter().for_each(|(mac, reservation)| reservations.insert(mac, reservation));
        reservations
    }
}

//! Which addresses are free, in memory: an index of the stored leases, and the offers that nobody has taken up yet.
//!
//! The store decides who holds an address; this only finds one worth offering without asking it 65,536 times. Offers live
//! here alone: they are bounded in number and time, so a flood of requests from invented addresses costs nothing
//! but other offers, and an offer that was forgotten can still be claimed.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use crate::wire::mac::Mac;

/// Offers that may be open at once; the oldest is forgotten first.
const MOST_OFFERS: usize = 4096;
/// How long an offer keeps its address from others.
const OFFER_SECS: i64 = 60;
/// How long an address is avoided after a client found somebody else there.
const DECLINED_SECS: i64 = 600;
/// Addresses in a pool at most; what is beyond is not used.
const MOST_ADDRESSES: u32 = 1 << 16;

/// A pool that is not smaller keeps the last part of itself for machines of ours, where strangers are served too.
const SHARED_ADDRESSES: usize = 16;
const KEPT_ONE_IN: usize = 4;

/// See the head of this file.
#[derive(Debug)]
pub struct Pool {
    first: u32,
    /// For each address of the pool, until when it is taken; the epoch: it never was.
    taken_until: Vec<Timestamp>,
    /// Addresses at which a client found somebody else, until when nobody gets them: not even the client whose DISCOVER was
    /// read before its own DECLINE.
    declined: HashMap<u32, Timestamp>,
    /// Where the last search ended, so that addresses are used in turn; and the last one for a guest.
    cursor: usize,
    guest_cursor: usize,
    offers: HashMap<Mac, Offer>,
    offered: HashMap<u32, Mac>,
    /// Offers by age.
    order: BTreeMap<u64, Mac>,
    turn: u64,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    address: u32,
    until: Timestamp,
    turn: u64,
}

impl Pool {
    /// A pool of all addresses of `range`.
    pub fn new(range: &RangeInclusive<Ipv4Addr>) -> Self {
        let (first, last) = (u32::from(*range.start()), u32::from(*range.end()));
        let len = if last < first { 0 } else { (last - first).saturating_add(1).min(MOST_ADDRESSES) };
        Pool {
            first,
            taken_until: vec![Timestamp::UNIX_EPOCH; len as usize],
            declined: HashMap::new(),
            cursor: 0,
            guest_cursor: 0,
            offers: HashMap::new(),
            offered: HashMap::new(),
            order: BTreeMap::new(),
            turn: 0,
        }
    }

    fn index(&self, address: Ipv4Addr) -> Option<usize> {
        let index = u32::from(address).checked_sub(self.first)? as usize;
        (index < self.taken_until.len()).then_some(index)
    }

    /// Whether `address` is one of the pool's.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.index(address).is_some()
    }

    /// Whether `address` is never given to a stranger, however few are left: a flood of invented cards ends here.
    pub fn is_kept_from_guests(&self, address: Ipv4Addr) -> bool {
        self.index(address).is_some_and(|index| index >= self.of_guests())
    }

    /// How many addresses, from the first on, strangers may have.
    fn of_guests(&self) -> usize {
        let len = self.taken_until.len();
        if len < SHARED_ADDRESSES { len } else { len - len / KEPT_ONE_IN }
    }

    /// Never offers `address`: it is reserved, or our own.
    pub fn exclude(&mut self, address: Ipv4Addr) {
        self.taken(address, Timestamp::MAX);
    }

    /// A stored lease: the address is taken until then.
    pub fn taken(&mut self, address: Ipv4Addr, until: Timestamp) {
        if let Some(index) = self.index(address) {
            self.taken_until[index] = until;
        }
    }

    /// The client gave the address back; it is offered to others when no unused one is left.
    pub fn released(&mut self, mac: Mac, address: Ipv4Addr, now: Timestamp) {
        self.withdraw(mac);
        if let Some(index) = self.index(address) {
            self.taken_until[index] = now;
        }
    }

    /// The client found somebody else at the address. Whoever else has it on offer would find the same.
    pub fn declined(&mut self, mac: Mac, address: Ipv4Addr, now: Timestamp) {
        self.withdraw(mac);
        if let Some(other) = self.offered.get(&u32::from(address)).copied() {
            self.withdraw(other);
        }
        let until = now + SignedDuration::from_secs(DECLINED_SECS);
        self.taken(address, until);
        self.declined.retain(|_, until| *until > now);
        if self.contains(address) {
            self.declined.insert(u32::from(address), until);
        }
    }

    /// Whether `mac` may claim `address`: nobody else was found there, and it is not being offered to somebody else.
    pub fn claimable(&self, mac: Mac, address: Ipv4Addr, now: Timestamp) -> bool {
        if self.is_declined(u32::from(address), now) {
            return false;
        }
        match self.offered.get(&u32::from(address)) {
            Some(other) if *other != mac => self.offers.get(other).is_none_or(|offer| offer.until <= now),
            _ => true,
        }
    }

    /// Whether `address` is the one on offer to `mac`.
    pub fn offers(&self, mac: Mac, address: Ipv4Addr) -> bool {
        self.offers.get(&mac).is_some_and(|offer| offer.address == u32::from(address))
    }

    /// Forgets the offer to `mac`: it was taken up, or another server's was.
    pub fn withdraw(&mut self, mac: Mac) {
        if let Some(offer) = self.offers.remove(&mac) {
            self.offered.remove(&offer.address);
            self.order.remove(&offer.turn);
        }
    }

    /// An address to offer to `mac`: the one on offer already, else its `own` (an earlier lease of the same client),
    /// else the one that it `wishes` for if that is free, else any. None: the pool is exhausted, for a `guest` its part.
    pub fn offer(
        &mut self,
        mac: Mac,
        own: Option<Ipv4Addr>,
        wish: Option<Ipv4Addr>,
        guest: bool,
        now: Timestamp,
    ) -> Option<Ipv4Addr> {
        self.forget_expired(now);
        if let Some(offer) = self.offers.get(&mac) {
            return Some(Ipv4Addr::from(offer.address));
        }
        let open = |address: &Ipv4Addr| !(guest && self.is_kept_from_guests(*address));
        let own = own.filter(|address| self.contains(*address) && self.claimable(mac, *address, now)).filter(open);
        let wish = || wish.filter(|a| self.index(*a).is_some_and(|i| self.is_free(i, now))).filter(open);
        let known = own.or_else(wish);
        let address = known.or_else(|| self.search(guest, now))?;
        self.remember(mac, u32::from(address), now);
        Some(address)
    }

    fn is_free(&self, index: usize, now: Timestamp) -> bool {
        let address = self.first + index as u32;
        self.taken_until[index] <= now && !self.offered.contains_key(&address) && !self.is_declined(address, now)
    }

    /// A lease of it that is given back meanwhile changes nothing: somebody else is there.
    fn is_declined(&self, address: u32, now: Timestamp) -> bool {
        self.declined.get(&address).is_some_and(|until| *until > now)
    }

    /// The next address that was never used; if there is none, the next whose lease has ended.
    fn search(&mut self, guest: bool, now: Timestamp) -> Option<Ipv4Addr> {
        let (len, from) = match guest {
            true => (self.of_guests(), self.guest_cursor),
            false => (self.taken_until.len(), self.cursor),
        };
        let turn =
            |wanted: &dyn Fn(usize) -> bool| (0..len).map(|step| (from + step) % len).find(|index| wanted(*index));
        let unused = |index| self.taken_until[index] == Timestamp::UNIX_EPOCH && self.is_free(index, now);
        let index = turn(&unused).or_else(|| turn(&|index| self.is_free(index, now)))?;
        *(if guest { &mut self.guest_cursor } else { &mut self.cursor }) = (index + 1) % len;
        Some(Ipv4Addr::from(self.first + index as u32))
    }

    fn remember(&mut self, mac: Mac, address: u32, now: Timestamp) {
        while self.offers.len() >= MOST_OFFERS {
            let Some((_, oldest)) = self.order.first_key_value() else { break };
            self.withdraw(*oldest);
        }
        self.turn += 1;
        let until = now + SignedDuration::from_secs(OFFER_SECS);
        self.offers.insert(mac, Offer { address, until, turn: self.turn });
        self.offered.insert(address, mac);
        self.order.insert(self.turn, mac);
    }

    fn forget_expired(&mut self, now: Timestamp) {
        while let Some((_, oldest)) = self.order.first_key_value() {
            let oldest = *oldest;
            if self.offers.get(&oldest).is_some_and(|offer| offer.until > now) {
                return;
            }
            self.withdraw(oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn mac(n: u32) -> Mac {
        let [a, b, c, d] = n.to_be_bytes();
        Mac([2, 0, a, b, c, d])
    }

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    fn at(secs: i64) -> Timestamp {
        crate::clock::from_micros(secs * 1_000_000)
    }

    #[test]
    fn addresses_go_round_and_used_ones_come_last() {
        let mut pool = Pool::new(&(ip(10)..=ip(13)));
        pool.exclude(ip(11));
        pool.taken(ip(10), at(50));
        let now = at(100);
        assert_eq!(pool.offer(mac(1), None, None, false, now), Some(ip(12)));
        assert_eq!(pool.offer(mac(1), None, None, false, now), Some(ip(12)), "the same offer again");
        assert_eq!(pool.offer(mac(2), None, None, false, now), Some(ip(13)));
        assert_eq!(pool.offer(mac(3), None, None, false, now), Some(ip(10)), "its lease has ended");
        assert_eq!(pool.offer(mac(4), None, None, false, now), None);
        assert_eq!(pool.offer(mac(4), None, None, false, at(161)), Some(ip(12)), "offers expire");
    }

    #[test]
    fn a_client_gets_its_own_address_back_and_its_wish_if_that_is_free() {
        let mut pool = Pool::new(&(ip(10)..=ip(20)));
        let now = at(100);
        pool.taken(ip(15), at(900));
        assert_eq!(pool.offer(mac(1), Some(ip(15)), Some(ip(16)), false, now), Some(ip(15)));
        assert_eq!(pool.offer(mac(2), None, Some(ip(15)), false, now), Some(ip(10)), "taken");
        assert_eq!(
            pool.offer(mac(3), Some(ip(99)), Some(ip(17)), false, now),
            Some(ip(17)),
            "its own is not of this pool"
        );
        assert!(!pool.claimable(mac(9), ip(17), now) && pool.claimable(mac(3), ip(17), now));
        pool.declined(mac(3), ip(17), now);
        assert_eq!(pool.offer(mac(3), None, Some(ip(17)), false, now), Some(ip(11)));
    }

    #[test]
    fn a_declined_address_is_nobodys_until_its_time_is_over() {
        let mut pool = Pool::new(&(ip(10)..=ip(20)));
        let now = at(100);
        pool.taken(ip(15), at(9000));
        pool.declined(mac(1), ip(15), now);
        // What the store still said of it when the DISCOVER was read.
        assert_eq!(pool.offer(mac(1), Some(ip(15)), Some(ip(15)), false, now), Some(ip(10)));
        assert!(!pool.claimable(mac(1), ip(15), now));
        pool.released(mac(1), ip(15), now);
        assert_eq!(pool.offer(mac(2), None, Some(ip(15)), false, now), Some(ip(11)));
        assert!(pool.claimable(mac(1), ip(15), at(701)));
    }

    #[test]
    fn strangers_leave_a_part_of_the_pool_to_machines_of_ours() {
        let mut pool = Pool::new(&(ip(10)..=ip(29)));
        let now = at(100);
        let offered = (0..100).filter(|n| pool.offer(mac(*n), None, Some(ip(29)), true, now).is_some()).count();
        assert_eq!(offered, 15);
        assert!(pool.is_kept_from_guests(ip(25)) && !pool.is_kept_from_guests(ip(24)));
        let ours = (200..300).filter(|n| pool.offer(mac(*n), None, None, false, now).is_some()).count();
        assert_eq!(ours, 5);
    }

    #[test]
    fn a_declined_address_is_no_longer_on_offer_to_another_client() {
        let mut pool = Pool::new(&(ip(10)..=ip(20)));
        let now = at(100);
        pool.taken(ip(15), at(9000));
        assert_eq!(pool.offer(mac(1), Some(ip(15)), None, false, now), Some(ip(15)));
        pool.declined(mac(2), ip(15), now);
        assert_eq!(pool.offer(mac(1), Some(ip(15)), None, false, now), Some(ip(10)));
    }

    #[test]
    fn offers_are_bounded() {
        let mut pool = Pool::new(&(Ipv4Addr::new(10, 0, 0, 0)..=Ipv4Addr::new(10, 0, 255, 255)));
        for n in 0..3 * MOST_OFFERS as u32 {
            assert!(pool.offer(mac(n), None, None, false, at(1)).is_some());
        }
        assert_eq!((pool.offers.len(), pool.offered.len(), pool.order.len()), (MOST_OFFERS, MOST_OFFERS, MOST_OFFERS));
    }

    #[test]
    fn a_pool_that_is_upside_down_or_huge_is_harmless() {
        assert_eq!(Pool::new(&(ip(9)..=ip(1))).offer(mac(1), None, None, false, at(1)), None);
        let all = Pool::new(&(Ipv4Addr::UNSPECIFIED..=Ipv4Addr::BROADCAST));
        assert_eq!(all.taken_until.len(), MOST_ADDRESSES as usize);
    }
}

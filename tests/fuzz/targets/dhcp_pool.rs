//! The pool of addresses under any sequence of what clients and the store do to it, against a model that only remembers.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use bessemer::clock::{Timestamp, from_micros};
use bessemer::pxe::dhcp::pool::Pool;
use bessemer::wire::mac::Mac;

const FIRST: u32 = 0x0a4d_0064;
/// Few of both, so that they meet.
const ADDRESSES: u32 = 20;
/// The last quarter is never a stranger's.
const OF_GUESTS: u32 = 15;
const OFFER_SECS: i64 = 60;
const DECLINED_SECS: i64 = 600;

/// All that happened, by address and by card.
#[derive(Default)]
struct Model {
    taken_until: BTreeMap<Ipv4Addr, i64>,
    declined_until: BTreeMap<Ipv4Addr, i64>,
    /// Card to address and the end of the offer.
    offers: BTreeMap<Mac, (Ipv4Addr, i64)>,
}

impl Model {
    fn offered_to_another(&self, mac: Mac, address: Ipv4Addr, now: i64) -> bool {
        self.offers.iter().any(|(other, (at, until))| *other != mac && *at == address && *until > now)
    }

    fn is_taken(&self, address: Ipv4Addr, now: i64) -> bool {
        self.taken_until.get(&address).is_some_and(|until| *until > now)
    }

    fn is_declined(&self, address: Ipv4Addr, now: i64) -> bool {
        self.declined_until.get(&address).is_some_and(|until| *until > now)
    }
}

pub fn run(data: &[u8]) {
    let last = FIRST + ADDRESSES - 1;
    let mut pool = Pool::new(&(Ipv4Addr::from(FIRST)..=Ipv4Addr::from(last)));
    let (mut model, mut now) = (Model::default(), 1_000_000_i64);
    let address = |byte: u8| Ipv4Addr::from(FIRST - 1 + u32::from(byte) % (ADDRESSES + 2));
    for &[what, who, which, other] in data.as_chunks::<4>().0 {
        let mac = Mac([2, 0, 0, 0, 0, who % 16]);
        let (at, time) = (address(which), from_micros(now * 1_000_000));
        match what % 8 {
            0 => now += i64::from(which) * 4,
            1..=3 => {
                let pick = |flag: u8, byte: u8| (what & flag != 0).then(|| address(byte));
                let (own, wish) = (pick(0x40, which), pick(0x80, other));
                offer(&mut pool, &mut model, mac, (own, wish, what & 0x20 != 0), (now, time));
            }
            4 => {
                let until = now + i64::from(other) * 8;
                pool.taken(at, from_micros(until * 1_000_000));
                model.taken_until.insert(at, until);
            }
            5 => {
                pool.released(mac, at, time);
                model.offers.remove(&mac);
                model.taken_until.insert(at, now);
            }
            6 => {
                pool.declined(mac, at, time);
                model.offers.remove(&mac);
                model.offers.retain(|_, (offered, _)| *offered != at);
                model.taken_until.insert(at, now + DECLINED_SECS);
                model.declined_until.insert(at, now + DECLINED_SECS);
            }
            _ if other % 8 == 0 => {
                pool.exclude(at);
                model.taken_until.insert(at, i64::MAX);
            }
            _ => {
                pool.withdraw(mac);
                model.offers.remove(&mac);
            }
        }
        if pool.contains(at) {
            let free = !model.is_declined(at, now) && !model.offered_to_another(mac, at, now);
            assert_eq!(pool.claimable(mac, at, from_micros(now * 1_000_000)), free, "{at} for {mac}");
        }
    }
}

fn offer(
    pool: &mut Pool,
    model: &mut Model,
    mac: Mac,
    (own, wish, guest): (Option<Ipv4Addr>, Option<Ipv4Addr>, bool),
    (now, time): (i64, Timestamp),
) {
    let open = model.offers.get(&mac).filter(|(_, until)| *until > now).map(|(address, _)| *address);
    let offered = pool.offer(mac, own, wish, guest, time);
    let free = |it: Ipv4Addr| {
        !model.is_taken(it, now) && !model.is_declined(it, now) && !model.offered_to_another(mac, it, now)
    };
    let Some(address) = offered else {
        let all = (0..if guest { OF_GUESTS } else { ADDRESSES }).map(|n| Ipv4Addr::from(FIRST + n));
        assert_eq!(all.filter(|it| free(*it)).count(), 0, "nothing for {mac} though something is free");
        return;
    };
    assert!(pool.contains(address), "{address} is not of the pool");
    assert!(!model.offered_to_another(mac, address, now), "{address} is on offer to two");
    assert!(!model.is_declined(address, now), "{address} was declined");
    assert!(!guest || Some(address) == open || u32::from(address) < FIRST + OF_GUESTS, "a guest got {address}");
    if Some(address) != open && Some(address) != own {
        assert!(!model.is_taken(address, now), "{address} is leased to somebody");
    }
    // An offer that is repeated lasts no longer for it.
    if open.is_none() {
        model.offers.insert(mac, (address, now + OFFER_SECS));
    }
}

//! Answers to IPv6 router solicitations, so that iPXE does not wait for a router that does not exist.
//!
//! iPXE configures IPv6 beside IPv4 and gives a router thirteen seconds to answer before it goes on. We answer with an
//! advertisement that says "no router here, no prefix, nothing to ask DHCPv6 for" (RFC 4861 section 4.2, lifetime zero), which
//! ends that wait and configures nothing.
//!
//! **Nobody else's network may notice**: the answer goes by unicast to the card that asked, only if it is a card of ours,
//! and never from an interface that forwards IPv6, where a real router would be speaking.

use std::net::Ipv6Addr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::net::{Icmp6Socket, Interface};
use crate::service::boot;
use crate::store::Store;
use crate::wire::mac::Mac;

const SOLICITATION: u8 = 133;
const ADVERTISEMENT: u8 = 134;
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;

/// Answers on one interface.
pub struct Advertiser {
    pub socket: Icmp6Socket,
    pub interface: Interface,
    pub store: Store,
    pub clock: Clock,
}

impl Advertiser {
    /// Answers until `stop`. One at a time: a machine asks a handful of times in its boot.
    pub async fn run(self, stop: CancellationToken) {
        let mut buffer = [0; 512];
        loop {
            let received = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                received = self.socket.recv(&mut buffer) => received,
            };
            match received {
                Ok((len, source)) => {
                    if let Some(mac) = solicitor(&buffer[..len], source) {
                        self.answer(mac, source).await;
                    }
                }
                Err(error) => {
                    debug!(%error, "ICMPv6 receive failed");
                    self.clock.sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn answer(&self, mac: Mac, source: Ipv6Addr) {
        if self.interface.forwards_ipv6().await {
            return;
        }
        let text = mac.to_string();
        match self.store.read(move |read| boot::owner(read, &text)).await {
            Ok(Some(owner)) if owner.pxe_enabled => {}
            Ok(_) => return,
            Err(error) => return warn!(%mac, %error, "router solicitation not answered"),
        }
        match self.socket.send_to(&advertisement(), source).await {
            Ok(()) => debug!(%mac, %source, "told that there is no IPv6 router"),
            Err(error) => debug!(%mac, %source, %error, "router advertisement not sent"),
        }
    }
}

/// The card that sent a router solicitation: as the message says (RFC 4861 section 4.1), else as its link-local address
/// says. None if the message is something else, or comes from no address that could be answered.
fn solicitor(message: &[u8], source: Ipv6Addr) -> Option<Mac> {
    let (head, mut options) = message.split_at_checked(8)?;
    if head[..2] != [SOLICITATION, 0] || !source.is_unicast_link_local() {
        return None;
    }
    while let [kind, units, ..] = *options
        && units > 0
    {
        let (option, rest) = options.split_at_checked(usize::from(units) * 8)?;
        if kind == SOURCE_LINK_LAYER_ADDRESS && units == 1 {
            return option[2..].try_into().ok().map(Mac);
        }
        options = rest;
    }
    let [.., a, b, c, d, e, f, g, h] = source.octets();
    Mac::from_eui64([a, b, c, d, e, f, g, h])
}

/// Type, code, and nothing else: no hop limit to use, no flags, no lifetime, no timers, no options. The kernel fills in
/// the checksum.
fn advertisement() -> [u8; 16] {
    let mut message = [0; 16];
    message[0] = ADVERTISEMENT;
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x52, 0x54, 0, 0x77, 0, 0x10]);
    const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x5054, 0xff, 0xfe77, 0x10);

    #[test]
    fn the_card_is_found_in_the_option_or_in_the_address() {
        let stable: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x1234, 0x5678, 0x9abc, 0xdef0);
        let bare = [133, 0, 0, 0, 0, 0, 0, 0];
        let mut named = bare.to_vec();
        named.extend([14, 1, 1, 2, 3, 4, 5, 6, 1, 1, 0x52, 0x54, 0, 0x77, 0, 0x10]);
        assert_eq!(solicitor(&named, stable), Some(MAC), "a nonce option comes first");
        assert_eq!(solicitor(&bare, LINK_LOCAL), Some(MAC));
        assert_eq!(solicitor(&bare, stable), None, "a private address tells no card");
        assert_eq!(solicitor(&named, Ipv6Addr::UNSPECIFIED), None, "nobody to answer");
        assert_eq!(solicitor(&named, Ipv6Addr::LOCALHOST), None);
    }

    #[test]
    fn what_is_no_solicitation_is_nobodys() {
        let random = crate::random::Random::seeded(6);
        for _ in 0..20_000 {
            let mut message: Vec<u8> = (0..random.below(64)).map(|_| random.below(256) as u8).collect();
            solicitor(&message, LINK_LOCAL);
            if let Some(first) = message.first_mut() {
                *first = 135;
            }
            assert_eq!(solicitor(&message, LINK_LOCAL), None);
        }
        let endless = [133, 0, 0, 0, 0, 0, 0, 0, 14, 0, 1, 1];
        assert_eq!(solicitor(&endless, LINK_LOCAL), Some(MAC), "an option without a length ends the list");
    }
}

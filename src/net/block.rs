//! A block of addresses, as `10.0.0.0/8`.

use std::net::IpAddr;
use std::str::FromStr;

/// See the head of this file. A lone address is a block of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    base: IpAddr,
    length: u32,
}

impl Block {
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        let address = address.to_canonical();
        let differs = bits(self.base) ^ bits(address);
        let wide = if address.is_ipv4() { 32 } else { 128 };
        self.base.is_ipv4() == address.is_ipv4() && (self.length == 0 || differs >> (wide - self.length) == 0)
    }
}

impl FromStr for Block {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let (base, length) = text.split_once('/').map_or((text, None), |(base, length)| (base, Some(length)));
        let base: IpAddr = base.parse().map_err(|_| ())?;
        let wide = if base.is_ipv4() { 32 } else { 128 };
        let length: u32 = length.map_or(Ok(wide), |length| length.parse().map_err(|_| ()))?;
        if length <= wide { Ok(Block { base, length }) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_holds_its_own_and_no_others() -> Result<(), Box<dyn std::error::Error>> {
        for (block, address, inside) in [
            ("10.77.0.0/24", "10.77.0.9", true),
            ("10.77.0.0/24", "10.77.1.9", false),
            ("10.77.0.0/24", "::ffff:10.77.0.9", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8::1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
        ] {
            let found: Block = block.parse().map_err(|()| block)?;
            assert_eq!(found.contains(address.parse()?), inside, "{block} {address}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/-1", "::/129"] {
            assert!(bad.parse::<Block>().is_err(), "{bad}");
        }
        Ok(())
    }
}

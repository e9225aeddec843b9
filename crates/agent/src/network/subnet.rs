//! Private addresses of one agent: which range, and which address in it. It asks nobody; what is taken is handed in.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// First of the ranges that agents choose from: 10.213.0.0 to 10.220.255.255. Few networks use these, and there is room
/// for 128 agents on one machine.
const FIRST: u32 = u32::from_be_bytes([10, 213, 0, 0]);
/// 4,094 addresses for each agent.
const PREFIX: u8 = 20;
const RANGES: u32 = 128;

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subnet {
    first: Ipv4Addr,
    prefix: u8,
}

impl Subnet {
    /// A range given by any address in it.
    pub(crate) fn new(address: Ipv4Addr, prefix: u8) -> Self {
        let prefix = prefix.min(32);
        Self { first: Ipv4Addr::from_bits(address.to_bits() & mask(prefix)), prefix }
    }

    /// The first free range that overlaps none of the machine's routes, looking from `seed` on so that agents which start
    /// together rarely choose the same. A default route overlaps nothing.
    pub(crate) fn choose(seed: u32, routes: &[Self]) -> Option<Self> {
        (0..RANGES)
            .map(|step| {
                let at = seed.wrapping_add(step) % RANGES;
                Self::new(Ipv4Addr::from_bits(FIRST + (at << (32 - u32::from(PREFIX)))), PREFIX)
            })
            .find(|candidate| !routes.iter().any(|route| route.prefix != 0 && route.overlaps(*candidate)))
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        let shorter = mask(self.prefix.min(other.prefix));
        self.first.to_bits() & shorter == other.first.to_bits() & shorter
    }

    pub(crate) fn prefix(self) -> u8 {
        self.prefix
    }

    /// The address of the machine in the range.
    pub(crate) fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first.to_bits() + 1)
    }

    /// A free address, looking from the one after `last` on, so that an address that was given back rests a while.
    pub(crate) fn allocate(self, last: Option<Ipv4Addr>, taken: &BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
        let (low, high) =
            (self.first.to_bits() + 2, (self.first.to_bits() | !mask(self.prefix)).checked_sub(1)?);
        let count = high.checked_sub(low)? + 1;
        let from = last.map_or(0, |last| last.to_bits().wrapping_sub(low).wrapping_add(1));
        (0..count)
            .map(|step| Ipv4Addr::from_bits(low + from.wrapping_add(step) % count))
            .find(|address| !taken.contains(address))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        let (address, prefix) = text.split_once('/').expect("a slash");
        Subnet::new(address.parse().expect("an address"), prefix.parse().expect("a prefix"))
    }

    #[test]
    fn a_range_that_a_route_overlaps_is_not_chosen() {
        let choose = |seed, routes: &[&str]| {
            let routes: Vec<Subnet> = routes.iter().map(|route| subnet(route)).collect();
            Subnet::choose(seed, &routes).map(|subnet| subnet.to_string())
        };
        assert_eq!(choose(0, &[]).as_deref(), Some("10.213.0.0/20"));
        assert_eq!(choose(0, &["0.0.0.0/0", "10.213.1.0/24"]).as_deref(), Some("10.213.16.0/20"));
        assert_eq!(choose(127, &["10.220.240.0/20"]).as_deref(), Some("10.213.0.0/20"));
        assert_eq!(choose(5, &["10.0.0.0/8"]), None);
    }

    #[test]
    fn addresses_go_round_and_skip_what_is_taken() {
        let small = subnet("10.213.0.0/30");
        let address = |last: u8| Ipv4Addr::new(10, 213, 0, last);
        assert_eq!(small.gateway(), address(1));
        assert_eq!(small.allocate(None, &BTreeSet::new()), Some(address(2)));
        assert_eq!(small.allocate(None, &BTreeSet::from([address(2)])), None);
        let wide = subnet("10.213.0.0/20");
        assert_eq!(wide.allocate(Some(address(2)), &BTreeSet::from([address(3)])), Some(address(4)));
        assert_eq!(wide.allocate(Some(Ipv4Addr::new(10, 213, 15, 254)), &BTreeSet::new()), Some(address(2)));
    }
}

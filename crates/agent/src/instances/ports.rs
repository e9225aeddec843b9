//! Free ports on an address of the machine. A port is free if nothing holds it now and nobody here was given it; that
//! nobody takes it before the program does cannot be promised, which is why the ranges lie below the kernel's own.

use std::collections::BTreeSet;
use std::net::{IpAddr, TcpListener};
use std::ops::Range;

/// Where instances without a network of their own are reached.
pub(crate) const LOOPBACK: &str = "127.0.0.1";
/// Ports of instances on the machine's own address.
pub(crate) const INSTANCE_PORTS: Range<u16> = 20_000..32_000;
/// Stable ports of services.
pub(crate) const SERVICE_PORTS: Range<u16> = 10_000..20_000;

/// A free port of the range, looking from `seed` on so that agents of one machine rarely meet.
pub(crate) fn find(address: IpAddr, range: &Range<u16>, seed: u32, taken: &BTreeSet<u16>) -> Option<u16> {
    let count = u32::from(range.end - range.start);
    (0..count)
        .filter_map(|step| u16::try_from(u32::from(range.start) + seed.wrapping_add(step) % count).ok())
        .filter(|port| !taken.contains(port))
        .find(|port| TcpListener::bind((address, *port)).is_ok())
}

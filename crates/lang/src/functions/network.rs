//! Functions of IP address ranges in CIDR notation (RFC 4632), for both versions. They ask no network.

use std::net::{Ipv4Addr, Ipv6Addr};

use bigdecimal::ToPrimitive as _;
use value::{Number, Type, Value};

use super::arguments::{Arguments, Failure, integer};
use super::signature::{Function, Parameter, Shape};

const PREFIX: Parameter = Parameter::new("prefix", Shape::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "cidrhost",
        &[PREFIX, Parameter::new("hostnum", Shape::Number)],
        Shape::String,
        host,
        "The address of a host in a range, by its number.",
    ),
    Function::new("cidrnetmask", &[PREFIX], Shape::String, netmask, "The subnet mask of an IPv4 range."),
    Function::new(
        "cidrsubnet",
        &[PREFIX, Parameter::new("newbits", Shape::Number), Parameter::new("netnum", Shape::Number)],
        Shape::String,
        subnet,
        "A range inside of a range, by its number.",
    ),
    Function::new(
        "cidrsubnets",
        &[PREFIX],
        Shape::ListOfString,
        subnets,
        "Ranges inside of a range, one after another.",
    )
    .rest(Parameter::new("newbits", Shape::Number)),
];

/// A range of addresses: the network's number, aligned to the low bits of a 128-bit number in both versions.
#[derive(Debug, Clone, Copy)]
struct Range {
    is_v6: bool,
    network: u128,
    /// Bits of the prefix.
    prefix: u32,
}

impl Range {
    /// Bits of an address.
    fn bits(self) -> u32 {
        if self.is_v6 { 128 } else { 32 }
    }

    /// Bits behind the prefix.
    fn host_bits(self) -> u32 {
        self.bits() - self.prefix
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        if prefix.is_empty() || prefix.len() > 3 || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (is_v6, number) = match parse_v4(address) {
            Some(v4) => (false, u128::from(u32::from(v4))),
            None => (true, u128::from(address.parse::<Ipv6Addr>().ok()?)),
        };
        let prefix: u32 = prefix.parse().ok()?;
        let range = Self { is_v6, network: number, prefix };
        if prefix > range.bits() {
            return None;
        }
        Some(Self { network: number & !low_bits(range.host_bits()), ..range })
    }

    fn address(self, number: u128) -> String {
        if self.is_v6 {
            return Ipv6Addr::from(number).to_string();
        }
        Ipv4Addr::from(u32::try_from(number & u128::from(u32::MAX)).unwrap_or_default()).to_string()
    }

    fn text(self) -> String {
        format!("{}/{}", self.address(self.network), self.prefix)
    }
}

/// Leading zeroes are decimal, as they always were in Terraform, and not octal.
fn parse_v4(text: &str) -> Option<Ipv4Addr> {
    let parts: Option<Vec<u8>> = text
        .split('.')
        .map(|part| {
            let fits = !part.is_empty() && part.len() <= 16 && part.bytes().all(|b| b.is_ascii_digit());
            if fits { part.parse::<u64>().ok().and_then(|n| u8::try_from(n).ok()) } else { None }
        })
        .collect();
    let octets: [u8; 4] = parts?.try_into().ok()?;
    Some(Ipv4Addr::from(octets))
}

/// A number with that many of its low bits set.
fn low_bits(count: u32) -> u128 {
    1u128.checked_shl(count).map_or(u128::MAX, |bit| bit - 1)
}

fn range(a: &Arguments<'_>, argument: Option<usize>) -> Result<Range, Failure> {
    let given = a.text(0);
    Range::parse(given).ok_or_else(|| {
        Failure::showing(argument, |show| {
            format!("invalid CIDR expression: invalid CIDR address: {}", show(given.to_owned()))
        })
    })
}

fn host(a: &Arguments<'_>) -> Result<Value, Failure> {
    let range = range(a, None)?;
    let wanted = a.number(1);
    if !wanted.is_integer() {
        return Err(Failure::call("value must be a whole number"));
    }
    let fault =
        || Failure::call(format!("prefix of {} does not accommodate a host numbered {wanted}", range.prefix));
    // A negative number counts from the end of the range.
    let magnitude = wanted.abs().to_decimal().to_u128().ok_or_else(fault)?;
    let last = low_bits(range.host_bits());
    let number = if wanted.is_negative() { last.checked_sub(magnitude - 1) } else { Some(magnitude) };
    let number = number.filter(|number| *number <= last).ok_or_else(fault)?;
    Ok(Value::string(range.address(range.network | number)))
}

fn netmask(a: &Arguments<'_>) -> Result<Value, Failure> {
    let range = range(a, None)?;
    if range.is_v6 {
        let given = a.text(0);
        return Err(Failure::showing(None, |show| {
            format!("an IPv6 range has no netmask: {}", show(given.to_owned()))
        }));
    }
    Ok(Value::string(range.address(!low_bits(range.host_bits()))))
}

fn subnet(a: &Arguments<'_>) -> Result<Value, Failure> {
    let range = range(a, None)?;
    let new_bits = integer(&a.number(1)).map_err(Failure::call)?;
    let wanted = a.number(2);
    if !wanted.is_integer() {
        return Err(Failure::call("value must be a whole number"));
    }
    let Some(new_bits) = u32::try_from(new_bits).ok() else {
        return Err(Failure::at(1, "must not be negative"));
    };
    if new_bits > range.host_bits() {
        let message =
            format!("insufficient address space to extend prefix of {} by {new_bits}", range.prefix);
        return Err(Failure::call(message));
    }
    let number = to_u128(&wanted).filter(|number| *number <= low_bits(new_bits)).ok_or_else(|| {
        Failure::call(format!(
            "prefix extension of {new_bits} does not accommodate a subnet numbered {wanted}"
        ))
    })?;
    let prefix = range.prefix + new_bits;
    let network = range.network | number.checked_shl(range.bits() - prefix).unwrap_or(0);
    Ok(Value::string(Range { network, prefix, ..range }.text()))
}

fn to_u128(number: &Number) -> Option<u128> {
    if number.is_negative() { None } else { number.to_decimal().to_u128() }
}

fn subnets(a: &Arguments<'_>) -> Result<Value, Failure> {
    let range = range(a, Some(0))?;
    let end = range.network | low_bits(range.host_bits());
    let mut next = Some(range.network);
    let (mut texts, mut last) = (Vec::new(), None);
    for at in 1..a.values.len() {
        let new_bits = a.integer(at)?;
        if new_bits < 1 {
            return Err(Failure::at(at, "must extend prefix by at least one bit"));
        }
        if new_bits > 32 {
            return Err(Failure::at(at, "may not extend prefix by more than 32 bits"));
        }
        let prefix = range.prefix + u32::try_from(new_bits).unwrap_or_default();
        if prefix > range.bits() {
            let version = if range.is_v6 { "IPv6" } else { "IPv4" };
            let message =
                format!("would extend prefix to {prefix} bits, which is too long for an {version} address");
            return Err(Failure::at(at, message));
        }
        let size = low_bits(range.bits() - prefix);
        // A range begins at a multiple of its own size.
        let start = next.and_then(|next| next.checked_add(size)).map(|n| n & !size);
        let Some(start) = start.filter(|start| *start <= end) else {
            let after = last.map_or_else(String::new, |last: Range| format!(" after {}", last.text()));
            return Err(Failure::at(
                at,
                format!(
                    "not enough remaining address space for a subnet with a prefix of {prefix} bits{after}"
                ),
            ));
        };
        let network = Range { network: start, prefix, ..range };
        texts.push(Value::string(network.text()));
        next = (start | size).checked_add(1);
        last = Some(network);
    }
    Ok(Value::list(Type::String, texts))
}

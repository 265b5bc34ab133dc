//! IP addresses and ranges of them. Source: the Kubernetes CEL libraries `ip` and `cidr`.

use super::conversions::first;
use super::{Extension, Failure, Row, failed, global, member};
use crate::value::Value;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

pub(super) const ROWS: &[Row] = &[
    global("ip", &["string -> ip"], |arguments| match address(text(arguments)?) {
        Some(address) => Ok(of_ip(address)),
        None => failed(format!("IP Address \"{}\" parse error: it is no address that can be used", text(arguments)?)),
    }),
    global("isIP", &["string -> bool"], |arguments| Ok(address(text(arguments)?).is_some().into())),
    global("ip.isCanonical", &["string -> bool"], |arguments| match address(text(arguments)?) {
        Some(address) => Ok((address.to_string() == text(arguments)?).into()),
        None => failed(format!("IP Address \"{}\" parse error: it is no address that can be used", text(arguments)?)),
    }),
    member("family", &["ip -> int"], |arguments| Ok(Value::Int(if ip(arguments)?.is_ipv4() { 4 } else { 6 }))),
    member("isUnspecified", &["ip -> bool"], |arguments| Ok(ip(arguments)?.is_unspecified().into())),
    member("isLoopback", &["ip -> bool"], |arguments| Ok(ip(arguments)?.is_loopback().into())),
    member("isLinkLocalMulticast", &["ip -> bool"], |arguments| Ok(link_local_multicast(ip(arguments)?).into())),
    member("isLinkLocalUnicast", &["ip -> bool"], |arguments| Ok(link_local_unicast(ip(arguments)?).into())),
    member("isGlobalUnicast", &["ip -> bool"], |arguments| {
        let ip = ip(arguments)?;
        let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
        Ok((!broadcast && !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !link_local_unicast(ip)).into())
    }),
    global("cidr", &["string -> cidr"], |arguments| match Cidr::parse(text(arguments)?) {
        Some(range) => Ok(of_range(range)),
        None => failed(format!("network address parse error: \"{}\" is no range that can be used", text(arguments)?)),
    }),
    global("isCIDR", &["string -> bool"], |arguments| Ok(Cidr::parse(text(arguments)?).is_some().into())),
    member("containsIP", &["cidr, ip -> bool", "cidr, string -> bool"], |arguments| {
        let other = match arguments.get(1) {
            Some(Value::String(text)) => address(text).ok_or_else(|| Failure::Failed(format!("`{text}` is no IP address")))?,
            Some(_) => ip(&arguments[1..])?,
            None => return Err(Failure::NoOverload),
        };
        Ok(range(arguments)?.contains(other).into())
    }),
    member("containsCIDR", &["cidr, cidr -> bool", "cidr, string -> bool"], |arguments| {
        let other = match arguments.get(1) {
            Some(Value::String(text)) => Cidr::parse(text).ok_or_else(|| Failure::Failed(format!("`{text}` is no range")))?,
            Some(_) => range(&arguments[1..])?,
            None => return Err(Failure::NoOverload),
        };
        let this = range(arguments)?;
        Ok((this.length <= other.length && this.contains(other.address)).into())
    }),
    member("ip", &["cidr -> ip"], |arguments| Ok(of_ip(range(arguments)?.address))),
    member("masked", &["cidr -> cidr"], |arguments| Ok(of_range(range(arguments)?.masked()))),
    member("prefixLength", &["cidr -> int"], |arguments| Ok(Value::Int(range(arguments)?.length.into()))),
];

/// A range of addresses: an address and how many of its first bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    length: u8,
}

impl Cidr {
    fn parse(text: &str) -> Option<Self> {
        let (host, length) = text.split_once('/')?;
        let host = address(host)?;
        if length.len() > 1 && length.starts_with('0') {
            return None;
        }
        let length: u8 = length.parse().ok().filter(|_| length.bytes().all(|byte| byte.is_ascii_digit()))?;
        (length <= if host.is_ipv4() { 32 } else { 128 }).then_some(Self { address: host, length })
    }

    fn masked(self) -> Self {
        let masked = match self.address {
            IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask32(self.length))),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask128(self.length))),
        };
        Self { address: masked, length: self.length }
    }

    fn contains(self, other: IpAddr) -> bool {
        self.address.is_ipv4() == other.is_ipv4() && Self { address: other, length: self.length }.masked().address == self.masked().address
    }
}

fn mask32(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

fn mask128(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// An address without zone, and no IPv4 address written as IPv6.
fn address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    match address {
        IpAddr::V6(inner) if inner.to_ipv4_mapped().is_some() => None,
        other => Some(other),
    }
}

fn link_local_unicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn link_local_multicast(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(address) => address.octets()[..3] == [224, 0, 0],
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    }
}

fn of_ip(address: IpAddr) -> Value {
    Value::Extension(Arc::new(Extension::Ip(address)))
}

fn of_range(range: Cidr) -> Value {
    Value::Extension(Arc::new(Extension::Cidr(range)))
}

fn text(arguments: &[Value]) -> Result<&str, Failure> {
    match first(arguments)? {
        Value::String(text) => Ok(text),
        _ => Err(Failure::NoOverload),
    }
}

fn ip(arguments: &[Value]) -> Result<IpAddr, Failure> {
    match first(arguments)? {
        Value::Extension(extension) => match extension.as_ref() {
            Extension::Ip(address) => Ok(*address),
            Extension::Cidr(_) | Extension::Semver(_) => Err(Failure::NoOverload),
        },
        _ => Err(Failure::NoOverload),
    }
}

fn range(arguments: &[Value]) -> Result<Cidr, Failure> {
    match first(arguments)? {
        Value::Extension(extension) => match extension.as_ref() {
            Extension::Cidr(range) => Ok(*range),
            Extension::Ip(_) | Extension::Semver(_) => Err(Failure::NoOverload),
        },
        _ => Err(Failure::NoOverload),
    }
}

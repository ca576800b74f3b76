//! Which addresses are public. Owns the ranges and the ways one address hides in another; knows no names and no rules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is if it is not public, in words; `None` when anybody on the internet may be there.
pub(crate) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => not_public_v4(v4),
        IpAddr::V6(v6) => not_public_v6(v6),
    }
}

/// The IPv4 address an IPv6 address stands for, if it does.
pub(crate) fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = v6.segments();
    let last = || Some(v4(high, low));
    match [a, b, c, d, e, f] {
        // Mapped, translated (SIIT), and the form that is no longer used; `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0xffff] | [0, 0, 0, 0, 0xffff, 0] => last(),
        [0, 0, 0, 0, 0, 0] if high != 0 || low > 1 => last(),
        // NAT64
        [0x64, 0xff9b, 0, 0, 0, 0] => last(),
        // 6to4
        [0x2002, one, two, ..] => Some(v4(one, two)),
        // ISATAP
        [_, _, _, _, 0 | 0x200, 0x5efe] => last(),
        _ => None,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("unspecified"),
        [127, ..] => Some("a loopback address"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("private"),
        [100, 64..=127, ..] => Some("shared by a carrier's customers"),
        [169, 254, 169, 254] | [168, 63, 129, 16] => Some("a metadata service"),
        [169, 254, ..] => Some("link-local"),
        [192, 0, 0, _] | [192, 88, 99, _] => Some("reserved for protocols"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some("reserved for documentation"),
        [198, 18 | 19, ..] => Some("reserved for measurements"),
        [224..=239, ..] => Some("a multicast address"),
        [240..=255, ..] => Some("reserved"),
        _ => None,
    }
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some(v4) = embedded(address) {
        return not_public_v4(v4);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Some("private"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        // Teredo hides an IPv4 address whose bits are turned over.
        [0x2001, 0, ..] => Some("a tunnel"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("reserved for documentation"),
        [0x2001, 0..=0x01ff, ..] => Some("reserved for protocols"),
        [0x2000..=0x3fff, ..] => None,
        // Nothing else has been given out.
        _ => Some("reserved"),
    }
}

//! Who is at the other end of a connection, and which of them are counted as one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Both ends of the connection a request came in on. Every request of [`HttpServer`](crate::HttpServer) has it among its
/// extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// The client's end.
    pub peer: SocketAddr,
    /// The server's end.
    pub local: SocketAddr,
}

/// Clients that are counted as one: an IPv4 address or an IPv6 /64, which one customer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientNet {
    V4(Ipv4Addr),
    V6([u8; 8]),
}

impl ClientNet {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h, ..] = v6.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

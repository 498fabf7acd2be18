//! Where a request comes from, as far as clients are told apart by it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network address of a client, as far as it tells one client from another: a whole IPv4 address, but only
/// the first half of an IPv6 address, because every subscriber has all of the second half.
///
/// It is the peer that API Gateway saw, or the one that our CDN saw if the request came through it. Any
/// other proxy in front of API Gateway makes all of its clients one source.
#[derive(Clone, Copy)]
pub struct Source(IpAddr);

impl Source {
    /// Reads what the event or the CDN says. Requests that came without an address are one source too, so that leaving it
    /// out gains nobody anything.
    pub fn parse(text: Option<&str>) -> Self {
        let address = text.and_then(|text| text.parse().ok()).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            whole @ IpAddr::V4(_) => whole,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

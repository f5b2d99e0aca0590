//! Which addresses a webhook may connect to, checked after name resolution, so that a name cannot point inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Networks a target may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Networks {
    /// The public internet.
    pub public: bool,
    /// Private and loopback addresses.
    pub private: bool,
}

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Private,
    /// Link-local (metadata services of clouds), multicast, unspecified, reserved: never a receiver.
    Never,
}

impl Networks {
    /// True when a target may have this address.
    pub fn allow(self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => self.public,
            Reach::Private => self.private,
            Reach::Never => false,
        }
    }
}

fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => reach_v4(inner),
            None => reach_v6(address),
        },
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    if address.is_loopback() || address.is_private() || (a == 100 && (64..128).contains(&b)) {
        return Reach::Private;
    }
    let never = address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (b == 18 || b == 19));
    if never { Reach::Never } else { Reach::Public }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let first = address.segments()[0];
    if address.is_loopback() || (first & 0xfe00) == 0xfc00 {
        return Reach::Private;
    }
    let link_local = (first & 0xffc0) == 0xfe80;
    let documentation = first == 0x2001 && address.segments()[1] == 0x0db8;
    let never = address.is_unspecified() || address.is_multicast() || link_local || documentation;
    if never { Reach::Never } else { Reach::Public }
}

/// The IPv4 address inside of a mapped, translated (NAT64) or tunnelled (6to4) one.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => Some(v4(g, h)),
        (0x2002, high, low, ..) => Some(v4(high, low)),
        _ => None,
    }
}

/// The address in a URL that has one in the place of a name; such a one is never resolved.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// None of a name's addresses is allowed.
#[derive(Debug, thiserror::Error)]
#[error("none of the name's addresses is allowed for the target")]
pub(super) struct AddressNotAllowed;

/// Looks names up and keeps what is allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver(pub(super) Networks);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| networks.allow(address.ip())).collect();
            if allowed.is_empty() {
                return Err(AddressNotAllowed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("93.184.216.34", Reach::Public)]
    #[case("2606:2800:220:1::1", Reach::Public)]
    #[case("127.0.0.1", Reach::Private)]
    #[case("10.1.2.3", Reach::Private)]
    #[case("172.16.0.1", Reach::Private)]
    #[case("172.32.0.1", Reach::Public)]
    #[case("192.168.1.1", Reach::Private)]
    #[case("100.64.0.1", Reach::Private)]
    #[case("::1", Reach::Private)]
    #[case("fd00::1", Reach::Private)]
    #[case("169.254.169.254", Reach::Never)]
    #[case("fe80::1", Reach::Never)]
    #[case("0.0.0.0", Reach::Never)]
    #[case("::", Reach::Never)]
    #[case("224.0.0.1", Reach::Never)]
    #[case("255.255.255.255", Reach::Never)]
    #[case("::ffff:10.0.0.1", Reach::Private)]
    #[case("::ffff:169.254.169.254", Reach::Never)]
    #[case("64:ff9b::a9fe:a9fe", Reach::Never)]
    #[case("2002:7f00:1::", Reach::Private)]
    fn addresses_are_what_they_reach(#[case] address: &str, #[case] expected: Reach) {
        assert_eq!(reach(address.parse().unwrap()), expected);
    }
}

//! Networks of addresses, as configuration names them: `10.0.0.0/8`, `2001:db8::/32`, or a single address.

use std::{fmt, net::IpAddr, str::FromStr};

/// An address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no network: write an address, or an address and the number of its leading bits, as in 10.0.0.0/8"
)]
pub struct NetworkError(String);

impl Network {
    /// Whether `address` lies in the network. An IPv4 address in IPv6 clothes is an IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.to_owned());
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => all,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= all).ok_or_else(error)?,
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_a_network_by_its_leading_bits() {
        let lies_in = |address: &str, network: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(lies_in("10.255.0.1", "10.0.0.0/8") && !lies_in("11.0.0.1", "10.0.0.0/8"));
        assert!(lies_in("192.0.2.7", "192.0.2.7") && !lies_in("192.0.2.6", "192.0.2.7"));
        assert!(lies_in("8.8.8.8", "0.0.0.0/0") && !lies_in("::1", "0.0.0.0/0"));
        assert!(lies_in("::ffff:10.1.2.3", "10.0.0.0/8"));
        assert!(lies_in("2001:db8::1", "2001:db8::/32") && !lies_in("2001:db9::1", "2001:db8::/32"));
        assert!(lies_in("::1", "::/0"));
    }

    #[test]
    fn what_is_no_network_is_refused_by_name() {
        for bad in ["", "10", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "localhost", "10.0.0.0/8/8"] {
            assert_eq!(bad.parse::<Network>(), Err(NetworkError(bad.to_owned())));
        }
    }
}

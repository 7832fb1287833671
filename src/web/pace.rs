//! How fast one visitor may begin sign-ups: each sends a mail to an address that anybody may type.
//!
//! The engine bounds the mails to an address; this bounds the addresses that one network mails to.
//! Counted by cut address, so that a household's 2^80 addresses of IPv6 are one. Forgotten after an
//! hour, and when more networks come than are remembered the least used go.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use super::visit::network;

/// Sign-ups of a network in an hour. An office or a school stands behind one address.
const MOST: u32 = 30;
const HOUR: Duration = Duration::from_secs(3600);
/// Networks that are remembered: some 10 MB.
const NETWORKS: u64 = 100_000;

/// The sign-ups of the last hour, by network.
#[derive(Debug)]
pub(super) struct Paces(Cache<Option<IpAddr>, Arc<AtomicU32>>);

impl Default for Paces {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(NETWORKS).time_to_live(HOUR).build())
    }
}

impl Paces {
    /// Whether this visitor may go on; counted.
    pub(super) fn allows(&self, ip: Option<IpAddr>) -> bool {
        let count = self.0.get_with(ip.map(network), Arc::default);
        count.fetch_add(1, Ordering::Relaxed) < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_pace_and_others_have_theirs() {
        let paces = Paces::default();
        let ip = |text: &str| Some(text.parse().unwrap());
        assert!((0..MOST).all(|n| paces.allows(ip(&format!("192.0.2.{n}")))));
        assert!(!paces.allows(ip("192.0.2.200")));
        assert!(paces.allows(ip("192.0.3.1")) && paces.allows(None));
    }
}

//! Who visits: the language that they read, and what of their connection is kept as evidence.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use axum::http::request::Parts;

use super::Site;
use crate::model::evidence::{Evidence, Method, Notice};
use crate::model::language::{self, Language};

/// Characters of a program's name that are kept.
const MAX_USER_AGENT: usize = 200;

/// Bits of an address on the network that are kept where it is cut: the provider and the region,
/// not the household.
const IPV4_KEPT: u32 = 24;
const IPV6_KEPT: u32 = 48;

/// From where a connection came.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// What is kept of a visitor's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Privacy {
    /// Of the address on the network.
    pub ip: KeepIp,
    /// Whether the last entry of `X-Forwarded-For` is the visitor: a reverse proxy stands ahead.
    pub forwarded: bool,
}

/// What is kept of the visitor's address on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum KeepIp {
    /// Nothing.
    None,
    /// 24 bits of IPv4, 48 of IPv6.
    #[default]
    Cut,
    /// All of it.
    Whole,
}

/// A visit.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) language: Language,
    /// Where it comes from; for the pace of sign-ups.
    pub(super) ip: Option<IpAddr>,
    kept: Arc<str>,
    user_agent: Arc<str>,
}

impl Visit {
    /// The same, of a page in this language.
    pub(super) fn reading(&self, language: Language) -> Self {
        Self { language, ..self.clone() }
    }

    /// What proves a choice: these words were on the page.
    pub(super) fn evidence(&self, method: Method, source: &str, wording: &str) -> Arc<Evidence> {
        let notice = match wording {
            "" => Notice::default(),
            wording => Notice {
                wording: wording.into(),
                version: Arc::default(),
                language: self.language.tag().into(),
            },
        };
        Arc::new(Evidence {
            method,
            source: source.into(),
            notice,
            ip: self.kept.clone(),
            user_agent: self.user_agent.clone(),
            ..Evidence::default()
        })
    }
}

/// What the path names: a token, or a brand. One that is no text names nothing, and its page says so
/// as of any other.
#[derive(Debug)]
pub(super) struct Named(pub(super) String);

impl FromRequestParts<Arc<Site>> for Named {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Infallible> {
        let named = Path::<String>::from_request_parts(parts, site).await;
        Ok(Self(named.map(|Path(name)| name).unwrap_or_default()))
    }
}

impl FromRequestParts<Arc<Site>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().map(|Peer(ip)| *ip);
        let ip = match site.privacy.forwarded {
            // Whatever else it says, it is not the proxy that visits.
            true => last_forwarded(&parts.headers),
            false => peer,
        };
        let ip = ip.map(|ip| ip.to_canonical());
        let user_agent = text(&parts.headers, USER_AGENT.as_str());
        let user_agent = user_agent.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT);
        Ok(Self {
            language: spoken(parts),
            ip,
            kept: ip.and_then(|ip| site.privacy.ip.kept(ip)).unwrap_or_default().into(),
            user_agent: user_agent.collect::<String>().into(),
        })
    }
}

/// As the link says, else as the program asks, else English.
fn spoken(parts: &Parts) -> Language {
    let query = parts.uri.query().unwrap_or_default();
    let linked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "lang");
    let linked = linked.and_then(|(_, tag)| Language::of_tag(&tag));
    linked
        .or_else(|| {
            let wanted = parts.headers.get_all(ACCEPT_LANGUAGE).iter();
            let wanted: Vec<&str> = wanted.filter_map(|value| value.to_str().ok()).collect();
            language::negotiate(&wanted.join(","))
        })
        .unwrap_or(Language::English)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The entry that our own proxy added: those before it may be anybody's.
fn last_forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = last.to_str().ok()?.rsplit(',').next()?.trim();
    last.parse().or_else(|_| last.parse::<SocketAddr>().map(|from| from.ip())).ok()
}

impl KeepIp {
    fn kept(self, ip: IpAddr) -> Option<String> {
        match self {
            Self::None => None,
            Self::Whole => Some(ip.to_string()),
            Self::Cut => Some(network(ip).to_string()),
        }
    }
}

/// The address without its last bits.
pub(super) fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) & (u32::MAX << (32 - IPV4_KEPT))).into()),
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & (u128::MAX << (128 - IPV6_KEPT))).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_cut_or_kept_or_not() {
        let (v4, v6) = ("192.0.2.77".parse().unwrap(), "2001:db8:1:2::7".parse().unwrap());
        assert_eq!(KeepIp::Cut.kept(v4).as_deref(), Some("192.0.2.0"));
        assert_eq!(KeepIp::Cut.kept(v6).as_deref(), Some("2001:db8:1::"));
        assert_eq!(KeepIp::Whole.kept(v6).as_deref(), Some("2001:db8:1:2::7"));
        assert_eq!(KeepIp::None.kept(v4), None);
    }

    #[test]
    fn of_a_chain_of_proxies_the_last_entry_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(last_forwarded(&headers), None);
        headers.append("x-forwarded-for", "203.0.113.9, 198.51.100.1".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.1,192.0.2.1".parse().unwrap());
        assert_eq!(last_forwarded(&headers), Some("192.0.2.1".parse().unwrap()));
        headers.append("x-forwarded-for", "192.0.2.9:4711".parse().unwrap());
        assert_eq!(last_forwarded(&headers), Some("192.0.2.9".parse().unwrap()));
        headers.append("x-forwarded-for", "nobody".parse().unwrap());
        assert_eq!(last_forwarded(&headers), None);
    }
}

//! The campaign: what a sender asks about.

use std::fmt;

use super::scope::{BrandId, Scope, TopicId};

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Electronic mail.
    Email,
    /// A letter.
    Post,
}

/// What a message is for. The law asks it first (UWG section 7, TKG 2021 section 174).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Advertising.
    Marketing,
    /// Needed to perform a contract or asked for by the person: an order, a password.
    Transactional,
    /// One person writes to another.
    OneToOne,
    /// Asks for a consent; itself advertising.
    ConsentRequest,
}

/// Longest identifier in octets.
pub const MAX_ID: usize = 63;

/// Whether `text` is an identifier: `[a-z0-9][a-z0-9._-]{0,62}`.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let mut octets = text.bytes();
    let first = octets.next().is_some_and(|o| o.is_ascii_lowercase() || o.is_ascii_digit());
    first
        && text.len() <= MAX_ID
        && octets.all(|o| o.is_ascii_lowercase() || o.is_ascii_digit() || b"._-".contains(&o))
}

/// The name of a campaign, unique within its brand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CampaignId(Box<str>);

impl CampaignId {
    /// Parses an identifier; none where it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_id(text).then(|| Self(text.into()))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailing, as the catalog knows it. It never changes; it may be retired.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Campaign {
    /// Who sends.
    pub brand: BrandId,
    /// Its name.
    pub id: CampaignId,
    /// What it is about; always there for marketing and consent requests.
    pub topic: Option<TopicId>,
    /// What it is for.
    pub purpose: Purpose,
    /// How it travels.
    pub channel: Channel,
    /// No longer to be sent; links in mails already sent go on working.
    pub retired: bool,
}

impl Campaign {
    /// The narrowest scope of this campaign: its topic, else its brand.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.topic.map_or(Scope::Brand(self.brand), Scope::Topic)
    }
}

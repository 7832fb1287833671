//! What proves a declaration (GDPR Art. 7(1)).

use std::sync::Arc;

use super::day::Timestamp;

/// How a declaration reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Nobody said; proves no yes.
    Unspecified,
    /// A form on a page.
    Form,
    /// A link in a message.
    Link,
    /// RFC 8058; proves no yes.
    OneClick,
    /// A form, confirmed through the mailbox.
    DoubleOptIn,
    /// A logged-in customer area, an online booking.
    Portal,
    /// A signed paper.
    Paper,
    /// A telephone call.
    Phone,
    /// Face to face.
    InPerson,
    /// A program; proves no yes.
    Api,
    /// A file of existing facts.
    Import,
}

/// The legal basis that a caller names (GDPR Art. 6, UWG section 7(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegalBasis {
    /// Consent, GDPR Art. 6(1)(a).
    Consent,
    /// Advertising own similar goods to customers, UWG section 7(3), TKG 2021 section 174(4).
    ExistingCustomer,
    /// Performance of a contract.
    Contract,
    /// Legitimate interest.
    LegitimateInterest,
    /// A legal obligation.
    LegalObligation,
}

/// The text that the person saw. It is shared by all who saw it and must not name anyone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Notice {
    /// The text, whole.
    pub wording: Arc<str>,
    /// The sender's own name for this text.
    pub version: Arc<str>,
    /// BCP 47.
    pub language: Arc<str>,
}

impl Notice {
    /// Whether nothing of it was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wording.is_empty() && self.version.is_empty() && self.language.is_empty()
    }
}

/// What proves a declaration. All but the notice is personal and goes when the address is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// How it reached us.
    pub method: Method,
    /// Form URL, campaign, import file and line.
    pub source: Arc<str>,
    /// What the person saw.
    pub notice: Notice,
    /// Where the signed paper lies.
    pub document_ref: Arc<str>,
    /// The person's address on the network, as text.
    pub ip: Arc<str>,
    /// The person's program.
    pub user_agent: Arc<str>,
    /// When the person said it, where that was not just now.
    pub occurred_at: Option<Timestamp>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            method: Method::Unspecified,
            source: Arc::default(),
            notice: Notice::default(),
            document_ref: Arc::default(),
            ip: Arc::default(),
            user_agent: Arc::default(),
            occurred_at: None,
        }
    }
}

/// What a yes lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lacking {
    /// This method proves no yes.
    Method,
    /// The source.
    Source,
    /// The text the person saw.
    Wording,
    /// Where the paper lies.
    DocumentRef,
    /// The day it was said.
    OccurredAt,
}

impl Evidence {
    /// Whether this proves a yes: each method has its minimum.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn proves_yes(&self) -> Result<(), Lacking> {
        let given = |text: &str, lacking| {
            if text.trim().is_empty() { Err(lacking) } else { Ok(()) }
        };
        match self.method {
            Method::Unspecified | Method::OneClick | Method::Api => Err(Lacking::Method),
            Method::Paper => given(&self.document_ref, Lacking::DocumentRef),
            Method::Form | Method::Link | Method::DoubleOptIn | Method::Portal => {
                given(&self.notice.wording, Lacking::Wording)?;
                given(&self.source, Lacking::Source)
            }
            Method::Phone | Method::InPerson => given(&self.source, Lacking::Source),
            Method::Import => {
                given(&self.source, Lacking::Source)?;
                self.occurred_at.map(drop).ok_or(Lacking::OccurredAt)
            }
        }
    }

    /// Whether the other proves nothing that this one does not: all but network address, program
    /// and instant are alike.
    #[must_use]
    pub fn proves_the_same(&self, other: &Self) -> bool {
        let Self { method, source, notice, document_ref, ip: _, user_agent: _, occurred_at: _ } =
            self;
        *method == other.method
            && *source == other.source
            && *notice == other.notice
            && *document_ref == other.document_ref
    }
}

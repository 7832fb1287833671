//! The payloads of the ledger: what was recorded, as octets. The ledger stores a kind and a
//! payload and understands neither; this is the one place that does.
//!
//! PAYLOAD, every kind: salt (16 octets), then for an event its fingerprint (16), then the format
//! (1), then the body. The salt makes the payload's digest a commitment that tells nothing once
//! the payload is overwritten. The format is never zero, so an overwritten payload never decodes.
//! An event keeps what replay needs in front: `decode_head` stops after the effects.
//!
//! BODY: fields in a fixed order, without names. Numbers are LEB128 in their shortest form, texts
//! and lists carry their length in front, identifiers are the two octets that `catalog::Names`
//! handed out, instants are nanoseconds in eight octets, enums are one octet (`codes.rs`). All
//! fixed numbers are little-endian. A payload that decodes has exactly one encoding: this one.
//!
//! Octets may be foreign. Decoding them never panics, and never allocates more than a small
//! multiple of what is there, since every length is held against what remains.
//!
//! A change of this format changes the golden octets in `tests/golden.rs`: then `FORMAT` goes up,
//! and the old format stays readable for ever, for the ledger is the evidence.

mod codes;
mod effect;
mod event;
mod ids;
mod impersonal;
mod wire;

use crate::catalog::Names;
use crate::model::day::Timestamp;
use crate::model::event::Event;
use crate::model::evidence::Notice;
use crate::model::revision::Revision;

pub use event::{EventHead, decode_event, decode_head, encode_event};
pub use impersonal::{
    CampaignRecord, CatalogVersion, RequestRecord, decode_campaign, decode_catalog, decode_clock,
    decode_notice, decode_request, encode_campaign, encode_catalog, encode_clock, encode_notice,
    encode_request,
};

/// The format that this program writes.
pub const FORMAT: u8 = 1;

/// Octets of salt in front of every payload.
pub const SALT: usize = 16;

/// What a payload is of. The ledger keeps it beside the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// Something was said of an address.
    Event,
    /// A version of the catalog was accepted.
    Catalog,
    /// A campaign was registered while running.
    Campaign,
    /// The text that people saw.
    Notice,
    /// A call with a request id was answered.
    Request,
    /// A clock that lay behind was accepted.
    Clock,
}

/// One record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Something was said of an address. The second is the revision of its evidence's notice; a
    /// decoded event's own notice is empty, to be filled from there.
    Event(Box<Event>, Option<Revision>),
    /// A version of the catalog was accepted.
    Catalog(CatalogVersion),
    /// A campaign was registered while running.
    Campaign(CampaignRecord),
    /// The text that people saw.
    Notice(Notice),
    /// A call with a request id was answered.
    Request(RequestRecord),
    /// A clock that lay behind was accepted.
    Clock {
        /// Days before this are no longer a doubt.
        floor: Timestamp,
    },
}

/// The octets are no payload of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends before its last field.
    #[error("the payload ends before its last field")]
    Truncated,
    /// It goes on after its last field.
    #[error("{0} octets follow the last field of the payload")]
    Trailing(usize),
    /// A later version wrote it, or nobody did.
    #[error("payload of format `{0}`, this program reads format `{FORMAT}`")]
    Format(u8),
    /// A later version wrote it, or nobody did.
    #[error("no kind of record has the code `{0}`")]
    Kind(u8),
    /// An octet stands for nothing.
    #[error("no {what} has the code `{code}`")]
    Code {
        /// What it should have been.
        what: &'static str,
        /// The octet.
        code: u8,
    },
    /// A number was never handed out.
    #[error("no {what} has the number `{index}`")]
    Unnamed {
        /// What it should have named.
        what: &'static str,
        /// The number.
        index: u16,
    },
    /// A number in more octets than it needs, or beyond 64 bits.
    #[error("a number is not in its shortest form")]
    Number,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    Text,
    /// A word of the catalog is no identifier.
    #[error("a name is no identifier")]
    Id,
    /// There are more names than numbers.
    #[error("more names than there are numbers")]
    Names,
    /// The event before this one does not lie before it.
    #[error("the event before `{revision}` has revision `{previous}`")]
    Order {
        /// The event's own revision.
        revision: Revision,
        /// What it names as the one before.
        previous: Revision,
    },
}

impl RecordKind {
    /// Every kind, in the order of its code.
    pub const ALL: [Self; 6] =
        [Self::Event, Self::Catalog, Self::Campaign, Self::Notice, Self::Request, Self::Clock];

    /// The number on disk, from 1.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Event => 1,
            Self::Catalog => 2,
            Self::Campaign => 3,
            Self::Notice => 4,
            Self::Request => 5,
            Self::Clock => 6,
        }
    }

    /// The kind with this number.
    ///
    /// # Errors
    /// `Kind` where there is none.
    pub fn from_code(code: u8) -> Result<Self, DecodeError> {
        Self::ALL.into_iter().find(|kind| kind.code() == code).ok_or(DecodeError::Kind(code))
    }
}

impl Record {
    /// What this record is of.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Event(..) => RecordKind::Event,
            Self::Catalog(_) => RecordKind::Catalog,
            Self::Campaign(_) => RecordKind::Campaign,
            Self::Notice(_) => RecordKind::Notice,
            Self::Request(_) => RecordKind::Request,
            Self::Clock { .. } => RecordKind::Clock,
        }
    }

    /// Appends this record's payload. The salt must be fresh and random.
    pub fn encode(&self, salt: [u8; SALT], out: &mut Vec<u8>) {
        match self {
            Self::Event(event, notice) => encode_event(event, *notice, salt, out),
            Self::Catalog(version) => encode_catalog(version, salt, out),
            Self::Campaign(record) => encode_campaign(record, salt, out),
            Self::Notice(notice) => encode_notice(notice, salt, out),
            Self::Request(record) => encode_request(record, salt, out),
            Self::Clock { floor } => encode_clock(*floor, salt, out),
        }
    }

    /// Reads a payload of this kind. `names` holds what was handed out before it.
    ///
    /// # Errors
    /// `DecodeError`: the payload is damaged, overwritten, or of a later version.
    pub fn decode(
        kind: RecordKind,
        revision: Revision,
        payload: &[u8],
        names: &Names,
    ) -> Result<Self, DecodeError> {
        Ok(match kind {
            RecordKind::Event => {
                let (event, notice) = decode_event(revision, payload, names)?;
                Self::Event(Box::new(event), notice)
            }
            RecordKind::Catalog => Self::Catalog(decode_catalog(payload, names)?),
            RecordKind::Campaign => Self::Campaign(decode_campaign(payload, names)?),
            RecordKind::Notice => Self::Notice(decode_notice(payload)?),
            RecordKind::Request => Self::Request(decode_request(payload)?),
            RecordKind::Clock => Self::Clock { floor: decode_clock(payload)? },
        })
    }
}

#[cfg(test)]
mod tests;

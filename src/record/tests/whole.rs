//! Records of every kind under one type, for the tests that take each in turn.

use crate::catalog::Names;
use crate::model::day::Timestamp;
use crate::model::event::Event;
use crate::model::evidence::Notice;
use crate::model::revision::Revision;
use crate::record::*;

/// What a payload is of. The ledger keeps it beside the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RecordKind {
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
pub(super) enum Record {
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

impl RecordKind {
    /// Every kind, in the order of its code.
    pub(super) const ALL: [Self; 6] =
        [Self::Event, Self::Catalog, Self::Campaign, Self::Notice, Self::Request, Self::Clock];
}

impl Record {
    /// What this record is of.
    #[must_use]
    pub(super) const fn kind(&self) -> RecordKind {
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
    pub(super) fn encode(&self, salt: [u8; SALT], out: &mut Vec<u8>) {
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
    pub(super) fn decode(
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

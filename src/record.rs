//! The payloads of the ledger: what was recorded, as octets. The ledger stores a kind and a
//! payload and understands neither; this is the one place that does.
//!
//! PAYLOAD, every kind: salt (16 octets), then for an event its fingerprint (16), then the format
//! (1), then the body. The salt makes the payload's digest a commitment that tells nothing once
//! the payload is overwritten. The format is never zero, so an overwritten payload never decodes.
//! An event keeps what replay needs in front: `decode_head` stops after the effects. A tombstone is an
//! event and what stays of the request for it.
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
mod tombstone;
mod wire;

use crate::model::revision::Revision;

pub use event::{EventHead, EventMention, decode_event, decode_head, decode_mention, encode_event};
pub use impersonal::{
    CampaignRecord, CatalogVersion, RequestRecord, decode_campaign, decode_catalog, decode_clock,
    decode_notice, decode_request, encode_campaign, encode_catalog, encode_clock, encode_notice,
    encode_request,
};
pub use tombstone::{Requested, decode_tombstone, encode_tombstone};

/// The format that this program writes.
pub const FORMAT: u8 = 1;

/// Octets of salt in front of every payload.
pub const SALT: usize = 16;

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

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;

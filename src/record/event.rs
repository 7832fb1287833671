//! Events: salt, fingerprint, format, then the head that replay reads, then the rest.

use std::sync::Arc;

use super::effect::{effect, put_effect};
use super::ids::{brand, controller, put_brand, put_controller, put_scope, scope};
use super::wire::{Reader, put_code, put_instant, put_list, put_number, put_option, put_text};
use super::{DecodeError, FORMAT, SALT};
use crate::catalog::Names;
use crate::model::actor::Actor;
use crate::model::address::Address;
use crate::model::day::Timestamp;
use crate::model::event::{Effect, Event, EventKind, OwnerProof, Statement};
use crate::model::evidence::{Evidence, Notice};
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;

const TAGGED: u8 = 1;
const MAILBOX: u8 = 1 << 1;
const SESSION: u8 = 1 << 2;
const ADDRESS: u8 = 1 << 3;
const KNOWN: u8 = TAGGED | MAILBOX | SESSION | ADDRESS;

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

/// What replay needs of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHead {
    /// Whom it is about.
    pub fingerprint: Fingerprint,
    /// The place of the event before it for the same address; zero where it is the first.
    pub previous: Revision,
    /// When the ledger took it.
    pub recorded_at: Timestamp,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// Whether the address has a plus tag and so a base.
    pub tagged: bool,
    /// Of an owner's yes.
    pub owner_proof: Option<OwnerProof>,
    /// What it changes.
    pub effects: Vec<Effect>,
}

/// Appends the payload of an event. The salt must be fresh and random; the event's own revision is
/// the ledger's to keep.
///
/// `notice` is the revision of the record that holds the notice of the event's evidence. The
/// notice itself is not written here, so an event with a notice must come with one; where there is
/// no evidence it is ignored.
pub fn encode_event(event: &Event, notice: Option<Revision>, salt: [u8; SALT], out: &mut Vec<u8>) {
    let Event {
        revision: _,
        previous,
        recorded_at,
        fingerprint,
        address,
        tagged,
        actor,
        request_id,
        statement,
    } = event;
    let Statement {
        kind,
        scopes,
        brands,
        controllers,
        channels,
        cause,
        reason,
        legal_basis,
        evidence,
        erasure_id,
        owner_proof,
        effects,
    } = statement;

    out.extend_from_slice(&salt);
    out.extend_from_slice(&fingerprint.bits().to_le_bytes());
    out.push(FORMAT);
    out.push(flags(*tagged, *owner_proof, address.as_ref()));
    put_number(out, previous.number());
    put_instant(out, *recorded_at);
    put_code(out, *kind);
    put_list(out, effects, put_effect);

    put_actor(out, actor);
    put_text(out, request_id);
    put_list(out, scopes, put_scope);
    put_list(out, brands, put_brand);
    put_list(out, controllers, put_controller);
    put_list(out, channels, put_code);
    put_option(out, *cause);
    put_text(out, reason);
    put_option(out, *legal_basis);
    put_evidence(out, evidence.as_deref(), notice);
    put_text(out, erasure_id);
    if let Some(address) = address {
        put_text(out, address.as_str());
    }
}

/// Reads what replay needs of an event's payload, and looks no further.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_head(payload: &[u8], names: &Names) -> Result<EventHead, DecodeError> {
    head(&mut Reader::new(payload), names).map(|(head, _)| head)
}

/// What can be said of an event without the words of a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventMention {
    /// Whom it is about.
    pub fingerprint: Fingerprint,
    /// When the ledger took it.
    pub recorded_at: Timestamp,
    /// What kind of thing happened.
    pub kind: EventKind,
}

/// Reads whom and what the payload of an event or of a tombstone is about.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_mention(payload: &[u8]) -> Result<EventMention, DecodeError> {
    let mut reader = Reader::new(payload);
    reader.octets::<SALT>()?;
    let fingerprint = Fingerprint::new(u128::from_le_bytes(reader.octets()?));
    reader.format()?;
    reader.octet()?;
    reader.number()?;
    Ok(EventMention { fingerprint, recorded_at: reader.instant()?, kind: reader.code()? })
}

/// Reads an event's payload. The notice of its evidence is left empty; the second is the revision
/// of the record that holds it, if there is one.
///
/// # Errors
/// `DecodeError`: the payload is damaged, overwritten, or of a later version.
pub fn decode_event(
    revision: Revision,
    payload: &[u8],
    names: &Names,
) -> Result<(Event, Option<Revision>), DecodeError> {
    let mut reader = Reader::new(payload);
    let event = read_event(revision, &mut reader, names)?;
    reader.end()?;
    Ok(event)
}

/// Reads an event and leaves what follows it.
pub(super) fn read_event(
    revision: Revision,
    reader: &mut Reader<'_>,
    names: &Names,
) -> Result<(Event, Option<Revision>), DecodeError> {
    let (head, has_address) = head(reader, names)?;
    let EventHead { fingerprint, previous, recorded_at, kind, tagged, owner_proof, effects } = head;
    // Who walks an address's events back relies on this to come to an end.
    if previous >= revision {
        return Err(DecodeError::Order { revision, previous });
    }
    let actor = actor(reader)?;
    let request_id = reader.shared_text()?;
    let scopes = reader.list(|reader| scope(reader, names))?;
    let brands = reader.list(|reader| brand(reader, names))?;
    let controllers = reader.list(|reader| controller(reader, names))?;
    let channels = reader.list(Reader::code)?;
    let cause = reader.option()?;
    let reason = reader.shared_text()?;
    let legal_basis = reader.option()?;
    let (evidence, notice) = evidence(reader)?.unzip();
    let erasure_id = reader.shared_text()?;
    let address = if has_address { Some(Address::from_canonical(reader.text()?)) } else { None };

    let statement = Statement {
        kind,
        scopes,
        brands,
        controllers,
        channels,
        cause,
        reason,
        legal_basis,
        evidence,
        erasure_id,
        owner_proof,
        effects,
    };
    let event = Event {
        revision,
        previous,
        recorded_at,
        fingerprint,
        address,
        tagged,
        actor,
        request_id,
        statement,
    };
    Ok((event, notice.flatten()))
}

pub(super) fn put_actor(out: &mut Vec<u8>, actor: &Actor) {
    let Actor { class, id, credential } = actor;
    put_code(out, *class);
    put_text(out, id);
    put_text(out, credential);
}

pub(super) fn actor(reader: &mut Reader<'_>) -> Result<Actor, DecodeError> {
    let class = reader.code()?;
    Ok(Actor { class, id: reader.shared_text()?, credential: reader.shared_text()? })
}

fn flags(tagged: bool, proof: Option<OwnerProof>, address: Option<&Address>) -> u8 {
    let tagged = if tagged { TAGGED } else { 0 };
    let proof = match proof {
        None => 0,
        Some(OwnerProof::Mailbox) => MAILBOX,
        Some(OwnerProof::Session) => SESSION,
    };
    tagged | proof | address.map_or(0, |_| ADDRESS)
}

/// The head, and whether an address ends the rest.
fn head(reader: &mut Reader<'_>, names: &Names) -> Result<(EventHead, bool), DecodeError> {
    reader.octets::<SALT>()?;
    let fingerprint = Fingerprint::new(u128::from_le_bytes(reader.octets()?));
    reader.format()?;
    let flags = reader.octet()?;
    let strange = DecodeError::Code { what: "event flag", code: flags };
    let owner_proof = match flags & (MAILBOX | SESSION) {
        0 => None,
        MAILBOX => Some(OwnerProof::Mailbox),
        SESSION => Some(OwnerProof::Session),
        _ => return Err(strange),
    };
    if flags & !KNOWN != 0 {
        return Err(strange);
    }
    let head = EventHead {
        fingerprint,
        previous: Revision::new(reader.number()?),
        recorded_at: reader.instant()?,
        kind: reader.code()?,
        tagged: flags & TAGGED != 0,
        owner_proof,
        effects: reader.list(|reader| effect(reader, names))?,
    };
    Ok((head, flags & ADDRESS != 0))
}

fn put_evidence(out: &mut Vec<u8>, evidence: Option<&Evidence>, at: Option<Revision>) {
    let Some(evidence) = evidence else {
        out.push(ABSENT);
        return;
    };
    let Evidence { method, source, notice, document_ref, ip, user_agent, occurred_at } = evidence;
    debug_assert!(notice.is_empty() || at.is_some(), "the notice would be lost");
    out.push(PRESENT);
    put_code(out, *method);
    put_number(out, at.unwrap_or(Revision::ZERO).number());
    put_text(out, source);
    put_text(out, document_ref);
    put_text(out, ip);
    put_text(out, user_agent);
    match occurred_at {
        None => out.push(ABSENT),
        Some(instant) => {
            out.push(PRESENT);
            put_instant(out, *instant);
        }
    }
}

type Proved = (Arc<Evidence>, Option<Revision>);

fn evidence(reader: &mut Reader<'_>) -> Result<Option<Proved>, DecodeError> {
    if !present(reader)? {
        return Ok(None);
    }
    let method = reader.code()?;
    let notice = Some(Revision::new(reader.number()?)).filter(|at| *at != Revision::ZERO);
    let evidence = Evidence {
        method,
        source: reader.shared_text()?,
        notice: Notice::default(),
        document_ref: reader.shared_text()?,
        ip: reader.shared_text()?,
        user_agent: reader.shared_text()?,
        occurred_at: if present(reader)? { Some(reader.instant()?) } else { None },
    };
    Ok(Some((Arc::new(evidence), notice)))
}

fn present(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.octet()? {
        ABSENT => Ok(false),
        PRESENT => Ok(true),
        code => Err(DecodeError::Code { what: "presence", code }),
    }
}

//! Any octets as the payload of a record: what decodes has this one encoding, octet for octet.

use super::*;
use crate::model::fingerprint::Fingerprint;

/// Under which records are read: above what any event names as the one before it.
const HERE: Revision = Revision::new(u64::MAX);

/// Whether the octets behind the first are a payload of the kind that the first names.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Some((kind, payload)) = octets.split_first() else { return false };
    let names = crate::fuzz::names();
    let salt = payload.first_chunk().copied().unwrap_or_default();
    let mut out = Vec::new();
    let out_mut = &mut out;
    let decoded = match kind % 7 {
        0 => decode_event(HERE, payload, &names).map(|(event, notice)| {
            head_agrees(payload, &event);
            encode_event(&event, notice, salt, out_mut);
        }),
        1 => decode_tombstone(HERE, payload, &names).map(|(event, requested)| {
            head_agrees(payload, &event);
            // A tombstone stays, so its maker must not be given what has to go.
            if event.address.is_none() && event.statement.evidence.is_none() {
                encode_tombstone(&event, &requested, salt, out_mut);
            } else {
                out_mut.extend_from_slice(payload);
            }
        }),
        2 => decode_catalog(payload, &names).map(|r| encode_catalog(&r, salt, out_mut)),
        3 => decode_campaign(payload, &names).map(|r| encode_campaign(&r, salt, out_mut)),
        4 => decode_notice(payload).map(|notice| encode_notice(&notice, salt, out_mut)),
        5 => decode_request(payload).map(|record| encode_request(&record, salt, out_mut)),
        _ => decode_clock(payload).map(|floor| encode_clock(floor, salt, out_mut)),
    };
    if decoded.is_err() {
        return false;
    }
    assert_eq!(out, payload, "a second encoding");
    true
}

/// Replay reads an event's head alone; it must be the event's own.
#[track_caller]
fn head_agrees(payload: &[u8], event: &crate::model::event::Event) {
    let head = decode_head(payload, &crate::fuzz::names());
    let expect = EventHead {
        fingerprint: Fingerprint::new(event.fingerprint.bits()),
        previous: event.previous,
        recorded_at: event.recorded_at,
        kind: event.statement.kind,
        tagged: event.tagged,
        owner_proof: event.statement.owner_proof,
        effects: event.statement.effects.clone(),
    };
    assert_eq!(head, Ok(expect));
}

/// What the corpus begins with.
#[cfg(test)]
pub(crate) fn seeds() -> crate::fuzz::Seeds {
    tests::seeds()
}

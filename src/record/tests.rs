//! Round trips, every truncation, foreign octets.

mod arbitrary;
mod golden;
mod whole;

use proptest::prelude::*;

use super::*;
use crate::catalog::{Name, Names};
use crate::model::day::Timestamp;
use crate::model::evidence::Notice;
use crate::model::fingerprint::Fingerprint;
use crate::model::scope::{BrandId, ControllerId};
use arbitrary::{any_event, any_record, names};
pub(super) use golden::seeds;
use whole::{Record, RecordKind};

const SALTED: [u8; SALT] = *b"sixteen of salt.";

/// The revision under which tests decode: above what any generated event names as before it.
const HERE: Revision = Revision::new(u64::MAX);

fn encoded(record: &Record) -> Vec<u8> {
    let mut payload = Vec::new();
    record.encode(SALTED, &mut payload);
    payload
}

fn decoded(kind: RecordKind, payload: &[u8]) -> Result<Record, DecodeError> {
    Record::decode(kind, HERE, payload, &names())
}

/// What a decoded record looks like: the notice lies in a record of its own.
fn without_notice(mut record: Record) -> Record {
    if let Record::Event(event, _) = &mut record
        && let Some(evidence) = &mut event.statement.evidence
    {
        std::sync::Arc::make_mut(evidence).notice = Notice::default();
    }
    record
}

proptest! {
    #[test]
    fn every_record_comes_back_as_it_went(record in any_record()) {
        let payload = encoded(&record);
        prop_assert_eq!(decoded(record.kind(), &payload), Ok(without_notice(record)));
    }

    #[test]
    fn a_payload_appends_to_what_is_there(record in any_record()) {
        let mut out = b"before".to_vec();
        record.encode(SALTED, &mut out);
        prop_assert_eq!(out, [&b"before"[..], &encoded(&record)].concat());
    }

    #[test]
    fn the_head_is_the_events_own(record in any_event()) {
        let Record::Event(event, _) = &record else { unreachable!() };
        let head = decode_head(&encoded(&record), &names()).unwrap();
        prop_assert_eq!(head.fingerprint, event.fingerprint);
        prop_assert_eq!(head.previous, event.previous);
        prop_assert_eq!(head.recorded_at, event.recorded_at);
        prop_assert_eq!(head.kind, event.statement.kind);
        prop_assert_eq!(head.tagged, event.tagged);
        prop_assert_eq!(head.owner_proof, event.statement.owner_proof);
        prop_assert_eq!(head.effects, event.statement.effects.clone());
    }

    #[test]
    fn every_truncation_is_an_error(record in any_record()) {
        let (payload, names) = (encoded(&record), names());
        for end in 0..payload.len() {
            let cut = Record::decode(record.kind(), HERE, &payload[..end], &names);
            prop_assert!(cut.is_err(), "cut at {}", end);
        }
    }

    #[test]
    fn an_octet_more_is_an_error(record in any_record(), more in any::<u8>()) {
        let mut payload = encoded(&record);
        payload.push(more);
        prop_assert_eq!(decoded(record.kind(), &payload), Err(DecodeError::Trailing(1)));
    }

    /// What decodes at all is what this program would have written: no two payloads mean the same.
    #[test]
    fn a_changed_payload_is_an_error_or_another_record(
        record in any_record(),
        at in any::<prop::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let mut payload = encoded(&record);
        let at = at.index(payload.len());
        payload[at] = octet;
        if let Ok(other) = decoded(record.kind(), &payload) {
            let mut again = Vec::new();
            other.encode(*payload.first_chunk().unwrap(), &mut again);
            prop_assert_eq!(again, payload);
        }
    }

    #[test]
    fn foreign_octets_never_panic(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        format_at in prop::sample::select(vec![SALT, SALT + 16]),
    ) {
        let mut octets = octets;
        if let Some(format) = octets.get_mut(format_at) {
            *format = FORMAT;
        }
        for kind in RecordKind::ALL {
            if let Ok(record) = decoded(kind, &octets) {
                let mut again = Vec::new();
                record.encode(*octets.first_chunk().unwrap(), &mut again);
                prop_assert_eq!(&again, &octets);
            }
        }
        let head = decode_head(&octets, &names());
        prop_assert!(head.is_ok() || decoded(RecordKind::Event, &octets).is_err());
    }

    #[test]
    fn an_overwritten_payload_decodes_as_nothing(record in any_record()) {
        let overwritten = vec![0; encoded(&record).len()];
        prop_assert_eq!(decoded(record.kind(), &overwritten), Err(DecodeError::Format(0)));
    }

    #[test]
    fn a_number_has_one_form(number in any::<u64>()) {
        let mut octets = Vec::new();
        wire::put_number(&mut octets, number);
        prop_assert_eq!(wire::Reader::new(&octets).number(), Ok(number));
        let last = octets.len() - 1;
        octets[last] |= 0x80;
        octets.push(0);
        prop_assert_eq!(wire::Reader::new(&octets).number(), Err(DecodeError::Number));
    }
}

#[test]
fn numbers_beyond_64_bits_are_errors() {
    let mut reader = wire::Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    assert_eq!(reader.number(), Ok(u64::MAX));
    let mut reader = wire::Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]);
    assert_eq!(reader.number(), Err(DecodeError::Number));
    let mut reader = wire::Reader::new(&[0xff; 11]);
    assert_eq!(reader.number(), Err(DecodeError::Number));
}

#[test]
fn a_length_beyond_the_payload_is_refused_before_anything_is_allocated() {
    let mut octets = Vec::new();
    wire::put_number(&mut octets, u64::MAX);
    let listed = wire::Reader::new(&octets).list(wire::Reader::number);
    assert_eq!(listed, Err(DecodeError::Truncated));
    assert_eq!(wire::Reader::new(&octets).text(), Err(DecodeError::Truncated));
}

#[test]
fn names_that_were_never_handed_out_are_errors() {
    let empty = Names::default();
    for (record, what) in golden::naming_one_each() {
        let found = Record::decode(record.kind(), HERE, &encoded(&record), &empty);
        assert_eq!(found, Err(DecodeError::Unnamed { what, index: 0 }));
    }
}

#[test]
fn a_catalog_version_may_build_on_its_own_names() {
    let controller = ControllerId::new(0);
    let version = CatalogVersion {
        recorded_at: Timestamp::default(),
        names: vec![
            Name::Controller("buehne".into()),
            Name::Brand(controller, "festival".into()),
            Name::Topic(BrandId::new(controller, 0), "programm".into()),
        ],
        source: "[policy]".into(),
    };
    let mut payload = Vec::new();
    encode_catalog(&version, SALTED, &mut payload);
    assert_eq!(decode_catalog(&payload, &Names::default()).as_ref(), Ok(&version));
    assert_eq!(decode_catalog(&payload, &names()).as_ref(), Ok(&version), "named before");

    let orphan = CatalogVersion { names: version.names[1..].to_vec(), ..version };
    payload.clear();
    encode_catalog(&orphan, SALTED, &mut payload);
    let found = decode_catalog(&payload, &Names::default());
    assert_eq!(found, Err(DecodeError::Unnamed { what: "controller", index: 0 }));
}

#[test]
fn a_name_that_is_no_identifier_is_an_error() {
    for word in ["", "Buehne", "-", "b/c"] {
        let version = CatalogVersion {
            recorded_at: Timestamp::default(),
            names: vec![Name::Controller(word.into())],
            source: "".into(),
        };
        let mut payload = Vec::new();
        encode_catalog(&version, SALTED, &mut payload);
        assert_eq!(decode_catalog(&payload, &names()), Err(DecodeError::Id));
    }
}

#[test]
fn an_event_before_itself_is_an_error() {
    let (record, _) = golden::events().swap_remove(0);
    let Record::Event(event, _) = &record else { unreachable!() };
    let payload = encoded(&record);
    let revision = event.previous;
    let found = decode_event(revision, &payload, &names());
    assert_eq!(found, Err(DecodeError::Order { revision, previous: revision }));
    assert!(decode_event(revision.next(), &payload, &names()).is_ok());
}

#[test]
fn the_salt_is_in_front_and_the_fingerprint_behind_it() {
    let (record, _) = golden::events().swap_remove(0);
    let payload = encoded(&record);
    let Record::Event(event, _) = record else { unreachable!() };
    assert_eq!(payload[..SALT], SALTED);
    let bits = u128::from_le_bytes(payload[SALT..SALT + 16].try_into().unwrap());
    assert_eq!(Fingerprint::new(bits), event.fingerprint);
}

#[test]
fn a_later_format_is_named() {
    for (record, _) in golden::events().into_iter().chain(golden::records()) {
        let mut payload = encoded(&record);
        let at = if record.kind() == RecordKind::Event { SALT + 16 } else { SALT };
        payload[at] = FORMAT + 1;
        let found = decoded(record.kind(), &payload);
        assert_eq!(found, Err(DecodeError::Format(FORMAT + 1)));
    }
}

//! Changes, as `Watch` sends them.
#![deny(clippy::wildcard_enum_match_arm)]

use super::event::{event, scope, timestamp};
use super::words::legal_basis;
use crate::catalog::Names;
use crate::engine::follow::{Change, Changes, Lapse};
use crate::grpc::api;
use crate::model::address::Address;
use crate::model::event::Event;
use crate::model::evidence::LegalBasis;
use crate::model::fact::Basis;
use crate::model::fingerprint::Fingerprint;

pub(in crate::grpc) fn changes(told: Changes, names: &Names) -> api::WatchResponse {
    let Changes { changes, revision } = told;
    api::WatchResponse {
        changes: changes.into_iter().map(|told| change(told, names)).collect(),
        revision: revision.number(),
    }
}

fn change(change: Change, names: &Names) -> api::Change {
    match change {
        Change::Recorded(recorded) => {
            let Event { fingerprint, ref address, .. } = *recorded;
            let (subject, address) = (subject(fingerprint), text(address.as_ref()));
            api::Change { subject, address, event: Some(event(*recorded, names)) }
        }
        Change::Lapsed(lapse) => lapsed(lapse, names),
    }
}

fn lapsed(lapse: Lapse, names: &Names) -> api::Change {
    let Lapse { revision, fingerprint, address, scope: of, basis, day } = lapse;
    let basis = match basis {
        Basis::Consent => LegalBasis::Consent,
        Basis::ExistingCustomer => LegalBasis::ExistingCustomer,
    };
    let event = api::Event {
        revision: revision.number(),
        recorded_at: Some(timestamp(day.start())),
        kind: api::EventKind::Lapsed.into(),
        scopes: vec![scope(of, names)],
        legal_basis: legal_basis(basis).into(),
        ..api::Event::default()
    };
    let (subject, address) = (subject(fingerprint), text(address.as_ref()));
    api::Change { subject, address, event: Some(event) }
}

fn text(address: Option<&Address>) -> String {
    address.map_or_else(String::new, |address| address.as_str().to_owned())
}

/// The fingerprint's octets, as text.
fn subject(fingerprint: Fingerprint) -> String {
    format!("{:032x}", fingerprint.bits())
}

//! The address of an event that came without it: a write through a token holds the fingerprint
//! alone, and an earlier write of the same address told it.

use std::collections::HashMap;

use super::super::error::EngineError;
use super::super::{Shared, damaged};
use crate::ledger::RecordKind;
use crate::model::address::Address;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::record::decode_event;

/// So many are kept: some 100 KB. Then it begins anew: what is kept only saves steps back.
const KEPT: usize = 1_000;

/// What was found lately; none where nobody ever told it.
#[derive(Debug, Default)]
pub(super) struct Addresses(HashMap<Fingerprint, Option<Address>>);

impl Addresses {
    /// The address of a fingerprint whose history begins, backwards, at `last`.
    pub(super) fn of(
        &mut self,
        shared: &Shared,
        fingerprint: Fingerprint,
        last: Revision,
    ) -> Result<Option<Address>, EngineError> {
        if let Some(found) = self.0.get(&fingerprint) {
            return Ok(found.clone());
        }
        let found = walk(shared, last)?;
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        self.0.insert(fingerprint, found.clone());
        Ok(found)
    }

    /// A write told it.
    pub(super) fn note(&mut self, fingerprint: Fingerprint, address: &Address) {
        if let Some(kept) = self.0.get_mut(&fingerprint) {
            *kept = Some(address.clone());
        }
    }

    /// The address is erased.
    pub(super) fn forget(&mut self, fingerprint: Fingerprint) {
        self.0.remove(&fingerprint);
    }
}

/// Walks back to the first event that holds the address. What was erased ends the walk: it may be
/// erased while we walk, so that is no damage here.
fn walk(shared: &Shared, last: Revision) -> Result<Option<Address>, EngineError> {
    let names = shared.catalog().names.clone();
    let mut at = last;
    while at != Revision::ZERO {
        let record = shared.reader.read(at).map_err(|error| damaged(&error))?;
        let Some(record) = record.filter(|r| r.kind == RecordKind::Event && !r.erased) else {
            break;
        };
        let decoded = decode_event(at, &record.payload, &names);
        let (event, _) = decoded.map_err(|error| damaged(&error))?;
        if event.address.is_some() {
            return Ok(event.address);
        }
        at = event.previous;
    }
    Ok(None)
}

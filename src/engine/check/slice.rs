//! One slice of a check: its addresses, their names and what is said of them.

use super::super::Shared;
use super::SLICE;
use crate::fingerprint::Names;
use crate::index::{Base, Batch, Compiled};
use crate::model::day::Today;
use crate::model::verdict::Verdict;

/// Room for one slice.
#[derive(Debug, Default)]
pub(super) struct Slice {
    names: Names,
    bases: Vec<Base>,
}

impl Slice {
    /// Reads a slice of addresses; adds a code for each, which is zero where it is to be looked up.
    pub(super) fn read<'a>(
        &mut self,
        shared: &Shared,
        addresses: &mut impl Iterator<Item = &'a [u8]>,
        codes: &mut Vec<u8>,
    ) {
        shared.fingerprinter.name(addresses.take(SLICE), &mut self.names);
        let start = codes.len();
        codes.resize(start + self.names.fingerprints().len(), 0);
        for &position in self.names.invalid() {
            if let Some(code) = codes.get_mut(start + position) {
                *code = Verdict::InvalidAddress.code();
            }
        }
        let bases = self.names.bases().iter();
        self.bases.clear();
        self.bases.extend(bases.map(|&(position, fingerprint)| Base { position, fingerprint }));
    }

    /// Whether the last slice that was read held nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.names.fingerprints().is_empty()
    }

    /// Looks up those whose code is zero.
    pub(super) fn answer(
        &self,
        shared: &Shared,
        compiled: &Compiled,
        today: Today,
        codes: &mut [u8],
    ) {
        let batch = Batch { addresses: self.names.fingerprints(), bases: &self.bases };
        shared.index().verdicts(compiled, today, batch, codes);
    }
}

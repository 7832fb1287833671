//! From many addresses as they come to their fingerprints, without a step for each that waits.
//!
//! Plain addresses go from the caller's octets through one register into a row, and eight rows
//! through the lanes. Rows are filled sixty-four at a time before the first is hashed: a processor
//! that reads in one piece what it has only just written in pieces has to wait for it. The others,
//! one in a hundred, go one by one, as do those with a tag, which have two names.

use std::fmt;

use fearless_simd::{Level, dispatch, prelude::*};

use super::Fingerprinter;
use super::lanes::{Group, LANES};
use crate::model::address::{Canonicaliser, plain};
use crate::model::fingerprint::Fingerprint;

/// Groups filled before they are hashed: they stay in the nearest cache.
const GROUPS: usize = 8;

/// The names of a list of addresses, and room to find them in. It prints no content.
#[derive(Default)]
pub struct Names {
    canonicaliser: Canonicaliser,
    fingerprints: Vec<Fingerprint>,
    bases: Vec<(usize, Fingerprint)>,
    invalid: Vec<usize>,
    /// Those that do not come from the lanes, and where they belong.
    single: Vec<(usize, Fingerprint)>,
}

impl Names {
    /// The fingerprint of each address, in their order; that of an address that is none has no
    /// meaning.
    #[must_use]
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.fingerprints
    }

    /// The bases of tagged addresses and the positions of these, which ascend.
    #[must_use]
    pub fn bases(&self) -> &[(usize, Fingerprint)] {
        &self.bases
    }

    /// The positions of those that are no addresses, which ascend.
    #[must_use]
    pub fn invalid(&self) -> &[usize] {
        &self.invalid
    }

    fn clear(&mut self) {
        let Self { canonicaliser: _, fingerprints, bases, invalid, single } = self;
        fingerprints.clear();
        bases.clear();
        invalid.clear();
        single.clear();
    }
}

impl Fingerprinter {
    /// Names these addresses, in any spelling, in the place of those named before.
    pub fn name<'a>(&self, addresses: impl Iterator<Item = &'a [u8]>, names: &mut Names) {
        self.name_by(Level::new(), addresses, names);
    }

    /// The same with registers of this kind.
    pub(super) fn name_by<'a>(
        &self,
        level: Level,
        addresses: impl Iterator<Item = &'a [u8]>,
        names: &mut Names,
    ) {
        names.clear();
        dispatch!(level, simd => self.run(simd, addresses, names));
        for (position, fingerprint) in names.single.drain(..) {
            if let Some(place) = names.fingerprints.get_mut(position) {
                *place = fingerprint;
            }
        }
    }

    #[inline(always)]
    fn run<'a, S: Simd>(
        &self,
        simd: S,
        mut addresses: impl Iterator<Item = &'a [u8]>,
        names: &mut Names,
    ) {
        names.fingerprints.reserve(addresses.size_hint().0.next_multiple_of(LANES));
        let mut groups = [const { Group::EMPTY }; GROUPS];
        let mut count = 0;
        loop {
            let start = count;
            'fill: for Group { rows, lens } in &mut groups {
                for (row, len) in rows.iter_mut().zip(lens) {
                    let Some(raw) = addresses.next() else { break 'fill };
                    match plain(simd, raw, row).map(u64::try_from) {
                        Some(Ok(octets)) => *len = octets,
                        Some(Err(_)) | None => self.single(raw, count, names),
                    }
                    count += 1;
                }
            }
            for group in groups.iter().take((count - start).div_ceil(LANES)) {
                self.lanes.hash(simd, group, &mut names.fingerprints);
            }
            names.fingerprints.truncate(count);
            if count - start < GROUPS * LANES {
                break;
            }
        }
    }

    /// Names one address that is not plain, is tagged, or is none.
    #[cold]
    fn single(&self, raw: &[u8], position: usize, names: &mut Names) {
        let Ok(canonical) = names.canonicaliser.canonical(raw) else {
            names.invalid.push(position);
            return;
        };
        names.single.push((position, self.fingerprint(canonical)));
        if let Some(base) = names.canonicaliser.base() {
            names.bases.push((position, self.fingerprint(base)));
        }
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(..)")
    }
}

#[cfg(test)]
mod tests;

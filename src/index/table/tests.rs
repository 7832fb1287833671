//! The table against a `HashMap`.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::index::Held;
use crate::index::shapes::ShapeId;

const TABLE: usize = 0xABC;

/// The n-th fingerprint of the table; as evenly spread below its number as a keyed hash.
fn nth(n: u64, seed: u64) -> Fingerprint {
    let mix = |n: u64| {
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    };
    let low = mix(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ seed);
    let bits = u128::from(mix(low ^ 0x5555)) << 64 | u128::from(low);
    Fingerprint::new(bits >> TABLE_BITS | u128::try_from(TABLE).unwrap() << (128 - TABLE_BITS))
}

fn entry(n: u64, seed: u64, version: u32) -> Entry {
    let small = u32::try_from(n % 1_000).unwrap();
    let facts = Facts { shape: ShapeId::of_number(small + version), days: Held::of_bits(!small) };
    Entry { fingerprint: nth(n, seed), last: Revision::new(n + u64::from(version)), facts }
}

#[track_caller]
fn check(table: &Table, naive: &HashMap<Fingerprint, Entry>) {
    assert_eq!(table.len(), naive.len());
    for (fingerprint, entry) in naive {
        let home = table.home(*fingerprint);
        assert_eq!(table.facts(home), Some(entry.facts));
        assert_eq!(table.last(home), Some(entry.last));
    }
    let mut seen = 0;
    for entry in table.iter(TABLE) {
        let expected = naive[&entry.fingerprint];
        assert_eq!((entry.facts, entry.last), (expected.facts, expected.last));
        seen += 1;
    }
    assert_eq!(seen, naive.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_table_holds_what_a_map_holds(
        puts in proptest::collection::vec(0..3_000_u64, 0..6_000),
        seed: u64,
        room in prop_oneof![Just(0), 1..4_000_usize],
    ) {
        let (mut table, mut naive) = (Table::default(), HashMap::new());
        table.reserve(room);
        for (version, n) in (0..).zip(puts) {
            let entry = entry(n, seed, version);
            table.put(&entry);
            naive.insert(entry.fingerprint, entry);
        }
        check(&table, &naive);
        for n in 3_000..4_000 {
            prop_assert_eq!(table.facts(table.home(nth(n, seed))), None);
        }
    }
}

#[test]
fn a_table_is_well_filled_before_it_grows_and_grows_by_little() {
    let mut table = Table::default();
    let mut naive = HashMap::new();
    let mut last = 0;
    let mut fills = Vec::new();
    for n in 0..40_000 {
        let entry = entry(n, 7, 0);
        table.put(&entry);
        naive.insert(entry.fingerprint, entry);
        let slots = table.pages.buckets().len() * SLOTS;
        if slots != last && n > 2_000 {
            fills.push((usize::try_from(n).unwrap() * 100) / last.max(1));
            assert!(slots < last * 120 / 100 || last == 0, "{last} to {slots}");
        }
        last = slots;
    }
    check(&table, &naive);
    assert!(fills.len() > 10 && fills.iter().all(|fill| *fill > 80), "{fills:?}");
}

#[test]
fn entries_that_share_a_bucket_or_half_their_bits_all_stay() {
    let mut table = Table::default();
    let mut naive = HashMap::new();
    let top = u128::try_from(TABLE).unwrap() << (128 - TABLE_BITS);
    for n in 0..24_u128 {
        // First those that differ in the lowest bits alone, then in the highest of the tag.
        for bits in [n, n << 60, n << 108 | 1 << 40, n << 90 | 3] {
            let fingerprint = Fingerprint::new(top | bits & (u128::MAX >> TABLE_BITS));
            let facts = Facts { shape: ShapeId::of_number(5), days: Held::NONE };
            let entry = Entry { fingerprint, last: Revision::new(1), facts };
            table.put(&entry);
            naive.insert(fingerprint, entry);
        }
    }
    check(&table, &naive);
}

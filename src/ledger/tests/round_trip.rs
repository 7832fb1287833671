//! Random groups against a list, and golden octets.

use proptest::prelude::*;

use super::super::format::{unwrap_tombstone, wrap_tombstone};
use super::*;

#[derive(Debug, Clone)]
enum Random {
    Group(Vec<(u8, Vec<u8>)>, bool),
    Erase(Vec<prop::sample::Index>),
    Reopen,
    PowerCut(u64),
    FromAnchor,
}

fn acts() -> impl Strategy<Value = Vec<Random>> {
    let record = (0_u8..6, prop::collection::vec(any::<u8>(), 0..200));
    let act = prop_oneof![
        6 => (prop::collection::vec(record, 0..6), any::<bool>())
            .prop_map(|(records, urgent)| Random::Group(records, urgent)),
        1 => prop::collection::vec(any::<prop::sample::Index>(), 0..4).prop_map(Random::Erase),
        1 => Just(Random::Reopen),
        1 => any::<u64>().prop_map(Random::PowerCut),
        1 => Just(Random::FromAnchor),
    ];
    prop::collection::vec(act, 1..30)
}

const KINDS: [RecordKind; 6] = [
    RecordKind::Event,
    RecordKind::Catalog,
    RecordKind::Campaign,
    RecordKind::Notice,
    RecordKind::Request,
    RecordKind::Clock,
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_groups_read_back_as_they_were(acts in acts(), segment_octets in 200_u64..4000) {
        let options = Options { segment_octets, ..SMALL };
        let mut disk = FaultDisk::new();
        let (mut ledger, _) = open_after(&disk, options, None).unwrap();
        let mut model = Model::default();
        for act in acts {
            match act {
                Random::Group(records, urgent) => {
                    let mut group = ledger.begin(model.head());
                    for (kind, payload) in records {
                        let kind = KINDS[usize::from(kind)];
                        let given = group.push(kind, &payload);
                        model.0.push((kind, payload, false));
                        prop_assert_eq!(given, revision(model.head()));
                    }
                    let urgency = if urgent { Urgency::No } else { Urgency::Yes };
                    ledger.commit(group, urgency).unwrap();
                }
                Random::Erase(indexes) => {
                    let erasable: Vec<u64> = (1..).zip(&model.0)
                        .filter(|(_, record)| record.0.is_erasable()).map(|(n, _)| n).collect();
                    let erases: Vec<u64> = if erasable.is_empty() { vec![] } else {
                        indexes.iter().map(|index| *index.get(&erasable)).collect()
                    };
                    let revisions: Vec<_> = erases.iter().copied().map(Revision::new).collect();
                    let group = ledger.begin(());
                    ledger.redact(group, &revisions, b"tombstone").unwrap();
                    for erased in erases {
                        let record = &mut model.0[usize::try_from(erased).unwrap() - 1];
                        // Zeros over zeros, or over nothing, change nothing.
                        if record.1.iter().any(|&octet| octet != 0) {
                            record.1.clear();
                            record.2 = true;
                        }
                    }
                    model.0.push((RecordKind::Tombstone, b"tombstone".to_vec(), false));
                    let tombstone = model.head();
                    model.0.push((RecordKind::Erased, tombstone.to_le_bytes().to_vec(), false));
                }
                Random::Reopen | Random::PowerCut(_) | Random::FromAnchor => {
                    let after = matches!(act, Random::FromAnchor).then(|| ledger.anchor());
                    drop(ledger);
                    if let Random::PowerCut(seed) = act {
                        disk = disk.after_power_cut(Survival::Chance(seed));
                    }
                    let (opened, shown) = open_after(&disk, options, after).unwrap();
                    ledger = opened;
                    prop_assert!(after.is_some() || model.is_shown(&shown));
                }
            }
            prop_assert_eq!(ledger.head(), revision(model.head()));
        }
        model.assert_read(&ledger);
        prop_assert!(report(&disk).damage.is_empty());
    }

    #[test]
    fn tombstone_lists_read_back(mut erases in prop::collection::btree_set(1_u64.., 0..20), bytes in any::<Vec<u8>>()) {
        erases.remove(&0);
        let erases: Vec<_> = erases.into_iter().map(Revision::new).collect();
        let octets = wrap_tombstone(&erases, &bytes);
        let (list, rest) = unwrap_tombstone(&octets).unwrap();
        prop_assert_eq!((&list[..], rest), (&erases[..], &bytes[..]));
    }

    #[test]
    fn tombstone_lists_of_any_octets_do_not_panic(octets in any::<Vec<u8>>()) {
        if let Ok((erases, _)) = unwrap_tombstone(&octets) {
            prop_assert!(erases.is_sorted() && erases.len() <= octets.len());
        }
    }
}

/// Format 1 as released: whoever changes these octets makes a new version.
#[test]
fn octets_of_format_1_stay_as_they_are() {
    let disk = FaultDisk::new();
    let (mut ledger, _) = open(&disk).unwrap();
    act(&mut ledger, &Model::default(), &Act::Commit(&[20, 30])).unwrap();
    let mut group = ledger.begin(());
    group.push(RecordKind::Clock, b"clock");
    ledger.redact(group, &[revision(1)], b"tombstone").unwrap();
    let octets = disk.files().into_values().next().unwrap();
    assert_eq!(blake3::hash(&octets).to_hex()[..32], *"eee79c63ffdc0c7e5f751bfe8f32c9e0");
}

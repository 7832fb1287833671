//! What does one address cost before it can be looked up?

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use maysend::fingerprint::{Fingerprinter, Names};
use maysend::model::address::Canonicaliser;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

const ADDRESSES: usize = 100_000;

/// Addresses of a slice of a check.
const SLICE: usize = 2_000;

/// Addresses of about 30 octets in mixed case; of each hundred `special` are tagged or not ASCII.
fn addresses(special: u32) -> Vec<Vec<u8>> {
    let mut rng = StdRng::seed_from_u64(1);
    (0..ADDRESSES).map(|_| address(&mut rng, special)).collect()
}

fn address(rng: &mut StdRng, special: u32) -> Vec<u8> {
    let domains = ["Example.com", "gmail.example", "mail.Festival-Wien.at", "post.example.org"];
    let mut local = word(rng, 4..9);
    local.push(['.', '.', '_', '-'][rng.random_range(0..4)]);
    local.push_str(&word(rng, 3..10));
    if rng.random_range(0..100) < special {
        match rng.random_range(0..3) {
            0 => local.push_str("+news"),
            1 => local.push('\u{DC}'),
            _ => return format!("{local}@B\u{FC}hne.example").into_bytes(),
        }
    }
    format!("{local}@{}", domains[rng.random_range(0..4)]).into_bytes()
}

fn word(rng: &mut StdRng, len: std::ops::Range<usize>) -> String {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEF0123";
    (0..rng.random_range(len)).map(|_| char::from(letters[rng.random_range(0..36)])).collect()
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("address");
    group.throughput(Throughput::Elements(ADDRESSES.try_into().unwrap_or(u64::MAX)));
    let fingerprinter = Fingerprinter::new([7; 16]);
    let mut canonicaliser = Canonicaliser::default();
    let mut names = Names::default();
    for (shape, special) in [("ascii", 0), ("special1", 1), ("special100", 100)] {
        let addresses = addresses(special);
        group.bench_function(format!("canonical/mixed30/{shape}"), |bencher| {
            bencher.iter(|| {
                for raw in &addresses {
                    black_box(canonicaliser.canonical(black_box(raw)).is_ok());
                }
            });
        });
        let canonical: Vec<Vec<u8>> = addresses
            .iter()
            .map(|raw| canonicaliser.canonical(raw).unwrap_or_default().to_vec())
            .collect();
        group.bench_function(format!("fingerprint/mixed30/{shape}"), |bencher| {
            bencher.iter(|| {
                for canonical in &canonical {
                    black_box(fingerprinter.fingerprint(black_box(canonical)));
                }
            });
        });
        group.bench_function(format!("canonical_fingerprint/mixed30/{shape}"), |bencher| {
            bencher.iter(|| {
                for raw in &addresses {
                    let canonical = canonicaliser.canonical(black_box(raw)).unwrap_or_default();
                    black_box(fingerprinter.fingerprint(canonical));
                }
            });
        });
        group.bench_function(format!("names/mixed30/{shape}"), |bencher| {
            bencher.iter(|| {
                for slice in addresses.chunks(SLICE) {
                    fingerprinter.name(slice.iter().map(Vec::as_slice), &mut names);
                    black_box(names.fingerprints());
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

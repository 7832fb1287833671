//! What does one address of a batch cost, by the size of the index?
//!
//! Batches of 2,000 random fingerprints, of which 80 % are known; one iteration is one batch, so
//! the throughput in elements is addresses per second. Before each size one line says how many
//! octets an entry takes: tables, arenas and side maps by their own count, and the growth of the
//! resident set as the kernel counts it, the dictionary of shapes included. 10 million entries take
//! a minute to build and 1 GB: only with `MAYSEND_BENCH_10M` in the environment.
#![expect(clippy::print_stderr, reason = "a bench reports to people")]

use std::hint::black_box;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::{env, fs};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use maysend::catalog::{PlusTags, Policy};
use maysend::index::{Base, Batch, Change, Compiled, Index};
use maysend::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use maysend::model::day::{Day, Today};
use maysend::model::event::Effect;
use maysend::model::fact::{Basis, Block, Cause, Origin};
use maysend::model::fingerprint::Fingerprint;
use maysend::model::revision::Revision;
use maysend::model::scope::{BrandId, ControllerId, Scope, TopicId};

const BATCH: usize = 2_000;

/// Batches to go round in, so that a batch is out of the cache when it comes again.
const BATCHES: u128 = 256;

const TODAY: Today = Today::Known(Day::new(20_000));

/// The n-th fingerprint: as evenly spread as a keyed hash, and known without keeping it.
fn fingerprint(n: u128) -> Fingerprint {
    let mix = |n: u64| {
        let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    };
    let low = mix(u64::try_from(n).unwrap_or(0).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Fingerprint::new(u128::from(mix(low ^ 0x5555)) << 64 | u128::from(low))
}

fn brand(index: u16) -> BrandId {
    BrandId::new(ControllerId::new(index / 4), index)
}

fn topic(index: u16) -> TopicId {
    TopicId::new(brand(index / 4), index)
}

/// What is said of the n-th address: most said yes to one to four topics, some opted out, bounced
/// or were only registered. 16 brands, 64 topics.
fn effects(n: u128, effects: &mut Vec<Effect>) {
    effects.clear();
    let [a, b, c, d, e, ..] = fingerprint(n ^ 1 << 60).bits().to_le_bytes();
    let brand = brand(u16::from(a % 16));
    effects.push(Effect::Register(brand.controller()));
    let day = Day::new(19_000 + (u16::from(b) * 4));
    let yes = |topic| Effect::Yes { scope: Scope::Topic(topic), basis: Basis::Consent, day };
    match c % 10 {
        0 => {}
        1 => effects.push(Effect::No { scope: Scope::Everything, origin: Origin::OptOut }),
        2 => effects.push(Effect::No { scope: Scope::Brand(brand), origin: Origin::OptOut }),
        3 => {
            let (channel, cause) = (Channel::Email, Cause::HardBounce);
            effects.push(Effect::Block(Block { brand, channel, cause }));
        }
        _ => {
            let first = u16::from(d % 4);
            for topics in 0..=u16::from(e % 4).min(u16::from(d / 128) * 3) {
                effects.push(yes(topic(brand.index() * 4 + (first + topics) % 4)));
            }
        }
    }
}

fn index(entries: u128) -> Index {
    let mut index = Index::new();
    let mut change = Vec::new();
    for (n, revision) in (0..entries).zip(1..) {
        effects(n, &mut change);
        index.apply(&Change {
            fingerprint: fingerprint(n),
            revision: Revision::new(revision),
            tagged: false,
            owner_proof: None,
            effects: &change,
        });
    }
    index
}

/// A marketing campaign for one topic. With a lifetime a day decides for who said yes.
fn compiled(lifetime: u16) -> Compiled {
    let topic = topic(5);
    let campaign = Campaign {
        brand: topic.brand(),
        id: CampaignId::parse("c").unwrap_or_else(|| unreachable!()),
        topic: Some(topic),
        purpose: Purpose::Marketing,
        channel: Channel::Email,
        retired: false,
    };
    let policy = Policy { consent_lifetime_days: NonZeroU16::new(lifetime), ..Policy::default() };
    Compiled::new(Arc::new(campaign), Arc::new(policy), PlusTags::WidenRestrictions)
}

/// Of every five addresses the last is a stranger.
fn batches(entries: u128) -> Vec<(Vec<Fingerprint>, Vec<Base>)> {
    let mut numbers = (1_u128 << 61)..;
    let mut next = || numbers.next().unwrap_or(0);
    let mut one = |position: usize| {
        let random = fingerprint(next()).bits() >> 64;
        fingerprint(if position % 5 == 4 { 1 << 62 | random >> 3 } else { random % entries })
    };
    (0..BATCHES).map(|_| ((0..BATCH).map(&mut one).collect(), Vec::new())).collect()
}

/// The same batches, every tenth address of which is tagged; its base is as random as it is.
fn tagged(mut batches: Vec<(Vec<Fingerprint>, Vec<Base>)>) -> Vec<(Vec<Fingerprint>, Vec<Base>)> {
    let mut other = batches.last().map_or(Vec::new(), |(last, _)| last.clone());
    for (addresses, bases) in &mut batches {
        let of = other.iter().copied().enumerate().step_by(10);
        bases.extend(of.map(|(position, fingerprint)| Base { position, fingerprint }));
        other.clone_from(addresses);
    }
    batches
}

fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4_096
}

fn run(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: &str,
    index: &Index,
    batches: &[(Vec<Fingerprint>, Vec<Base>)],
    lifetime: u16,
) {
    let compiled = compiled(lifetime);
    let mut round = batches.iter().cycle();
    let mut codes = vec![0; BATCH];
    group.bench_function(id, |bencher| {
        bencher.iter(|| {
            codes.fill(0);
            let (addresses, bases) = round.next().map_or((&[][..], &[][..]), |(a, b)| (a, b));
            index.verdicts(&compiled, TODAY, Batch { addresses, bases }, &mut codes);
            black_box(&mut codes);
        });
    });
}

fn lookup(criterion: &mut Criterion) {
    let mut sizes = vec![("10k", 10_000), ("1M", 1_000_000)];
    if env::var_os("MAYSEND_BENCH_10M").is_some() {
        sizes.push(("10M", 10_000_000_u128));
    }
    for (name, entries) in sizes {
        let before = resident();
        let index = index(entries);
        let counted = index.memory() / index.len();
        let grown = resident().saturating_sub(before) / index.len();
        let shapes = index.shapes();
        eprintln!("{name}: {counted} octets per entry counted, {grown} resident, {shapes} shapes");
        let batches = batches(entries);
        let mut group = criterion.benchmark_group(format!("lookup/{name}"));
        group.throughput(Throughput::Elements(2_000));
        run(&mut group, "hit80", &index, &batches, 0);
        run(&mut group, "hit80-lifetime", &index, &batches, 730);
        run(&mut group, "hit80-tagged10", &index, &tagged(batches), 0);
        group.finish();
    }
}

fn apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("apply/1M");
    let mut index = index(1_000_000);
    let mut revision = 1_000_000;
    let mut change = Vec::new();
    group.throughput(Throughput::Elements(1));
    group.bench_function("known", |bencher| {
        bencher.iter(|| {
            revision += 1;
            let n = fingerprint(u128::from(revision)).bits() % 1_000_000;
            effects(n, &mut change);
            index.apply(&Change {
                fingerprint: fingerprint(n),
                revision: Revision::new(revision),
                tagged: false,
                owner_proof: None,
                effects: &change,
            });
        });
    });
    group.finish();
}

criterion_group!(benches, lookup, apply);
criterion_main!(benches);

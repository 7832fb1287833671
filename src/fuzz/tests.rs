//! Every corpus again, and a bounded number of mutations of it.
#![expect(clippy::disallowed_methods, reason = "tests have parameters, and look at the clock")]

use std::any::Any;
use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::mutation::mutate;
use super::*;

/// Mutations that each target gets, unless `MAYSEND_FUZZ_RUNS` says otherwise.
const RUNS: u64 = 20_000;

/// A target stops earlier where its mutations have taken so long: a busy machine looks at fewer.
const ENOUGH: Duration = Duration::from_secs(3);

/// One input that takes so long is a hang.
const HANG: Duration = Duration::from_secs(10);

/// The seed, unless `MAYSEND_FUZZ_SEED` says otherwise.
const SEED: u64 = 1;

/// Octets of all corpora: they are read with the sources.
const LARGEST: usize = 1 << 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// The inputs of a corpus, by their paths.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = root().join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Runs a target; an input on which it fails is kept and told.
#[track_caller]
fn run(name: &str, target: Target, octets: &[u8], told: &str) -> bool {
    let begun = Instant::now();
    let accepted = catch_unwind(AssertUnwindSafe(|| target(octets)));
    let took = begun.elapsed();
    let why = match accepted {
        Ok(accepted) if took < HANG => return accepted,
        Ok(_) => format!("it takes {took:?}"),
        Err(panic) => words(&*panic),
    };
    let dir = root().join("target/fuzz/found");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{name}-{}", &blake3::hash(octets).to_hex()[..16]));
    fs::write(&path, octets).unwrap();
    panic!("{name} on {told}: {why}\nthe input is kept as {}", path.display());
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

#[test]
fn every_corpus_holds_and_so_do_its_mutations() {
    let (seed, runs) = (setting("MAYSEND_FUZZ_SEED", SEED), setting("MAYSEND_FUZZ_RUNS", RUNS));
    println!("fuzz: seed {seed}, at most {runs} mutations a target");
    for (name, target) in TARGETS {
        let mut chance = StdRng::seed_from_u64(seed);
        let corpus = corpus(name);
        let mut accepted = 0;
        for (path, octets) in &corpus {
            accepted += u64::from(run(name, *target, octets, &path.display().to_string()));
        }
        assert!(accepted > 0, "{name}: nothing of its corpus is accepted, so it proves little");
        let (begun, mut done, mut accepted) = (Instant::now(), 0_u64, 0_u64);
        let is_default = env::var_os("MAYSEND_FUZZ_RUNS").is_none();
        while done < runs && !(is_default && begun.elapsed() > ENOUGH) {
            let (_, octets) = corpus.choose(&mut chance).unwrap();
            let (_, other) = corpus.choose(&mut chance).unwrap();
            let mut octets = octets.clone();
            mutate(&mut chance, &mut octets, other);
            let told = format!("mutation {done} of seed {seed}");
            accepted += u64::from(run(name, *target, &octets, &told));
            done += 1;
        }
        println!(
            "fuzz: {name}: {} inputs, {done} mutations, {accepted} accepted, {:.1} s",
            corpus.len(),
            begun.elapsed().as_secs_f32()
        );
        assert!(done < 1000 || (accepted > 0 && accepted < done), "{name} is one-sided");
    }
}

#[test]
fn the_corpora_are_those_of_the_targets_and_small() {
    let dir = root().join("fuzz/corpus");
    let mut dirs: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    dirs.sort();
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(dirs, names);
    let octets: usize = names.iter().flat_map(|name| corpus(name)).map(|(_, o)| o.len()).sum();
    assert!(octets < LARGEST, "the corpora hold {octets} octets");
}

/// Seeds that people cannot write are made here: `MAYSEND_FUZZ_SEEDS=write cargo test --lib seeds`.
#[test]
fn the_seeds_in_binary_are_what_the_code_writes_today() {
    type Maker = fn() -> Seeds;
    let all: [(&str, Maker); 8] = [
        ("answer", crate::grpc::codec::fuzz::answers),
        ("ask", crate::grpc::codec::fuzz::asks),
        ("backup", crate::backup::fuzz::seeds),
        ("image", crate::index::fuzz::seeds),
        ("ledger", crate::ledger::fuzz::seeds),
        ("record", crate::record::fuzz::seeds),
        ("seal", crate::checkpoint::fuzz::seeds),
        ("token", crate::token::fuzz::seeds),
    ];
    let write = env::var_os("MAYSEND_FUZZ_SEEDS").is_some();
    for (name, seeds) in all {
        let dir = root().join("fuzz/corpus").join(name);
        for (seed, octets) in seeds() {
            let path = dir.join(format!("seed-{seed}"));
            if write {
                fs::create_dir_all(&dir).unwrap();
                fs::write(&path, &octets).unwrap();
            }
            assert!(
                fs::read(&path).is_ok_and(|found| found == octets),
                "{} differs",
                path.display()
            );
            assert!(target(name).is_some_and(|target| target(&octets)), "{name} refuses {seed}");
        }
    }
}

/// A fault that is planted is found: a target that no octets can fail would pass all of the above.
#[test]
fn a_planted_fault_is_found() {
    let planted: Target = |octets| {
        assert!(!octets.windows(2).any(|pair| pair == b"@@"), "planted");
        true
    };
    let mut chance = StdRng::seed_from_u64(SEED);
    let corpus = corpus("address");
    let found = (0..RUNS).any(|_| {
        let (_, octets) = corpus.choose(&mut chance).unwrap();
        let mut octets = octets.clone();
        mutate(&mut chance, &mut octets, b"");
        catch_unwind(|| planted(&octets)).is_err()
    });
    assert!(found, "no mutation doubles an `@`");
}

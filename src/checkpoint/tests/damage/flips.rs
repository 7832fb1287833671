//! Flipped bits, each tried in a child process: sled may spin, or end the whole process.
//!
//! `MAYSEND_BIT_FLIPS` sets how many bits are flipped at random, besides one in each of the first
//! and last 64 octets of every file. Where sled recovers from its log, a quarter as many.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use super::super::*;

const VICTIM: &str = "MAYSEND_FLIPS_VICTIM";
const REVISION: u64 = 8;

/// A child that is silent for so long hangs, whatever its own limit says.
const WATCHDOG: Duration = Duration::from_secs(40);

#[derive(Debug, Clone)]
struct Flip {
    file: String,
    octet: usize,
    bit: u32,
}

/// Which bits, the same for the same checkpoint and number.
fn plan(seal: Seal, root: &Path, random: usize) -> Vec<Flip> {
    let mut files = octets_of(root);
    if !matches!(seal, Seal::Kept) {
        files.remove(super::super::seal::NAME).unwrap();
    }
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 11).unwrap() % bound
    };
    let mut flips = Vec::new();
    let mut flip = |file: &str, octet, bit: usize| {
        flips.push(Flip { file: file.to_owned(), octet, bit: u32::try_from(bit).unwrap() });
    };
    let database = &files["db"];
    let data = 1 + database.iter().rposition(|octet| *octet != 0).unwrap();
    if matches!(seal, Seal::RenewedOverLog) {
        for _ in 0..random / 4 {
            flip("db", below(data), below(8));
        }
        return flips;
    }
    for (file, octets) in &files {
        let tail = octets.len().saturating_sub(64).max(64);
        for octet in (0..octets.len().min(64)).chain(tail..octets.len()) {
            flip(file, octet, below(8));
        }
    }
    // Half of them in any file, half where sled keeps data: what follows is zeros.
    let names: Vec<&String> = files.keys().collect();
    for at in 0..random {
        let (name, bound) = match at % 2 {
            0 => ("db", data),
            _ => {
                let name = names[below(names.len())].as_str();
                (name, files[name].len())
            }
        };
        flip(name, below(bound), below(8));
    }
    flips
}

/// Whether the seal is made anew over the flipped bit, so that sled meets it.
#[derive(Debug, Clone, Copy)]
enum Seal {
    Kept,
    Renewed,
    /// And sled's snapshot is gone, so that it recovers from its log, which it does worse.
    RenewedOverLog,
}

impl Seal {
    const ALL: [Self; 3] = [Self::Kept, Self::Renewed, Self::RenewedOverLog];

    fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Renewed => "renewed",
            Self::RenewedOverLog => "renewed-over-log",
        }
    }

    /// The log breaks in more ways where it has several segments.
    fn images(self) -> Images {
        match self {
            Self::Kept | Self::Renewed => images(REVISION, 40, 2048),
            Self::RenewedOverLog => images(REVISION, 500, 2048),
        }
    }
}

/// Tries flips one after the other from a number on and prints each outcome.
fn be_victim(order: &str) {
    let mut words = order.split(' ');
    let mut word = || words.next().unwrap();
    let (seal, first, random) = (word(), word().parse().unwrap(), word().parse().unwrap());
    let seal = *Seal::ALL.iter().find(|one| one.name() == seal).unwrap();
    let master = Path::new(word());
    let expected = seal.images();
    for (at, flip) in plan(seal, master, random).iter().enumerate().skip(first) {
        let place = Place::new();
        let path = place.path(REVISION);
        fs::create_dir_all(path.join("blobs")).unwrap();
        for (name, mut octets) in octets_of(master) {
            if matches!(seal, Seal::RenewedOverLog) && name.starts_with("snap.") {
                continue;
            }
            if name == flip.file {
                octets[flip.octet] ^= 1 << flip.bit;
            }
            fs::write(path.join(name), octets).unwrap();
        }
        if !matches!(seal, Seal::Kept) {
            place.reseal(REVISION);
        }
        let loaded = load(&place.checkpoints);
        let outcome = match (&loaded.found, &loaded.rejected[..]) {
            (Some((found, images)), _) if *found == anchor(REVISION) && *images == expected => {
                "harmless"
            }
            (Some(_), _) => "WRONG",
            (None, [(_, reason)]) => kind(reason),
            (None, _) => panic!("one was tried"),
        };
        println!("flip {at} {outcome}");
        std::io::stdout().flush().unwrap();
        // These leave threads behind that the next attempt would meet.
        if ["refused: sled panic", "refused: time limit"].contains(&outcome) {
            std::process::exit(0);
        }
    }
}

fn kind(reason: &Reason) -> &'static str {
    match reason {
        Reason::NotADirectory => "refused: no directory",
        Reason::UnknownFormat { .. } => "refused: format",
        Reason::WrongKey => "refused: key",
        Reason::Renamed => "refused: renamed",
        Reason::File { .. } => "refused: file",
        Reason::Manifest => "refused: manifest",
        Reason::Image(_) => "refused: image",
        Reason::NoImage => "refused: no image",
        Reason::Set => "refused: set",
        Reason::Store(_) => "refused: sled error",
        Reason::Panicked(_) => "refused: sled panic",
        Reason::TimedOut(_) => "refused: time limit",
        Reason::Unreadable(_) => "refused: I/O",
        Reason::Unusable { .. } => "refused: builder",
    }
}

struct Victim {
    child: Child,
    lines: Receiver<String>,
}

impl Victim {
    fn start(test: &str, seal: Seal, first: usize, random: usize, master: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(VICTIM, format!("{} {first} {random} {}", seal.name(), master.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }
}

/// Outcomes and how often each came.
fn flip_all(test: &str, seal: Seal) -> BTreeMap<String, usize> {
    let random = env::var_os("MAYSEND_BIT_FLIPS")
        .map_or(500, |number| number.to_str().unwrap().parse().unwrap());
    let place = Place::new();
    place.write_these(REVISION, &seal.images());
    let master = place.path(REVISION);
    let flips = plan(seal, &master, random);
    let mut outcomes = BTreeMap::new();
    let mut next = 0;
    while next < flips.len() {
        let first = next;
        let mut victim = Victim::start(test, seal, next, random, &master);
        let end = loop {
            match victim.lines.recv_timeout(WATCHDOG) {
                Ok(line) => {
                    let Some((_, told)) = line.split_once("flip ") else { continue };
                    let (at, outcome) = told.split_once(' ').unwrap();
                    assert_eq!(at.parse(), Ok(next));
                    *outcomes.entry(outcome.to_owned()).or_default() += 1;
                    next += 1;
                }
                Err(RecvTimeoutError::Timeout) => break "HUNG",
                Err(RecvTimeoutError::Disconnected) => break "ABORTED",
            }
        };
        victim.child.kill().unwrap();
        let ended = victim.child.wait().unwrap();
        assert!(next > first || !ended.success(), "the victim did nothing");
        if next < flips.len() && !(end == "ABORTED" && ended.success()) {
            println!("{end}: {:?}", flips[next]);
            *outcomes.entry(end.to_owned()).or_default() += 1;
            next += 1;
        }
    }
    println!("{} flips, seal {}: {outcomes:#?}", flips.len(), seal.name());
    outcomes
}

#[test]
fn no_flipped_bit_gets_past_the_seal() {
    if let Some(order) = env::var_os(VICTIM) {
        return be_victim(order.to_str().unwrap());
    }
    let test = "checkpoint::tests::damage::flips::no_flipped_bit_gets_past_the_seal";
    let outcomes = flip_all(test, Seal::Kept);
    let by_the_seal = ["refused: file", "refused: format", "refused: key"];
    assert!(outcomes.keys().all(|o| by_the_seal.contains(&o.as_str())), "{outcomes:?}");
}

#[test]
fn no_flipped_bit_behind_the_seal_gives_a_wrong_image() {
    if let Some(order) = env::var_os(VICTIM) {
        return be_victim(order.to_str().unwrap());
    }
    let test =
        "checkpoint::tests::damage::flips::no_flipped_bit_behind_the_seal_gives_a_wrong_image";
    // Without its snapshot sled loses some stores whole, flipped or not; so both settings together
    // have to show that bits reached it.
    let outcomes = [Seal::Renewed, Seal::RenewedOverLog].map(|seal| flip_all(test, seal));
    let keys: Vec<&String> = outcomes.iter().flat_map(BTreeMap::keys).collect();
    assert!(!keys.iter().any(|o| ["WRONG", "HUNG"].contains(&o.as_str())), "{outcomes:?}");
    assert!(keys.iter().any(|o| o.contains("sled")), "no bit reached sled: {outcomes:?}");
}

//! Every single bit of a ledger flipped, each opened in a child process under a watchdog: found and
//! refused, or harmless. Never a wrong record, never a lost one, never a hang.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use maysend::ledger::{
    Committed, Ledger, OpenError, Options, RealDisk, Record, RecordKind, Urgency,
};
use tempfile::TempDir;

/// The ledger is to be at most so large.
const OCTETS: usize = 8 * 1024;

/// A child that does not answer for so long hangs.
const WATCHDOG: Duration = Duration::from_secs(20);

/// Names the directory in which a child opens ledgers.
const VICTIM: &str = "MAYSEND_DAMAGE_VICTIM";

const KEY_CHECK: [u8; 16] = [7; 16];

/// Where opening is quick: a fsync to memory costs nothing, and no fault here is the disk's.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

fn options() -> Options {
    Options { segment_octets: 3 * 1024, reserve_octets: 0, ..Options::default() }
}

type Records = Vec<(u64, RecordKind, bool, Vec<u8>)>;

fn open(dir: &Path) -> Result<(Ledger, Records), OpenError> {
    let mut records = Records::new();
    let mut visit = |record: Committed<Record<'_>>| {
        let record = record.into_inner();
        let payload = record.payload.into_owned();
        records.push((record.revision.number(), record.kind, record.erased, payload));
        Ok(())
    };
    let ledger = Ledger::open(Arc::new(RealDisk), dir, KEY_CHECK, options(), None, &mut visit)?;
    Ok((ledger, records))
}

/// A ledger of several segments and groups, as large as it may be.
fn write(dir: &Path) {
    let (mut ledger, _) = open(dir).unwrap();
    let mut number = 0_u8;
    while octets(dir) + 700 < OCTETS {
        let mut group = ledger.begin(());
        for _ in 0..=(number % 3) {
            number += 1;
            group.push(RecordKind::Event, &[number; 60]);
        }
        ledger.commit(group, Urgency::No).unwrap();
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("ledger")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn octets(dir: &Path) -> usize {
    segments(dir).iter().map(|file| std::fs::read(file).unwrap().len()).sum()
}

/// The child: reads `FILE OCTET BIT` from stdin, flips, opens, restores, answers in one word.
#[test]
fn a_child_opens_what_it_is_told_to() {
    let Ok(dir) = std::env::var(VICTIM) else {
        // Not a child: then the whole ledger opens as it was written.
        let dir = scratch();
        write(dir.path());
        let (_, records) = open(dir.path()).unwrap();
        assert!(records.len() > 20, "{}", records.len());
        return;
    };
    let dir = PathBuf::from(dir);
    let pristine = segments(&dir).into_iter().map(|file| (std::fs::read(&file).unwrap(), file));
    let pristine: Vec<(Vec<u8>, PathBuf)> = pristine.collect();
    let (_, expected) = open(&dir).unwrap();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let mut words = line.split(' ').map(|word| word.parse::<usize>().unwrap());
        let (file, octet, bit) =
            (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let (octets, path) = &pristine[file];
        let mut flipped = octets.clone();
        flipped[octet] ^= 1 << bit;
        std::fs::write(path, &flipped).unwrap();
        let word = match open(&dir) {
            Err(OpenError::Damaged(_)) => "damaged",
            Err(_) => "refused",
            Ok((_, records)) if records == expected => "harmless",
            Ok(_) => "WRONG",
        };
        for path in segments(&dir) {
            std::fs::remove_file(path).unwrap();
        }
        for (octets, path) in &pristine {
            std::fs::write(path, octets).unwrap();
        }
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "outcome {word}").unwrap();
        stdout.flush().unwrap();
    }
}

struct Victim {
    process: Child,
    stdin: ChildStdin,
    outcomes: Receiver<String>,
}

impl Victim {
    fn spawn(dir: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "damage::a_child_opens_what_it_is_told_to", "--nocapture"])
            .env(VICTIM, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, outcomes) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Some((_, word)) = line.split_once("outcome ") {
                    drop(sender.send(word.to_owned()));
                }
            }
        });
        Self { stdin: process.stdin.take().unwrap(), process, outcomes }
    }

    fn tell(&mut self, file: usize, octet: usize, bit: usize) -> String {
        writeln!(self.stdin, "{file} {octet} {bit}").unwrap();
        self.outcomes.recv_timeout(WATCHDOG).unwrap_or_else(|_| "HANG OR CRASH".to_owned())
    }
}

#[test]
fn every_flipped_bit_of_a_ledger_is_refused_or_harmless() {
    let dir = scratch();
    write(dir.path());
    let sizes: Vec<usize> =
        segments(dir.path()).iter().map(|file| std::fs::read(file).unwrap().len()).collect();
    assert!(sizes.len() > 1 && sizes.iter().sum::<usize>() <= OCTETS, "{sizes:?}");
    let mut victim = Victim::spawn(dir.path());
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for (file, size) in sizes.iter().enumerate() {
        for octet in 0..*size {
            for bit in 0..8 {
                let outcome = victim.tell(file, octet, bit);
                let is_sound = ["damaged", "refused", "harmless"].contains(&outcome.as_str());
                assert!(is_sound, "{outcome}: segment {file}, octet {octet}, bit {bit}");
                *counts.entry(outcome).or_default() += 1;
            }
        }
    }
    drop(victim.stdin);
    assert!(victim.process.wait().unwrap().success());
    let flips = sizes.iter().sum::<usize>() * 8;
    println!("flipped bits of a ledger of {} octets: {flips}, {counts:?}", flips / 8);
    assert_eq!(counts.values().sum::<usize>(), flips);
    assert!(counts["damaged"] > 0);
}

//! The disk that forgets and fails (disk.c), as the test sees it: what it is told to do, and what
//! lies on it after a power cut.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

use rand::Rng as _;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::process::Server;

/// What the disk writes whole or not at all.
const SECTOR: usize = 512;

/// The library, built once.
static LIBRARY: LazyLock<TempDir> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/faults/disk.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(dir.path().join("disk.so"))
        .args([source, "-ldl", "-lpthread"])
        .status();
    assert!(built.expect("cc is there: `apt-get install gcc libc6-dev`").success());
    dir
});

/// A class of calls, and its place in the control file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Read,
    Write,
    Sync,
    /// Makes, renames or removes.
    Name,
}

impl Class {
    const fn place(self) -> u64 {
        match self {
            Self::Read => 0,
            Self::Write => 1,
            Self::Sync => 2,
            Self::Name => 3,
        }
    }
}

/// Numbers of `struct control`.
const SEEN: u64 = 0;
const FAIL_FROM: u64 = 4;
const FAIL_FOR: u64 = 8;
const FAIL_WITH: u64 = 12;
const INJECTED: u64 = 16;
const EVENTS: u64 = 17;
const CUT_AT: u64 = 18;
const LIES: u64 = 19;
const TEARS: u64 = 20;
const NUMBERS: usize = 21;

pub(super) const EIO: u64 = 5;
pub(super) const ENOSPC: u64 = 28;

/// What of the unsynced survives a power cut.
#[derive(Debug, Clone, Copy)]
pub(super) enum Survives {
    Nothing,
    /// Each sector, length and directory with this chance.
    Some(f64),
}

/// A directory below which a server meets faults.
pub(super) struct Disk {
    dir: TempDir,
    control: File,
}

impl Disk {
    pub(super) fn new() -> Self {
        // In memory where there is any: a fsync of a test tells nothing of the disk below.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        fs::create_dir(dir.path().join("state")).unwrap();
        let mut options = OpenOptions::new();
        let path = dir.path().join("state/control");
        let control = options.read(true).write(true).create(true).truncate(true).open(path);
        let disk = Self { dir, control: control.unwrap() };
        disk.reset();
        disk.settle();
        disk
    }

    /// A disk with what lies on this one now.
    pub(super) fn copy(&self) -> Self {
        let copy = Self::new();
        copy_tree(&self.root(), &copy.root());
        copy.settle();
        copy
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(super) fn data_dir(&self) -> PathBuf {
        self.root().join("store")
    }

    /// Servers that are started from now on run on it.
    pub(super) fn put_under(&self, server: &mut Server) {
        for (name, value) in self.environment() {
            server.set(name, value);
        }
    }

    /// What a process runs on it with.
    pub(super) fn environment(&self) -> [(&'static str, PathBuf); 4] {
        [
            ("LD_PRELOAD", LIBRARY.path().join("disk.so")),
            ("MAYSEND_DISK_ROOT", self.root()),
            ("MAYSEND_DISK_STATE", self.state()),
            ("MAYSEND_DISK_FORGETS", "1".into()),
        ]
    }

    fn set(&self, number: u64, value: u64) {
        self.control.write_all_at(&value.to_le_bytes(), number * 8).unwrap();
    }

    fn get(&self, number: u64) -> u64 {
        let mut octets = [0; 8];
        self.control.read_exact_at(&mut octets, number * 8).unwrap();
        u64::from_le_bytes(octets)
    }

    /// No faults, all counts at zero.
    pub(super) fn reset(&self) {
        self.control.write_all_at(&[0; NUMBERS * 8], 0).unwrap();
        fs::remove_file(self.state().join("injected")).ok();
    }

    /// Of this class the calls from the `from`th on fail, so many of them.
    pub(super) fn fail(&self, class: Class, from: u64, times: u64, errno: u64) {
        self.set(FAIL_WITH + class.place(), errno);
        self.set(FAIL_FOR + class.place(), times);
        self.set(FAIL_FROM + class.place(), from);
    }

    /// The first write that fails leaves one half.
    pub(super) fn tear(&self) {
        self.set(TEARS, 1);
    }

    /// From now on a fsync says yes and keeps nothing of a file.
    pub(super) fn lie(&self) {
        self.set(LIES, 1);
    }

    /// The power goes at the `after`th event from now; see disk.c.
    pub(super) fn cut_after(&self, after: u64) {
        self.set(CUT_AT, self.events() + after);
    }

    pub(super) fn events(&self) -> u64 {
        self.get(EVENTS)
    }

    /// How many calls of the class there were.
    pub(super) fn seen(&self, class: Class) -> u64 {
        self.get(SEEN + class.place())
    }

    pub(super) fn injected(&self) -> u64 {
        self.get(INJECTED)
    }

    /// Each call that failed: class and path.
    pub(super) fn failed(&self) -> Vec<String> {
        let text = fs::read_to_string(self.state().join("injected")).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// What the power cut leaves becomes what is there. Gives back how many octets it took.
    pub(super) fn cut(&self, survives: Survives, random: &mut StdRng) -> usize {
        let mut live = HashMap::new();
        walk(&self.root(), &mut |path| {
            live.insert(id(path), path.to_owned());
        });
        let after = self.dir.path().join("after");
        let mut image = Image { state: self.state(), live, survives, random, lost: 0 };
        image.directory(&id(&self.root()), &after);
        // And the files that are gone whole.
        let gone = image.live.values().filter(|path| path.is_file());
        let gone: u64 = gone.map(|path| fs::metadata(path).unwrap().len()).sum();
        let lost = image.lost + usize::try_from(gone).unwrap();
        fs::remove_dir_all(self.root()).unwrap();
        fs::rename(&after, self.root()).unwrap();
        self.settle();
        lost
    }

    /// All that is there now is durable.
    fn settle(&self) {
        for entry in fs::read_dir(self.state()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() != "control" {
                fs::remove_file(path).unwrap();
            }
        }
        walk(&self.root(), &mut |path| {
            let kept = self.state().join(id(path));
            if path.is_dir() {
                let mut list = File::create(kept.with_added_extension("dir")).unwrap();
                for (name, id) in entries(path) {
                    writeln!(list, "{id} {name}").unwrap();
                }
            } else {
                fs::copy(path, kept.with_added_extension("file")).unwrap();
            }
        });
    }
}

/// Inode and birth, as disk.c writes them.
fn id(path: &Path) -> String {
    let found = fs::symlink_metadata(path).unwrap();
    let born = found.created().unwrap().duration_since(UNIX_EPOCH).unwrap();
    format!("{:x}.{}", found.ino(), born.as_nanos())
}

fn entries(dir: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), id(&entry.path()))).collect()
}

/// A directory and all below it.
fn walk(path: &Path, visit: &mut dyn FnMut(&Path)) {
    visit(path);
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            walk(&entry.unwrap().path(), visit);
        }
    }
}

pub(super) fn copy_tree(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(copied.success());
}

/// What lies on the disk after a cut.
struct Image<'a> {
    state: PathBuf,
    /// What the program saw last.
    live: HashMap<String, PathBuf>,
    survives: Survives,
    random: &'a mut StdRng,
    /// Octets that differ from what the program saw.
    lost: usize,
}

impl Image<'_> {
    fn survives(&mut self) -> bool {
        match self.survives {
            Survives::Nothing => false,
            Survives::Some(chance) => self.random.random_bool(chance),
        }
    }

    fn directory(&mut self, id: &str, to: &Path) {
        DirBuilder::new().mode(0o700).create(to).unwrap();
        let durable = fs::read_to_string(self.state.join(format!("{id}.dir"))).unwrap_or_default();
        let durable: Vec<(String, String)> = durable
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(id, name)| (name.to_owned(), id.to_owned()))
            .collect();
        let listed = match self.live.get(id).map(|path| entries(path)) {
            Some(live) if self.survives() => live,
            _ => durable,
        };
        for (name, id) in listed {
            if self.is_directory(&id) {
                self.directory(&id, &to.join(name));
            } else {
                self.file(&id, &to.join(name));
            }
        }
    }

    fn is_directory(&self, id: &str) -> bool {
        self.state.join(format!("{id}.dir")).exists()
            || self.live.get(id).is_some_and(|path| path.is_dir())
    }

    fn file(&mut self, id: &str, to: &Path) {
        let durable = fs::read(self.state.join(format!("{id}.file"))).unwrap_or_default();
        let live = self.live.remove(id).map(|path| fs::read(path).unwrap());
        let live = live.unwrap_or_else(|| durable.clone());
        let length = if self.survives() { live.len() } else { durable.len() };
        let mut octets = vec![0; length];
        for at in (0..length).step_by(SECTOR) {
            let from = if self.survives() { &live } else { &durable };
            let end = length.min(at + SECTOR).min(from.len());
            if at < end {
                octets[at..end].copy_from_slice(&from[at..end]);
            }
        }
        let same = octets.iter().zip(&live).filter(|(a, b)| a == b).count();
        self.lost += octets.len().max(live.len()) - same;
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(to).unwrap();
        file.write_all(&octets).unwrap();
    }
}

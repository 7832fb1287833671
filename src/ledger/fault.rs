//! A disk in memory that fails when told: it knows what is durable and what is merely written.
//!
//! At a power cut every change since the last sync may be there, be absent, or, if it is a write,
//! be there in part. A sync that fails forgets what was pending, as the page cache does: the octets
//! can be read, look clean, and are perhaps not on the disk.
#![expect(clippy::unwrap_used, reason = "offsets are small in tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::disk::{Disk, DiskFile};

/// A call that changes the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Write,
    Sync,
    SetLen,
    Allocate,
    Create,
    Remove,
    SyncDir,
}

/// What of the changes that nobody synced is there after a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Survival {
    All,
    Nothing,
    /// Each by chance, from this seed, writes in part.
    Chance(u64),
}

/// The disk; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct FaultDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    dirs: BTreeSet<PathBuf>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    renamings: Vec<(PathBuf, Option<usize>)>,
    files: Vec<Content>,
    ops: Vec<Op>,
    crash_at: Option<usize>,
    crashed: bool,
    faults: Vec<(Op, usize, ErrorKind)>,
    capacity: usize,
    allocates: bool,
    chance: StdRng,
}

#[derive(Debug, Clone, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
    allocated: usize,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

impl FaultDisk {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            dirs: BTreeSet::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            renamings: Vec::new(),
            files: Vec::new(),
            ops: Vec::new(),
            crash_at: None,
            crashed: false,
            faults: Vec::new(),
            capacity: usize::MAX,
            allocates: true,
            chance: StdRng::seed_from_u64(1),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The changing calls so far.
    pub(crate) fn ops(&self) -> Vec<Op> {
        self.state().ops.clone()
    }

    /// Cuts the power in the changing call number `at` of all, from 0.
    pub(crate) fn crash_at(&self, at: usize) {
        self.state().crash_at = Some(at);
    }

    /// Lets one call fail: the one with the number `nth`, from 0, among those of this kind from now.
    pub(crate) fn fail(&self, op: Op, nth: usize, kind: ErrorKind) {
        let mut state = self.state();
        let before = state.ops.iter().filter(|&&done| done == op).count();
        state.faults.push((op, before + nth, kind));
    }

    /// Draws what a failed sync and a failed write leave from another seed.
    pub(crate) fn reseed(&self, seed: u64) {
        self.state().chance = StdRng::seed_from_u64(seed);
    }

    /// Octets that fit on the disk, allocated ones included.
    pub(crate) fn set_capacity(&self, octets: usize) {
        self.state().capacity = octets;
    }

    /// Octets taken, allocated ones included.
    pub(crate) fn taken(&self) -> usize {
        self.state().taken()
    }

    /// A file system that cannot allocate ahead.
    pub(crate) fn without_allocation(self) -> Self {
        self.state().allocates = false;
        self
    }

    /// Whether the power was cut.
    pub(crate) fn crashed(&self) -> bool {
        self.state().crashed
    }

    /// The disk after a power cut at this moment.
    pub(crate) fn after_power_cut(&self, survival: Survival) -> Self {
        let state = self.state();
        let mut chance = match survival {
            Survival::Chance(seed) => StdRng::seed_from_u64(seed),
            Survival::All | Survival::Nothing => StdRng::seed_from_u64(0),
        };
        let stays = |chance: &mut StdRng| match survival {
            Survival::All => true,
            Survival::Nothing => false,
            Survival::Chance(_) => chance.random_bool(0.5),
        };
        let mut names = state.durable_names.clone();
        for (path, inode) in &state.renamings {
            if stays(&mut chance) {
                rename(&mut names, path, *inode);
            }
        }
        let mut files = state.files.clone();
        for file in &mut files {
            let mut octets = std::mem::take(&mut file.durable);
            for change in file.pending.drain(..) {
                if stays(&mut chance) {
                    let tear = matches!(survival, Survival::Chance(_)) && chance.random_bool(0.5);
                    change.apply(&mut octets, tear.then_some(&mut chance));
                }
            }
            file.allocated = file.allocated.max(octets.len());
            file.live.clone_from(&octets);
            file.durable = octets;
        }
        let after = Self::new();
        let mut new = after.state();
        new.dirs.clone_from(&state.dirs);
        new.durable_names.clone_from(&names);
        new.names = names;
        new.files = files;
        new.capacity = state.capacity;
        new.allocates = state.allocates;
        drop(new);
        after
    }

    /// The disk as another process finds it after this one was killed: what was written is there.
    pub(crate) fn after_kill(&self) -> Self {
        let mut state = self.state();
        state.crash_at = None;
        state.crashed = false;
        state.faults.clear();
        drop(state);
        self.clone()
    }

    /// A copy that shares nothing.
    pub(crate) fn copy(&self) -> Self {
        let state = self.state();
        let copy = Self::new();
        let mut new = copy.state();
        new.dirs.clone_from(&state.dirs);
        new.names.clone_from(&state.names);
        new.durable_names.clone_from(&state.durable_names);
        new.renamings.clone_from(&state.renamings);
        new.files.clone_from(&state.files);
        new.capacity = state.capacity;
        new.allocates = state.allocates;
        drop(new);
        copy
    }

    /// The files and what can be read of them.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        let octets =
            |(path, &inode): (&PathBuf, &usize)| (path.clone(), state.files[inode].live.clone());
        state.names.iter().map(octets).collect()
    }

    /// Changes the octets of a file behind its owner's back, durably.
    pub(crate) fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let inode = state.names[path];
        let file = &mut state.files[inode];
        change(&mut file.live);
        file.durable.clone_from(&file.live);
        file.pending.clear();
    }

    /// Whether the octets are anywhere, on the disk or in the page cache.
    pub(crate) fn holds(&self, needle: &[u8]) -> bool {
        let state = self.state();
        let has = |octets: &[u8]| octets.windows(needle.len()).any(|octets| octets == needle);
        state
            .names
            .values()
            .any(|&inode| has(&state.files[inode].live) || has(&state.files[inode].durable))
    }
}

impl State {
    /// Counts a changing call; an error is what it must return, `Err(None)` for a power cut.
    fn begin(&mut self, op: Op) -> Result<(), Option<ErrorKind>> {
        if self.crashed {
            return Err(None);
        }
        let nth = self.ops.iter().filter(|&&done| done == op).count();
        self.crashed = self.crash_at == Some(self.ops.len());
        self.ops.push(op);
        let fault = self.faults.iter().find(|fault| (fault.0, fault.1) == (op, nth));
        match fault {
            _ if self.crashed => Err(None),
            Some(&(_, _, kind)) => Err(Some(kind)),
            None => Ok(()),
        }
    }

    /// A call that happens or does not.
    fn whole(&mut self, op: Op) -> io::Result<()> {
        self.begin(op).map_err(|kind| kind.map_or_else(power_cut, io::Error::from))
    }

    fn alive(&self) -> io::Result<()> {
        if self.crashed { Err(power_cut()) } else { Ok(()) }
    }

    fn taken(&self) -> usize {
        let size = |&inode: &usize| {
            let file: &Content = &self.files[inode];
            file.live.len().max(file.allocated)
        };
        self.names.values().map(size).sum()
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.alive()?;
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn rename(&mut self, path: &Path, inode: Option<usize>) {
        rename(&mut self.names, path, inode);
        self.renamings.push((path.to_owned(), inode));
    }

    /// Grows what a file takes; false where the disk is full.
    fn take(&mut self, inode: usize, end: usize) -> bool {
        let file = &self.files[inode];
        let has = file.live.len().max(file.allocated);
        let fits = end <= has || self.taken() + (end - has) <= self.capacity;
        if fits {
            let allocated = &mut self.files[inode].allocated;
            *allocated = end.max(*allocated);
        }
        fits
    }
}

impl Content {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.live, None);
        self.pending.push(change);
    }
}

impl Change {
    /// Applies the change; with chance only a part of it, at the borders of sectors or anywhere.
    fn apply(&self, octets: &mut Vec<u8>, tear: Option<&mut StdRng>) {
        match self {
            Self::SetLen(len) => octets.resize(*len, 0),
            Self::Write(at, new) => {
                let end = at + new.len();
                let Some(chance) = tear else {
                    octets.resize(octets.len().max(end), 0);
                    octets[*at..end].copy_from_slice(new);
                    return;
                };
                if chance.random_bool(0.5) {
                    let end = at + chance.random_range(0..=new.len());
                    octets.resize(octets.len().max(end), 0);
                    octets[*at..end].copy_from_slice(&new[..end - at]);
                } else {
                    octets.resize(octets.len().max(end), 0);
                    for sector in at / 512..end.div_ceil(512) {
                        if chance.random_bool(0.5) {
                            let (from, to) =
                                ((sector * 512).max(*at), (sector * 512 + 512).min(end));
                            octets[from..to].copy_from_slice(&new[from - at..to - at]);
                        }
                    }
                }
            }
        }
    }
}

fn rename(names: &mut BTreeMap<PathBuf, usize>, path: &Path, inode: Option<usize>) {
    match inode {
        Some(inode) => names.insert(path.to_owned(), inode),
        None => names.remove(path),
    };
}

fn power_cut() -> io::Error {
    io::Error::other("the power was cut")
}

impl Disk for FaultDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        state.dirs.insert(dir.to_owned());
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.alive()?;
        let here = state.names.keys().filter(|path| path.parent() == Some(dir));
        let name = |path: &PathBuf| path.file_name()?.to_str().map(str::to_owned);
        Ok(here.filter_map(name).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.inode(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.whole(Op::Create)?;
        let inode = state.files.len();
        state.files.push(Content::default());
        state.rename(path, Some(inode));
        Ok(Box::new(FaultFile { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().inode(path)?;
        Ok(Box::new(FaultFile { disk: self.clone(), inode }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.inode(path)?;
        state.whole(Op::Remove)?;
        state.rename(path, None);
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.whole(Op::SyncDir)?;
        state.renamings.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }
}

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    inode: usize,
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl DiskFile for FaultFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(u64::try_from(state.files[self.inode].live.len()).unwrap())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.alive()?;
        let live = &state.files[self.inode].live;
        let from = index(offset).min(live.len());
        let octets = buffer.len().min(live.len() - from);
        buffer[..octets].copy_from_slice(&live[from..from + octets]);
        Ok(octets)
    }

    fn write_at(&self, octets: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.alive()?;
        let at = index(offset);
        let begun = state.begin(Op::Write);
        let fits = state.take(self.inode, at + octets.len());
        let written = match begun {
            // What the call was cut off in may be there or not.
            Err(None) => octets.len(),
            Ok(()) if fits => octets.len(),
            Ok(()) | Err(Some(_)) => state.chance.random_range(0..=octets.len()) / 2,
        };
        state.files[self.inode].change(Change::Write(at, octets[..written].to_vec()));
        match begun {
            Err(None) => Err(power_cut()),
            Err(Some(kind)) => Err(kind.into()),
            Ok(()) if fits => Ok(()),
            Ok(()) => Err(ErrorKind::StorageFull.into()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.alive()?;
        let begun = state.begin(Op::Sync);
        let State { files, chance, .. } = &mut *state;
        let file = &mut files[self.inode];
        match begun {
            Ok(()) => {
                for change in file.pending.drain(..) {
                    change.apply(&mut file.durable, None);
                }
                Ok(())
            }
            Err(None) => Err(power_cut()),
            Err(Some(kind)) => {
                for change in file.pending.drain(..) {
                    if chance.random_bool(0.5) {
                        change.apply(&mut file.durable, Some(chance));
                    }
                }
                Err(kind.into())
            }
        }
    }

    fn set_len(&self, octets: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.whole(Op::SetLen)?;
        let file = &mut state.files[self.inode];
        file.change(Change::SetLen(index(octets)));
        file.allocated = index(octets);
        Ok(())
    }

    fn allocate(&self, end: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        if !state.allocates {
            return Err(ErrorKind::Unsupported.into());
        }
        state.whole(Op::Allocate)?;
        if state.take(self.inode, index(end)) { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
    }
}

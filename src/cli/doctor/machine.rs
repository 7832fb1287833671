//! The machine: memory, file descriptors, clock, kernel.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit};
use rustix::system::uname;

use super::holder::Holder;
use super::store::Store;
use super::{Point, kernel_clock, octets};
use crate::engine::clock::Clock as _;
use crate::server::SystemClock;

/// The index takes 39 octets for an address, a checkpoint 28 and more: 1.4 times as much at most;
/// the rest is for notices, campaigns, and what the allocator keeps.
const OF_CHECKPOINT: u64 = 2;

/// What is on loan while a checkpoint is read or written, and room for calls.
const BASE: u64 = 128 << 20;

/// A thousand connections take one each, and ledger, checkpoint and log some hundred.
const DESCRIPTORS: u64 = 2_048;

/// Clocks of file systems and of the process tick apart by as much.
const TICK: Duration = Duration::from_secs(2);

pub(super) fn memory(store: &Store) -> Point {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let available = field(&read("/proc/meminfo"), "MemAvailable:").map(|kib| kib * 1024);
    // Of the control group that we are in; in a container it is the container's.
    let group = read("/proc/self/cgroup");
    let group = group.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default();
    let limit = read(&format!("/sys/fs/cgroup{group}/memory.max")).trim().parse().ok();
    let is_strict = read("/proc/sys/vm/overcommit_memory").trim() == "2";
    room(store, available, limit, is_strict)
}

fn room(store: &Store, available: Option<u64>, limit: Option<u64>, is_strict: bool) -> Point {
    const NAME: &str = "memory";
    let checkpoint = store.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.octets);
    let needed = checkpoint.saturating_mul(OF_CHECKPOINT).saturating_add(BASE);
    let Some(available) = available else {
        let mend = "run the doctor where /proc is mounted";
        return Point::warning(NAME, "what is free cannot be told", mend);
    };
    let available = limit.map_or(available, |limit| available.min(limit));
    let found = format!(
        "{} free, a server with this checkpoint takes up to {}",
        octets(available),
        octets(needed)
    );
    if available < needed {
        let mend = "raise the limit of the container or unit, or use a machine with more memory";
        Point::problem(NAME, found, mend)
    } else if is_strict {
        Point::warning(
            NAME,
            format!("{found}; the kernel counts what is only reserved (vm.overcommit_memory=2)"),
            "set vm.overcommit_memory to 0, or leave the allocator several GiB of commit limit",
        )
    } else {
        Point::ok(NAME, found)
    }
}

/// A number behind a word at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

pub(super) fn descriptors(holder: &Holder) -> Point {
    const NAME: &str = "open files";
    let server = holder.id().and_then(|id| {
        let limits = fs::read_to_string(format!("/proc/{id}/limits")).ok()?;
        limits.lines().find_map(|line| {
            let mut values = line.strip_prefix("Max open files")?.split_whitespace();
            values.nth(1)?.parse().ok()
        })
    });
    let (limit, whose) = match server {
        Some(limit) => (Some(limit), "the server"),
        None => (getrlimit(Resource::Nofile).maximum, "who is started from here"),
    };
    let Some(limit) = limit else {
        return Point::ok(NAME, format!("{whose} may open any number"));
    };
    let found = format!("{whose} may open {limit}");
    if limit < DESCRIPTORS {
        let mend = "LimitNOFILE=16384 in the unit, or `ulimit -n`: each connection takes one";
        Point::warning(NAME, found, mend)
    } else {
        Point::ok(NAME, found)
    }
}

pub(super) fn clock(store: &Store) -> Point {
    let nanos = u64::try_from(SystemClock.now().nanos()).unwrap_or_default();
    let now = SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos);
    judge(now, store.written, kernel_clock::is_synchronized())
}

fn judge(now: SystemTime, written: Option<SystemTime>, is_synchronized: Option<bool>) -> Point {
    const NAME: &str = "clock";
    let behind = written.and_then(|written| written.duration_since(now).ok());
    if let Some(behind) = behind.filter(|behind| *behind > TICK) {
        return Point::problem(
            NAME,
            format!("it stands {} s before the last write to the ledger", behind.as_secs()),
            "set it right; where it was wrong then and is right now, start once with --accept-clock",
        );
    }
    match is_synchronized {
        Some(true) => Point::ok(NAME, "synchronized; the time zone does not matter"),
        Some(false) => Point::warning(
            NAME,
            "nobody keeps it right (the kernel says: not synchronized)",
            "run chrony or systemd-timesyncd: what is recorded carries its time, consents lapse by it",
        ),
        None => Point::warning(
            NAME,
            "whether somebody keeps it right cannot be told here",
            "ask on the host: `timedatectl`",
        ),
    }
}

pub(super) fn kernel() -> Point {
    let name = uname();
    release(&name.release().to_string_lossy(), Path::new("/run/systemd/system").is_dir())
}

fn release(release: &str, is_systemd: bool) -> Point {
    const NAME: &str = "kernel";
    let numbers: Vec<u32> =
        release.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect();
    let manager = if is_systemd { "systemd runs it" } else { "no systemd" };
    match numbers.as_slice() {
        [major, minor, ..] if (*major, *minor) < (4, 13) => Point::warning(
            NAME,
            format!("Linux {release}"),
            "use 4.13 or later: an older one forgets errors of the disk before fsync tells them",
        ),
        _ => Point::ok(NAME, format!("Linux {release}, {manager}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State::{self, Ok, Problem, Warning};
    use super::super::store::Checkpoint;
    use super::*;

    #[test]
    fn memory_is_judged_by_the_checkpoint_and_the_tighter_limit() {
        #[track_caller]
        fn check(available: Option<u64>, limit: Option<u64>, is_strict: bool, expect: State) {
            let written = SystemTime::UNIX_EPOCH;
            let checkpoint = Checkpoint { revision: 1, octets: 1 << 30, written };
            let store = Store { checkpoint: Some(checkpoint), ..Store::default() };
            assert_eq!(room(&store, available, limit, is_strict).state, expect);
        }
        const ENOUGH: u64 = (2 << 30) + (128 << 20);
        check(Some(ENOUGH), None, false, Ok);
        check(Some(ENOUGH - 1), None, false, Problem);
        check(Some(u64::MAX), Some(ENOUGH - 1), false, Problem);
        check(Some(ENOUGH), Some(u64::MAX), true, Warning);
        check(None, None, false, Warning);
        assert_eq!(field("MemTotal: 7 kB\nMemAvailable:   12 kB\n", "MemAvailable:"), Some(12));
    }

    #[test]
    fn a_clock_before_the_last_write_is_a_problem() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(judge(at(10), Some(at(9)), Some(true)).state, Ok);
        assert_eq!(judge(at(10), Some(at(12)), Some(true)).state, Ok);
        assert_eq!(judge(at(10), Some(at(13)), Some(true)).state, Problem);
        assert_eq!(judge(at(10), None, Some(false)).state, Warning);
        assert_eq!(judge(at(10), None, None).state, Warning);
    }

    #[test]
    fn an_old_kernel_is_told() {
        assert_eq!(release("4.12.14-lp151.28", true).state, Warning);
        assert_eq!(release("4.13.0", true).state, Ok);
        assert_eq!(release("6.1.0-18-amd64", false).state, Ok);
        assert_eq!(release("strange", false).state, Ok);
    }
}

//! Whether the disk does what the ledger asks of it: wait, and hold space.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate};

use super::Point;

/// What is written to try: so many appends of a page.
const APPENDS: u64 = 32;
const PAGE: u64 = 4096;

/// Space asked for beyond the end.
const AHEAD: u64 = 1 << 20;

/// A write that is durable sooner was not written: the quickest disks that keep their word, with a
/// cache that outlives the power, take 20 to 50 us; a call that does nothing takes 1.
const LIES: Duration = Duration::from_micros(10);

/// Every call that writes waits so long at least.
const SLOW: Duration = Duration::from_millis(20);

pub(super) fn points(data_dir: &Path) -> Vec<Point> {
    if !data_dir.is_dir() {
        return Vec::new();
    }
    match tempfile::tempfile_in(data_dir) {
        Ok(file) => vec![durability(&file), reserve(&file)],
        Err(error) => vec![Point::problem(
            "writing",
            format!("no file can be made in the data directory: {error}"),
            "run the doctor as the user of the server; if it is that, mount the disk to be \
             written, or give the directory to that user (chown)",
        )],
    }
}

fn durability(file: &File) -> Point {
    match waits(file) {
        Ok(waits) => judge(&waits),
        Err(error) => Point::problem(
            "durability",
            format!("a write cannot be made durable: {error}"),
            "look at the kernel's log (dmesg): the disk fails or is full",
        ),
    }
}

/// How long each append took to be durable.
#[expect(clippy::disallowed_methods, reason = "measures the disk")]
fn waits(file: &File) -> io::Result<Vec<Duration>> {
    let page = [0x6d; 4096];
    (0..APPENDS)
        .map(|number| {
            file.write_all_at(&page, number * PAGE)?;
            let asked = Instant::now();
            file.sync_data()?;
            Ok(asked.elapsed())
        })
        .collect()
}

fn judge(waits: &[Duration]) -> Point {
    const NAME: &str = "durability";
    let mut sorted = waits.to_vec();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
    let longest = sorted.last().copied().unwrap_or_default();
    let found = format!("a write is durable after {median:.1?}, the slowest of 32 {longest:.1?}");
    if median < LIES {
        Point::warning(
            NAME,
            format!("{found}: no disk is so quick"),
            "this disk may lie: a loss of power loses acknowledged opt-outs; use one whose \
             fdatasync waits (no tmpfs, no `eatmydata`, no cache mode `unsafe` of a virtual machine)",
        )
    } else if median > SLOW {
        Point::warning(
            NAME,
            found,
            "every call that writes waits so long at least; use a quicker disk where this matters",
        )
    } else {
        Point::ok(NAME, found)
    }
}

fn reserve(file: &File) -> Point {
    const NAME: &str = "reserve";
    let ahead = APPENDS * PAGE + AHEAD;
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, ahead).map_err(io::Error::from) {
        Ok(()) => Point::ok(NAME, "space can be held for opt-outs on a full disk"),
        Err(error) if error.kind() == ErrorKind::StorageFull => Point::problem(
            NAME,
            "there is no room to hold space for opt-outs",
            "make room: yeses are refused already, noes will be",
        ),
        Err(error) => Point::warning(
            NAME,
            format!("the file system cannot hold space (fallocate): {error}"),
            "a full disk will refuse opt-outs too; use ext4 or xfs",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[track_caller]
    fn check(micros: u64, expect: State) {
        assert_eq!(judge(&[Duration::from_micros(micros); 5]).state, expect, "{micros}");
    }

    #[test]
    fn a_disk_that_lies_and_one_that_is_slow_are_told() {
        check(1, State::Warning);
        check(9, State::Warning);
        check(10, State::Ok);
        check(20_000, State::Ok);
        check(20_001, State::Warning);
    }

    #[test]
    fn one_slow_write_of_many_is_no_fault() {
        let mut waits = vec![Duration::from_micros(100); 31];
        waits.push(Duration::from_secs(1));
        let point = judge(&waits);
        assert_eq!(point.state, State::Ok);
        assert!(point.found.contains("slowest of 32 1.0s"), "{}", point.found);
    }
}

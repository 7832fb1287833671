//! The data directory itself: whose it is, on what it lies, how much room there is.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{statfs, statvfs};
use rustix::process::geteuid;

use super::store::{Store, entries};
use super::{Point, octets};
use crate::ledger::Options;

/// Permission bits that let others in.
const OTHERS: u32 = 0o077;

/// A new segment of the ledger and each checkpoint take a handful.
const FEW_INODES: u64 = 10_000;
const NO_INODES: u64 = 100;

/// Less is soon full, whatever lies there.
const LITTLE: u64 = 1 << 30;

pub(super) fn directory(dir: &Path) -> Point {
    const NAME: &str = "data directory";
    let name = dir.display();
    let metadata = match fs::metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return match existing(dir) {
                Some(above) => Point::ok(
                    NAME,
                    format!("`{name}` is made at the first start, below `{}`", above.display()),
                ),
                None => Point::problem(NAME, format!("there is no `{name}`"), "name another"),
            };
        }
        Err(error) => {
            let mend = "run the doctor as the server's user or as root";
            return Point::problem(NAME, format!("`{name}`: {error}"), mend);
        }
    };
    if !metadata.is_dir() {
        return Point::problem(NAME, format!("`{name}` is no directory"), "name another");
    }
    let (mode, owner) = (metadata.mode() & 0o7777, metadata.uid());
    let me = geteuid().as_raw();
    if me != 0 && me != owner {
        return Point::problem(
            NAME,
            format!("`{name}` belongs to {}, and this is {}", user(owner), user(me)),
            "run the doctor, and the server, as the user to whom it belongs",
        );
    }
    if let Some((path, other)) = foreign(dir, owner) {
        return Point::problem(
            NAME,
            format!("`{}` belongs to {}, the rest to {}", path.display(), user(other), user(owner)),
            format!("was a server started as another user? chown -R --reference={name} {name}"),
        );
    }
    let found = format!("`{name}`, mode {mode:04o}, of {}", user(owner));
    if mode & OTHERS == 0 {
        Point::ok(NAME, found)
    } else {
        let mend = format!("chmod 700 {name}: the ledger holds addresses and evidence");
        Point::warning(NAME, format!("{found}: others can look in"), mend)
    }
}

/// The nearest directory above that is there.
fn existing(dir: &Path) -> Option<&Path> {
    dir.ancestors()
        .skip(1)
        .map(|above| if above == Path::new("") { Path::new(".") } else { above })
        .find(|above| above.is_dir())
}

/// Something of the server's that belongs to somebody else than the directory.
fn foreign(dir: &Path, owner: u32) -> Option<(PathBuf, u32)> {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        ["ledger", "lock", "keys.toml"].contains(&name) || name.starts_with("checkpoint-")
    };
    let top = entries(dir).into_iter().filter(is_ours);
    let all = top.chain(entries(&dir.join("ledger")));
    all.filter_map(|path| Some((fs::symlink_metadata(&path).ok()?, path)))
        .find(|(metadata, _): &(Metadata, _)| metadata.uid() != owner)
        .map(|(metadata, path)| (path, metadata.uid()))
}

/// `maysend (uid 998)`.
fn user(id: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    name.map_or_else(|| format!("uid {id}"), |name| format!("{name} (uid {id})"))
}

pub(super) fn file_system(dir: &Path) -> Option<Point> {
    let dir = if dir.is_dir() { dir } else { existing(dir)? };
    let kind: i64 = statfs(dir).ok()?.f_type;
    Some(judge(kind))
}

/// By its number (`statfs(2)`).
fn judge(kind: i64) -> Point {
    const NAME: &str = "file system";
    let volatile = "name a directory on a disk: what lies here is gone after a restart";
    let remote = "use a disk of this machine: locks and fdatasync over a network hold what the \
                  other side makes of them";
    let copies = "erased octets stay in old copies and snapshots: use ext4 or xfs where erasure \
                  must reach the disk";
    let layered = "mount a volume here: what lies in a container's own layer goes with it";
    match kind {
        0xef53 => Point::ok(NAME, "ext4"),
        0x5846_5342 => Point::ok(NAME, "xfs"),
        0x0102_1994 => Point::warning(NAME, "tmpfs: it lies in memory", volatile),
        0x8584_58f6 => Point::warning(NAME, "ramfs: it lies in memory", volatile),
        0x794c_7630 => Point::warning(NAME, "overlay: a container's own layer", layered),
        0x6969 => Point::warning(NAME, "NFS", remote),
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => Point::warning(NAME, "SMB", remote),
        0x0102_1997 => Point::warning(NAME, "9p: a directory of another machine", remote),
        0x00c3_6400 => Point::warning(NAME, "Ceph", remote),
        0x6573_5546 => Point::warning(NAME, "FUSE: a program in between", remote),
        0x9123_683e => Point::warning(NAME, "btrfs writes copies", copies),
        0x2fc1_2fc1 => Point::warning(NAME, "ZFS writes copies", copies),
        0xca45_1a4e => Point::warning(NAME, "bcachefs writes copies", copies),
        0xf2f5_2010 => Point::warning(NAME, "f2fs writes copies", copies),
        other => Point::warning(
            NAME,
            format!("of kind {other:#x}, which nobody has tried"),
            "use ext4 or xfs, on which maysend is tested",
        ),
    }
}

pub(super) fn space(dir: &Path, store: &Store) -> Option<Point> {
    let dir = if dir.is_dir() { dir } else { existing(dir)? };
    let found = statvfs(dir).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    // Some file systems do not count them, and say 0 of 0.
    let inodes = (found.f_files > 0).then_some(found.f_favail);
    Some(room(free, inodes, store))
}

fn room(free: u64, inodes: Option<u64>, store: &Store) -> Point {
    const NAME: &str = "space";
    let Options { segment_octets, reserve_octets, .. } = Options::default();
    let least = segment_octets + reserve_octets;
    let checkpoint = store.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.octets);
    // A new checkpoint is whole before the oldest goes; a ledger takes years to grow by half.
    let wanted = LITTLE.max(checkpoint.saturating_mul(2)).max(store.ledger / 2);
    let (kept, left) = (octets(store.ledger.saturating_add(checkpoint)), octets(free));
    let mut text = format!("{left} free, ledger and checkpoint take {kept}");
    if let Some(inodes) = inodes {
        text.push_str(&format!("; {inodes} inodes free"));
    }
    let mend = format!("make room: {} at least, {} or more is good", octets(least), octets(wanted));
    let inodes = inodes.unwrap_or(u64::MAX);
    if free < least || inodes < NO_INODES {
        Point::problem(NAME, text, mend)
    } else if free < wanted || inodes < FEW_INODES {
        Point::warning(NAME, text, mend)
    } else {
        Point::ok(NAME, text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State::{self, Ok, Problem, Warning};
    use super::super::store::Checkpoint;
    use super::*;

    #[track_caller]
    fn holds(free: u64, inodes: Option<u64>, store: &Store, expect: State) {
        assert_eq!(room(free, inodes, store).state, expect);
    }

    #[test]
    fn room_is_judged_by_what_is_kept() {
        const MIB: u64 = 1 << 20;
        let new = Store::default();
        holds(71 * MIB, None, &new, Problem);
        holds(72 * MIB, None, &new, Warning);
        holds(LITTLE, None, &new, Ok);
        holds(LITTLE, Some(99), &new, Problem);
        holds(LITTLE, Some(9_999), &new, Warning);
        holds(LITTLE, Some(10_000), &new, Ok);
        let grown = Store { ledger: 4 * LITTLE, ..Store::default() };
        holds(2 * LITTLE - 1, None, &grown, Warning);
        holds(2 * LITTLE, None, &grown, Ok);
        let checkpoint = Checkpoint {
            revision: 7,
            octets: 3 * LITTLE,
            written: std::time::SystemTime::UNIX_EPOCH,
        };
        let large = Store { checkpoint: Some(checkpoint), ..Store::default() };
        holds(6 * LITTLE - 1, None, &large, Warning);
        holds(6 * LITTLE, None, &large, Ok);
    }

    #[test]
    fn file_systems_are_told_apart() {
        assert_eq!(judge(0xef53).state, Ok);
        for kind in [0x6969, 0x0102_1994, 0x794c_7630, 0x9123_683e, 1] {
            let point = judge(kind);
            assert_eq!(point.state, Warning, "{kind:#x}");
            assert!(!point.mend.is_empty());
        }
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            assert!(file_system(memory).unwrap().found.starts_with("tmpfs"));
        }
    }

    #[test]
    fn users_have_names() {
        assert_eq!(user(0), "root (uid 0)");
        assert_eq!(user(4_000_000_123), "uid 4000000123");
    }
}

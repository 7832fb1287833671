//! Which process holds the data directory. Asked of the kernel: to try the lock would keep a server
//! that starts at this moment from it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::Point;

const NAME: &str = "lock";

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    /// A process, by its id and command.
    Process(u32, String),
    /// Somebody whom the kernel does not name here: a process outside of this container.
    Outside,
    /// `/proc/locks` cannot be read.
    Unknown(String),
}

impl Holder {
    pub(super) fn of(data_dir: &Path) -> Self {
        let Ok(lock) = fs::metadata(data_dir.join("lock")) else {
            return Self::Nobody;
        };
        match fs::read_to_string("/proc/locks") {
            Err(error) => Self::Unknown(error.to_string()),
            Ok(locks) => match process(&locks, lock.ino()) {
                None => Self::Nobody,
                Some(id) => match fs::read_to_string(format!("/proc/{id}/comm")) {
                    Ok(command) if id > 0 => Self::Process(id, command.trim_end().to_owned()),
                    _ => Self::Outside,
                },
            },
        }
    }

    pub(super) fn id(&self) -> Option<u32> {
        match self {
            Self::Process(id, _) => Some(*id),
            Self::Nobody | Self::Outside | Self::Unknown(_) => None,
        }
    }
}

/// The process that holds a lock of flock(2) on the file with this inode number; 0 or -1 for one
/// outside of our name space. The device is left out: some file systems (btrfs) tell the kernel
/// another one than they tell us.
fn process(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", id, file, ..] = words.as_slice() else { return None };
        let found = file.rsplit(':').next()?.parse() == Ok(inode);
        found.then(|| id.parse().unwrap_or(0))
    })
}

pub(super) fn point(holder: &Holder) -> Point {
    match holder {
        Holder::Nobody => Point::ok(NAME, "no server holds the data directory"),
        Holder::Process(id, command) if command.starts_with("maysend") => Point::ok(
            NAME,
            format!("a server runs on the data directory: `{command}`, process {id}"),
        ),
        Holder::Process(id, command) => Point::warning(
            NAME,
            format!("`{command}`, process {id}, holds the data directory"),
            "if it is no server of yours, end it: none can start meanwhile",
        ),
        Holder::Outside => Point::warning(
            NAME,
            "a process outside of this container holds the data directory",
            "look for it on the host; a second server cannot start meanwhile",
        ),
        Holder::Unknown(why) => Point::warning(
            NAME,
            format!("who holds the data directory cannot be told: /proc/locks: {why}"),
            "run the doctor where /proc is mounted whole",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_lock_is_found_by_its_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 10 00:1b:42 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 77 fe:00:42 0 EOF\n\
                     3: FLOCK  ADVISORY  READ  78 fe:00:43 0 EOF\n";
        assert_eq!(process(locks, 42), Some(77));
        assert_eq!(process(locks, 43), None, "who reads does not hold it");
        assert_eq!(process(locks, 2), None);
        assert_eq!(process("1: FLOCK ADVISORY WRITE -1 fe:00:42 0 EOF\n", 42), Some(0));
    }
}

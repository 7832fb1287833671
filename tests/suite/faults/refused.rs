//! Directories that a server must not touch, or cannot: each start is refused in one line that says
//! what is wrong and what to do, and changes nothing; or it is not refused, and answers right.

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::disk::copy_tree;
use super::people::{Person, Told, verify, verify_offline};
use crate::process::Server;

/// A start that is refused is refused within so long.
const WATCHDOG: Duration = Duration::from_secs(30);

/// The user and group `nobody`.
const NOBODY: u32 = 65_534;

/// Octets of a segment's header, and of it those below its checksum.
const HEADER: usize = 80;

/// A data directory with two checkpoints and facts behind them.
struct World {
    dir: TempDir,
    people: Vec<Person>,
}

impl World {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let mut people: Vec<Person> = (0..7).map(|step| Person::new(format!("p{step}"))).collect();
        let mut server = Server::on(&dir.path().join("store"), &[]);
        for part in [0..2, 2..4, 4..7] {
            let channel = server.start().await;
            for step in part.clone() {
                for _ in 0..step {
                    assert_eq!(people[step].go_on(&channel).await, Told::Done);
                }
            }
            if part.end < 7 { server.terminate() } else { server.kill() }
        }
        Self { dir, people }
    }

    /// The same once more.
    fn copy(&self) -> Self {
        let dir = TempDir::new().unwrap();
        copy_tree(self.dir.path(), dir.path());
        Self { dir, people: self.people.clone() }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn keys(&self) -> PathBuf {
        self.store().join("keys.toml")
    }

    fn segment(&self) -> PathBuf {
        self.store().join(format!("ledger/{:020}.seg", 1))
    }

    /// The checkpoints, oldest first.
    fn checkpoints(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.store()).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<PathBuf> =
            entries.filter(|path| path.to_str().unwrap().contains("/checkpoint-")).collect();
        found.sort();
        found
    }

    /// Every file and its octets.
    fn octets(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut waiting = vec![self.store()];
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                files.push((path.clone(), fs::read(path).unwrap()));
            }
        }
        files.sort();
        files
    }

    /// The start is refused with these words, and no octet is changed.
    #[track_caller]
    fn refuses(&self, case: &str, said: &[&str]) {
        let before = self.octets();
        let line = refused(&mut serve(&self.store()), case);
        for words in said {
            assert!(line.contains(words), "{case}: no `{words}` in: {line}");
        }
        assert_eq!(before, self.octets(), "{case}: something was changed");
        let line = line.replace(self.dir.path().to_str().unwrap(), "/var/lib");
        println!("{case}:\n    {line}");
    }

    /// It starts, answers right and takes writes.
    async fn serves(mut self, case: &str) {
        let mut server = Server::on(&self.store(), &[]);
        let channel = server.start().await;
        verify(&channel, &self.people).await.unwrap();
        assert_eq!(self.people[1].go_on(&channel).await, Told::Done);
        let log = server.log();
        let told = log.lines().find(|line| line.contains("WARN")).unwrap_or_default();
        println!("{case}:\n    starts; {}", told.split("WARN").nth(1).unwrap_or("").trim());
        server.terminate();
        assert_eq!(verify_offline(&self.store())["ledger"]["sound"], true);
    }
}

const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml");

fn serve(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maysend"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--catalog", CATALOG, "--data-dir"]);
    command.arg(data_dir);
    command
}

/// The last line of a server that ends with status 1: there is one line that complains, and no
/// panic.
#[track_caller]
fn refused(command: &mut Command, case: &str) -> String {
    let mut child: Child = command.stderr(Stdio::piped()).spawn().unwrap();
    let asked = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if asked.elapsed() > WATCHDOG {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{case}: it was not refused");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(status.code(), Some(1), "{case}: {text}");
    assert!(!text.contains("panicked"), "{case}: {text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("maysend: ")).collect();
    let [line] = lines[..] else { panic!("{case}: one line that complains: {text}") };
    line.to_owned()
}

/// Another version in the header of the first segment, with a checksum that is right.
fn patch_header(segment: &Path, at: usize, version: u16) {
    let mut octets = fs::read(segment).unwrap();
    octets[at..at + 2].copy_from_slice(&version.to_le_bytes());
    let crc = crc32fast::hash(&octets[..HEADER - 4]);
    octets[HEADER - 4..HEADER].copy_from_slice(&crc.to_le_bytes());
    fs::write(segment, octets).unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut octets = fs::read(path).unwrap();
    octets[at] ^= 1;
    fs::write(path, octets).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_and_a_missing_one_are_refused() {
    let world = World::new().await;
    let other = World::new().await;

    let wrong = world.copy();
    fs::copy(other.keys(), wrong.keys()).unwrap();
    wrong.refuses("the key of another directory", &["key is not the one", "bring back"]);

    let missing = world.copy();
    fs::remove_file(missing.keys()).unwrap();
    missing.refuses("no key file", &["keys.toml` is missing", "bring it back"]);

    let open = world.copy();
    fs::set_permissions(open.keys(), Permissions::from_mode(0o644)).unwrap();
    open.refuses("a key file open to others", &["mode 0644", "chmod 600"]);

    let empty = world.copy();
    fs::write(empty.keys(), "").unwrap();
    empty.refuses("an empty key file", &["keys.toml`, line 1", "bring back"]);

    let newer = world.copy();
    let text = fs::read_to_string(newer.keys()).unwrap() + "\n[sealing]\nkey = \"00\"\n";
    fs::write(newer.keys(), text).unwrap();
    newer.refuses("a key file with a section of a newer version", &["keys.toml`, line"]);

    world.serves("the key file in its place").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_directory_is_refused() {
    let world = World::new().await;
    let mut server = Server::on(&world.store(), &[]);
    let channel = server.start().await;
    // The lock file is there either way; only who holds it differs.
    let line = refused(&mut serve(&world.store()), "in use");
    assert!(line.contains("is in use by another process") && line.contains("stop"), "{line}");
    println!(
        "a second process:\n    {}",
        line.replace(world.dir.path().to_str().unwrap(), "/var/lib")
    );
    verify(&channel, &world.people).await.unwrap();
    server.kill();
    world.serves("after the first was killed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_versions_of_a_format_are_refused_or_passed_over() {
    let world = World::new().await;
    for (case, at, version, said) in [
        ("a newer ledger", 8, 2, "has format 2"),
        ("an older ledger", 8, 0, "has format 0"),
        ("a newer address rule", 10, 2, "follow rule 2"),
    ] {
        let patched = world.copy();
        // Without a checkpoint to vouch for what lies before it, and with.
        for checkpoints in [true, false] {
            if !checkpoints {
                for path in patched.checkpoints() {
                    fs::remove_dir_all(path).unwrap();
                }
            }
            patch_header(&patched.segment(), at, version);
            patched.refuses(case, &[said, "version of maysend that wrote it"]);
        }
    }
    for version in [0, 9_u32] {
        let patched = world.copy();
        for path in patched.checkpoints() {
            let seal = path.join("seal");
            let mut octets = fs::read(&seal).unwrap();
            octets[8..12].copy_from_slice(&version.to_le_bytes());
            fs::write(&seal, octets).unwrap();
        }
        patched.serves("checkpoints of another version").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_checkpoint_is_passed_over_and_a_damaged_ledger_behind_it_is_refused() {
    let world = World::new().await;
    assert_eq!(world.checkpoints().len(), 2);

    let damaged = world.copy();
    flip(&damaged.checkpoints()[1].join("seal"), 40);
    damaged.serves("the newest checkpoint is damaged").await;

    let damaged = world.copy();
    for checkpoint in damaged.checkpoints() {
        flip(&checkpoint.join("db"), 100);
    }
    damaged.serves("both checkpoints are damaged").await;

    let damaged = world.copy();
    for checkpoint in damaged.checkpoints() {
        flip(&checkpoint.join("db"), 100);
    }
    flip(&damaged.segment(), HEADER + 36 + 20);
    damaged
        .refuses("checkpoints and ledger are damaged", &["damaged", "segment 1, octet", "verify"]);
    assert_eq!(verify_offline(&damaged.store())["sound"], false);

    let cut = world.copy();
    let octets = fs::read(cut.segment()).unwrap();
    fs::write(cut.segment(), &octets[..octets.len() / 4]).unwrap();
    cut.refuses("the ledger lost its tail", &["checkpoint", "backup"]);

    let gone = world.copy();
    fs::remove_file(gone.segment()).unwrap();
    gone.refuses("the ledger is gone", &["checkpoint", "backup"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_that_cannot_be_written_is_refused() {
    let world = World::new().await;
    if !is_root() {
        println!("NOT RUN: to mount and to become another user takes root");
        return;
    }
    // Another user, to whom nothing here belongs.
    let program = lend(&world);
    let line = refused(&mut as_nobody(&world, &program), "another user's directory");
    assert!(line.contains("store/lock`") && line.contains("belong to the user"), "{line}");
    println!("another user's directory:\n    {}", shown(&world, &line));

    // The directory is his, the key file is not.
    let lent = world.copy();
    let program = lend(&lent);
    for path in [lent.store(), lent.store().join("lock")] {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let line = refused(&mut as_nobody(&lent, &program), "another user's keys");
    assert!(line.contains("keys.toml`") && line.contains("belong to the user"), "{line}");
    println!("another user's key file:\n    {}", shown(&lent, &line));

    // A file system that is mounted read-only.
    let Mounted(point) = &read_only(world.dir.path());
    let line = refused(&mut serve(&point.path().join("store")), "read-only");
    assert!(line.contains("store/lock`") && line.contains("read-only"), "{line}");
    println!(
        "a file system mounted read-only:\n    {}",
        line.replace(point.path().to_str().unwrap(), "/var/lib")
    );

    // A file where the directory should be.
    let file = world.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let line = refused(&mut serve(&file), "a file");
    assert!(line.contains("file`") && line.contains("not a directory"), "{line}");
    println!("a file in its place:\n    {}", shown(&world, &line));
    world.serves("and as it was").await;
}

/// A directory that is mounted here too.
struct Mounted(TempDir);

impl Drop for Mounted {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0.path()).status().unwrap();
    }
}

fn read_only(dir: &Path) -> Mounted {
    let mounted = Mounted(TempDir::new().unwrap());
    let mount = |words: &[&str]| {
        let done = Command::new("mount").args(words).arg(mounted.0.path()).status().unwrap();
        assert!(done.success(), "{words:?}");
    };
    mount(&["--bind", dir.to_str().unwrap()]);
    mount(&["-o", "remount,bind,ro"]);
    mounted
}

/// Whether this runs as root; what is made belongs to who makes it.
pub(super) fn is_root() -> bool {
    TempDir::new().unwrap().path().metadata().unwrap().uid() == 0
}

/// Puts program and catalog where anybody may read them.
fn lend(world: &World) -> PathBuf {
    let program = world.dir.path().join("maysend");
    fs::copy(env!("CARGO_BIN_EXE_maysend"), &program).unwrap();
    fs::copy(CATALOG, world.dir.path().join("catalog.toml")).unwrap();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).unwrap();
    program
}

fn as_nobody(world: &World, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--catalog"]);
    command.arg(world.dir.path().join("catalog.toml")).arg("--data-dir").arg(world.store());
    command.uid(NOBODY).gid(NOBODY);
    command
}

fn shown(world: &World, line: &str) -> String {
    line.replace(world.dir.path().to_str().unwrap(), "/var/lib")
}

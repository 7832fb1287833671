//! PostgreSQL: a table with the address as its primary key, joined to the addresses of a call.
//!
//! The client speaks the protocol itself: prepared statement, binary parameters and results, one
//! Bind, Execute and Sync a call.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use maysend::cli::bench::{facts, people};

use super::blocking::{Asked, Inbox};
use super::process::{Process, free_port, install, version};

/// Where Debian 12 has the programs of its version.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// `n` tells the place, since a join promises no order.
const QUERY: &str = "SELECT a.n, t.verdict FROM unnest($1::text[]) WITH ORDINALITY a(address, n) \
                     LEFT JOIN t USING (address)";

/// Octets of one message while it is loaded.
const PER_LOAD: usize = 1 << 20;

/// What the server may share, an address: row, key and room to spare.
const SHARED_PER_ADDRESS: u64 = 300;

/// The server, tuned for memory alone: nothing that waits for a disk is compared.
pub(crate) struct Postgres {
    process: Process,
    port: u16,
    /// What a row takes with its index, in octets.
    pub(crate) per_row: u64,
    pub(crate) version: String,
}

/// One connection with the prepared query.
pub(crate) struct Line {
    stream: TcpStream,
    inbox: Inbox,
}

/// Who runs it: it refuses root.
fn owner() -> anyhow::Result<Option<(u32, u32)>> {
    let id = |words: &[&str]| -> anyhow::Result<u32> {
        let output = Command::new("id").args(words).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    };
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    Ok(Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)))
}

fn run(program: &str, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(Path::new(PROGRAMS).join(program));
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command.current_dir("/").stdout(Stdio::null());
    command
}

impl Postgres {
    pub(crate) fn start(place: &Path, known: u64) -> anyhow::Result<Self> {
        install(&Path::new(PROGRAMS).join("postgres"), "postgresql-15")?;
        let owner = owner()?;
        let data = own_directory(place, owner)?;
        let mut init = run("initdb", owner);
        init.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-N"]);
        ensure!(init.arg("-D").arg(&data).status()?.success(), "initdb failed");
        let port = free_port()?;
        let shared = ((known * SHARED_PER_ADDRESS) >> 20).max(128);
        let mut command = run("postgres", owner);
        command.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
        command.arg("-k").arg(&data).stderr(Stdio::null());
        for setting in [
            "fsync=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "jit=off",
            "autovacuum=off",
            "work_mem=256MB",
            "maintenance_work_mem=512MB",
            &format!("shared_buffers={shared}MB"),
        ] {
            command.args(["-c", setting]);
        }
        let process = Process::start(&mut command)?;
        let version = version(&Path::new(PROGRAMS).join("postgres"));
        let mut postgres = Self { process, port, per_row: 0, version };
        let mut line = postgres.first_line()?;
        line.load(known)?;
        let size = line.simple("SELECT pg_total_relation_size('t')")?;
        postgres.per_row = size.parse::<u64>()? / known.max(1);
        Ok(postgres)
    }

    fn first_line(&self) -> anyhow::Result<Line> {
        for _ in 0..500 {
            if let Ok(line) = self.greet() {
                return Ok(line);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("PostgreSQL does not get ready")
    }

    fn greet(&self) -> anyhow::Result<Line> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        let mut line = Line { stream, inbox: Inbox::default() };
        let mut greeting = 196_608_u32.to_be_bytes().to_vec();
        greeting.extend_from_slice(b"user\0postgres\0database\0postgres\0\0");
        let length = u32::try_from(greeting.len() + 4)?;
        line.stream.write_all(&[&length.to_be_bytes()[..], &greeting].concat())?;
        line.until_ready(|_, _| Ok(()))?;
        Ok(line)
    }

    /// A connection that has the query prepared.
    pub(crate) fn connect(&self) -> anyhow::Result<Line> {
        let mut line = self.greet()?;
        let parse = [b"q\0", QUERY.as_bytes(), b"\0", &0_u16.to_be_bytes()].concat();
        let octets = [message(b'P', &parse)?, message(b'S', &[])?].concat();
        line.stream.write_all(&octets)?;
        line.until_ready(|_, _| Ok(()))?;
        Ok(line)
    }
}

impl Drop for Postgres {
    /// Killed it would leave shared memory behind. Whatever fails here, it is killed next.
    fn drop(&mut self) {
        drop(self.process.end("-INT", Duration::from_secs(10)));
    }
}

/// A directory that belongs to whoever runs the server, who must get there.
fn own_directory(place: &Path, owner: Option<(u32, u32)>) -> anyhow::Result<PathBuf> {
    let data = place.join("postgres");
    fs::create_dir_all(&data)?;
    if let Some((user, group)) = owner {
        fs::set_permissions(place, fs::Permissions::from_mode(0o711))?;
        chown(&data, Some(user), Some(group))?;
    }
    Ok(data)
}

fn message(kind: u8, body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let length = u32::try_from(body.len() + 4)?;
    Ok([&[kind], &length.to_be_bytes()[..], body].concat())
}

/// Bind, Execute and Sync for these recipients.
pub(crate) fn request(people: &[u64]) -> anyhow::Result<Vec<u8>> {
    let count = u32::try_from(people.len())?;
    // One dimension, no nulls, of text (type 25), from 1.
    let mut array: Vec<u8> =
        [1, 0, 25, count, 1].iter().flat_map(|n: &u32| n.to_be_bytes()).collect();
    for &n in people {
        let address = people::address(n).to_lowercase();
        array.extend_from_slice(&u32::try_from(address.len())?.to_be_bytes());
        array.extend_from_slice(address.as_bytes());
    }
    let short = |n: u16| n.to_be_bytes();
    let length = u32::try_from(array.len())?.to_be_bytes();
    let bind =
        [&b"\0q\0"[..], &short(1), &short(1), &short(1), &length, &array, &short(1), &short(1)]
            .concat();
    let execute = [&b"\0"[..], &0_u32.to_be_bytes()].concat();
    Ok([message(b'B', &bind)?, message(b'E', &execute)?, message(b'S', &[])?].concat())
}

impl Line {
    fn load(&mut self, known: u64) -> anyhow::Result<()> {
        self.simple("CREATE EXTENSION pg_prewarm")?;
        self.simple("CREATE TABLE t (address text NOT NULL, verdict smallint NOT NULL)")?;
        self.stream.write_all(&message(b'Q', b"COPY t FROM STDIN\0")?)?;
        let mut rows = Vec::with_capacity(PER_LOAD + 100);
        for n in 0..known {
            let address = people::address(n).to_lowercase();
            let verdict = facts::verdict(n, known).code();
            rows.extend_from_slice(format!("{address}\t{verdict}\n").as_bytes());
            if rows.len() >= PER_LOAD {
                self.stream.write_all(&message(b'd', &rows)?)?;
                rows.clear();
            }
        }
        self.stream.write_all(&[message(b'd', &rows)?, message(b'c', &[])?].concat())?;
        self.until_ready(|_, _| Ok(()))?;
        self.simple("ALTER TABLE t ADD PRIMARY KEY (address)")?;
        self.simple("VACUUM (FREEZE, ANALYZE) t")?;
        self.simple("SELECT pg_prewarm('t') + pg_prewarm('t_pkey')")?;
        Ok(())
    }

    /// Runs a statement; gives the first column of its last row, as text.
    fn simple(&mut self, statement: &str) -> anyhow::Result<String> {
        let query = [statement.as_bytes(), b"\0"].concat();
        self.stream.write_all(&message(b'Q', &query)?)?;
        let mut value = String::new();
        self.until_ready(|kind, body| {
            if kind == b'D' {
                value = String::from_utf8_lossy(body.get(6..).unwrap_or_default()).into_owned();
            }
            Ok(())
        })?;
        Ok(value)
    }

    /// Reads messages up to the one that says that the server is ready.
    fn until_ready(
        &mut self,
        mut on: impl FnMut(u8, &[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            let here = self.inbox.here();
            let mut at = 0;
            let mut is_ready = false;
            while let Some(&[kind, a, b, c, d]) = here.get(at..at + 5) {
                let length = usize::try_from(u32::from_be_bytes([a, b, c, d]))?;
                let Some(body) = here.get(at + 5..at + 1 + length) else { break };
                at += 1 + length;
                match kind {
                    b'E' => bail!("PostgreSQL said {}", String::from_utf8_lossy(body)),
                    b'Z' => is_ready = true,
                    _ => on(kind, body)?,
                }
            }
            self.inbox.skip(at);
            if is_ready {
                return Ok(());
            }
            self.inbox.fill(&mut self.stream).context("PostgreSQL is gone")?;
        }
    }
}

impl Asked for Line {
    fn ask(&mut self, request: &[u8]) -> anyhow::Result<(usize, usize)> {
        self.stream.write_all(request)?;
        let (mut values, mut found) = (0, 0);
        self.until_ready(|kind, body| {
            if kind == b'D' {
                values += 1;
                // Two columns: the place, which has 8 octets, and the verdict, which may be null.
                found += usize::from(body.get(14) != Some(&0xff));
            }
            Ok(())
        })?;
        Ok((values, found))
    }
}

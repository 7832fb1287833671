//! Redis: a key for each address, its verdict as the value, and MGET.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use maysend::cli::bench::{facts, people};

use super::blocking::{Asked, Inbox};
use super::process::{Process, free_port, install, version};

const PROGRAM: &str = "/usr/bin/redis-server";

/// Pairs of one MSET while it is loaded.
const PER_LOAD: u64 = 10_000;

/// The server, without persistence: nothing but memory is compared.
pub(crate) struct Redis {
    _process: Process,
    port: u16,
    /// What a key takes of resident memory, in octets.
    pub(crate) per_key: u64,
    pub(crate) version: String,
}

/// One connection.
pub(crate) struct Line {
    stream: TcpStream,
    inbox: Inbox,
}

impl Redis {
    pub(crate) fn start(place: &Path, known: u64) -> anyhow::Result<Self> {
        install(Path::new(PROGRAM), "redis-server")?;
        let port = free_port()?;
        let mut command = Command::new(PROGRAM);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "no", "--daemonize", "no", "--dir"]).arg(place);
        let process = Process::start(command.stdout(Stdio::null()))?;
        let version = version(Path::new(PROGRAM));
        let mut redis = Self { _process: process, port, per_key: 0, version };
        let mut line = redis.first_line()?;
        let before = line.resident()?;
        for first in (0..known).step_by(usize::try_from(PER_LOAD)?) {
            line.load(first..known.min(first + PER_LOAD), known)?;
        }
        redis.per_key = (line.resident()?.saturating_sub(before)) / known.max(1);
        Ok(redis)
    }

    pub(crate) fn connect(&self) -> anyhow::Result<Line> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        Ok(Line { stream, inbox: Inbox::default() })
    }

    fn first_line(&self) -> anyhow::Result<Line> {
        for _ in 0..500 {
            if let Ok(line) = self.connect() {
                return Ok(line);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("Redis does not get ready")
    }
}

/// A command as Redis reads it.
fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut octets = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        octets.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        octets.extend_from_slice(word);
        octets.extend_from_slice(b"\r\n");
    }
    octets
}

fn key(n: u64) -> String {
    people::address(n).to_lowercase()
}

/// MGET of these recipients.
pub(crate) fn request(people: &[u64]) -> Vec<u8> {
    let keys: Vec<String> = people.iter().copied().map(key).collect();
    let words: Vec<&[u8]> =
        std::iter::once(&b"MGET"[..]).chain(keys.iter().map(String::as_bytes)).collect();
    command(&words)
}

impl Line {
    fn load(&mut self, people: std::ops::Range<u64>, known: u64) -> anyhow::Result<()> {
        let mut words = vec![b"MSET".to_vec()];
        for n in people {
            words.push(key(n).into_bytes());
            words.push(facts::verdict(n, known).code().to_string().into_bytes());
        }
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.stream.write_all(&command(&words))?;
        let answer = self.line()?;
        ensure!(answer == "+OK", "Redis said {answer}");
        Ok(())
    }

    /// What Redis has in memory, in octets.
    fn resident(&mut self) -> anyhow::Result<u64> {
        self.stream.write_all(&command(&[b"INFO", b"memory"]))?;
        let header = self.line()?;
        let mut left: usize = header.trim_start_matches('$').parse().context("no INFO")?;
        let mut found = None;
        while left > 0 {
            let line = self.line()?;
            left = left.saturating_sub(line.len() + 2);
            if let Some(octets) = line.strip_prefix("used_memory_rss:") {
                found = Some(octets.parse()?);
            }
        }
        self.line()?;
        found.context("Redis does not say what it has in memory")
    }

    fn line(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self.inbox.here().windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(self.inbox.here().get(..end).unwrap_or(&[]));
                let line = line.into_owned();
                self.inbox.skip(end + 2);
                return Ok(line);
            }
            self.inbox.fill(&mut self.stream)?;
        }
    }
}

impl Asked for Line {
    fn ask(&mut self, request: &[u8]) -> anyhow::Result<(usize, usize)> {
        self.stream.write_all(request)?;
        let header = self.line()?;
        let values: usize = header
            .strip_prefix('*')
            .and_then(|n| n.parse().ok())
            .with_context(|| header.clone())?;
        let (mut left, mut found) = (values, 0);
        loop {
            let here = self.inbox.here();
            let mut at = 0;
            while left > 0 {
                // `$-1` is nothing, `$1` and `$2` are verdicts of one or two digits.
                let octets = match here.get(at + 1) {
                    Some(b'-') => 5,
                    Some(digit @ b'1'..=b'2') => 6 + usize::from(digit - b'0'),
                    Some(_) => bail!("Redis gave what is no verdict"),
                    None => break,
                };
                if here.len() < at + octets {
                    break;
                }
                found += usize::from(octets > 5);
                at += octets;
                left -= 1;
            }
            self.inbox.skip(at);
            if left == 0 {
                return Ok((values, found));
            }
            self.inbox.fill(&mut self.stream)?;
        }
    }
}

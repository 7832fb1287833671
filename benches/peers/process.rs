//! Servers as processes of their own, which never outlive the benchmark.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use maysend::cli::bench::Server;
use maysend::cli::bench::drive::now;

/// A process that is killed when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("cannot start {command:?}"))?))
    }

    /// Whether it has not ended.
    pub(crate) fn runs(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// What it has in memory now, in octets.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        self.memory("VmRSS:")
    }

    /// The most that it ever had in memory, in octets.
    pub(crate) fn peak(&self) -> anyhow::Result<u64> {
        self.memory("VmHWM:")
    }

    fn memory(&self, key: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line =
            status.lines().find_map(|line| line.strip_prefix(key)).context("no such line")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib << 10)
    }

    /// Asks it to end, and waits.
    pub(crate) fn end(&mut self, signal: &str, patience: Duration) -> anyhow::Result<()> {
        let told = Command::new("kill").args([signal, &self.0.id().to_string()]).status()?;
        ensure!(told.success(), "a process could not be told to end");
        let start = now();
        while self.runs()? {
            ensure!(start.elapsed() < patience, "a process did not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs neither.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// This program again, in another role.
pub(crate) struct Role {
    pub(crate) process: Process,
    /// What it said once it was ready.
    pub(crate) said: String,
}

impl Role {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(words: &[&str]) -> anyhow::Result<Self> {
        Self::run(Command::new(std::env::current_exe()?), words)
    }

    /// The same with the lowest priority: where load on the server is meant, and whoever makes it
    /// is not to take the processor from the client that is measured beside it.
    pub(crate) fn start_aside(words: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(std::env::current_exe()?);
        Self::run(command, words)
    }

    fn run(mut command: Command, words: &[&str]) -> anyhow::Result<Self> {
        let mut process =
            Process::start(command.arg(super::role::FLAG).args(words).stdout(Stdio::piped()))?;
        let output = process.0.stdout.take().context("it has no output")?;
        let mut said = String::new();
        BufReader::new(output).read_line(&mut said)?;
        if said.trim().is_empty() {
            bail!("{words:?} did not get ready");
        }
        Ok(Self { process, said: said.trim().to_owned() })
    }

    /// Where it serves, if it does.
    pub(crate) fn server(&self) -> anyhow::Result<Server> {
        self.said.parse().map_err(anyhow::Error::msg)
    }
}

/// A port of loopback that is free.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Installs a package of Debian's where a program is missing.
pub(crate) fn install(program: &Path, package: &str) -> anyhow::Result<()> {
    let found = Command::new("which").arg(program).stdout(Stdio::null()).status()?.success();
    if found {
        return Ok(());
    }
    super::say(format_args!("installing {package} (apt-get): {} is missing", program.display()));
    for words in
        [&["update", "-q"][..], &["install", "-q", "-y", "--no-install-recommends", package]]
    {
        let mut apt = Command::new("apt-get");
        // Nothing may start but what is started here.
        apt.args(words).env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        let done = apt.stdout(Stdio::null()).status().context("cannot run apt-get")?;
        ensure!(done.success(), "apt-get could not install {package}");
    }
    Ok(())
}

/// What the first line of a program's `--version` says.
pub(crate) fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

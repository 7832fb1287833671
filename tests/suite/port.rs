//! The real binary on a port, as a process of its own.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to serve, or to log something.
const LIMIT: Duration = Duration::from_secs(60);

const PROGRAM: &str = env!("CARGO_BIN_EXE_maysend");

/// A server that runs on a port. Dropped, it is killed.
pub(crate) struct Port {
    dir: TempDir,
    process: Child,
    pub(crate) address: String,
}

impl Port {
    /// Starts one with these options of `serve` besides the usual.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let process = serve(&dir, options).spawn().unwrap();
        let mut port = Self { dir, process, address: String::new() };
        let line = port.logged("serving address=").await;
        port.address = line.split('"').nth(1).unwrap().to_owned();
        port
    }

    /// The first line of the log that holds `words`, once it is there.
    pub(crate) async fn logged(&mut self, words: &str) -> String {
        let started = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.lines().find(|line| line.contains(words)) {
                return line.to_owned();
            }
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none() && started.elapsed() < LIMIT, "no `{words}`: {log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The host and port.
    pub(crate) fn authority(&self) -> &str {
        self.address.split_once("://").unwrap().1
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    }

    /// SIGTERM; it drains and ends with status 0.
    pub(crate) fn terminate(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.process.wait().unwrap().success(), "it did not end well: {}", self.log());
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn serve(dir: &TempDir, options: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml");
    let listen = if options.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] };
    command.arg("serve").arg("--data-dir").arg(dir.path().join("store"));
    command.args(["--catalog", catalog]).args(listen).args(options);
    command.stderr(Stdio::from(File::create(dir.path().join("log")).unwrap()));
    command.stdout(Stdio::null());
    command
}

/// What a server says that does not start.
pub(crate) fn refused(options: &[&str]) -> String {
    let dir = TempDir::new().unwrap();
    let status = serve(&dir, options).status().unwrap();
    let log = std::fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(!status.success(), "it started: {log}");
    log
}

/// A client on the command line: `check` of what is no address, which is denied (2).
pub(crate) fn check(server: &str, options: &[&str]) -> Output {
    let ask = ["check", "--brand", "festival", "--campaign", "2026-11-advent", "nobody"];
    Command::new(PROGRAM).args(["--server", server]).args(options).args(ask).output().unwrap()
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

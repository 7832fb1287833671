//! What a service manager is told, on a socket of ours: READY when calls are answered, RELOADING
//! and READY again on SIGHUP, STOPPING on SIGTERM, and the watchdog between them.

use std::collections::HashMap;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long each word may take.
const LIMIT: Duration = Duration::from_secs(60);

struct Manager {
    dir: TempDir,
    socket: UnixDatagram,
    server: Child,
}

impl Manager {
    /// A server that is told to report to `name` (`@NAME`: an abstract one).
    fn start(name: &str, dir: TempDir) -> Self {
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name).unwrap(),
            None => SocketAddr::from_pathname(name).unwrap(),
        };
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let server = Command::new(env!("CARGO_BIN_EXE_maysend"))
            .arg("serve")
            .args(["--catalog", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog.toml")])
            .arg("--data-dir")
            .arg(dir.path().join("store"))
            .arg("--listen")
            .arg(format!("unix:{}", dir.path().join("socket").display()))
            .env("NOTIFY_SOCKET", name)
            .env("WATCHDOG_USEC", "200000")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { dir, socket, server }
    }

    /// The next words that the server says, by name.
    fn hear(&self) -> HashMap<String, String> {
        let mut octets = [0; 4096];
        let length = self.socket.recv(&mut octets).unwrap();
        let text = std::str::from_utf8(&octets[..length]).unwrap();
        let words = text.lines().map(|line| line.split_once('=').unwrap());
        words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Listens until it hears `name`; nothing else that counts may come before.
    #[track_caller]
    fn until(&self, name: &str) -> HashMap<String, String> {
        loop {
            let words = self.hear();
            if words.contains_key(name) {
                return words;
            }
            for early in ["READY", "RELOADING", "STOPPING"] {
                assert!(!words.contains_key(early), "{early} before {name}");
            }
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.server.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Exit status and output of a client.
fn ask(dir: &Path, words: &[&str]) -> (i32, String) {
    let server = format!("unix:{}", dir.join("socket").display());
    let asked = Command::new(env!("CARGO_BIN_EXE_maysend"))
        .args(["--server", &server])
        .args(words)
        .output()
        .unwrap();
    (asked.status.code().unwrap(), String::from_utf8(asked.stdout).unwrap())
}

fn tells(name: &str, dir: TempDir) {
    let mut manager = Manager::start(name, dir);
    let ready = manager.until("READY");
    assert!(ready["STATUS"].starts_with("serving on unix:/"), "{ready:?}");
    assert_eq!(ask(manager.dir.path(), &["healthcheck"]), (0, "SERVING\n".to_owned()));
    manager.until("WATCHDOG");

    manager.signal("-HUP");
    let reloading = manager.until("RELOADING");
    assert!(reloading["MONOTONIC_USEC"].parse::<u64>().unwrap() > 0);
    manager.until("READY");
    manager.until("WATCHDOG");

    manager.signal("-TERM");
    manager.until("STOPPING");
    assert!(manager.server.wait().unwrap().success());
}

#[test]
fn a_manager_hears_of_start_reload_and_end() {
    let dir = TempDir::new().unwrap();
    let name = dir.path().join("notify").to_str().unwrap().to_owned();
    tells(&name, dir);
}

#[test]
fn a_manager_with_an_abstract_socket_hears_it_too() {
    tells(&format!("@maysend-test-{}", std::process::id()), TempDir::new().unwrap());
}

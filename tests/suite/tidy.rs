//! Keeps the house: which layer may name what, how long a file may be, what the map must show.

use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Words and rules: no wire, no disk, no runtime, no clock.
const PURE: [&str; 8] =
    ["model", "catalog", "profile", "decide", "authorize", "transition", "token", "fingerprint"];

/// A source file, its path from `src/`, and its lines up to its tests.
struct Source {
    name: String,
    text: String,
    is_test: bool,
}

fn sources() -> Vec<Source> {
    let root = Path::new(ROOT).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let is_test = name.split('/').any(|part| part == "tests" || part == "tests.rs")
            || name == "ledger/fault.rs";
        Source { text: std::fs::read_to_string(path).unwrap(), name, is_test }
    };
    files.into_iter().map(read).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

impl Source {
    /// The module at the top of the tree that it belongs to.
    fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The code without comments and without its tests, with line numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
        lines.enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| {
            let line = line.trim_start();
            !line.starts_with("//")
        })
    }
}

/// Lists each place where a file that `which` picks names one of the words.
fn assert_none(words: &[&str], which: impl Fn(&Source) -> bool, why: &str) {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test && which(source)) {
        for (at, line) in source.code() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("src/{}:{at}: {}", source.name, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{why}:\n{}", found.join("\n"));
}

#[test]
fn words_and_rules_name_no_wire_no_disk_no_clock() {
    let forbidden = [
        "tonic::",
        "prost::",
        "tokio::",
        "sled::",
        "std::fs",
        "std::net",
        "SystemTime",
        "Instant",
        "crate::engine",
        "crate::ledger",
        "crate::index",
        "crate::grpc",
        "crate::cli",
        "crate::server",
        "crate::checkpoint",
        "crate::record",
    ];
    let is_pure = |source: &Source| PURE.contains(&source.module());
    assert_none(&forbidden, is_pure, "words and rules are pure");
}

#[test]
fn only_the_checkpoint_names_sled() {
    let elsewhere = |source: &Source| source.name != "checkpoint.rs";
    assert_none(&["sled::"], elsewhere, "sled has one home");
}

#[test]
fn state_and_use_cases_know_no_edge() {
    let forbidden = ["tonic::", "prost::", "crate::grpc", "crate::cli", "crate::server"];
    let inner = ["engine", "ledger", "index", "checkpoint", "record", "keys"];
    let is_inner = |source: &Source| inner.contains(&source.module());
    assert_none(&forbidden, is_inner, "arrows point downwards");
    let state = ["ledger", "index", "checkpoint", "record", "keys"];
    let is_state = |source: &Source| state.contains(&source.module());
    assert_none(&["crate::engine"], is_state, "state does not know the use cases");
}

#[test]
fn generated_types_stay_at_the_edges() {
    let inside = |source: &Source| !["grpc", "cli"].contains(&source.module());
    assert_none(&["grpc::api", "api::"], inside, "generated types are for grpc and its clients");
}

#[test]
fn errors_of_the_wire_are_made_in_one_place() {
    let elsewhere =
        |source: &Source| !source.name.starts_with("grpc/status") && source.name != "grpc/codec.rs";
    let makers = ["Status::new(", "Status::internal(", "Status::invalid_argument("];
    assert_none(&makers, elsewhere, "a Status is made in grpc/status.rs");
}

#[test]
fn files_are_short_and_their_names_say_something() {
    for source in sources() {
        let last = source.name.rsplit('/').next().unwrap();
        for nothing in ["mod.rs", "util.rs", "utils.rs", "common.rs", "helpers.rs", "types.rs"] {
            assert_ne!(last, nothing, "src/{}: a name that says nothing", source.name);
        }
        let lines = source.text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
        assert!(source.is_test || lines <= 500, "src/{}: {lines} lines; split it", source.name);
    }
}

#[test]
fn sources_are_ascii() {
    for source in sources() {
        let foreign = source.text.lines().position(|line| !line.is_ascii());
        assert!(foreign.is_none(), "src/{}:{}: not ASCII", source.name, foreign.unwrap_or(0) + 1);
    }
}

#[test]
fn the_architecture_page_shows_every_module_and_is_a_page() {
    let sources = sources();
    let page = sources.iter().find(|source| source.name == "lib.rs").unwrap();
    let lines = page.text.lines().filter(|line| line.starts_with("//!")).count();
    assert!(lines <= 150, "the page has {lines} lines");
    for line in page.text.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        assert!(page.text.contains(&format!("[`{module}`]")), "`{module}` is not on the page");
    }
}

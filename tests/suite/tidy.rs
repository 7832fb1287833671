//! The house is as its plan says: the layers of `src/lib.rs`, the names, the lengths. Each fault is
//! told with its file and line.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules from the bottom up: each may use its own level and those below.
const LEVELS: &[(&str, &[&str])] = &[
    ("words", &["model"]),
    ("rules", &["authorize", "catalog", "decide", "fingerprint", "profile", "token", "transition"]),
    (
        "state",
        &["backup", "checkpoint", "credentials", "index", "keys", "ledger", "measure", "record"],
    ),
    ("use cases", &["engine"]),
    ("documents", &["sheet"]),
    ("edges", &["grpc", "web"]),
    ("assembly", &["config", "metrics", "server"]),
    ("command line", &["cli"]),
    ("fuzz targets", &["fuzz"]),
];

/// The edges know the engine and the words, never each other.
const EDGES: &[&str] = &["grpc", "web"];

/// What has no place in words and rules: they are pure.
const IMPURE: &[&str] = &[
    "jiff",
    "prost",
    "rand",
    "sled",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time",
    "tokio",
    "tonic",
];

/// Texts for people in German stand beside the English ones, in letters that can be read.
const IN_GERMAN: &[&str] = &[
    "src/catalog/page/words.rs",
    "src/cli/explain/words.rs",
    "src/sheet/words.rs",
    "src/sheet/words/choices.rs",
    "src/web/words/german.rs",
];

/// What German has beyond ASCII.
const UMLAUTS: &str = "\u{e4}\u{f6}\u{fc}\u{c4}\u{d6}\u{dc}\u{df}";

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "types", "manager"];

/// Lines of a file without its tests.
const LONGEST: usize = 500;

/// Lines of the architecture page.
const LONGEST_PAGE: usize = 150;

/// A source file.
struct Source {
    /// From the root of the package: `src/engine/boot.rs`.
    path: String,
    text: String,
    /// Whether all of it is tests.
    is_test: bool,
}

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    path: String,
    line: usize,
    problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, problem } = self;
        write!(f, "{path}:{line}: {problem}")
    }
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let parts: Vec<&str> = path.split('/').collect();
        let name = parts.last().copied().unwrap_or_default();
        let is_test = parts[0] != "src"
            || name == "tests.rs"
            || parts.contains(&"tests")
            // Fuzz targets, which no ordinary build has.
            || name == "fuzz.rs"
            || parts.contains(&"fuzz")
            // The disk that fails, declared `#[cfg(test)]`.
            || path == "src/ledger/fault.rs";
        Self { path: path.to_owned(), text: text.to_owned(), is_test }
    }

    /// The module right below `src/` that the file belongs to.
    fn module(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or_default();
        below.split(['/', '.']).next().unwrap_or_default()
    }

    fn is_root(&self) -> bool {
        ["src/lib.rs", "src/main.rs"].contains(&self.path.as_str())
    }

    /// The numbered lines that are no tests; those of a test module end them.
    fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = if self.is_test { Vec::new() } else { self.text.lines().collect() };
        let tests = lines.windows(2).position(|pair| {
            pair[0].trim() == "#[cfg(test)]"
                && pair[1].starts_with("mod ")
                && pair[1].ends_with('{')
        });
        let end = tests.unwrap_or(lines.len());
        (1..).zip(lines).take(end)
    }

    /// The numbered lines of code: without tests and without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.product().map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
    }

    fn fault(&self, line: usize, problem: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), line, problem: problem.into() }
    }
}

/// Whether the words stand in a line with no part of a name on either side.
fn names(line: &str, words: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(words).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + words.len()..].starts_with(is_part)
    })
}

/// Every Rust file of the package.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> =
        ["src", "tests", "benches", "build.rs"].iter().map(|name| root.join(name)).collect();
    let mut sources = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            sources.push(Source::new(&relative, &fs::read_to_string(&path).unwrap()));
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|(_, modules)| modules.contains(&module))
}

/// The modules of this crate that a line names: `crate::a`, `maysend::a`, and of a list in braces
/// the first words.
fn modules_named(line: &str) -> Vec<&str> {
    let mut named = Vec::new();
    for (at, root) in line.match_indices("crate::") {
        let rest = &line[at + root.len()..];
        let list =
            rest.strip_prefix('{').map_or(rest, |list| list.split('}').next().unwrap_or(list));
        let is_list = rest.starts_with('{');
        for item in list.split(if is_list { ',' } else { '\n' }) {
            let item = item.trim();
            let end = item.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(item.len());
            named.push(&item[..end]);
        }
    }
    named
}

fn arrows(sources: &[Source]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in sources.iter().filter(|s| s.path.starts_with("src/") && !s.is_root()) {
        let own = source.module();
        let Some(from) = level(own) else {
            faults.push(
                source.fault(1, format!("module `{own}` has no level in tests/suite/tidy.rs")),
            );
            continue;
        };
        for (number, line) in source.code() {
            for other in modules_named(line) {
                let Some(to) = level(other) else { continue };
                let is_other_edge = own != other && EDGES.contains(&own) && EDGES.contains(&other);
                if to > from || is_other_edge {
                    let (of, at) = (LEVELS[from].0, LEVELS[to].0);
                    let problem =
                        format!("`{own}` ({of}) uses `{other}` ({at}): arrows point down");
                    faults.push(source.fault(number, problem));
                }
            }
        }
    }
    faults
}

/// Where each of these words may stand in product code; elsewhere they are faults.
fn words(sources: &[Source]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in sources {
        let module = source.module();
        let level = level(module).map(|level| LEVELS[level].0);
        let is_pure = matches!(level, Some("words" | "rules"));
        for (number, line) in source.code() {
            let mut forbid = |word: &str, why: &str| {
                if names(line, word) {
                    faults.push(source.fault(number, format!("`{word}`: {why}")));
                }
            };
            if is_pure {
                IMPURE.iter().for_each(|word| forbid(word, "words and rules are pure"));
            }
            let is_wired = ["grpc", "server", "cli", "web"].contains(&module);
            if !is_wired && !is_pure && !source.is_root() {
                forbid("tonic", "the wire is for the edges");
                forbid("prost", "the wire is for the edges");
            }
            if source.path != "src/checkpoint.rs" {
                let of_checkpoint = module == "checkpoint";
                // Their names for its threads and files are the checkpoint's own business.
                if !of_checkpoint || line.contains("sled::") {
                    forbid("sled", "it stands in src/checkpoint.rs alone");
                }
            }
            if !["grpc", "cli"].contains(&module) && line.contains("api::") {
                forbid("api", "generated types stand in src/grpc and in clients");
            }
        }
    }
    faults
}

fn shapes(sources: &[Source]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for source in sources {
        let name = source.path.rsplit('/').next().unwrap_or_default();
        if name == "mod.rs" {
            faults.push(source.fault(1, "`foo.rs` beside `foo/` instead of `mod.rs`"));
        }
        let parts = source.path.trim_end_matches(".rs").split('/');
        for part in parts.filter(|_| source.path.starts_with("src/")) {
            if part.split('_').any(|word| EMPTY_NAMES.contains(&word)) {
                faults.push(source.fault(1, format!("`{part}` says nothing of what is in it")));
            }
        }
        let lines = source.product().count();
        if lines > LONGEST {
            let problem = format!("{lines} lines without tests, more than {LONGEST}: split it");
            faults.push(source.fault(LONGEST + 1, problem));
        }
    }
    faults
}

fn letters(sources: &[Source]) -> Vec<Fault> {
    // In pieces, so that this file does not name what it looks for.
    let ignore = concat!("#[ign", "ore");
    let mut faults = Vec::new();
    for source in sources {
        for (number, line) in (1..).zip(source.text.lines()) {
            let is_foreign = |letter: &char| {
                let is_german = IN_GERMAN.contains(&&*source.path) && UMLAUTS.contains(*letter);
                !letter.is_ascii() && !is_german
            };
            if let Some(letter) = line.chars().find(is_foreign) {
                let escape = letter.escape_unicode();
                faults.push(source.fault(number, format!("`{letter}` is not ASCII: {escape}")));
            }
            if line.trim_start().starts_with(ignore) {
                faults.push(source.fault(number, "a test that does not run proves nothing"));
            }
        }
    }
    faults
}

/// The architecture page names every module right below `src/`.
fn page(sources: &[Source]) -> Vec<Fault> {
    let root = sources.iter().find(|source| source.path == "src/lib.rs").unwrap();
    let page: Vec<&str> = root.text.lines().take_while(|line| line.starts_with("//!")).collect();
    let mut faults = Vec::new();
    if page.len() > LONGEST_PAGE {
        let problem = format!("the page has {} lines, more than {LONGEST_PAGE}", page.len());
        faults.push(root.fault(LONGEST_PAGE + 1, problem));
    }
    for source in sources.iter().filter(|source| !source.is_root()) {
        let is_top = source.path.starts_with("src/")
            && source.path.matches('/').count() == 1
            && !source.is_test;
        let link = format!("[`{}`]", source.module());
        if is_top && !page.iter().any(|line| line.contains(&link)) {
            faults.push(source.fault(1, format!("the page in src/lib.rs does not name {link}")));
        }
    }
    faults
}

#[track_caller]
fn assert_none(faults: &[Fault]) {
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "\n{}", told.join("\n"));
}

#[test]
fn arrows_of_use_point_down() {
    assert_none(&arrows(&sources()));
}

#[test]
fn the_wire_the_disk_and_the_clock_stay_where_they_belong() {
    assert_none(&words(&sources()));
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    let sources = sources();
    assert!(sources.len() > 100, "the sources are found");
    assert_none(&shapes(&sources));
}

#[test]
fn sources_are_ascii_and_every_test_runs() {
    assert_none(&letters(&sources()));
}

#[test]
fn the_architecture_page_names_every_module() {
    assert_none(&page(&sources()));
}

/// Each rule finds what it forbids, with its file and line, and nothing else.
#[track_caller]
fn finds(rule: fn(&[Source]) -> Vec<Fault>, path: &str, text: &str, line: usize) {
    let faults = rule(&[Source::new(path, text)]);
    let places: Vec<(&str, usize)> = faults.iter().map(|f| (f.path.as_str(), f.line)).collect();
    assert_eq!(places, [(path, line)], "{faults:?}");
}

#[track_caller]
fn passes(rule: fn(&[Source]) -> Vec<Fault>, path: &str, text: &str) {
    assert_eq!(rule(&[Source::new(path, text)]), []);
}

#[test]
fn an_arrow_that_points_up_is_found() {
    finds(arrows, "src/engine/check.rs", "//! x\nuse crate::grpc::api;\n", 2);
    finds(arrows, "src/ledger.rs", "use crate::{engine::Engine, model::day::Day};\n", 1);
    finds(arrows, "src/model/day.rs", "\nuse crate::catalog::Catalog;\n", 2);
    finds(arrows, "src/index.rs", "fn f() { crate::server::start() }\n", 1);
    finds(arrows, "src/grpc.rs", "use crate::web::page;\n", 1);
    finds(arrows, "src/novel.rs", "\n", 1);
    passes(arrows, "src/engine.rs", "// use crate::grpc\nuse crate::model::{day::Day};\n");
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::grpc::api;\n}\n";
    passes(arrows, "src/engine.rs", tests);
    passes(arrows, "src/engine/tests.rs", "use crate::grpc::api;\n");
    passes(arrows, "src/cli/filter.rs", "use crate::{grpc::api, server};\n");
}

#[test]
fn a_word_out_of_place_is_found() {
    finds(words, "src/decide.rs", "\nuse std::time::Instant as Now;\n", 2);
    finds(words, "src/model/day.rs", "use std::fs::File;\n", 1);
    finds(words, "src/transition.rs", "async fn f() { tokio::task::yield_now().await }\n", 1);
    finds(words, "src/engine.rs", "use prost::Message;\n", 1);
    finds(words, "src/record.rs", "fn f(status: tonic::Status) {}\n", 1);
    finds(words, "src/index.rs", "let db = sled::open(path);\n", 1);
    finds(words, "src/checkpoint/reader.rs", "use sled::Db;\n", 1);
    finds(words, "src/server.rs", "use crate::grpc::api::Scope;\n", 1);
    passes(words, "src/checkpoint.rs", "use sled::Db;\n");
    passes(words, "src/grpc/codec.rs", "use super::api::Scope;\nuse tonic::Status;\n");
    passes(words, "src/decide.rs", "/// Instant is not named.\nfn instantly() {}\n");
}

#[test]
fn a_file_out_of_shape_is_found() {
    finds(shapes, "src/engine/mod.rs", "", 1);
    finds(shapes, "tests/suite/mod.rs", "", 1);
    finds(shapes, "src/grpc/common.rs", "", 1);
    finds(shapes, "src/ledger/file_manager.rs", "", 1);
    finds(shapes, "src/index.rs", &"\n".repeat(LONGEST + 1), LONGEST + 1);
    let with_tests = "\n".repeat(LONGEST) + "#[cfg(test)]\nmod tests {\n" + &"\n".repeat(LONGEST);
    passes(shapes, "src/index.rs", &with_tests);
    passes(shapes, "src/index/tests.rs", &"\n".repeat(2 * LONGEST));
}

#[test]
fn a_letter_or_an_idle_test_is_found() {
    finds(letters, "tests/suite/story.rs", "\n// caf\u{e9}\n", 2);
    let idle = concat!("    #[ign", "ore = \"slow\"]\n");
    finds(letters, "src/engine/tests.rs", idle, 1);
    finds(letters, "src/sheet/words.rs", "// caf\u{e9}\n", 1);
    passes(letters, "src/sheet/words.rs", "// gr\u{fc}n\n");
    passes(letters, "src/engine.rs", "let name = \"caf\\u{e9}\";\n");
}

#[test]
fn a_module_that_the_page_leaves_out_is_found() {
    let page_of = |text: &str| {
        let sources = [Source::new("src/lib.rs", text), Source::new("src/engine.rs", "")];
        page(&sources).iter().map(|fault| (fault.path.clone(), fault.line)).collect::<Vec<_>>()
    };
    assert_eq!(page_of("//! - [`engine`]: the use cases.\n"), []);
    assert_eq!(page_of("//! the engine\n"), [("src/engine.rs".to_owned(), 1)]);
    let long = "//! [`engine`]\n".repeat(LONGEST_PAGE + 1);
    assert_eq!(page_of(&long), [("src/lib.rs".to_owned(), LONGEST_PAGE + 1)]);
}

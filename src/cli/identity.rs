//! The key that a client shows. It comes from a file or from the environment and never from an
//! argument: those stand in the shell's history and in the list of processes.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use tonic::metadata::AsciiMetadataValue;

use super::output::say;

/// The file that holds the key, and the key itself. A flag goes first, then the file.
const FILE: &str = "MAYSEND_CREDENTIAL_FILE";
const KEY: &str = "MAYSEND_CREDENTIAL";

/// Far more than a key takes.
const MAX_KEY: u64 = 4096;

/// Permission bits that let others in.
const OTHERS: u32 = 0o077;

/// The header that shows the key, where there is one.
///
/// # Errors
/// The file cannot be read or holds no key.
pub(super) fn authorization(flag: Option<&Path>) -> anyhow::Result<Option<AsciiMetadataValue>> {
    let of_environment = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    chosen(flag, of_environment(FILE), of_environment(KEY))
}

fn chosen(
    flag: Option<&Path>,
    file: Option<OsString>,
    key: Option<OsString>,
) -> anyhow::Result<Option<AsciiMetadataValue>> {
    let file = flag.map(Path::to_owned).or_else(|| file.map(PathBuf::from));
    match (file, key) {
        (Some(file), _) => {
            let key = read(&file);
            let key = key.with_context(|| format!("cannot use the key in `{}`", file.display()))?;
            header(&key).with_context(|| format!("cannot use the key in `{}`", file.display()))
        }
        (None, Some(key)) => {
            let key = key.to_str().with_context(|| format!("{KEY} is no text"))?;
            header(key).with_context(|| format!("cannot use the key in {KEY}"))
        }
        (None, None) => Ok(None),
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        let path = path.display();
        say(format_args!("maysend: `{path}` has mode {mode:04o}: others can read the key in it"));
    }
    let mut text = String::new();
    file.take(MAX_KEY).read_to_string(&mut text)?;
    Ok(text)
}

/// What it says of a wrong key shows nothing of it.
fn header(key: &str) -> anyhow::Result<Option<AsciiMetadataValue>> {
    let key = key.trim();
    ensure!(!key.is_empty(), "there is none: it holds the one line that `credential new` printed");
    if key.contains(char::is_whitespace) {
        bail!("it holds more than a key: one line, and nothing but the key");
    }
    ensure!(key.bytes().all(|octet| octet.is_ascii_graphic()), "a key is ASCII");
    let mut value: AsciiMetadataValue =
        format!("Bearer {key}").parse().ok().context("a key is ASCII")?;
    // It is not printed, and no compression remembers it.
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, expect: Option<&str>) {
        let header = header(key).ok().flatten();
        assert_eq!(header.as_ref().map(|value| value.to_str().unwrap()), expect);
        assert!(!format!("{header:?}").contains("maysend_"), "it is not printed");
    }

    #[test]
    fn a_key_is_one_word() {
        check("maysend_abc\n", Some("Bearer maysend_abc"));
        check(" maysend_abc ", Some("Bearer maysend_abc"));
        check("", None);
        check("maysend_abc\nmaysend_def", None);
        check("a key", None);
        check("k\u{e4}y", None);
    }

    #[test]
    fn the_flag_goes_before_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("maysend_{name}\n")).unwrap();
            path
        };
        let (one, two) = (file("one"), file("two"));
        let key = || Some(OsString::from("maysend_three"));
        let shown = |value: Option<AsciiMetadataValue>| {
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let both = chosen(Some(&one), Some(two.clone().into()), key()).unwrap();
        assert_eq!(shown(both).as_deref(), Some("Bearer maysend_one"));
        let file = chosen(None, Some(two.into()), key()).unwrap();
        assert_eq!(shown(file).as_deref(), Some("Bearer maysend_two"));
        assert_eq!(
            shown(chosen(None, None, key()).unwrap()).as_deref(),
            Some("Bearer maysend_three")
        );
        assert_eq!(shown(chosen(None, None, None).unwrap()), None);
        let gone = folder.path().join("gone");
        assert!(chosen(Some(&gone), None, key()).is_err(), "a file that is named must be there");
    }
}

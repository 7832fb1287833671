//! The key file itself: its text, its mode, and how it comes to be there whole or not at all.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::num::NonZeroU8;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::{FINGERPRINT_KEY, KeysError, hex};
use crate::token::{KeyState, SECRET, TokenKey, TokenKeys};

/// Permission bits that let others in.
const OTHERS: u32 = 0o077;

/// Far more than 255 token keys take.
const MAX_FILE: u64 = 256 * 1024;

const SHAPE: &str = "expected `fingerprint_key` and `[[token_key]]` with `id`, `secret`, `state`";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    fingerprint_key: Spanned<String>,
    token_key: Vec<KeyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    id: Spanned<NonZeroU8>,
    secret: Spanned<String>,
    state: Spanned<EntryState>,
}

/// What a token key of a file does.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EntryState {
    Signing,
    Verifying,
    Retired,
}

impl EntryState {
    /// As the file says it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Verifying => "verifying",
            Self::Retired => "retired",
        }
    }
}

/// A token key as a file holds it.
pub(super) struct Entry {
    pub(super) id: NonZeroU8,
    pub(super) secret: [u8; SECRET],
    pub(super) state: EntryState,
}

/// A file with these keys.
pub(super) fn text(fingerprint: &[u8; FINGERPRINT_KEY], entries: &[Entry]) -> String {
    let fingerprint = hex::encode(fingerprint);
    let entry = |entry: &Entry| {
        let Entry { id, secret, state } = entry;
        let (secret, state) = (hex::encode(secret), state.word());
        format!("\n[[token_key]]\nid = {id}\nsecret = \"{secret}\"\nstate = \"{state}\"\n")
    };
    let entries: String = entries.iter().map(entry).collect();
    format!(
        "# The secrets of this data directory. Keep a copy apart from the data, and let nobody read \
         it.\n\
         # The fingerprint key must never change. `maysend key rotate` adds a token key that is\n\
         # \"signing\" and makes the old one \"verifying\"; `maysend key retire` makes one that leaked\n\
         # \"retired\": its links go on unsubscribing and do nothing else. Never take one out.\n\
         fingerprint_key = \"{fingerprint}\"\n\
         {entries}"
    )
}

/// The keys of a file's text.
pub(super) fn parse(
    path: &Path,
    text: &str,
) -> Result<([u8; FINGERPRINT_KEY], TokenKeys), KeysError> {
    let (fingerprint, entries) = entries(path, text)?;
    let key = |entry: &Entry| {
        let state = match entry.state {
            EntryState::Signing | EntryState::Verifying => KeyState::Active,
            EntryState::Retired => KeyState::Retired,
        };
        TokenKey::new(entry.id, &entry.secret, state)
    };
    let signs = |entry: &&Entry| entry.state == EntryState::Signing;
    let signing = entries.iter().find(signs).map(key).ok_or_else(|| no_signing_key(path, text))?;
    let verifying = entries.iter().filter(|entry| !signs(entry)).map(key).collect();
    Ok((fingerprint, TokenKeys::new(signing, verifying)))
}

fn no_signing_key(path: &Path, text: &str) -> KeysError {
    let line = text.bytes().filter(|octet| *octet == b'\n').count() + 1;
    KeysError::Content { path: path.to_owned(), line, found: "no token key has state `signing`" }
}

/// The fingerprint key and the token keys of a file's text, of which exactly one signs.
pub(super) fn entries(
    path: &Path,
    text: &str,
) -> Result<([u8; FINGERPRINT_KEY], Vec<Entry>), KeysError> {
    let wrong = |at: usize, found| KeysError::Content {
        path: path.to_owned(),
        line: text.bytes().take(at).filter(|octet| *octet == b'\n').count() + 1,
        found,
    };
    // The parser's own message quotes the line, and the line may hold a secret.
    let file: KeyFile = toml::from_str(text)
        .map_err(|error| wrong(error.span().map_or(0, |span| span.start), SHAPE))?;
    let fingerprint = hex::decode(file.fingerprint_key.get_ref()).ok_or_else(|| {
        wrong(file.fingerprint_key.span().start, "`fingerprint_key` is not 32 digits of 0-9a-f")
    })?;
    let mut entries: Vec<Entry> = Vec::new();
    for KeyEntry { id, secret, state } in file.token_key {
        if entries.iter().any(|entry| entry.id == *id.get_ref()) {
            return Err(wrong(id.span().start, "two token keys have this `id`"));
        }
        let octets = hex::decode(secret.get_ref())
            .ok_or_else(|| wrong(secret.span().start, "`secret` is not 64 digits of 0-9a-f"))?;
        let has_signing = entries.iter().any(|entry| entry.state == EntryState::Signing);
        if has_signing && *state.get_ref() == EntryState::Signing {
            return Err(wrong(state.span().start, "two token keys have state `signing`"));
        }
        entries.push(Entry { id: *id.get_ref(), secret: octets, state: *state.get_ref() });
    }
    if entries.iter().all(|entry| entry.state != EntryState::Signing) {
        return Err(no_signing_key(path, text));
    }
    Ok((fingerprint, entries))
}

/// Reads a file that nobody else may read.
pub(super) fn read_private(path: &Path) -> Result<String, KeysError> {
    let file = File::open(path).map_err(|error| {
        let doing = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "cannot be opened; it has to belong to the user that maysend runs as"
            }
            _ => "cannot be opened",
        };
        failed(path, doing, error)
    })?;
    // Of the open file, so that it cannot be exchanged in between.
    let metadata = file.metadata().map_err(|error| failed(path, "cannot be looked at", error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(KeysError::Open { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| failed(path, "cannot be read", error))?;
    match u64::try_from(text.len()) {
        Ok(length) if length < MAX_FILE => Ok(text),
        // Cut short it might be read as a file with fewer keys.
        _ => Err(KeysError::Content {
            path: path.to_owned(),
            line: 1,
            found: "the file is too long",
        }),
    }
}

/// Writes a file that must not be there yet.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), KeysError> {
    let file = written_beside(path, text)?;
    file.persist_noclobber(path).map_err(|refused| match refused.error.kind() {
        io::ErrorKind::AlreadyExists => KeysError::Exists(path.to_owned()),
        _ => failed(path, "cannot be put in place", refused.error),
    })?;
    sync_directory(path)
}

/// Writes the next version of a file, which replaces the present one whole and belongs to whom it
/// belonged: an administrator must not lock the server out.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), KeysError> {
    let file = written_beside(path, text)?;
    let handed_over = std::fs::metadata(path).and_then(|present| {
        let made = file.as_file().metadata()?;
        let is_same = (made.uid(), made.gid()) == (present.uid(), present.gid());
        if is_same { Ok(()) } else { fchown(&file, Some(present.uid()), Some(present.gid())) }
    });
    handed_over.map_err(|error| failed(path, "its owner cannot be kept", error))?;
    let persisted = file.persist(path);
    persisted.map_err(|refused| failed(path, "cannot be put in place", refused.error))?;
    sync_directory(path)
}

/// The file itself, where the path is a link to it.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, KeysError> {
    path.canonicalize().map_err(|error| failed(path, "cannot be found", error))
}

/// Keeps other changes of the file away for as long as it lives.
pub(super) fn lock(path: &Path) -> Result<File, KeysError> {
    let locked = File::open(directory_of(path)).and_then(|directory| {
        directory.lock()?;
        Ok(directory)
    });
    locked.map_err(|error| failed(path, "its directory cannot be locked", error))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A temporary file with this text, durable and for its owner alone.
fn written_beside(path: &Path, text: &str) -> Result<tempfile::NamedTempFile, KeysError> {
    let directory = directory_of(path);
    let written = || -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".keys-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    written().map_err(|error| failed(path, "cannot be written", error))
}

fn sync_directory(path: &Path) -> Result<(), KeysError> {
    File::open(directory_of(path))
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed(path, "its directory cannot be synced", error))
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> KeysError {
    KeysError::Io { path: path.to_owned(), doing, source }
}

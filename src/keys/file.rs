//! The key file itself: its text, its mode, and how it comes to be there whole or not at all.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::num::NonZeroU8;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

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

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EntryState {
    Signing,
    Verifying,
    Retired,
}

/// A file with these keys, the token key signing.
pub(super) fn text(fingerprint: &[u8; FINGERPRINT_KEY], secret: &[u8; SECRET]) -> String {
    let fingerprint = hex::encode(fingerprint);
    let secret = hex::encode(secret);
    format!(
        "# The secrets of this data directory. Keep a copy apart from the data, and let nobody read \
         it.\n\
         # The fingerprint key must never change. To rotate token keys add one with a new id as\n\
         # \"signing\" and make the old one \"verifying\"; one that leaked is \"retired\": its links\n\
         # go on unsubscribing and do nothing else. Never take one out.\n\
         fingerprint_key = \"{fingerprint}\"\n\
         \n\
         [[token_key]]\n\
         id = 1\n\
         secret = \"{secret}\"\n\
         state = \"signing\"\n"
    )
}

/// The keys of a file's text.
pub(super) fn parse(
    path: &Path,
    text: &str,
) -> Result<([u8; FINGERPRINT_KEY], TokenKeys), KeysError> {
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
    let mut signing = None;
    let mut verifying: Vec<TokenKey> = Vec::new();
    for KeyEntry { id, secret, state } in file.token_key {
        let number = *id.get_ref();
        let taken = signing.iter().chain(&verifying).any(|key: &TokenKey| key.id() == number);
        if taken {
            return Err(wrong(id.span().start, "two token keys have this `id`"));
        }
        let octets = hex::decode(secret.get_ref())
            .ok_or_else(|| wrong(secret.span().start, "`secret` is not 64 digits of 0-9a-f"))?;
        let key = |state| TokenKey::new(number, &octets, state);
        match state.get_ref() {
            EntryState::Verifying => verifying.push(key(KeyState::Active)),
            EntryState::Retired => verifying.push(key(KeyState::Retired)),
            EntryState::Signing if signing.is_some() => {
                return Err(wrong(state.span().start, "two token keys have state `signing`"));
            }
            EntryState::Signing => signing = Some(key(KeyState::Active)),
        }
    }
    let signing = signing.ok_or_else(|| wrong(text.len(), "no token key has state `signing`"))?;
    Ok((fingerprint, TokenKeys::new(signing, verifying)))
}

/// Reads a file that nobody else may read.
pub(super) fn read_private(path: &Path) -> Result<String, KeysError> {
    let file = File::open(path).map_err(|error| failed(path, "cannot be opened", error))?;
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
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let written = || -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".keys-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    let file = written().map_err(|error| failed(path, "cannot be written", error))?;
    file.persist_noclobber(path).map_err(|refused| match refused.error.kind() {
        io::ErrorKind::AlreadyExists => KeysError::Exists(path.to_owned()),
        _ => failed(path, "cannot be put in place", refused.error),
    })?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| failed(path, "its directory cannot be synced", error))
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> KeysError {
    KeysError::Io { path: path.to_owned(), doing, source }
}

//! The credential file itself: how it is read, and how an entry comes into it whole or not at all.
//!
//! WRITE ORDER: a temporary file beside it with the old text and the change, fsync, rename, fsync of
//! the directory, under a lock of the directory. Every change is parsed before it is written. CRASH
//! WINDOW: before the rename the file is as it was.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use super::parse::{entries, parse, spelled};
use super::{Credential, CredentialErrors, Credentials, KeyDigest, Limits, ROLES};
use crate::keys::hex;
use crate::model::actor::Role;

/// Permission bits that let others in.
const OTHERS: u32 = 0o077;

/// Far more than `MAX_CREDENTIALS` entries take.
const MAX_FILE: u64 = 16 << 20;

const HEAD: &str = "\
# Who may call maysend. Keys are not in here, only their hashes: `maysend credential new` makes one
# and `maysend credential revoke` takes one back. Leave revoked entries where they are, so that no
# name is given out twice: events bear it. A running server reads this file again on SIGHUP.
";

/// The credential file cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("credential file `{path}` {doing}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What failed.
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It is not well-formed.
    #[error(transparent)]
    Content(#[from] CredentialErrors),
    /// The name is given out already.
    #[error("credential file `{path}` has a credential `{name}`; a name is given out once")]
    Exists {
        /// Which file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// There is no such name.
    #[error("credential file `{path}` has no credential `{name}`; known are {}", .known.join(", "))]
    Unknown {
        /// Which file.
        path: PathBuf,
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// It is written in a way that a program cannot add to.
    #[error("credential file `{path}` cannot be changed by a program as it is written; {what}")]
    ByHand {
        /// Which file.
        path: PathBuf,
        /// What to write into it.
        what: &'static str,
    },
}

/// An entry that is to be added.
#[derive(Debug, Clone)]
pub struct New {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Of its key, in hexadecimal; none where certificates alone prove it.
    pub digest: Option<KeyDigest>,
    /// Names of its certificates.
    pub certificates: Vec<String>,
    /// When it is made, RFC 3339.
    pub created: String,
    /// Until when it is good, RFC 3339.
    pub expires: Option<String>,
    /// How much it may ask.
    pub limits: Limits,
}

/// Reads the file. The mode is given where it lets others in.
///
/// # Errors
/// `Io`, `Content`.
pub fn read(path: &Path) -> Result<(Credentials, Option<u32>), FileError> {
    let (text, mode) = read_text(path)?;
    let credentials = parse(&path.display().to_string(), &text)?;
    Ok((credentials, Some(mode).filter(|mode| mode & OTHERS != 0)))
}

/// Adds an entry to the file; makes the file, for its owner alone, where there is none.
///
/// # Errors
/// `Exists`, `Content`, `Io`. Then the file is as it was.
pub fn add(path: &Path, new: &New) -> Result<(), FileError> {
    let path = &resolved(path);
    let _lock = lock(path)?;
    let file = path.display().to_string();
    let (text, is_there) = match read_text(path) {
        Ok((text, _)) => (text, true),
        Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            (HEAD.to_owned(), false)
        }
        Err(error) => return Err(error),
    };
    let before = parse(&file, &text)?;
    if before.named(&new.name).is_some() {
        return Err(FileError::Exists { path: path.to_owned(), name: new.name.clone() });
    }
    let gap = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let text = format!("{text}{gap}{}", new.text());
    // Of what was well-formed before, this alone makes a table that cannot be added to.
    let what = "write `[[credential]]` for each entry, not `credential = [..]`";
    let by_hand = || FileError::ByHand { path: path.to_owned(), what };
    let after = match parse(&file, &text) {
        Ok(after) => after,
        Err(errors) if errors.iter().any(|error| error.key.is_empty()) => return Err(by_hand()),
        Err(errors) => return Err(errors.into()),
    };
    let is_added = after.named(&new.name).is_some()
        && before.iter().all(|entry| after.named(&entry.name) == Some(entry));
    if !is_added {
        return Err(by_hand());
    }
    write(path, &text, is_there)
}

/// Revokes a credential for good. Again changes nothing; says whether anything was changed.
///
/// # Errors
/// `Unknown`, `Content`, `Io`, `ByHand`. Then the file is as it was.
pub fn revoke(path: &Path, name: &str) -> Result<bool, FileError> {
    let path = &resolved(path);
    let _lock = lock(path)?;
    let file = path.display().to_string();
    let (text, _) = read_text(path)?;
    let entries = entries(&file, &text)?;
    let Some((at, entry)) = entries.iter().find(|(_, entry)| &*entry.name == name) else {
        let known = entries.iter().map(|(_, entry)| entry.name.to_string()).collect();
        return Err(FileError::Unknown { path: path.to_owned(), name: name.to_owned(), known });
    };
    if entry.is_revoked {
        return Ok(false);
    }
    // On a line of its own behind that of the name, so that comments stay where they are.
    let (head, rest) = text.split_at_checked(at.end).unwrap_or((&text, ""));
    let (line, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    let text = format!("{head}{line}\nrevoked = true\n{rest}");
    let expected = entries.iter().map(|(_, entry)| match &*entry.name == name {
        true => Credential { is_revoked: true, ..entry.clone() },
        false => entry.clone(),
    });
    let is_revoked = parse(&file, &text)
        .is_ok_and(|after| after.iter().map(|entry| (**entry).clone()).eq(expected));
    if !is_revoked {
        let what = "write `revoked = true` into the entry";
        return Err(FileError::ByHand { path: path.to_owned(), what });
    }
    write(path, &text, true)?;
    Ok(true)
}

impl New {
    /// The entry as it stands in the file. Every text of it is checked when the file is parsed.
    pub(super) fn text(&self) -> String {
        let Self { name, roles, digest, certificates, created, expires, limits } = self;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let words = roles.iter().map(|role| quoted(word(*role)));
        let mut lines = vec![
            "\n[[credential]]".to_owned(),
            format!("name = {}", quoted(name)),
            format!("roles = [{}]", words.collect::<Vec<_>>().join(", ")),
        ];
        if let Some(KeyDigest(octets)) = digest {
            let digits = hex::encode(octets);
            lines.push(format!("sha256 = \"{digits}\""));
        }
        if !certificates.is_empty() {
            let names = certificates.iter().map(|name| quoted(&spelled(name)));
            lines.push(format!("san = [{}]", names.collect::<Vec<_>>().join(", ")));
        }
        lines.push(format!("created = {created}"));
        lines.extend(expires.iter().map(|expires| format!("expires = {expires}")));
        let Limits { addresses_per_minute, distinct_addresses_per_day } = limits;
        lines.extend(addresses_per_minute.map(|limit| format!("addresses_per_minute = {limit}")));
        lines.extend(
            distinct_addresses_per_day.map(|limit| format!("distinct_addresses_per_day = {limit}")),
        );
        lines.join("\n") + "\n"
    }
}

fn word(role: Role) -> &'static str {
    ROLES.iter().find(|(_, known)| *known == role).map_or("", |(word, _)| word)
}

fn read_text(path: &Path) -> Result<(String, u32), FileError> {
    let file = File::open(path).map_err(|error| failed(path, "cannot be opened", error))?;
    // Of the open file, so that it cannot be exchanged in between.
    let metadata = file.metadata().map_err(|error| failed(path, "cannot be looked at", error))?;
    let mut text = String::new();
    file.take(MAX_FILE)
        .read_to_string(&mut text)
        .map_err(|error| failed(path, "cannot be read", error))?;
    if u64::try_from(text.len()).unwrap_or(MAX_FILE) >= MAX_FILE {
        // Cut short it might be read as a file in which nobody is revoked.
        return Err(failed(path, "is too long", io::ErrorKind::FileTooLarge.into()));
    }
    Ok((text, metadata.permissions().mode() & 0o7777))
}

/// The file itself, where the path is a link to it.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Keeps other changes of the file away for as long as it lives.
fn lock(path: &Path) -> Result<File, FileError> {
    let locked = File::open(directory_of(path)).and_then(|directory| {
        directory.lock()?;
        Ok(directory)
    });
    locked.map_err(|error| failed(path, "cannot be changed: its directory", error))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Replaces the file whole. It belongs to whom it belonged and has the mode that it had: the server
/// must not be locked out by its administrator.
fn write(path: &Path, text: &str, is_there: bool) -> Result<(), FileError> {
    let directory = directory_of(path);
    let written = || -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".credentials-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        if is_there {
            let (present, made) = (std::fs::metadata(path)?, file.as_file().metadata()?);
            if (made.uid(), made.gid()) != (present.uid(), present.gid()) {
                fchown(&file, Some(present.uid()), Some(present.gid()))?;
            }
            file.as_file().set_permissions(present.permissions())?;
        }
        file.as_file().sync_all()?;
        match is_there {
            true => file.persist(path),
            false => file.persist_noclobber(path),
        }
        .map_err(|refused| refused.error)?;
        File::open(directory)?.sync_all()
    };
    written().map_err(|error| failed(path, "cannot be written", error))
}

fn failed(path: &Path, doing: &'static str, source: io::Error) -> FileError {
    FileError::Io { path: path.to_owned(), doing, source }
}

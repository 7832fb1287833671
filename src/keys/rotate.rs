//! Changes of the token keys: each is a new version of the whole file, made from the present one
//! under a lock. Comments that somebody wrote into it are not kept.

use std::num::NonZeroU8;
use std::path::Path;

use super::KeysError;
use super::file::{self, Entry, EntryState};
use crate::token::SECRET;

/// Adds a key that signs in place of the present one.
pub(super) fn rotate(
    path: &Path,
    secret: &[u8; SECRET],
) -> Result<(NonZeroU8, NonZeroU8), KeysError> {
    let path = &file::resolved(path)?;
    let _lock = file::lock(path)?;
    let (fingerprint, mut entries) = file::entries(path, &file::read_private(path)?)?;
    let id = free_id(&entries).ok_or_else(|| KeysError::Exhausted(path.to_owned()))?;
    let mut before = id;
    for entry in entries.iter_mut().filter(|entry| entry.state == EntryState::Signing) {
        entry.state = EntryState::Verifying;
        before = entry.id;
    }
    entries.push(Entry { id, secret: *secret, state: EntryState::Signing });
    file::replace(path, &file::text(&fingerprint, &entries))?;
    Ok((id, before))
}

/// Makes a key good for noes alone.
pub(super) fn retire(path: &Path, id: NonZeroU8) -> Result<(), KeysError> {
    let path = &file::resolved(path)?;
    let _lock = file::lock(path)?;
    let (fingerprint, mut entries) = file::entries(path, &file::read_private(path)?)?;
    let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) else {
        return Err(KeysError::NoSuchKey { path: path.to_owned(), id });
    };
    match entry.state {
        EntryState::Signing => return Err(KeysError::Signs(id)),
        EntryState::Retired => return Ok(()),
        EntryState::Verifying => entry.state = EntryState::Retired,
    }
    file::replace(path, &file::text(&fingerprint, &entries))
}

/// Makes every key but the one that signs good for noes alone.
pub(super) fn retire_others(path: &Path) -> Result<(), KeysError> {
    let path = &file::resolved(path)?;
    let _lock = file::lock(path)?;
    let (fingerprint, mut entries) = file::entries(path, &file::read_private(path)?)?;
    for entry in entries.iter_mut().filter(|entry| entry.state == EntryState::Verifying) {
        entry.state = EntryState::Retired;
    }
    file::replace(path, &file::text(&fingerprint, &entries))
}

pub(super) fn list(path: &Path) -> Result<Vec<(NonZeroU8, &'static str)>, KeysError> {
    let (_, entries) = file::entries(path, &file::read_private(path)?)?;
    Ok(entries.iter().map(|entry| (entry.id, entry.state.word())).collect())
}

/// The number after the greatest, or the smallest that is free.
fn free_id(entries: &[Entry]) -> Option<NonZeroU8> {
    let last = entries.iter().map(|entry| entry.id).max()?;
    let is_free = |id: &NonZeroU8| entries.iter().all(|entry| entry.id != *id);
    last.checked_add(1).or_else(|| (1..=u8::MAX).filter_map(NonZeroU8::new).find(is_free))
}

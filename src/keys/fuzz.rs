//! Any octets as a key file: what is read is what was written, and an error shows no secret.

use super::*;

/// Whether the octets are a key file.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(octets) else { return false };
    let path = Path::new("keys.toml");
    let (fingerprint, entries) = match file::entries(path, text) {
        Ok(read) => read,
        Err(KeysError::Content { line, .. }) => {
            assert!((1..=text.matches('\n').count() + 1).contains(&line), "line {line}");
            return false;
        }
        Err(error) => unreachable!("{error:?}"),
    };
    let signing = entries.iter().filter(|entry| entry.state == EntryState::Signing).count();
    assert_eq!(signing, 1);
    let written = file::text(&fingerprint, &entries);
    let again = file::entries(path, &written).map(|(fingerprint, entries)| {
        assert_eq!(file::text(&fingerprint, &entries), written);
    });
    assert!(again.is_ok(), "{again:?}");
    let (_, keys) = file::parse(path, text).unwrap_or_else(|error| unreachable!("{error:?}"));
    assert_eq!(keys.ids().count(), entries.len());
    true
}

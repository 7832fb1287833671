//! Any octets as a credential file: credentials that let in whom they name and that a program can
//! write again, or errors that name a line of the file and show no key.

use std::collections::BTreeSet;

use super::file::New;
use super::parse::are_apart;
use super::*;

/// Entries whose certificates are shown again: each is compared with all.
const SHOWN: usize = 16;

/// Whether the octets are a credential file.
#[track_caller]
pub(crate) fn target(octets: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(octets) else { return false };
    match parse("credentials.toml", text) {
        Ok(credentials) => {
            sound(&credentials);
            written_again(&credentials);
            true
        }
        Err(errors) => {
            let lines = text.matches('\n').count() + 1;
            assert!(errors.iter().next().is_some(), "refused without a reason");
            for error in errors.iter() {
                assert!((1..=lines).contains(&error.line), "{error}");
            }
            let told = errors.to_string();
            for key in keys(text) {
                assert!(!told.contains(key), "a key is shown");
            }
            false
        }
    }
}

/// What looks like a key: what people put where its hash belongs.
fn keys(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(PREFIX).filter_map(|(at, _)| {
        let key = &text[at + PREFIX.len()..];
        let of_key = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = key.find(|c| !of_key(c)).unwrap_or(key.len());
        (end >= 43).then(|| &key[..43])
    })
}

fn sound(credentials: &Credentials) {
    let names: BTreeSet<&str> = credentials.iter().map(|entry| &*entry.name).collect();
    assert_eq!(names.len(), credentials.iter().count(), "a name is given out twice");
    assert!(!names.contains("local"), "callers without a credential have that name");
    for entry in credentials.iter() {
        assert!(!entry.roles.is_empty() && !are_apart(&entry.roles), "{:?}", entry.roles);
        assert!(entry.digest.is_some() || !entry.certificates.is_empty(), "{}", entry.name);
        let Limits { addresses_per_minute, distinct_addresses_per_day } = entry.limits;
        assert!(addresses_per_minute != Some(0) && distinct_addresses_per_day != Some(0));
        assert_eq!(credentials.named(&entry.name), Some(entry));
    }
    let now = Timestamp::from_nanos(1_795_000_000_000_000_000);
    for entry in credentials.iter().take(SHOWN) {
        for name in &entry.certificates {
            let found = credentials.caller(None, &[name.to_string()], now);
            if entry.is_live(now) {
                assert_eq!(found, Some(entry), "another comes with its certificate");
            } else {
                assert!(found.is_none_or(|found| found.name != entry.name), "it has ended");
            }
        }
    }
}

/// As `add` writes entries, all but whether they are revoked.
fn written_again(credentials: &Credentials) {
    let instant = |at: Timestamp| {
        let at = jiff::Timestamp::from_nanosecond(i128::from(at.nanos()));
        at.map_or_else(|_| String::new(), |at| at.to_string())
    };
    let entries: Vec<_> = credentials.iter().filter(|entry| !entry.is_revoked).collect();
    let text: String = entries
        .iter()
        .map(|entry| {
            let new = New {
                name: entry.name.to_string(),
                roles: entry.roles.clone(),
                digest: entry.digest,
                certificates: entry.certificates.iter().map(ToString::to_string).collect(),
                created: instant(entry.created),
                expires: entry.expires.map(instant),
                limits: entry.limits,
            };
            new.text()
        })
        .collect();
    let again = parse("credentials.toml", &text);
    let again = again.unwrap_or_else(|errors| unreachable!("{errors}\n{text}"));
    assert!(again.iter().eq(entries), "another is read than was written:\n{text}");
}

//! Parses the credential file (TOML). Pure: `file` reads it.
//!
//! Everything that is wrong is reported at once; a file with a fault gives no credentials.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{CredentialErrors, Fault, Faults};
use super::{Credential, Credentials, KeyDigest, Limits};
use crate::keys::hex;
use crate::model::actor::{Caller, Role};
use crate::model::campaign::is_id;
use crate::model::day::Timestamp;

/// Most entries of a file: each call is compared with all of them.
pub const MAX_CREDENTIALS: usize = 1_000;

/// Most certificate names of an entry, and the most octets of each.
pub const MAX_NAMES: usize = 100;
const MAX_NAME: usize = 512;

/// The greatest budgets; that of a day takes two octets of memory for each address.
pub const MAX_PER_MINUTE: u64 = 10_000_000_000;
/// See `MAX_PER_MINUTE`.
pub const MAX_PER_DAY: u64 = 100_000_000;

/// The roles and how the file calls them.
pub const ROLES: [(&str, Role); 6] = [
    ("sender", Role::Sender),
    ("staff", Role::Staff),
    ("portal", Role::Portal),
    ("system", Role::System),
    ("reviewer", Role::Reviewer),
    ("admin", Role::Admin),
];

const KEYS: &[&str] = &[
    "name",
    "roles",
    "sha256",
    "san",
    "created",
    "expires",
    "revoked",
    "addresses_per_minute",
    "distinct_addresses_per_day",
];
const REQUIRED: &[&str] = &["name", "roles", "created"];

/// The longest unknown key that is shown: a key to the API would be longer.
const MAX_SHOWN: usize = 32;

/// Parses `text`; `file` is its name for messages. A file without entries lets nobody in.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn parse(file: &str, text: &str) -> Result<Credentials, CredentialErrors> {
    let entries = entries(file, text)?;
    Ok(Credentials(entries.into_iter().map(|(_, credential)| Arc::new(credential)).collect()))
}

/// As `parse`, each with the place of its name's value in the text.
pub(super) fn entries(
    file: &str,
    text: &str,
) -> Result<Vec<(Range<usize>, Credential)>, CredentialErrors> {
    let faults = Faults::of(file, text);
    let (table, syntax) = DeTable::parse_recoverable(text);
    for error in syntax {
        let offset = error.span().map_or(text.len(), |span| span.start);
        faults.add(offset, String::new(), Fault::Syntax(error.message().to_owned()));
    }
    faults.none()?;

    let faults = Faults::of(file, text);
    let mut entries = Vec::new();
    for (key, value) in table.get_ref() {
        if key.get_ref() != "credential" {
            let fault = Fault::UnknownKey { known: &["credential"] };
            faults.add(key.span().start, shown(key.get_ref()), fault);
            continue;
        }
        let Some(array) = value.get_ref().as_array() else {
            let fault = Fault::WrongType { expected: "an array of tables, `[[credential]]`" };
            faults.add(key.span().start, "credential".to_owned(), fault);
            continue;
        };
        if array.len() > MAX_CREDENTIALS {
            let fault = Fault::TooMany { max: MAX_CREDENTIALS };
            faults.add(key.span().start, "credential".to_owned(), fault);
        }
        let mut taken = Taken::default();
        for (place, entry) in array.iter().take(MAX_CREDENTIALS).enumerate() {
            entries.extend(read(place, entry, &mut taken, &faults));
        }
    }
    faults.none()?;
    Ok(entries)
}

/// What names, keys and certificates are taken, and where.
#[derive(Default)]
struct Taken {
    names: BTreeMap<String, usize>,
    digests: Vec<(KeyDigest, usize)>,
    certificates: BTreeMap<String, usize>,
}

/// A table of the file. What a getter cannot read it reports, and gives none.
struct Entry<'t, 'f> {
    table: &'t DeTable<'t>,
    path: String,
    offset: usize,
    faults: &'f Faults,
}

fn read(
    place: usize,
    value: &Spanned<DeValue<'_>>,
    taken: &mut Taken,
    faults: &Faults,
) -> Option<(Range<usize>, Credential)> {
    let (path, offset) = (format!("credential[{place}]"), value.span().start);
    let Some(table) = value.get_ref().as_table() else {
        faults.add(offset, path, Fault::WrongType { expected: "a table" });
        return None;
    };
    let mut entry = Entry { table, path, offset, faults };
    entry.check_keys();
    let is_revoked = entry.flag("revoked").unwrap_or(false);
    let name = entry.name(taken);
    let roles = entry.roles();
    let digest = entry.digest(taken);
    let certificates = entry.certificates(is_revoked, taken);
    let created = entry.instant("created");
    let expires = entry.instant("expires");
    let limits = Limits {
        addresses_per_minute: entry.number("addresses_per_minute", MAX_PER_MINUTE),
        distinct_addresses_per_day: entry.number("distinct_addresses_per_day", MAX_PER_DAY),
    };
    if !table.contains_key("sha256") && !table.contains_key("san") {
        entry.fault("sha256", Fault::Unprovable);
    }
    let (at, name) = name?;
    let (roles, created) = (roles?, created?);
    let credential = Credential {
        name: name.into(),
        roles,
        digest,
        certificates,
        created,
        expires,
        is_revoked,
        limits,
    };
    Some((at, credential))
}

impl<'t> Entry<'t, '_> {
    fn fault(&mut self, key: &str, fault: Fault) {
        let offset = self.offset_of(key);
        self.faults.add(offset, format!("{}.{}", self.path, shown(key)), fault);
    }

    fn fault_within(&mut self, key: &str, place: usize, offset: usize, fault: Fault) {
        self.faults.add(offset, format!("{}.{key}[{place}]", self.path), fault);
    }

    /// Where `key` stands, else where the table begins.
    fn offset_of(&self, key: &str) -> usize {
        let entry = self.table.iter().find(|(known, _)| known.get_ref() == key);
        entry.map_or(self.offset, |(known, _)| known.span().start)
    }

    fn check_keys(&mut self) {
        for key in self.table.keys().map(|key| key.get_ref().as_ref()) {
            if !KEYS.contains(&key) {
                self.fault(key, Fault::UnknownKey { known: KEYS });
            }
        }
        for key in REQUIRED {
            if !self.table.contains_key(*key) {
                self.fault(key, Fault::MissingKey);
            }
        }
    }

    fn value<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        of_type: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<(Range<usize>, T)> {
        let value = self.table.get(key)?;
        let read = of_type(value.get_ref());
        if read.is_none() {
            self.fault(key, Fault::WrongType { expected });
        }
        Some((value.span(), read?))
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        self.value(key, "a boolean", DeValue::as_bool).map(|(_, flag)| flag)
    }

    fn number(&mut self, key: &str, max: u64) -> Option<u64> {
        let (_, written) = self.value(key, "an integer", DeValue::as_integer)?;
        let number = u64::from_str_radix(written.as_str(), written.radix()).ok();
        let number = number.filter(|number| (1..=max).contains(number));
        if number.is_none() {
            self.fault(key, Fault::OutOfRange { max });
        }
        number
    }

    fn name(&mut self, taken: &mut Taken) -> Option<(Range<usize>, String)> {
        let (at, name) = self.value("name", "a string", DeValue::as_str)?;
        if !is_id(name) {
            self.fault("name", Fault::BadName);
            return None;
        }
        if Caller::is_reserved(name) {
            self.fault("name", Fault::Reserved);
        }
        let line = self.faults.line(at.start);
        if let Some(&first_line) = taken.names.get(name) {
            self.fault("name", Fault::Taken { first_line });
        }
        taken.names.entry(name.to_owned()).or_insert(line);
        Some((at, name.to_owned()))
    }

    fn roles(&mut self) -> Option<Vec<Role>> {
        let (_, array) = self.value("roles", "an array of strings", DeValue::as_array)?;
        let mut roles = Vec::new();
        for (place, entry) in array.iter().enumerate() {
            let word = entry.get_ref().as_str();
            let role = ROLES.iter().find(|(known, _)| Some(*known) == word).map(|(_, role)| *role);
            match role {
                Some(role) if roles.contains(&role) => {
                    self.fault_within("roles", place, entry.span().start, Fault::RoleTwice);
                }
                Some(role) => roles.push(role),
                None => self.fault_within("roles", place, entry.span().start, Fault::BadRole),
            }
        }
        if array.is_empty() {
            self.fault("roles", Fault::NoRole);
        }
        if are_apart(&roles) {
            self.fault("roles", Fault::RolesApart);
        }
        Some(roles)
    }

    fn digest(&mut self, taken: &mut Taken) -> Option<KeyDigest> {
        let (at, text) = self.value("sha256", "a string", DeValue::as_str)?;
        let Some(digest) = hex::decode(text).map(KeyDigest) else {
            self.fault("sha256", Fault::BadDigest);
            return None;
        };
        let line = self.faults.line(at.start);
        if let Some((_, first_line)) = taken.digests.iter().find(|(known, _)| *known == digest) {
            let first_line = *first_line;
            self.fault("sha256", Fault::Taken { first_line });
        }
        taken.digests.push((digest, line));
        Some(digest)
    }

    /// A certificate proves one credential; that of a revoked one is free for the next.
    fn certificates(&mut self, is_revoked: bool, taken: &mut Taken) -> Vec<Box<str>> {
        let value = self.value("san", "an array of strings", DeValue::as_array);
        let Some((_, array)) = value else { return Vec::new() };
        if array.is_empty() || array.len() > MAX_NAMES {
            let fault = Fault::OutOfRange { max: u64::try_from(MAX_NAMES).unwrap_or(0) };
            self.fault("san", fault);
        }
        let mut names = Vec::new();
        for (place, entry) in array.iter().enumerate() {
            let at = entry.span().start;
            let Some(name) = entry.get_ref().as_str().filter(|name| is_certificate(name)) else {
                self.fault_within("san", place, at, Fault::BadCertificate);
                continue;
            };
            let name = spelled(name);
            if !is_revoked {
                let line = self.faults.line(at);
                if let Some(&first_line) = taken.certificates.get(&name) {
                    self.fault_within("san", place, at, Fault::Taken { first_line });
                }
                taken.certificates.entry(name.clone()).or_insert(line);
            }
            names.push(name.into());
        }
        names
    }

    fn instant(&mut self, key: &str) -> Option<Timestamp> {
        let (_, written) = self.value(key, "a date or time", DeValue::as_datetime)?;
        let instant = instant(&written.to_string());
        if instant.is_none() {
            self.fault(key, Fault::BadInstant);
        }
        instant
    }
}

/// Whether these roles must not be one person's: staff would hold the owner's proof.
pub(super) fn are_apart(roles: &[Role]) -> bool {
    roles.contains(&Role::Staff)
        && roles.iter().any(|role| matches!(role, Role::Sender | Role::Portal))
}

/// Whether this can be the name of a certificate.
fn is_certificate(name: &str) -> bool {
    let of_kind = ["dns:", "uri:", "email:"].iter().find_map(|kind| name.strip_prefix(kind));
    of_kind.is_some_and(|name| !name.is_empty())
        && name.len() <= MAX_NAME
        && name.bytes().all(|octet| octet.is_ascii_graphic())
}

/// A DNS name means the same in any case, so it is compared in one.
pub(super) fn spelled(name: &str) -> String {
    if name.starts_with("dns:") { name.to_ascii_lowercase() } else { name.to_owned() }
}

/// An instant in UTC or with an offset; a day is its first instant in UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let day: Date = text.parse().ok().filter(|_| text.len() == "2027-01-31".len())?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })?;
    i64::try_from(instant.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

fn shown(key: &str) -> String {
    let is_bare = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare && key.len() <= MAX_SHOWN { key.to_owned() } else { "(a long key)".to_owned() }
}

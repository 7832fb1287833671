//! Who may call, and what the server shows to whoever does: credentials and certificate, read by
//! what the server reads them with.

use std::path::Path;

use super::super::output::counted;
use super::Point;
use super::files::SHOWN;
use crate::credentials::{Credential, FileError, read};
use crate::model::day::Timestamp;
use crate::server::{CertificateAge, TlsFiles};

/// A credential is near its end for as long as a certificate is.
const NEAR: i64 = 14;

const DAY: i64 = 86_400_000_000_000;

pub(super) fn credentials(path: &Path, now: Timestamp) -> Point {
    const NAME: &str = "credentials";
    let file = path.display();
    let (credentials, open) = match read(path) {
        Ok(read) => read,
        Err(FileError::Content(faults)) => {
            let shown: Vec<String> = faults.iter().take(SHOWN).map(ToString::to_string).collect();
            let mend = "correct the file: a server does not start with it";
            return Point::problem(NAME, shown.join("; "), mend);
        }
        Err(error) => {
            let source = std::error::Error::source(&error).map(|why| format!(": {why}"));
            return Point::problem(
                NAME,
                format!("{error}{}", source.unwrap_or_default()),
                "name the file that the server is given, and let its user read it",
            );
        }
    };
    let live: Vec<&Credential> =
        credentials.iter().map(|entry| &**entry).filter(|entry| entry.is_live(now)).collect();
    let number = u64::try_from(live.len()).unwrap_or(u64::MAX);
    let mut found =
        format!("`{file}` has {}", counted(number, "good credential", "good credentials"));
    let mut mend = Vec::new();
    if let Some(mode) = open {
        found.push_str(&format!("; mode {mode:04o}: others can get at it"));
        mend.push(format!("chmod 600 {file}: who writes to it lets in whom he likes"));
    }
    if live.is_empty() {
        mend.push("nobody may call: make one with `maysend credential new`".to_owned());
    }
    for (entry, days) in live.iter().filter_map(|entry| Some((entry, days_left(entry, now)?))) {
        found.push_str(&format!("; `{}` ends in {}", entry.name, in_days(days)));
    }
    if live.iter().any(|entry| days_left(entry, now).is_some()) {
        mend.push("make new ones in time: who comes with an ended one is refused".to_owned());
    }
    match mend.is_empty() {
        true => Point::ok(NAME, found),
        false => Point::warning(NAME, found, mend.join("; ")),
    }
}

/// Whole days to its end, where that is near.
fn days_left(entry: &Credential, now: Timestamp) -> Option<i64> {
    let left = entry.expires?.nanos().saturating_sub(now.nanos()).div_euclid(DAY);
    (left < NEAR).then_some(left)
}

pub(super) fn certificate(files: &TlsFiles, now: Timestamp) -> Point {
    const NAME: &str = "certificate";
    let file = files.cert.display();
    let renew = "renew it; a running server takes the new one by itself";
    match files.age(now) {
        Err(error) => Point::problem(
            NAME,
            format!("{error:#}"),
            "name certificate, key and issuer as PEM, and let the server's user read them",
        ),
        Ok(CertificateAge::Good) => {
            Point::ok(NAME, format!("`{file}` and its key belong together, and its end is far"))
        }
        Ok(CertificateAge::Ends(days)) => {
            Point::warning(NAME, format!("`{file}` ends in {}", in_days(days)), renew)
        }
        Ok(CertificateAge::Ended) => {
            Point::problem(NAME, format!("`{file}` has ended: clients refuse it"), renew)
        }
        Ok(CertificateAge::NotYet) => Point::problem(
            NAME,
            format!("`{file}` is not good yet, by this clock: clients refuse it"),
            "set the clock right, or use the certificate before it",
        ),
    }
}

fn in_days(days: i64) -> String {
    match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

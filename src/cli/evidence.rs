//! What proves a consent, as it is said on the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::grpc::api;

/// The longest notice that is read; a server takes no longer one.
const MAX_WORDING: u64 = 65_536;

#[derive(Debug, Args)]
pub(super) struct EvidenceArgs {
    /// How the consent reached you. Paper needs --document-ref, import --source and --occurred-at,
    /// phone and in-person --source, the others --wording and --source.
    #[arg(long, value_enum)]
    method: Method,
    /// Where it was given: the form's address, the call, the file and line.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    source: String,
    /// The text that the person saw, whole.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    wording: String,
    /// A file with that text.
    #[arg(long, value_name = "FILE", conflicts_with = "wording")]
    wording_file: Option<PathBuf>,
    /// Your own name for this version of the text.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    wording_version: String,
    /// The language of the text, such as de or en.
    #[arg(long, value_name = "TAG", default_value = "")]
    language: String,
    /// Where the signed paper lies.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    document_ref: String,
    /// When it was given, where that was not just now: 2026-11-21 or 2026-11-21T22:54:03Z.
    #[arg(long, value_name = "WHEN", value_parser = parse_instant)]
    occurred_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Method {
    Form,
    Link,
    DoubleOptIn,
    Portal,
    Paper,
    Phone,
    InPerson,
    Import,
}

impl From<Method> for api::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Form => Self::Form,
            Method::Link => Self::Link,
            Method::DoubleOptIn => Self::DoubleOptIn,
            Method::Portal => Self::Portal,
            Method::Paper => Self::Paper,
            Method::Phone => Self::Phone,
            Method::InPerson => Self::InPerson,
            Method::Import => Self::Import,
        }
    }
}

impl EvidenceArgs {
    /// The evidence; the wording is read from its file.
    ///
    /// # Errors
    /// The file cannot be read, or is longer than a notice.
    pub(super) fn read(self) -> anyhow::Result<api::Evidence> {
        let wording = match &self.wording_file {
            None => self.wording,
            Some(path) => {
                let read = || -> anyhow::Result<String> {
                    let long = std::fs::metadata(path)?.len() > MAX_WORDING;
                    anyhow::ensure!(!long, "it is longer than {MAX_WORDING} octets");
                    Ok(std::fs::read_to_string(path)?)
                };
                read().with_context(|| format!("cannot use the wording in `{}`", path.display()))?
            }
        };
        Ok(api::Evidence {
            method: api::Method::from(self.method).into(),
            source: self.source,
            wording,
            wording_version: self.wording_version,
            language: self.language,
            document_ref: self.document_ref,
            ip: String::new(),
            user_agent: String::new(),
            occurred_at: self.occurred_at.map(|at| prost_types::Timestamp {
                seconds: at.as_second(),
                nanos: at.subsec_nanosecond(),
            }),
        })
    }
}

/// An instant, or the first of a day in UTC.
pub(super) fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let of_day = || {
        // A day alone: read as one, an instant without its zone would lose its time.
        let day = (text.len() == "2026-11-21".len()).then(|| text.parse::<Date>().ok())??;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let instant = text.parse().ok().or_else(of_day);
    instant.ok_or_else(|| "an instant is written 2026-11-21 or 2026-11-21T22:54:03Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        let parsed = parse_instant(text).ok().map(|instant| instant.to_string());
        assert_eq!(parsed.as_deref(), expect, "{text}");
    }

    #[test]
    fn an_instant_is_a_day_or_a_time_with_its_zone() {
        check("2026-11-21", Some("2026-11-21T00:00:00Z"));
        check("2026-11-21T22:54:03Z", Some("2026-11-21T22:54:03Z"));
        check("2026-11-21T22:54:03+01:00", Some("2026-11-21T21:54:03Z"));
        check("2026-11-21T22:54:03", None);
        check("21.11.2026", None);
        check("yesterday", None);
    }
}

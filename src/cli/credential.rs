//! `maysend credential`: who may call a server.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::evidence::parse_instant;
use super::output::{Align, print, say, table};
use super::{Exit, Format, Global};
use crate::credentials::{self, Credential, Key, Limits, New, ROLES};
use crate::engine::clock::Clock as _;
use crate::model;
use crate::model::campaign::is_id;
use crate::server::SystemClock;

#[derive(Debug, Args)]
pub(super) struct CredentialArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make a credential: its key is printed once, and the file gets the hash.
    New(NewArgs),
    /// Show which credentials there are; no secrets.
    List(At),
    /// Take a credential back for good. A running server takes it on SIGHUP.
    Revoke {
        /// Which.
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        at: At,
    },
}

/// Where the credential file lies.
#[derive(Debug, Args)]
struct At {
    /// The credential file, as `serve --credentials` reads it.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
struct NewArgs {
    /// What events and logs call it; it is given out once.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// What it may do; may be given several times.
    #[arg(long = "role", value_name = "ROLE", value_enum, required = true, value_delimiter = ',')]
    roles: Vec<Role>,
    /// Until when it is good: a day or an instant in UTC, or from now as 90d [default: for ever].
    #[arg(long, value_name = "WHEN", value_parser = parse_end)]
    expires: Option<End>,
    /// The name of a client certificate that proves it: dns:NAME, uri:URI or email:ADDRESS; may be
    /// given several times.
    #[arg(long = "san", value_name = "NAME")]
    certificates: Vec<String>,
    /// Make no key: client certificates alone prove it.
    #[arg(long, requires = "certificates")]
    no_key: bool,
    /// How many addresses it may ask about in a minute [default: any number].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    addresses_per_minute: Option<u64>,
    /// How many different addresses it may ask about in a UTC day [default: any number].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    distinct_addresses_per_day: Option<u64>,
    #[command(flatten)]
    at: At,
}

/// What a credential may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// Asks before it sends.
    Sender,
    /// A clerk with a customer on the phone; never together with sender or portal.
    Staff,
    /// Speaks for owners that proved themselves.
    Portal,
    /// Bounce and complaint processors, followers.
    System,
    /// The second pair of eyes.
    Reviewer,
    /// Everything but the reviewer's.
    Admin,
}

impl From<Role> for model::actor::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Sender => Self::Sender,
            Role::Staff => Self::Staff,
            Role::Portal => Self::Portal,
            Role::System => Self::System,
            Role::Reviewer => Self::Reviewer,
            Role::Admin => Self::Admin,
        }
    }
}

/// When a credential ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    At(Timestamp),
    /// So many days from now.
    In(u16),
}

impl CredentialArgs {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self.what {
            What::New(new) => new.run(global.format)?,
            What::List(At { file }) => {
                let (credentials, open) = credentials::read(&file)?;
                if let Some(mode) = open {
                    let file = file.display();
                    say(format_args!("maysend: `{file}` has mode {mode:04o}; `chmod 600` it"));
                }
                let entries: Vec<&Credential> = credentials.iter().map(|entry| &**entry).collect();
                print(&listed(&entries, SystemClock.now(), global.format))?;
            }
            What::Revoke { name, at: At { file } } => match credentials::revoke(&file, &name)? {
                true => say(format_args!(
                    "`{name}` is revoked; a running server lets it in until it gets SIGHUP"
                )),
                false => say(format_args!("`{name}` was revoked before; nothing is changed")),
            },
        }
        Ok(Exit::Done)
    }
}

impl NewArgs {
    fn run(self, format: Format) -> anyhow::Result<()> {
        let now = now()?;
        let expires = self.expires.map(|end| end.from(now)).transpose()?;
        ensure!(expires.is_none_or(|end| end > now), "--expires lies in the past");
        let key = match self.no_key {
            true => None,
            false => Some(Key::random().context("the operating system gives no random octets")?),
        };
        let new = New {
            name: self.name,
            roles: self.roles.iter().copied().map(Into::into).collect(),
            digest: key.as_ref().map(Key::digest),
            certificates: self.certificates,
            created: written(now),
            expires: expires.map(written),
            limits: Limits {
                addresses_per_minute: self.addresses_per_minute,
                distinct_addresses_per_day: self.distinct_addresses_per_day,
            },
        };
        credentials::add(&self.at.file, &new)?;
        let key = key.as_ref().map(Key::reveal);
        match (format, key) {
            (Format::Human, None) => {}
            (Format::Human, Some(key)) => print(&format!("{key}\n"))?,
            (Format::Json, key) => {
                let roles: Vec<&str> = new.roles.iter().map(|role| word(*role)).collect();
                let document = json!({
                    "name": new.name,
                    "roles": roles,
                    "key": key,
                    "created": new.created,
                    "expires": new.expires,
                });
                print(&format!("{document}\n"))?;
            }
        }
        let (name, file) = (&new.name, self.at.file.display());
        let shown = if key.is_some() { "; its key is shown this once" } else { "" };
        say(format_args!(
            "`{name}` is in `{file}`{shown}; a running server takes it on SIGHUP, any other at its \
             start"
        ));
        Ok(())
    }
}

impl End {
    fn from(self, now: Timestamp) -> anyhow::Result<Timestamp> {
        match self {
            Self::At(at) => Ok(at),
            Self::In(days) => {
                let hours = jiff::Span::new().try_hours(i64::from(days) * 24)?;
                Ok(now.checked_add(hours)?)
            }
        }
    }
}

/// A name, so that a wrong one is wrong usage.
fn parse_name(text: &str) -> Result<String, String> {
    match is_id(text) && !model::actor::Caller::is_reserved(text) {
        true => Ok(text.to_owned()),
        false => {
            Err("a name matches [a-z0-9][a-z0-9._-]{0,62} and is not `local` or `web`".to_owned())
        }
    }
}

fn parse_end(text: &str) -> Result<End, String> {
    if let Some(days) = text.strip_suffix('d')
        && let Ok(days) = days.parse()
    {
        return Ok(End::In(days));
    }
    let wrong = "an end is written 2027-01-31, 2027-01-31T00:00:00Z or 90d";
    parse_instant(text).map(End::At).map_err(|_| wrong.to_owned())
}

/// The present second.
fn now() -> anyhow::Result<Timestamp> {
    let (seconds, _) = SystemClock.now().parts();
    Ok(Timestamp::from_second(seconds)?)
}

fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn word(role: model::actor::Role) -> &'static str {
    ROLES.iter().find(|(_, known)| *known == role).map_or("", |(word, _)| word)
}

fn listed(entries: &[&Credential], now: model::day::Timestamp, format: Format) -> String {
    match format {
        Format::Human => {
            let head = ["NAME", "ROLES", "STATE", "EXPIRES", "PROOF", "BUDGETS"];
            let mut rows = vec![head.map(str::to_owned)];
            rows.extend(entries.iter().map(|entry| {
                [
                    entry.name.to_string(),
                    words(entry).join(","),
                    state(entry, now).to_owned(),
                    entry.expires.map_or_else(|| "never".to_owned(), instant),
                    proof(entry),
                    budgets(entry.limits),
                ]
            }));
            table([Align::Left; 6], &rows)
        }
        Format::Json => {
            let line = |entry: &&Credential| format!("{}\n", document(entry, now));
            entries.iter().map(line).collect()
        }
    }
}

fn document(entry: &Credential, now: model::day::Timestamp) -> Value {
    let Limits { addresses_per_minute, distinct_addresses_per_day } = entry.limits;
    json!({
        "name": *entry.name,
        "roles": words(entry),
        "state": state(entry, now),
        "created": instant(entry.created),
        "expires": entry.expires.map(instant),
        "has_key": entry.digest.is_some(),
        "san": entry.certificates,
        "addresses_per_minute": addresses_per_minute,
        "distinct_addresses_per_day": distinct_addresses_per_day,
    })
}

fn words(entry: &Credential) -> Vec<&'static str> {
    entry.roles.iter().map(|role| word(*role)).collect()
}

fn state(entry: &Credential, now: model::day::Timestamp) -> &'static str {
    match (entry.is_revoked, entry.is_live(now)) {
        (true, _) => "revoked",
        (false, true) => "good",
        (false, false) => "expired",
    }
}

fn proof(entry: &Credential) -> String {
    let key = entry.digest.map(|_| "key".to_owned());
    let names = entry.certificates.iter().map(ToString::to_string);
    key.into_iter().chain(names).collect::<Vec<_>>().join(",")
}

fn budgets(limits: Limits) -> String {
    let Limits { addresses_per_minute, distinct_addresses_per_day } = limits;
    let rate = addresses_per_minute.map(|limit| format!("{limit}/minute"));
    let distinct = distinct_addresses_per_day.map(|limit| format!("{limit} different/day"));
    rate.into_iter().chain(distinct).collect::<Vec<_>>().join(", ")
}

fn instant(at: model::day::Timestamp) -> String {
    let (seconds, _) = at.parts();
    Timestamp::from_second(seconds).map_or_else(|_| String::new(), written)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[credential]]
name = "crm"
roles = ["staff"]
sha256 = "00000000000000000000000000000000000000000000000000000000000000aa"
created = 2026-11-22T08:00:00Z
expires = 2027-01-31T00:00:00Z
addresses_per_minute = 600
distinct_addresses_per_day = 1000

[[credential]]
name = "mailer"
roles = ["sender", "system"]
san = ["dns:mailer.example"]
created = 2026-11-22T08:00:00Z
revoked = true
"#;

    #[test]
    fn credentials_are_listed_without_their_hashes() {
        let credentials = credentials::parse("x", FILE).unwrap();
        let entries: Vec<&Credential> = credentials.iter().map(|entry| &**entry).collect();
        let now = model::day::Timestamp::from_parts(1_780_000_000, 0).unwrap();
        let human = listed(&entries, now, Format::Human);
        let lines: Vec<Vec<&str>> =
            human.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["NAME", "ROLES", "STATE", "EXPIRES", "PROOF", "BUDGETS"]);
        assert_eq!(lines[1][..5], ["crm", "staff", "good", "2027-01-31T00:00:00Z", "key"]);
        assert_eq!(lines[1][5..].join(" "), "600/minute, 1000 different/day");
        let mailer = ["mailer", "sender,system", "revoked", "never", "dns:mailer.example"];
        assert_eq!(lines[2], mailer);
        let json = listed(&entries, now, Format::Json);
        let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
        assert_eq!(first["state"], "good");
        assert_eq!(first["expires"], "2027-01-31T00:00:00Z");
        assert!(!json.contains("aa\""), "no hash");
        let later = model::day::Timestamp::from_parts(1_900_000_000, 0).unwrap();
        assert!(listed(&entries, later, Format::Human).contains("expired"));
    }

    #[test]
    fn an_end_is_a_day_an_instant_or_days_from_now() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let end = |text| parse_end(text).ok().map(|end| written(end.from(now).unwrap()));
        assert_eq!(end("2027-01-31").as_deref(), Some("2027-01-31T00:00:00Z"));
        assert_eq!(end("2027-01-31T12:00:00+01:00").as_deref(), Some("2027-01-31T11:00:00Z"));
        assert_eq!(end("90d").as_deref(), Some("2027-02-20T08:00:00Z"));
        for wrong in ["", "d", "-1d", "soon", "90", "100000d"] {
            assert_eq!(end(wrong), None, "{wrong}");
        }
    }
}

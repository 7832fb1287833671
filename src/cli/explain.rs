//! `maysend explain`: why a campaign may go to an address or may not, in plain language.

mod known;
mod words;

use std::str::FromStr;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use self::words::Label;
use super::connect::decisions;
use super::event::{object, one_line};
use super::fault::Fault;
use super::output::print;
use super::{Exit, Format, Global, event, scope};
use crate::engine::clock::Clock as _;
use crate::grpc::api;
use crate::model::day::{Day, Timestamp};
use crate::model::language::Language;
use crate::server::SystemClock;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Whom it would go to.
    address: String,
    /// The brand that sends.
    #[arg(long, value_name = "ID")]
    brand: String,
    /// The campaign, as the brand registered it.
    #[arg(long, value_name = "ID")]
    campaign: String,
    /// Explain what held at an instant: 2026-03-01T12:00:00Z, or a day, of which the end counts
    /// (UTC) [default: now].
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<AsOf>,
    /// The language of the explanation.
    #[arg(long, value_enum, default_value_t)]
    language: Tongue,
}

/// The language of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Tongue {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl From<Tongue> for Language {
    fn from(tongue: Tongue) -> Self {
        match tongue {
            Tongue::En => Self::English,
            Tongue::De => Self::German,
        }
    }
}

/// An instant in the past, or a day of which the end counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AsOf {
    Instant(Timestamp),
    Day(Day),
}

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let of = |instant: jiff::Timestamp| {
            Timestamp::from_parts(instant.as_second(), instant.subsec_nanosecond())
        };
        let instant = || of(jiff::Timestamp::from_str(text).ok()?).map(Self::Instant);
        let day = || {
            // A date with a time and no offset would be read as a date.
            let start = jiff::civil::Date::strptime("%Y-%m-%d", text).ok()?;
            let start = start.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
            of(start)?.day().map(Self::Day)
        };
        let form = "an instant is written 2026-03-01T12:00:00Z, a day 2026-03-01";
        instant().or_else(day).ok_or_else(|| form.to_owned())
    }
}

impl AsOf {
    /// The instant that is meant; none for a day that has not ended: of today that is now.
    fn instant(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Day(day) => {
                let next = Day::new(day.index().saturating_add(1)).start();
                let is_today = now.day() == Some(day);
                (!is_today).then(|| Timestamp::from_nanos(next.nanos().saturating_sub(1)))
            }
        }
    }
}

impl ExplainArgs {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let as_of = self.as_of.and_then(|as_of| as_of.instant(SystemClock.now()));
        let mut client = decisions(global.connect().await?);
        let request = api::ExplainRequest {
            address: self.address.clone(),
            brand: self.brand.clone(),
            campaign: self.campaign.clone(),
            as_of: as_of.map(|at| {
                let (seconds, nanos) = at.parts();
                prost_types::Timestamp { seconds, nanos }
            }),
        };
        let explanation = client.explain(request).await.map_err(Fault::from)?.into_inner();
        print(&match global.format {
            Format::Human => self.human(&explanation, as_of),
            Format::Json => format!("{}\n", document(&explanation)),
        })?;
        Ok(Exit::Done)
    }

    fn human(&self, explanation: &api::ExplainResponse, as_of: Option<Timestamp>) -> String {
        let language = Language::from(self.language);
        let label = |label| words::label(label, language);
        let address = match explanation.canonical_address.as_str() {
            "" => &self.address,
            canonical => canonical,
        };
        let (allowed, _) = words::verdict(explanation.verdict, language);
        let answer = if allowed { Label::May } else { Label::MayNot };
        let (brand, campaign) = (&self.brand, &self.campaign);
        let mut text = label(answer)
            .replace("{address}", &one_line(address))
            .replace("{campaign}", &format!("{brand}/{campaign}"));
        text.push('\n');
        let at = as_of.map(|at| crate::sheet::words::instant(at, language));
        let at = at.unwrap_or_else(|| label(Label::Now).to_owned());
        let state = label(Label::State).replace("{at}", &at);
        text.push_str(&state.replace("{revision}", &explanation.revision.to_string()));
        text.push('\n');
        for (place, finding) in explanation.findings.iter().enumerate() {
            let heading = match place {
                0 => Some(Label::Because),
                1 => Some(Label::Besides),
                _ => None,
            };
            if let Some(heading) = heading {
                text.push_str(&format!("\n{}\n", label(heading)));
            }
            text.push_str(&finding_text(finding, language));
        }
        text
    }
}

/// A finding: why, then where, what, when, by whom, in which words, and how it is proved.
fn finding_text(finding: &api::Finding, language: Language) -> String {
    let (_, why) = words::verdict(finding.verdict, language);
    let mut text = format!("  - {why}\n");
    let mut line = |label: Label, value: &str| {
        if !value.is_empty() {
            let label = words::label(label, language);
            text.push_str(&format!("      {label:<12}{}\n", one_line(value)));
        }
    };
    if let Some(at) = &finding.scope {
        line(Label::Where, &scope::text(Some(at)));
    }
    line(Label::Base, &finding.base_address);
    let Some(event) = &finding.event else {
        line(Label::What, words::label(Label::Nothing, language));
        return text;
    };
    line(Label::What, &words::what(event, language));
    let at = words::instant(event.recorded_at.as_ref(), language).unwrap_or_default();
    line(Label::When, &format!("{at}  #{}", event.revision));
    line(Label::By, &words::by(event.actor.as_ref(), language));
    line(Label::Why, &event.reason);
    for fact in event.evidence.iter().flat_map(|evidence| words::proof(evidence, language)) {
        line(Label::Proof, &fact);
    }
    text
}

fn document(explanation: &api::ExplainResponse) -> Value {
    let name = |verdict: i32| words::name(verdict);
    let findings = explanation.findings.iter().map(|finding| {
        object([
            ("verdict", json!(name(finding.verdict))),
            ("explanation", json!(words::verdict(finding.verdict, Language::English).1)),
            (
                "scope",
                finding.scope.as_ref().map_or(Value::Null, |at| json!(scope::text(Some(at)))),
            ),
            ("base_address", json!(finding.base_address)),
            ("event", finding.event.as_ref().map_or(Value::Null, event::json)),
        ])
    });
    let (allowed, why) = words::verdict(explanation.verdict, Language::English);
    json!({
        "canonical_address": explanation.canonical_address,
        "allowed": allowed,
        "verdict": name(explanation.verdict),
        "explanation": why,
        "findings": findings.collect::<Vec<_>>(),
        "revision": explanation.revision,
    })
}

#[cfg(test)]
mod tests;

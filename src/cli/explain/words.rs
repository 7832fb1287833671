//! The sentences of an explanation, English and German side by side. What closed choices are
//! called is told by the words of the data sheet.
#![deny(clippy::wildcard_enum_match_arm)]

use super::known;
use crate::grpc::api;
use crate::model::day::Timestamp;
use crate::model::language::Language;
use crate::model::verdict::Verdict;
use crate::sheet::words as shared;

/// What is said around the facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    May,
    MayNot,
    Now,
    State,
    Because,
    Besides,
    Where,
    Base,
    What,
    Nothing,
    When,
    By,
    Why,
    Proof,
    Source,
    Wording,
    WordingVersion,
    WordingLanguage,
    Document,
    Network,
    Program,
    SaidAt,
    Credential,
}

pub(super) const fn label(label: Label, language: Language) -> &'static str {
    let (en, de) = match label {
        Label::May => {
            ("Yes: {campaign} may go to {address}.", "Ja: {campaign} darf an {address} gehen.")
        }
        Label::MayNot => (
            "No: {campaign} must not go to {address}.",
            "Nein: {campaign} darf nicht an {address} gehen.",
        ),
        Label::Now => ("now", "jetzt"),
        Label::State => ("As of {at}, revision {revision}.", "Stand: {at}, Revision {revision}."),
        Label::Because => ("Because:", "Denn:"),
        Label::Besides => (
            "And if that were not so, these would deny, one after the other:",
            "Und wäre das nicht so, stünden dem der Reihe nach entgegen:",
        ),
        Label::Where => ("where", "wo"),
        Label::Base => ("address", "Adresse"),
        Label::What => ("what", "was"),
        Label::Nothing => ("nothing is recorded", "nichts eingetragen"),
        Label::When => ("when", "wann"),
        Label::By => ("by whom", "durch wen"),
        Label::Why => ("why", "weshalb"),
        Label::Proof => ("proof", "Beleg"),
        Label::Source => ("source", "Quelle"),
        Label::Wording => ("text shown", "gezeigter Text"),
        Label::WordingVersion => ("version of the text", "Fassung des Textes"),
        Label::WordingLanguage => ("language of the text", "Sprache des Textes"),
        Label::Document => ("document", "Dokument"),
        Label::Network => ("network address", "IP-Adresse"),
        Label::Program => ("program", "Programm"),
        Label::SaidAt => ("said at", "erklärt am"),
        Label::Credential => ("credential", "Zugang"),
    };
    language.pick(en, de)
}

/// Whether the verdict of this number allows, and why. One of a newer server has no sentence.
pub(super) fn verdict(number: i32, language: Language) -> (bool, &'static str) {
    match u8::try_from(number).ok().and_then(Verdict::from_code) {
        Some(verdict) => (verdict.allows(), shared::verdict(verdict).to(language)),
        None => {
            let why = language.pick(
                "a reason that this program does not know",
                "ein Grund, den dieses Programm nicht kennt",
            );
            (number >= i32::from(Verdict::FIRST_ALLOWED), why)
        }
    }
}

/// The verdict's name in the proto files.
pub(super) fn name(number: i32) -> String {
    u8::try_from(number).map_or_else(
        |_| format!("VERDICT_{number}"),
        |code| super::super::words::verdict(code).name,
    )
}

/// An instant; none where there is no such.
pub(super) fn instant(at: Option<&prost_types::Timestamp>, language: Language) -> Option<String> {
    let prost_types::Timestamp { seconds, nanos } = at?;
    Some(shared::instant(Timestamp::from_parts(*seconds, *nanos)?, language))
}

/// What was recorded: `Blocked: complaint or spam report`.
pub(super) fn what(event: &api::Event, language: Language) -> String {
    let basis = known::legal_basis(event.legal_basis());
    let kind = known::event_kind(event.kind());
    let kind = kind.map(|kind| shared::event_title(kind, basis).to(language));
    let cause = known::cause(event.cause()).map(|cause| shared::cause(cause).to(language));
    let basis = basis.map(|basis| shared::legal_basis(basis).to(language));
    let mut text = kind.unwrap_or(event.kind().as_str_name()).to_owned();
    for more in [cause, basis].into_iter().flatten() {
        text.push_str(": ");
        text.push_str(more);
    }
    text
}

/// Who did it.
pub(super) fn by(actor: Option<&api::Actor>, language: Language) -> String {
    let Some(actor) = actor else { return String::new() };
    let class = known::actor_class(actor.class());
    let class = class.map(|class| shared::actor_class(class).to(language)).unwrap_or_default();
    let mut text = match actor.id.as_str() {
        "" => class.to_owned(),
        id => format!("{id} ({class})"),
    };
    if !matches!(actor.credential.as_str(), "" | "local") {
        text.push_str(&format!(", {} {}", label(Label::Credential, language), actor.credential));
    }
    text
}

/// What proves it, one fact a line.
pub(super) fn proof(evidence: &api::Evidence, language: Language) -> Vec<String> {
    let method = shared::method(known::method(evidence.method())).map(|of| of.to(language));
    let said_at = instant(evidence.occurred_at.as_ref(), language).unwrap_or_default();
    let mut proof: Vec<String> = method.map(str::to_owned).into_iter().collect();
    for (name, value) in [
        (Label::Source, &evidence.source),
        (Label::Wording, &evidence.wording),
        (Label::WordingVersion, &evidence.wording_version),
        (Label::WordingLanguage, &evidence.language),
        (Label::Document, &evidence.document_ref),
        (Label::Network, &evidence.ip),
        (Label::Program, &evidence.user_agent),
        (Label::SaidAt, &said_at),
    ] {
        if !value.is_empty() {
            proof.push(format!("{}: {value}", label(name, language)));
        }
    }
    proof
}

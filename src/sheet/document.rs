//! What text and page show, in the words of one language: sections of paragraphs, tables and
//! entries.

mod event;

use super::words::{self, Label, Said};
use crate::engine::sheet::{IDENTITY_RULES, SubjectSheet};
use crate::engine::status::{ConsentState, ScopedBlock, ScopedConsent, ScopedOptOut};
use crate::model::actor::Caller;
use crate::model::event::{Event, EventKind};
use crate::model::evidence::LegalBasis;
use crate::model::fact::Erasure;
use crate::model::language::Language;
use crate::model::scope::Scope;

/// Characters that are certain to fit on a page.
const LONG_ENTRY: usize = 2_000;

/// A whole sheet.
#[derive(Debug)]
pub(super) struct Document {
    /// A BCP 47 tag.
    pub(super) language: &'static str,
    pub(super) title: &'static str,
    pub(super) law: &'static str,
    pub(super) address: String,
    pub(super) facts: Vec<Row>,
    pub(super) lead: &'static str,
    pub(super) sections: Vec<Section>,
}

/// A part with a heading.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) note: Option<&'static str>,
    pub(super) parts: Vec<Part>,
}

/// What a section is made of.
#[derive(Debug)]
pub(super) enum Part {
    Paragraph(String),
    Table(Table),
    Entry(Entry),
}

/// Rows of as many cells as there are columns.
#[derive(Debug)]
pub(super) struct Table {
    /// Whether the last column says when.
    pub(super) is_dated: bool,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Something with a name and what is known of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) title: String,
    /// When, for what happened.
    pub(super) at: Option<String>,
    pub(super) rows: Vec<Row>,
}

/// A name and its value.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) label: &'static str,
    pub(super) value: String,
}

impl Entry {
    /// Whether it may take more than a page of its own, and so must be cut.
    pub(super) fn is_long(&self) -> bool {
        self.rows.iter().map(|row| row.value.chars().count()).sum::<usize>() > LONG_ENTRY
    }
}

/// The sheet and the language that its parts are made in.
#[derive(Clone, Copy)]
struct Maker<'s> {
    sheet: &'s SubjectSheet,
    language: Language,
}

impl Document {
    pub(super) fn of(sheet: &SubjectSheet, language: Language) -> Self {
        let maker = Maker { sheet, language };
        let lead = match (sheet.is_empty(), sheet.erasure) {
            (true, _) => Label::NothingHeld,
            // Who started afresh has more than the tombstone.
            (false, Erasure::Erased) => Label::OnlyTombstone,
            (false, Erasure::None | Erasure::Pending) => Label::Purpose,
        };
        let sections = [
            maker.controllers(),
            maker.standing(),
            maker.mailings(),
            maker.events(),
            Some(maker.rights()),
        ];
        Self {
            language: language.tag(),
            title: maker.label(Label::Title),
            law: maker.label(Label::Law),
            address: sheet.address.as_str().to_owned(),
            facts: maker.facts(),
            lead: maker.label(lead),
            sections: sections.into_iter().flatten().collect(),
        }
    }
}

impl Maker<'_> {
    const fn label(self, label: Label) -> &'static str {
        words::label(label, self.language)
    }

    const fn said(self, said: Said) -> &'static str {
        said.to(self.language)
    }

    /// A row, unless there is nothing to show.
    fn row(self, label: Label, value: impl Into<String>) -> Option<Row> {
        let value = value.into();
        (!value.trim().is_empty()).then(|| Row { label: self.label(label), value })
    }

    fn facts(self) -> Vec<Row> {
        let sheet = self.sheet;
        let pseudonym = sheet.pseudonym.map(|name| format!("{:032x}", name.bits()));
        let rows = [
            self.row(Label::Address, sheet.address.as_str()),
            self.row(Label::Pseudonym, pseudonym.unwrap_or_default()),
            self.row(Label::Rules, format!("{} {IDENTITY_RULES}", self.label(Label::Version))),
            self.row(Label::MadeAt, words::long_instant(sheet.made_at, self.language)),
            self.row(Label::MadeBy, self.asker(&sheet.made_for)),
            self.row(Label::Revision, format!("#{}", sheet.revision)),
        ];
        rows.into_iter().flatten().collect()
    }

    fn asker(self, caller: &Caller) -> String {
        let Caller { credential, roles: _, actor } = caller;
        match (&**actor, &**credential) {
            ("", credential) => credential.to_owned(),
            (actor, Caller::LOCAL) => actor.to_owned(),
            (actor, credential) => {
                format!("{actor} ({} {credential})", self.label(Label::Credential))
            }
        }
    }

    /// A scope in full: `Sommerfestival: Newsletter`.
    fn scope(self, scope: Scope) -> String {
        let own = self.sheet.title(scope).unwrap_or(self.label(Label::Everything));
        match scope {
            Scope::Topic(topic) => {
                let brand = self.sheet.title(Scope::Brand(topic.brand())).unwrap_or_default();
                format!("{brand}: {own}")
            }
            Scope::Everything | Scope::Controller(_) | Scope::Brand(_) => own.to_owned(),
        }
    }

    fn controllers(self) -> Option<Section> {
        let sheet = self.sheet;
        if sheet.is_empty() || sheet.erasure == Erasure::Erased {
            return None;
        }
        let entries = sheet.controllers.iter().map(|controller| {
            let recipients: Vec<&str> = controller.recipients.iter().map(|to| &**to).collect();
            let rows = self.row(Label::Recipients, recipients.join("\n"));
            let (title, rows) = (controller.title.to_string(), rows.into_iter().collect());
            Part::Entry(Entry { title, at: None, rows })
        });
        let mut parts: Vec<Part> = entries.collect();
        if parts.is_empty() {
            parts.push(Part::Paragraph(self.label(Label::NoController).to_owned()));
        }
        Some(Section { title: self.label(Label::Controllers), note: None, parts })
    }

    fn standing(self) -> Option<Section> {
        let sheet = self.sheet;
        let erasure = (sheet.erasure != Erasure::None).then(|| {
            let state = self.said(words::erasure(sheet.erasure));
            let case = format!("{} {}", self.label(Label::ErasureCase), sheet.erasure_id);
            let of_case = |event: &&Event| {
                matches!(event.statement.kind, EventKind::ErasureRequested | EventKind::Erased)
            };
            let event = sheet.events.iter().rev().find(of_case);
            vec![
                self.label(Label::Erasure).to_owned(),
                format!("{state} ({case})"),
                self.recorded(event),
            ]
        });
        let opt_outs = sheet.opt_outs.iter().map(|opt_out| self.opt_out(opt_out));
        let blocks = sheet.blocks.iter().map(|block| self.block(block));
        let consents = sheet.consents.iter().map(|consent| self.consent(consent));
        // A request without an answer is among the consents already.
        let is_shown = |brand| {
            let at = Scope::Brand(brand);
            let pending = |c: &ScopedConsent| c.scope == at && c.state == ConsentState::Pending;
            sheet.consents.iter().any(pending)
        };
        let asked = sheet.asked.iter().filter(|(brand, _)| !is_shown(*brand));
        let asked = asked.map(|(brand, day)| {
            let what = self.label(Label::Asked).to_owned();
            vec![self.scope(Scope::Brand(*brand)), what, words::day(*day, self.language)]
        });
        let rows = erasure.into_iter().chain(opt_outs).chain(blocks).chain(consents).chain(asked);
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.is_empty() {
            return None;
        }
        let columns = [Label::Where, Label::What, Label::Recorded].map(|label| self.label(label));
        let parts = vec![Part::Table(Table { is_dated: true, columns: columns.to_vec(), rows })];
        Some(Section { title: self.label(Label::Standing), note: None, parts })
    }

    fn consent(self, consent: &ScopedConsent) -> Vec<String> {
        let ScopedConsent { scope, state, legal_basis, event } = consent;
        let state = self.said(words::consent_state(*state));
        let basis = legal_basis.map(|basis: LegalBasis| self.said(words::legal_basis(basis)));
        let what = basis.map_or(state.to_owned(), |basis| format!("{state}: {basis}"));
        vec![self.scope(*scope), what, self.recorded(event.as_ref())]
    }

    fn opt_out(self, opt_out: &ScopedOptOut) -> Vec<String> {
        let ScopedOptOut { scope, event } = opt_out;
        let what = self.label(Label::OptedOut).to_owned();
        vec![self.scope(*scope), what, self.recorded(event.as_ref())]
    }

    fn block(self, block: &ScopedBlock) -> Vec<String> {
        let ScopedBlock { brand, channel, cause, reason, event } = block;
        let (channel, cause) = (self.said(words::channel(*channel)), words::cause(*cause));
        let mut what = format!("{} ({channel}): {}", self.label(Label::Blocked), self.said(cause));
        if !reason.trim().is_empty() {
            what.push_str(&format!(" \u{2013} {reason}"));
        }
        vec![self.scope(Scope::Brand(*brand)), what, self.recorded(event.as_ref())]
    }

    /// When, and as which entry of the list of events.
    fn recorded(self, event: Option<&Event>) -> String {
        event.map_or_else(String::new, |event| {
            let at = event.recorded_at.day().map(|day| words::day(day, self.language));
            format!("{} #{}", at.unwrap_or_default(), event.revision)
        })
    }

    fn mailings(self) -> Option<Section> {
        let rows = self.sheet.mailings.iter().map(|mailing| {
            let answer = if mailing.verdict.allows() { Label::Yes } else { Label::No };
            let why = self.said(words::verdict(mailing.verdict)).to_owned();
            vec![self.scope(Scope::Topic(mailing.topic)), self.label(answer).to_owned(), why]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.is_empty() || self.sheet.erasure == Erasure::Erased {
            return None;
        }
        let columns = [Label::Mailing, Label::MaySend, Label::Why].map(|label| self.label(label));
        let parts = vec![Part::Table(Table { is_dated: false, columns: columns.to_vec(), rows })];
        let note = Some(self.label(Label::MailingsNote));
        Some(Section { title: self.label(Label::Mailings), note, parts })
    }

    fn events(self) -> Option<Section> {
        let parts: Vec<Part> =
            self.sheet.events.iter().map(|e| Part::Entry(self.event(e))).collect();
        if parts.is_empty() {
            return None;
        }
        let note = Some(self.label(Label::EventsNote));
        Some(Section { title: self.label(Label::Events), note, parts })
    }

    fn rights(self) -> Section {
        let parts = vec![Part::Paragraph(self.label(Label::RightsText).to_owned())];
        Section { title: self.label(Label::Rights), note: None, parts }
    }
}

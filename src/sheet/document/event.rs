//! One event as an entry: all that it says, line by line.

use super::super::words::{self, Label};
use super::{Entry, Maker, Row};
use crate::model::actor::{Actor, Caller};
use crate::model::event::{Event, Statement};
use crate::model::evidence::{Evidence, Notice};
use crate::model::scope::Scope;

impl Maker<'_> {
    pub(super) fn event(self, event: &Event) -> Entry {
        // What serves the ledger alone is no statement about the person.
        let Event {
            revision,
            previous: _,
            recorded_at,
            fingerprint: _,
            address: _,
            tagged: _,
            actor,
            request_id,
            statement,
        } = event;
        let Statement {
            kind,
            scopes,
            brands,
            controllers,
            channels,
            cause,
            reason,
            legal_basis,
            evidence,
            erasure_id,
            owner_proof: _,
            effects: _,
        } = statement;
        let scopes = scopes.iter().copied().chain(brands.iter().copied().map(Scope::Brand));
        let scopes: Vec<String> = scopes.map(|scope| self.scope(scope)).collect();
        let on_file = controllers.iter().map(|id| self.scope(Scope::Controller(*id)));
        let on_file: Vec<String> = on_file.collect();
        let channels: Vec<&str> = channels.iter().map(|c| self.said(words::channel(*c))).collect();
        let cause = cause.map(|cause| self.said(words::cause(cause)));
        let basis = legal_basis.map(|basis| self.said(words::legal_basis(basis)));
        let rows = [
            self.row(Label::Where, scopes.join("\n")),
            self.row(Label::OnFileWith, on_file.join("\n")),
            self.row(Label::Channels, channels.join(", ")),
            self.row(Label::Cause, cause.unwrap_or_default()),
            self.row(Label::Reason, &**reason),
            self.row(Label::Basis, basis.unwrap_or_default()),
        ];
        let evidence = evidence.iter().flat_map(|evidence| self.evidence(evidence));
        let origin = [
            self.row(Label::By, self.actor(actor)),
            self.row(Label::Request, &**request_id),
            self.row(Label::ErasureCase, &**erasure_id),
        ];
        Entry {
            title: self.said(words::event_title(*kind, *legal_basis)).to_owned(),
            at: Some(format!("{} #{revision}", words::instant(*recorded_at, self.language))),
            rows: rows
                .into_iter()
                .flatten()
                .chain(evidence)
                .chain(origin.into_iter().flatten())
                .collect(),
        }
    }

    fn evidence(self, evidence: &Evidence) -> impl Iterator<Item = Row> {
        let Evidence { method, source, notice, document_ref, ip, user_agent, occurred_at } =
            evidence;
        let Notice { wording, version, language } = notice;
        let method = words::method(*method).map(|method| self.said(method));
        let said_at = occurred_at.map(|at| words::instant(at, self.language));
        let rows = [
            self.row(Label::Method, method.unwrap_or_default()),
            self.row(Label::SaidAt, said_at.unwrap_or_default()),
            self.row(Label::Source, &**source),
            self.row(Label::Wording, &**wording),
            self.row(Label::WordingVersion, &**version),
            self.row(Label::WordingLanguage, &**language),
            self.row(Label::Document, &**document_ref),
            self.row(Label::Network, &**ip),
            self.row(Label::Program, &**user_agent),
        ];
        rows.into_iter().flatten()
    }

    fn actor(self, actor: &Actor) -> String {
        let Actor { class, id, credential } = actor;
        let class = self.said(words::actor_class(*class));
        let mut text = if id.is_empty() { class.to_owned() } else { format!("{id} ({class})") };
        if !credential.is_empty() && &**credential != Caller::LOCAL {
            text.push_str(&format!(", {} {credential}", self.label(Label::Credential)));
        }
        text
    }
}

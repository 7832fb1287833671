//! Texts, instants, and the evidence that is made of them.

use std::sync::Arc;

use prost_types::Timestamp as ProtoTimestamp;

use super::Reading;
use crate::engine::validate::holds_control;
use crate::grpc::api;
use crate::grpc::decode::words;
use crate::model::day::Timestamp;
use crate::model::evidence::{Evidence, Notice};

impl Reading<'_> {
    /// A text of one line.
    pub(in crate::grpc::decode) fn line(
        &mut self,
        field: impl Into<String>,
        text: &str,
    ) -> Option<Arc<str>> {
        if holds_control(text, |_| false) {
            return self.fault(field, "holds control characters; give a text of one line");
        }
        Some(shared(text))
    }

    /// A text of several lines, as people write and paste them.
    pub(in crate::grpc::decode) fn prose(
        &mut self,
        field: impl Into<String>,
        text: &str,
    ) -> Option<Arc<str>> {
        if holds_control(text, |c| matches!(c, '\n' | '\r' | '\t')) {
            return self.fault(field, "holds control characters other than line ends and tabs");
        }
        Some(shared(text))
    }

    /// Evidence that may be left out.
    pub(in crate::grpc::decode) fn evidence(
        &mut self,
        field: &str,
        evidence: Option<api::Evidence>,
    ) -> Option<Option<Arc<Evidence>>> {
        match evidence {
            Some(evidence) => self.given_evidence(field, &evidence).map(Some),
            None => Some(None),
        }
    }

    /// Evidence that must be there.
    pub(in crate::grpc::decode) fn mandatory_evidence(
        &mut self,
        field: &str,
        evidence: Option<api::Evidence>,
    ) -> Option<Arc<Evidence>> {
        match evidence {
            Some(evidence) => self.given_evidence(field, &evidence),
            None => self.fault(field, "is mandatory; say how the consent was given"),
        }
    }

    fn given_evidence(&mut self, field: &str, evidence: &api::Evidence) -> Option<Arc<Evidence>> {
        self.within(field, |reading| reading.evidence_fields(evidence)).map(Arc::new)
    }

    fn evidence_fields(&mut self, evidence: &api::Evidence) -> Option<Evidence> {
        let api::Evidence {
            method,
            source,
            wording,
            wording_version,
            language,
            document_ref,
            ip,
            user_agent,
            occurred_at,
        } = evidence;
        let method =
            words::method(*method).or_else(|| self.fault("method", "is no method of this version"));
        let source = self.line("source", source);
        let notice = self.notice(wording, wording_version, language);
        let document_ref = self.line("document_ref", document_ref);
        let ip = self.line("ip", ip);
        let user_agent = self.line("user_agent", user_agent);
        let occurred_at = match occurred_at {
            Some(at) => self.instant("occurred_at", *at).map(Some),
            None => Some(None),
        };
        Some(Evidence {
            method: method?,
            source: source?,
            notice: notice?,
            document_ref: document_ref?,
            ip: ip?,
            user_agent: user_agent?,
            occurred_at: occurred_at?,
        })
    }

    /// The notice of some evidence; the one before once more, where it is the same.
    fn notice(&mut self, wording: &str, version: &str, language: &str) -> Option<Notice> {
        let is_same = |last: &&Notice| {
            (&*last.wording, &*last.version, &*last.language) == (wording, version, language)
        };
        if let Some(last) = self.last_notice.as_ref().filter(is_same) {
            return Some(last.clone());
        }
        let wording = self.prose("wording", wording);
        let version = self.line("wording_version", version);
        let language = self.line("language", language);
        let notice = Notice { wording: wording?, version: version?, language: language? };
        self.last_notice = Some(notice.clone());
        Some(notice)
    }

    pub(in crate::grpc::decode) fn instant(
        &mut self,
        field: &str,
        at: ProtoTimestamp,
    ) -> Option<Timestamp> {
        let ProtoTimestamp { seconds, nanos } = at;
        if !(0..1_000_000_000).contains(&nanos) {
            return self.fault(format!("{field}.nanos"), "must be from 0 to 999,999,999");
        }
        Timestamp::from_parts(seconds, nanos)
            .or_else(|| self.fault(field, "lies outside the years 1678 to 2261"))
    }
}

/// A text that several may hold. Of the empty one, which most are, nothing is allocated.
fn shared(text: &str) -> Arc<str> {
    if text.is_empty() { Arc::default() } else { text.into() }
}

//! Texts, instants, and the evidence that is made of them.

use std::sync::Arc;

use prost_types::Timestamp as ProtoTimestamp;

use super::Reading;
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
        if text.contains(char::is_control) {
            return self.fault(field, "holds control characters; give a text of one line");
        }
        Some(text.into())
    }

    /// A text of several lines, as people write and paste them.
    pub(in crate::grpc::decode) fn prose(
        &mut self,
        field: impl Into<String>,
        text: &str,
    ) -> Option<Arc<str>> {
        if text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return self.fault(field, "holds control characters other than line ends and tabs");
        }
        Some(text.into())
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
        let method = words::method(*method)
            .or_else(|| self.fault(format!("{field}.method"), "is no method of this version"));
        let source = self.line(format!("{field}.source"), source);
        let wording = self.prose(format!("{field}.wording"), wording);
        let version = self.line(format!("{field}.wording_version"), wording_version);
        let language = self.line(format!("{field}.language"), language);
        let document_ref = self.line(format!("{field}.document_ref"), document_ref);
        let ip = self.line(format!("{field}.ip"), ip);
        let user_agent = self.line(format!("{field}.user_agent"), user_agent);
        let occurred_at = match occurred_at {
            Some(at) => self.instant(format!("{field}.occurred_at"), *at).map(Some),
            None => Some(None),
        };
        Some(Arc::new(Evidence {
            method: method?,
            source: source?,
            notice: Notice { wording: wording?, version: version?, language: language? },
            document_ref: document_ref?,
            ip: ip?,
            user_agent: user_agent?,
            occurred_at: occurred_at?,
        }))
    }

    pub(in crate::grpc::decode) fn instant(
        &mut self,
        field: String,
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

//! Why a check answers what it does.
#![deny(clippy::wildcard_enum_match_arm)]

use super::event::{event, scope};
use crate::catalog::Names;
use crate::engine::explain::{Explanation, Finding};
use crate::grpc::api;

pub(in crate::grpc) fn explanation(
    explanation: Explanation,
    names: &Names,
) -> api::ExplainResponse {
    let Explanation { verdict, address, findings, revision } = explanation;
    api::ExplainResponse {
        verdict: verdict.code().into(),
        canonical_address: address.map(|address| address.as_str().to_owned()).unwrap_or_default(),
        findings: findings.into_iter().map(|of| finding(of, names)).collect(),
        revision: revision.number(),
    }
}

fn finding(finding: Finding, names: &Names) -> api::Finding {
    let Finding { verdict, scope: at, event: recorded, base } = finding;
    api::Finding {
        verdict: verdict.code().into(),
        scope: at.map(|at| scope(at, names)),
        event: recorded.map(|recorded| event(recorded, names)),
        base_address: base.map(|base| base.as_str().to_owned()).unwrap_or_default(),
    }
}

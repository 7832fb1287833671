//! Erasure cases and certificates.

use super::event::{actor, timestamp};
use super::words::case_state;
use crate::engine::erasure::{CasePage, Certificate, ErasureCase, Said};
use crate::grpc::api;

pub(in crate::grpc) fn case(case: ErasureCase) -> api::ErasureCase {
    let ErasureCase { id, state, address, requested, decided, revision, access_request } = case;
    let of = |said: &Option<Said>| said.as_ref().map(|said| (actor(&said.by), timestamp(said.at)));
    let words = |said: Option<Said>| said.map(|said| said.words.to_string()).unwrap_or_default();
    let (requested_by, requested_at) = of(&requested).unzip();
    let (decided_by, decided_at) = of(&decided).unzip();
    api::ErasureCase {
        id: id.to_string(),
        state: case_state(state).into(),
        address: address.map(|address| address.as_str().to_owned()).unwrap_or_default(),
        reason: words(requested),
        requested_by,
        requested_at,
        decided_by,
        decided_at,
        decision_note: words(decided),
        revision: revision.number(),
        access_request_id: access_request.map(|at| at.number().to_string()).unwrap_or_default(),
    }
}

pub(in crate::grpc) fn cases(page: CasePage) -> api::ListErasureCasesResponse {
    let CasePage { cases, next_page_token } = page;
    let cases = cases.into_iter().map(case).collect();
    api::ListErasureCasesResponse { cases, next_page_token }
}

pub(in crate::grpc) fn certificate(certificate: Certificate) -> api::ErasureCertificate {
    let Certificate {
        id,
        events_erased,
        requested_by,
        approved_by,
        erased_at,
        ledger_head,
        revision,
    } = certificate;
    api::ErasureCertificate {
        id: id.to_string(),
        events_erased: u32::try_from(events_erased).unwrap_or(u32::MAX),
        requested_by: Some(actor(&requested_by)),
        approved_by: Some(actor(&approved_by)),
        erased_at: Some(timestamp(erased_at)),
        ledger_head: ledger_head.to_vec(),
        revision: revision.number(),
    }
}

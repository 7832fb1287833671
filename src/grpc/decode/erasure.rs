//! What is asked of erasures. Words alone: whether there is such a case is the engine's to know.

use std::sync::Arc;

use super::body;
use super::reading::{Reading, answered};
use crate::catalog::Catalog;
use crate::engine::erasure::{CaseState, ErasureRequest};
use crate::engine::error::InvalidRequest;
use crate::grpc::api;
use crate::grpc::refusal::Refusal;

const CASES: &str = "ListErasureCases names the cases";

pub(in crate::grpc) fn request_erasure(
    request: api::RequestErasureRequest,
    catalog: &Catalog,
) -> Result<ErasureRequest, Refusal> {
    let body = body("RequestErasure", &request, &request.request_id);
    let api::RequestErasureRequest { address, reason, request_id } = request;
    let mut reading = Reading::new(catalog);
    let reason = reading.prose("reason", &reason);
    reading.finish(|| {
        Some(ErasureRequest {
            address: address.into_bytes().into_boxed_slice(),
            reason: reason?,
            request_id: request_id.into(),
            body,
        })
    })
}

/// Which cases; none: all.
pub(in crate::grpc) fn case_state(number: i32) -> Result<Option<CaseState>, Refusal> {
    let refused = |problem| Err(InvalidRequest::one("state", problem).into());
    match api::ErasureState::try_from(number) {
        Ok(api::ErasureState::Unspecified) => Ok(None),
        Ok(api::ErasureState::Pending) => Ok(Some(CaseState::Pending)),
        Ok(api::ErasureState::Erased) => Ok(Some(CaseState::Erased)),
        Ok(api::ErasureState::Rejected) => Ok(Some(CaseState::Rejected)),
        Ok(api::ErasureState::None) => {
            refused("no case has it; name PENDING, ERASED or REJECTED, or none for all")
        }
        Err(_) => refused("is no state of a case; name PENDING, ERASED or REJECTED"),
    }
}

/// The case and the approver's note.
pub(in crate::grpc) fn approve(
    request: api::ApproveErasureRequest,
    catalog: &Catalog,
) -> Result<(String, Arc<str>), Refusal> {
    let api::ApproveErasureRequest { id, note } = request;
    answered(id, CASES, ("note", &note), catalog)
}

/// The case and the reason.
pub(in crate::grpc) fn reject(
    request: api::RejectErasureRequest,
    catalog: &Catalog,
) -> Result<(String, Arc<str>), Refusal> {
    let api::RejectErasureRequest { id, reason } = request;
    answered(id, CASES, ("reason", &reason), catalog)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::decode::tests::{catalog, refuses};

    #[test]
    fn a_state_that_no_case_has_is_refused() {
        let state = |state: api::ErasureState| case_state(state.into()).unwrap();
        assert_eq!(state(api::ErasureState::Unspecified), None);
        assert_eq!(state(api::ErasureState::Rejected), Some(CaseState::Rejected));
        refuses(case_state(api::ErasureState::None.into()), "state");
        refuses(case_state(77), "state");
    }

    #[test]
    fn a_decision_names_its_case() {
        let approval = |id: &str, note: &str| {
            approve(api::ApproveErasureRequest { id: id.into(), note: note.into() }, &catalog())
        };
        assert_eq!(approval("c1", "seen").unwrap(), ("c1".to_owned(), "seen".into()));
        refuses(approval("", "seen"), "id");
        refuses(approval("c1", "\u{7}"), "note");
        let request = api::RejectErasureRequest { id: "c1".into(), reason: "\u{7}".into() };
        refuses(reject(request, &catalog()), "reason");
    }

    #[test]
    fn a_request_is_told_from_another_under_its_request_id() {
        let request = |reason: &str, request_id: &str| {
            let request = api::RequestErasureRequest {
                address: "eve@example.org".into(),
                reason: reason.into(),
                request_id: request_id.into(),
            };
            request_erasure(request, &catalog()).unwrap().body
        };
        assert_eq!(request("a", "r"), request("a", "r"));
        assert_ne!(request("a", "r"), request("b", "r"));
        assert!(request("a", "").is_empty());
    }
}

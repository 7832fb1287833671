//! What is asked of access requests. Words alone: whether there is such a request is the engine's
//! to know.

use std::sync::Arc;

use super::body;
use super::reading::{Reading, answered};
use crate::catalog::Catalog;
use crate::engine::access::AccessAsk;
use crate::grpc::api;
use crate::grpc::refusal::Refusal;

pub(in crate::grpc) fn request_access(
    request: api::RequestAccessRequest,
    catalog: &Catalog,
) -> Result<AccessAsk, Refusal> {
    let body = body("RequestAccess", &request, &request.request_id);
    let api::RequestAccessRequest { address, words, evidence, request_id } = request;
    let mut reading = Reading::new(catalog);
    let words = reading.prose("words", &words);
    let evidence = reading.evidence("evidence", evidence);
    reading.finish(|| {
        Some(AccessAsk {
            address: address.into_bytes().into_boxed_slice(),
            words: words?,
            evidence: evidence?,
            request_id: request_id.into(),
            body,
        })
    })
}

/// The request and the note.
pub(in crate::grpc) fn answer_access(
    request: api::AnswerAccessRequest,
    catalog: &Catalog,
) -> Result<(String, Arc<str>), Refusal> {
    let api::AnswerAccessRequest { id, note } = request;
    let open = "ListAccessRequests names the open requests";
    answered(id, open, ("note", &note), catalog)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::decode::tests::{catalog, refuses};

    #[test]
    fn a_request_is_told_from_another_under_its_request_id() {
        let request = |words: &str, request_id: &str| {
            let request = api::RequestAccessRequest {
                address: "eve@example.org".into(),
                words: words.into(),
                evidence: None,
                request_id: request_id.into(),
            };
            request_access(request, &catalog())
        };
        let body = |words, request_id| request(words, request_id).unwrap().body;
        assert_eq!(body("a", "r"), body("a", "r"));
        assert_ne!(body("a", "r"), body("b", "r"));
        assert!(body("a", "").is_empty());
        refuses(request("\u{7}", ""), "words");
    }

    #[test]
    fn an_answer_names_its_request() {
        let answer = |id: &str, note: &str| {
            answer_access(api::AnswerAccessRequest { id: id.into(), note: note.into() }, &catalog())
        };
        assert_eq!(answer("17", "sent").unwrap(), ("17".to_owned(), "sent".into()));
        refuses(answer("", "sent"), "id");
        refuses(answer("17", "\u{7}"), "note");
    }
}

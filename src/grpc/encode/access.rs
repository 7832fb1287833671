//! Access requests.

use super::event::{actor, timestamp};
use crate::engine::access::{AccessPage, AccessRequest, AccessTaken};
use crate::engine::erasure::Said;
use crate::grpc::api;

pub(in crate::grpc) fn access_requested(taken: AccessTaken) -> api::RequestAccessResponse {
    let AccessTaken { outcome, request: of } = taken;
    let (access_request, outcome) = (of.map(request), outcome.code().into());
    api::RequestAccessResponse { access_request, outcome }
}

pub(in crate::grpc) fn access_answered(taken: AccessTaken) -> api::AnswerAccessResponse {
    let AccessTaken { outcome, request: of } = taken;
    let (access_request, outcome) = (of.map(request), outcome.code().into());
    api::AnswerAccessResponse { access_request, outcome }
}

pub(in crate::grpc) fn access_requests(page: AccessPage) -> api::ListAccessRequestsResponse {
    let AccessPage { requests, next_page_token } = page;
    let access_requests = requests.into_iter().map(request).collect();
    api::ListAccessRequestsResponse { access_requests, next_page_token }
}

fn request(request: AccessRequest) -> api::AccessRequest {
    let AccessRequest { id, address, requested, due, answered, revision } = request;
    let Said { by: requested_by, at: requested_at, words } = requested;
    let answer = answered.map(|Said { by, at, words }| (actor(&by), (timestamp(at), words)));
    let (answered_by, answer) = answer.unzip();
    let (answered_at, note) = answer.unzip();
    api::AccessRequest {
        id: id.to_string(),
        address: address.map(|address| address.as_str().to_owned()).unwrap_or_default(),
        words: words.to_string(),
        requested_by: Some(actor(&requested_by)),
        requested_at: Some(timestamp(requested_at)),
        due_at: Some(timestamp(due)),
        answered_by,
        answered_at,
        answer_note: note.map(|note| note.to_string()).unwrap_or_default(),
        revision: revision.number(),
    }
}

//! `AccessService`: the owner asks what is held, a person answers.

use tonic::{Request, Response, Status};

use super::api::access_service_server::AccessService;
use super::api::{
    AnswerAccessRequest, AnswerAccessResponse, ListAccessRequestsRequest,
    ListAccessRequestsResponse, RequestAccessRequest, RequestAccessResponse,
};
use super::caller::caller_of;
use super::edge::Edge;
use super::{decode, encode};

#[tonic::async_trait]
impl AccessService for Edge {
    async fn request_access(
        &self,
        request: Request<RequestAccessRequest>,
    ) -> Result<Response<RequestAccessResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let request = decode::request_access(request, &self.engine.catalog())?;
        let taken = self.engine.request_access(&caller, request).await?;
        Ok(Response::new(encode::access_requested(taken)))
    }

    async fn list_access_requests(
        &self,
        request: Request<ListAccessRequestsRequest>,
    ) -> Result<Response<ListAccessRequestsResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let ListAccessRequestsRequest { page_size, page_token } = request;
        let page = self.engine.access_requests(&caller, page_size, &page_token).await?;
        Ok(Response::new(encode::access_requests(page)))
    }

    async fn answer_access(
        &self,
        request: Request<AnswerAccessRequest>,
    ) -> Result<Response<AnswerAccessResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let (id, note) = decode::answer_access(request, &self.engine.catalog())?;
        let taken = self.engine.answer_access(&caller, &id, note).await?;
        Ok(Response::new(encode::access_answered(taken)))
    }
}

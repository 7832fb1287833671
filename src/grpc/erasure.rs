//! `ErasureService`: one person asks, another decides.

use tonic::{Request, Response, Status};

use super::api::erasure_service_server::ErasureService;
use super::api::{
    ApproveErasureRequest, ApproveErasureResponse, ListErasureCasesRequest,
    ListErasureCasesResponse, RejectErasureRequest, RejectErasureResponse, RequestErasureRequest,
    RequestErasureResponse,
};
use super::caller::caller_of;
use super::edge::Edge;
use super::{decode, encode};

#[tonic::async_trait]
impl ErasureService for Edge {
    async fn request_erasure(
        &self,
        request: Request<RequestErasureRequest>,
    ) -> Result<Response<RequestErasureResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let request = decode::request_erasure(request, &self.engine.catalog())?;
        let case = self.engine.request_erasure(&caller, request).await?;
        Ok(Response::new(RequestErasureResponse { erasure_case: Some(encode::case(case)) }))
    }

    async fn list_erasure_cases(
        &self,
        request: Request<ListErasureCasesRequest>,
    ) -> Result<Response<ListErasureCasesResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let ListErasureCasesRequest { state, page_size, page_token } = request;
        let state = decode::case_state(state)?;
        let page = self.engine.erasure_cases(&caller, state, page_size, &page_token).await?;
        Ok(Response::new(encode::cases(page)))
    }

    async fn approve_erasure(
        &self,
        request: Request<ApproveErasureRequest>,
    ) -> Result<Response<ApproveErasureResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let (id, note) = decode::approve(request, &self.engine.catalog())?;
        let certificate = self.engine.approve_erasure(&caller, &id, note).await?;
        let certificate = Some(encode::certificate(certificate));
        Ok(Response::new(ApproveErasureResponse { certificate }))
    }

    async fn reject_erasure(
        &self,
        request: Request<RejectErasureRequest>,
    ) -> Result<Response<RejectErasureResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let (id, reason) = decode::reject(request, &self.engine.catalog())?;
        let case = self.engine.reject_erasure(&caller, &id, reason).await?;
        Ok(Response::new(RejectErasureResponse { erasure_case: Some(encode::case(case)) }))
    }
}

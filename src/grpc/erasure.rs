//! `ErasureService`: a later part of the API.

use tonic::{Request, Response, Status};

use super::api::erasure_service_server::ErasureService;
use super::api::{
    ApproveErasureRequest, ApproveErasureResponse, ListErasureCasesRequest,
    ListErasureCasesResponse, RejectErasureRequest, RejectErasureResponse, RequestErasureRequest,
    RequestErasureResponse,
};
use super::edge::Edge;
use super::refusal::Refusal;

const PART: &str = "erasure under four eyes";

#[tonic::async_trait]
impl ErasureService for Edge {
    async fn request_erasure(
        &self,
        _request: Request<RequestErasureRequest>,
    ) -> Result<Response<RequestErasureResponse>, Status> {
        Err(Refusal::NotImplemented { call: "RequestErasure", part: PART }.into())
    }

    async fn list_erasure_cases(
        &self,
        _request: Request<ListErasureCasesRequest>,
    ) -> Result<Response<ListErasureCasesResponse>, Status> {
        Err(Refusal::NotImplemented { call: "ListErasureCases", part: PART }.into())
    }

    async fn approve_erasure(
        &self,
        _request: Request<ApproveErasureRequest>,
    ) -> Result<Response<ApproveErasureResponse>, Status> {
        Err(Refusal::NotImplemented { call: "ApproveErasure", part: PART }.into())
    }

    async fn reject_erasure(
        &self,
        _request: Request<RejectErasureRequest>,
    ) -> Result<Response<RejectErasureResponse>, Status> {
        Err(Refusal::NotImplemented { call: "RejectErasure", part: PART }.into())
    }
}

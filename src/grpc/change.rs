//! `ChangeService`: a later part of the API.

use tokio_stream::Empty;
use tonic::{Request, Response, Status};

use super::api::change_service_server::ChangeService;
use super::api::{WatchRequest, WatchResponse};
use super::edge::Edge;
use super::refusal::Refusal;

#[tonic::async_trait]
impl ChangeService for Edge {
    type WatchStream = Empty<Result<WatchResponse, Status>>;

    async fn watch(
        &self,
        _request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Refusal::NotImplemented { call: "Watch", part: "changes for followers" }.into())
    }
}

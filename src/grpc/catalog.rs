//! `CatalogService`: whose mailings there are.

use tonic::{Request, Response, Status};

use super::api::catalog_service_server::CatalogService;
use super::api::{
    GetCatalogRequest, GetCatalogResponse, ListCampaignsRequest, ListCampaignsResponse,
    RegisterCampaignRequest, RegisterCampaignResponse,
};
use super::caller::caller_of;
use super::edge::Edge;
use super::{decode, encode};

#[tonic::async_trait]
impl CatalogService for Edge {
    async fn get_catalog(
        &self,
        request: Request<GetCatalogRequest>,
    ) -> Result<Response<GetCatalogResponse>, Status> {
        let (caller, GetCatalogRequest {}) = caller_of(request)?;
        let catalog = self.engine.read_catalog(&caller)?;
        Ok(Response::new(encode::catalog(&catalog)))
    }

    async fn register_campaign(
        &self,
        request: Request<RegisterCampaignRequest>,
    ) -> Result<Response<RegisterCampaignResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let campaign = decode::register_campaign(request, &self.engine.catalog())?;
        self.engine.register_campaign(&caller, campaign.clone()).await?;
        let campaign = Some(encode::campaign(&campaign, &self.engine.catalog().names));
        Ok(Response::new(RegisterCampaignResponse { campaign }))
    }

    async fn list_campaigns(
        &self,
        request: Request<ListCampaignsRequest>,
    ) -> Result<Response<ListCampaignsResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let ListCampaignsRequest { brand, page_size, page_token } = request;
        let page = self.engine.list_campaigns(&caller, &brand, page_size, &page_token)?;
        Ok(Response::new(encode::campaigns(page, &self.engine.catalog().names)))
    }
}

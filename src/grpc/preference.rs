//! `PreferenceService`: links for mails, and what the owner of an address chooses through them.

use tonic::{Request, Response, Status};

use super::api::preference_service_server::PreferenceService;
use super::api::{
    BeginOptInRequest, BeginOptInResponse, ConfirmOptInRequest, ConfirmOptInResponse,
    GetPreferencesRequest, GetPreferencesResponse, InspectLinkRequest, InspectLinkResponse,
    MintLinksRequest, MintLinksResponse, RecordOwnerChoiceRequest, RecordOwnerChoiceResponse,
    UnsubscribeRequest, UnsubscribeResponse, UpdatePreferencesRequest, UpdatePreferencesResponse,
};
use super::caller::caller_of;
use super::edge::Edge;
use super::{decode, encode};
use crate::engine::write::Written;

#[tonic::async_trait]
impl PreferenceService for Edge {
    async fn mint_links(
        &self,
        request: Request<MintLinksRequest>,
    ) -> Result<Response<MintLinksResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let decode::MintLinks { of, addresses } = decode::mint_links(request)?;
        let links = self.engine.mint_links(&caller, &of.brand, &of.campaign, &addresses).await?;
        Ok(Response::new(encode::links(links)))
    }

    async fn inspect_link(
        &self,
        request: Request<InspectLinkRequest>,
    ) -> Result<Response<InspectLinkResponse>, Status> {
        let (caller, InspectLinkRequest { token, address }) = caller_of(request)?;
        let link = self.engine.inspect_link(&caller, &token, address.as_bytes())?;
        Ok(Response::new(encode::inspected_link(link, &self.engine.catalog().names)))
    }

    async fn get_preferences(
        &self,
        request: Request<GetPreferencesRequest>,
    ) -> Result<Response<GetPreferencesResponse>, Status> {
        let (caller, GetPreferencesRequest { token }) = caller_of(request)?;
        let (preferences, revision) = self.engine.preferences(&caller, &token).await?;
        let preferences = encode::preferences(preferences, &self.engine.catalog().names);
        let (preferences, revision) = (Some(preferences), revision.number());
        Ok(Response::new(GetPreferencesResponse { preferences, revision }))
    }

    async fn update_preferences(
        &self,
        request: Request<UpdatePreferencesRequest>,
    ) -> Result<Response<UpdatePreferencesResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let update = decode::update_preferences(request, &self.engine.catalog())?;
        let updated = self.engine.update_preferences(&caller, update).await?;
        Ok(Response::new(encode::preferences_updated(updated, &self.engine.catalog().names)))
    }

    async fn unsubscribe(
        &self,
        request: Request<UnsubscribeRequest>,
    ) -> Result<Response<UnsubscribeResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let decode::Unsubscribe { token, scope, evidence } =
            decode::unsubscribe(request, &self.engine.catalog())?;
        let revision = self.engine.unsubscribe(&caller, &token, scope, evidence).await?;
        Ok(Response::new(UnsubscribeResponse { revision: revision.number() }))
    }

    async fn begin_opt_in(
        &self,
        request: Request<BeginOptInRequest>,
    ) -> Result<Response<BeginOptInResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let request = decode::begin_opt_in(request, &self.engine.catalog())?;
        let begun = self.engine.begin_opt_in(&caller, request).await?;
        Ok(Response::new(encode::opt_in_begun(begun)))
    }

    async fn confirm_opt_in(
        &self,
        request: Request<ConfirmOptInRequest>,
    ) -> Result<Response<ConfirmOptInResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let decode::ConfirmOptIn { token, evidence } =
            decode::confirm_opt_in(request, &self.engine.catalog())?;
        let updated = self.engine.confirm_opt_in(&caller, &token, evidence).await?;
        Ok(Response::new(encode::opt_in_confirmed(updated, &self.engine.catalog().names)))
    }

    async fn record_owner_choice(
        &self,
        request: Request<RecordOwnerChoiceRequest>,
    ) -> Result<Response<RecordOwnerChoiceResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let chosen = decode::record_owner_choice(request, &self.engine.catalog())?;
        let Written { revision, outcomes } =
            self.engine.record_owner_choice(&caller, chosen).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(RecordOwnerChoiceResponse { revision, outcomes }))
    }
}

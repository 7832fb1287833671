//! `ConsentService`: what staff, CRM systems and machines record and look up.

use tonic::{Request, Response, Status};

use super::api::consent_service_server::ConsentService;
use super::api::{
    BlockAddressesRequest, BlockAddressesResponse, GetHistoryRequest, GetHistoryResponse,
    GetStatusRequest, GetStatusResponse, GetSubjectSheetRequest, GetSubjectSheetResponse,
    ImportFactsRequest, ImportFactsResponse, LiftBlocksRequest, LiftBlocksResponse,
    MarkConsentRequestedRequest, MarkConsentRequestedResponse, OptOutRequest, OptOutResponse,
    RecordConsentRequest, RecordConsentResponse, RegisterAddressesRequest,
    RegisterAddressesResponse, ResubscribeByStaffRequest, ResubscribeByStaffResponse,
    WithdrawConsentRequest, WithdrawConsentResponse,
};
use super::caller::caller_of;
use super::edge::Edge;
use super::{decode, encode};
use crate::engine::write::Written;
use crate::model::revision::Revision;
use crate::sheet::render;

#[tonic::async_trait]
impl ConsentService for Edge {
    async fn block_addresses(
        &self,
        request: Request<BlockAddressesRequest>,
    ) -> Result<Response<BlockAddressesResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::block_addresses(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(BlockAddressesResponse { revision, outcomes }))
    }

    async fn lift_blocks(
        &self,
        request: Request<LiftBlocksRequest>,
    ) -> Result<Response<LiftBlocksResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::lift_blocks(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(LiftBlocksResponse { revision, outcomes }))
    }

    async fn opt_out(
        &self,
        request: Request<OptOutRequest>,
    ) -> Result<Response<OptOutResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::opt_out(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(OptOutResponse { revision, outcomes }))
    }

    async fn record_consent(
        &self,
        request: Request<RecordConsentRequest>,
    ) -> Result<Response<RecordConsentResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::record_consent(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(RecordConsentResponse { revision, outcomes }))
    }

    async fn withdraw_consent(
        &self,
        request: Request<WithdrawConsentRequest>,
    ) -> Result<Response<WithdrawConsentResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::withdraw_consent(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(WithdrawConsentResponse { revision, outcomes }))
    }

    async fn register_addresses(
        &self,
        request: Request<RegisterAddressesRequest>,
    ) -> Result<Response<RegisterAddressesResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::register_addresses(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(RegisterAddressesResponse { revision, outcomes }))
    }

    async fn import_facts(
        &self,
        request: Request<ImportFactsRequest>,
    ) -> Result<Response<ImportFactsResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let import = decode::import_facts(request, &self.engine.catalog())?;
        let imported = self.engine.import(&caller, import).await?;
        Ok(Response::new(encode::imported(&imported)))
    }

    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let (caller, GetStatusRequest { address, at_least_revision }) = caller_of(request)?;
        let at_least = Revision::new(at_least_revision);
        let status = self.engine.status(&caller, address.as_bytes(), at_least).await?;
        Ok(Response::new(encode::status(status, &self.engine.catalog().names)))
    }

    async fn get_history(
        &self,
        request: Request<GetHistoryRequest>,
    ) -> Result<Response<GetHistoryResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let GetHistoryRequest { address, page_size, page_token } = request;
        let page = self.engine.history(&caller, address.as_bytes(), page_size, &page_token).await?;
        Ok(Response::new(encode::history(page, &self.engine.catalog().names)))
    }

    async fn mark_consent_requested(
        &self,
        request: Request<MarkConsentRequestedRequest>,
    ) -> Result<Response<MarkConsentRequestedResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::mark_consent_requested(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(MarkConsentRequestedResponse { revision, outcomes }))
    }

    async fn resubscribe_by_staff(
        &self,
        request: Request<ResubscribeByStaffRequest>,
    ) -> Result<Response<ResubscribeByStaffResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let write = decode::resubscribe_by_staff(request, &self.engine.catalog())?;
        let Written { revision, outcomes } = self.engine.write(&caller, write).await?;
        let (revision, outcomes) = (revision.number(), encode::outcomes(&outcomes));
        Ok(Response::new(ResubscribeByStaffResponse { revision, outcomes }))
    }

    async fn get_subject_sheet(
        &self,
        request: Request<GetSubjectSheetRequest>,
    ) -> Result<Response<GetSubjectSheetResponse>, Status> {
        let (caller, request) = caller_of(request)?;
        let decode::SheetAsk { address, form, language } =
            decode::subject_sheet(request, &self.engine.catalog())?;
        let sheet = self.engine.subject_sheet(&caller, address.as_bytes()).await?;
        let (content_type, sheet) = (form.content_type(), render(&sheet, form, language));
        let (content_type, sheet) = (content_type.to_owned(), sheet.into_bytes());
        Ok(Response::new(GetSubjectSheetResponse { content_type, sheet }))
    }
}

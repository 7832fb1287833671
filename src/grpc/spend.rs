//! Which calls count for the budgets of a credential, and for which addresses.
//!
//! Counted is whatever tells the caller something of an address that it names: questions, and writes
//! that say by their outcome what stood before. Not counted is what only says no (BlockAddresses,
//! OptOut, WithdrawConsent, RequestErasure, an owner's choices with a no among them): a no is always
//! taken. Nor is what comes with a token: that was mailed to one address. InspectLink is: it says whether
//! a guessed address is that one.

use super::api::{
    AnswerAccessRequest, ApproveErasureRequest, BeginOptInRequest, BlockAddressesRequest,
    ConfirmOptInRequest, ExplainRequest, GetCatalogRequest, GetHistoryRequest,
    GetPreferencesRequest, GetStatusRequest, GetSubjectSheetRequest, ImportFactsRequest,
    InspectLinkRequest, LiftBlocksRequest, ListAccessRequestsRequest, ListCampaignsRequest,
    ListErasureCasesRequest, MarkConsentRequestedRequest, MintLinksRequest, OptOutRequest,
    RecordConsentRequest, RecordOwnerChoiceRequest, RegisterAddressesRequest,
    RegisterCampaignRequest, RejectErasureRequest, RequestAccessRequest, RequestErasureRequest,
    ResubscribeByStaffRequest, UnsubscribeRequest, UpdatePreferencesRequest,
    WithdrawConsentRequest,
};
use super::gate::Session;
use super::refusal::Refusal;

/// A request of the API.
pub(super) trait Spends {
    /// Takes it out of the budgets.
    fn spend(&self, session: &Session) -> Result<(), Refusal>;
}

/// Requests that count for all of `addresses`.
macro_rules! of_addresses {
    ($($request:ty),* $(,)?) => {$(
        impl Spends for $request {
            fn spend(&self, session: &Session) -> Result<(), Refusal> {
                session.spend(self.addresses.len(), self.addresses.iter().map(String::as_bytes))
            }
        }
    )*};
}

/// Requests that count for one `address`.
macro_rules! of_address {
    ($($request:ty),* $(,)?) => {$(
        impl Spends for $request {
            fn spend(&self, session: &Session) -> Result<(), Refusal> {
                session.spend(1, std::iter::once(self.address.as_bytes()))
            }
        }
    )*};
}

/// Requests that do not count.
macro_rules! free {
    ($($request:ty),* $(,)?) => {$(
        impl Spends for $request {
            fn spend(&self, _: &Session) -> Result<(), Refusal> {
                Ok(())
            }
        }
    )*};
}

of_addresses!(
    LiftBlocksRequest,
    MarkConsentRequestedRequest,
    MintLinksRequest,
    RecordConsentRequest,
    RegisterAddressesRequest,
);
of_address!(
    BeginOptInRequest,
    ExplainRequest,
    GetHistoryRequest,
    GetStatusRequest,
    GetSubjectSheetRequest,
    InspectLinkRequest,
    RequestAccessRequest,
    ResubscribeByStaffRequest,
);
free!(
    AnswerAccessRequest,
    ApproveErasureRequest,
    BlockAddressesRequest,
    ConfirmOptInRequest,
    GetCatalogRequest,
    GetPreferencesRequest,
    ListAccessRequestsRequest,
    ListCampaignsRequest,
    ListErasureCasesRequest,
    OptOutRequest,
    RegisterCampaignRequest,
    RejectErasureRequest,
    RequestErasureRequest,
    UnsubscribeRequest,
    UpdatePreferencesRequest,
    WithdrawConsentRequest,
);

impl Spends for ImportFactsRequest {
    fn spend(&self, session: &Session) -> Result<(), Refusal> {
        session.spend(self.facts.len(), self.facts.iter().map(|fact| fact.address.as_bytes()))
    }
}

impl Spends for RecordOwnerChoiceRequest {
    fn spend(&self, session: &Session) -> Result<(), Refusal> {
        if self.choices.iter().any(|choice| !choice.subscribed) {
            return Ok(());
        }
        session.spend(1, std::iter::once(self.address.as_bytes()))
    }
}

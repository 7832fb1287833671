//! What the owner's side asks for.

use std::sync::Arc;

use super::reading::Reading;
use super::subject::Subject;
use super::{body, octets};
use crate::catalog::Catalog;
use crate::engine::choice::OwnerChoices;
use crate::engine::opt_in::OptInRequest;
use crate::engine::preferences::PreferencesUpdate;
use crate::grpc::api;
use crate::grpc::refusal::Refusal;
use crate::model::command::{Choice, Wish};
use crate::model::evidence::Evidence;
use crate::model::scope::Scope;

/// The recipients of a campaign, who need links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::grpc) struct MintLinks {
    pub(in crate::grpc) of: Subject,
    pub(in crate::grpc) addresses: Vec<Box<[u8]>>,
}

/// A no through an unsubscribe token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::grpc) struct Unsubscribe {
    pub(in crate::grpc) token: String,
    /// None: what the token names.
    pub(in crate::grpc) scope: Option<Scope>,
    pub(in crate::grpc) evidence: Option<Arc<Evidence>>,
}

/// The end of a double opt-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::grpc) struct ConfirmOptIn {
    pub(in crate::grpc) token: String,
    pub(in crate::grpc) evidence: Option<Arc<Evidence>>,
}

pub(in crate::grpc) fn mint_links(request: api::MintLinksRequest) -> Result<MintLinks, Refusal> {
    let api::MintLinksRequest { brand, campaign, addresses } = request;
    Ok(MintLinks { of: Subject::named(&brand, &campaign)?, addresses: octets(addresses) })
}

pub(in crate::grpc) fn update_preferences(
    request: api::UpdatePreferencesRequest,
    catalog: &Catalog,
) -> Result<PreferencesUpdate, Refusal> {
    let body = body("UpdatePreferences", &request, &request.request_id);
    let api::UpdatePreferencesRequest { token, choices, evidence, request_id } = request;
    let mut reading = Reading::new(catalog);
    let choices = reading.each("choices", choices, choice);
    let evidence = reading.evidence("evidence", evidence);
    reading.finish(|| {
        Some(PreferencesUpdate {
            token,
            choices: choices?,
            evidence: evidence?,
            request_id: request_id.into(),
            body,
        })
    })
}

pub(in crate::grpc) fn unsubscribe(
    request: api::UnsubscribeRequest,
    catalog: &Catalog,
) -> Result<Unsubscribe, Refusal> {
    let api::UnsubscribeRequest { token, scope, evidence } = request;
    let mut reading = Reading::new(catalog);
    let scope = match scope {
        Some(scope) => reading.scope("scope", scope).map(Some),
        None => Some(None),
    };
    let evidence = reading.evidence("evidence", evidence);
    reading.finish(|| Some(Unsubscribe { token, scope: scope?, evidence: evidence? }))
}

pub(in crate::grpc) fn begin_opt_in(
    request: api::BeginOptInRequest,
    catalog: &Catalog,
) -> Result<OptInRequest, Refusal> {
    let body = body("BeginOptIn", &request, &request.request_id);
    let api::BeginOptInRequest { address, scopes, evidence, request_id } = request;
    let mut reading = Reading::new(catalog);
    let scopes = reading.scopes("scopes", scopes);
    let evidence = reading.mandatory_evidence("evidence", evidence);
    reading.finish(|| {
        Some(OptInRequest {
            address: address.into_bytes().into(),
            scopes: scopes?,
            evidence: evidence?,
            request_id: request_id.into(),
            body,
        })
    })
}

pub(in crate::grpc) fn confirm_opt_in(
    request: api::ConfirmOptInRequest,
    catalog: &Catalog,
) -> Result<ConfirmOptIn, Refusal> {
    let api::ConfirmOptInRequest { token, evidence } = request;
    let mut reading = Reading::new(catalog);
    let evidence = reading.evidence("evidence", evidence);
    reading.finish(|| Some(ConfirmOptIn { token, evidence: evidence? }))
}

pub(in crate::grpc) fn record_owner_choice(
    request: api::RecordOwnerChoiceRequest,
    catalog: &Catalog,
) -> Result<OwnerChoices, Refusal> {
    let body = body("RecordOwnerChoice", &request, &request.request_id);
    let api::RecordOwnerChoiceRequest { address, choices, portal_session, evidence, request_id } =
        request;
    let mut reading = Reading::new(catalog);
    let choices = reading.each("choices", choices, choice);
    // The name of the session is the portal's own; that there is one is what counts.
    let session = reading.line("portal_session", &portal_session);
    let evidence = reading.evidence("evidence", evidence);
    reading.finish(|| {
        Some(OwnerChoices {
            address: address.into_bytes().into(),
            choices: choices?,
            portal_session: !session?.is_empty(),
            evidence: evidence?,
            request_id: request_id.into(),
            body,
        })
    })
}

fn choice(reading: &mut Reading<'_>, field: &str, choice: api::Choice) -> Option<Choice> {
    let api::Choice { scope, subscribed } = choice;
    let field = format!("{field}.scope");
    let wish = if subscribed { Wish::Subscribe } else { Wish::Unsubscribe };
    match scope {
        Some(scope) => reading.scope(&field, scope).map(|scope| Choice { scope, wish }),
        None => reading.fault(field, "is mandatory; say what the choice is about"),
    }
}

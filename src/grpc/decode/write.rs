//! The writes of `ConsentService`.

use std::sync::Arc;

use super::reading::Reading;
use super::subject::Subject;
use super::{body, octets, words};
use crate::catalog::Catalog;
use crate::engine::write::Write;
use crate::grpc::api;
use crate::grpc::refusal::Refusal;
use crate::model::campaign::Campaign;
use crate::model::command::Command;

pub(in crate::grpc) fn block_addresses(
    request: api::BlockAddressesRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("BlockAddresses", &request, &request.request_id);
    let api::BlockAddressesRequest {
        addresses,
        brands,
        channels,
        cause,
        reason,
        opt_out,
        request_id,
    } = request;
    let mut reading = Reading::new(catalog);
    let brands = reading.brands("brands", brands);
    let channels = reading.channels("channels", channels);
    let cause = reading.cause("cause", cause);
    let reason = reading.prose("reason", &reason);
    let opt_out = reading.scopes("opt_out", opt_out);
    let command = reading.finish(|| {
        Some(Command::BlockAddresses {
            brands: brands?,
            channels: channels?,
            cause: cause?,
            reason: reason?,
            opt_out: opt_out?,
        })
    })?;
    Ok(write(command, addresses, &request_id, body))
}

pub(in crate::grpc) fn lift_blocks(
    request: api::LiftBlocksRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("LiftBlocks", &request, &request.request_id);
    let api::LiftBlocksRequest { addresses, brands, channels, reason, request_id } = request;
    let mut reading = Reading::new(catalog);
    let brands = reading.brands("brands", brands);
    let channels = reading.channels("channels", channels);
    let reason = reading.prose("reason", &reason);
    let command = reading.finish(|| {
        Some(Command::LiftBlocks { brands: brands?, channels: channels?, reason: reason? })
    })?;
    Ok(write(command, addresses, &request_id, body))
}

pub(in crate::grpc) fn opt_out(
    request: api::OptOutRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("OptOut", &request, &request.request_id);
    let api::OptOutRequest { addresses, scopes, reason, evidence, request_id } = request;
    let mut reading = Reading::new(catalog);
    let scopes = reading.scopes("scopes", scopes);
    let reason = reading.prose("reason", &reason);
    let evidence = reading.evidence("evidence", evidence);
    let command = reading.finish(|| {
        Some(Command::OptOut { scopes: scopes?, reason: reason?, evidence: evidence? })
    })?;
    Ok(write(command, addresses, &request_id, body))
}

pub(in crate::grpc) fn record_consent(
    request: api::RecordConsentRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("RecordConsent", &request, &request.request_id);
    let api::RecordConsentRequest { addresses, scopes, legal_basis, evidence, request_id } =
        request;
    let mut reading = Reading::new(catalog);
    let scopes = reading.scopes("scopes", scopes);
    let legal_basis = reading.legal_basis("legal_basis", legal_basis);
    let evidence = reading.mandatory_evidence("evidence", evidence);
    let command = reading.finish(|| {
        Some(Command::RecordConsent {
            scopes: scopes?,
            legal_basis: legal_basis?,
            evidence: evidence?,
        })
    })?;
    Ok(write(command, addresses, &request_id, body))
}

pub(in crate::grpc) fn withdraw_consent(
    request: api::WithdrawConsentRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("WithdrawConsent", &request, &request.request_id);
    let api::WithdrawConsentRequest { addresses, scopes, reason, request_id } = request;
    let mut reading = Reading::new(catalog);
    let scopes = reading.scopes("scopes", scopes);
    let reason = reading.prose("reason", &reason);
    let command =
        reading.finish(|| Some(Command::WithdrawConsent { scopes: scopes?, reason: reason? }))?;
    Ok(write(command, addresses, &request_id, body))
}

pub(in crate::grpc) fn register_addresses(
    request: api::RegisterAddressesRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("RegisterAddresses", &request, &request.request_id);
    let api::RegisterAddressesRequest {
        addresses,
        controllers,
        source,
        portal_session,
        request_id,
    } = request;
    let mut reading = Reading::new(catalog);
    let controllers = reading.controllers("controllers", controllers);
    let source = reading.line("source", &source);
    // The name of the session is the portal's own; that there is one is what counts.
    let session = reading.line("portal_session", &portal_session);
    let command = reading.finish(|| {
        Some(Command::RegisterAddresses {
            controllers: controllers?,
            source: source?,
            owner_session: !session?.is_empty(),
        })
    })?;
    Ok(write(command, addresses, &request_id, body))
}

pub(in crate::grpc) fn mark_consent_requested(
    request: api::MarkConsentRequestedRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("MarkConsentRequested", &request, &request.request_id);
    let api::MarkConsentRequestedRequest { addresses, brand, campaign, evidence, request_id } =
        request;
    let Subject { brand, campaign } = Subject::named(&brand, &campaign)?;
    let campaign = catalog.campaign_named(&brand, &campaign).map_err(Refusal::Campaign)?;
    let mut reading = Reading::new(catalog);
    let evidence = reading.evidence("evidence", evidence);
    let command = reading.finish(|| {
        Some(Command::MarkConsentRequested {
            campaign: Campaign::clone(campaign),
            evidence: evidence?,
        })
    })?;
    Ok(write(command, addresses, &request_id, body))
}

pub(in crate::grpc) fn resubscribe_by_staff(
    request: api::ResubscribeByStaffRequest,
    catalog: &Catalog,
) -> Result<Write, Refusal> {
    let body = body("ResubscribeByStaff", &request, &request.request_id);
    let api::ResubscribeByStaffRequest { address, scopes, legal_basis, explanation, request_id } =
        request;
    let mut reading = Reading::new(catalog);
    let scopes = reading.scopes("scopes", scopes);
    let problem = "is mandatory: LEGAL_BASIS_CONSENT, LEGAL_BASIS_EXISTING_CUSTOMER, \
                   LEGAL_BASIS_CONTRACT, LEGAL_BASIS_LEGITIMATE_INTEREST or \
                   LEGAL_BASIS_LEGAL_OBLIGATION";
    let legal_basis =
        words::legal_basis(legal_basis).or_else(|| reading.fault("legal_basis", problem));
    let explanation = reading.prose("explanation", &explanation);
    let command = reading.finish(|| {
        Some(Command::ResubscribeByStaff {
            scopes: scopes?,
            legal_basis: legal_basis?,
            explanation: explanation?,
        })
    })?;
    Ok(write(command, vec![address], &request_id, body))
}

fn write(command: Command, addresses: Vec<String>, request_id: &str, body: Vec<u8>) -> Write {
    Write { command, addresses: octets(addresses), request_id: Arc::from(request_id), body }
}

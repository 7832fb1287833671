//! The clerk's view: what stands for an address, and how it came about.
#![deny(clippy::wildcard_enum_match_arm)]

use super::event::{event, scope};
use super::words::{cause, channel, consent_state, erasure_state, legal_basis};
use crate::catalog::Names;
use crate::engine::history::HistoryPage;
use crate::engine::status::{BrandActions, ScopedBlock, ScopedConsent, ScopedOptOut, Status};
use crate::grpc::api;

pub(in crate::grpc) fn status(status: Status, names: &Names) -> api::GetStatusResponse {
    let Status {
        address,
        registered_with,
        consents,
        opt_outs,
        blocks,
        erasure,
        revision,
        actions: may_do,
    } = status;
    let registered_with = registered_with.into_iter().map(|id| names.controller(id).to_owned());
    api::GetStatusResponse {
        canonical_address: address.as_str().to_owned(),
        registered_with: registered_with.collect(),
        consents: consents.into_iter().map(|of| consent(of, names)).collect(),
        opt_outs: opt_outs.into_iter().map(|of| opt_out(of, names)).collect(),
        blocks: blocks.into_iter().map(|of| block(of, names)).collect(),
        erasure: erasure_state(erasure).into(),
        revision: revision.number(),
        actions: may_do.into_iter().map(|of| actions(of, names)).collect(),
    }
}

pub(in crate::grpc) fn history(page: HistoryPage, names: &Names) -> api::GetHistoryResponse {
    let HistoryPage { events, next_page_token } = page;
    let events = events.into_iter().map(|of_page| event(of_page, names)).collect();
    api::GetHistoryResponse { events, next_page_token }
}

fn consent(consent: ScopedConsent, names: &Names) -> api::ScopedConsent {
    let ScopedConsent { scope: at, state, legal_basis: basis, event: latest } = consent;
    api::ScopedConsent {
        scope: Some(scope(at, names)),
        state: consent_state(state).into(),
        legal_basis: basis.map_or(api::LegalBasis::Unspecified, legal_basis).into(),
        event: latest.map(|latest| event(latest, names)),
    }
}

fn opt_out(opt_out: ScopedOptOut, names: &Names) -> api::ScopedOptOut {
    let ScopedOptOut { scope: at, event: latest } = opt_out;
    let event = latest.map(|latest| event(latest, names));
    api::ScopedOptOut { scope: Some(scope(at, names)), event }
}

fn block(block: ScopedBlock, names: &Names) -> api::ScopedBlock {
    let ScopedBlock { brand, channel: by, cause: why, reason, event: latest } = block;
    api::ScopedBlock {
        brand: names.brand(brand).to_owned(),
        channel: channel(by).into(),
        cause: cause(why).into(),
        reason: reason.to_string(),
        event: latest.map(|latest| event(latest, names)),
    }
}

fn actions(actions: BrandActions, names: &Names) -> api::BrandActions {
    let BrandActions {
        brand,
        mark_consent_requested,
        record_consent,
        withdraw_consent,
        lift_blocks,
    } = actions;
    api::BrandActions {
        brand: names.brand(brand).to_owned(),
        mark_consent_requested: mark_consent_requested.code().into(),
        record_consent: record_consent.code().into(),
        withdraw_consent: withdraw_consent.code().into(),
        lift_blocks: lift_blocks.code().into(),
    }
}

//! The services over one engine. Each has its handlers in a file of its own; a handler decodes,
//! calls the engine, and encodes.

use std::sync::Arc;

use tonic::service::{InterceptorLayer, Routes};
use tower::util::MapResponseLayer;

use super::api::access_service_server::{self, AccessServiceServer};
use super::api::catalog_service_server::{self, CatalogServiceServer};
use super::api::change_service_server::{self, ChangeServiceServer};
use super::api::consent_service_server::{self, ConsentServiceServer};
use super::api::decision_service_server::{self, DecisionServiceServer};
use super::api::erasure_service_server::{self, ErasureServiceServer};
use super::api::preference_service_server::{self, PreferenceServiceServer};
use super::calls::Calls;
use super::gate::{AtGate, Gate};
use super::lane::{Lane, OnLane};
use super::{DESCRIPTOR, status};
use crate::engine::Engine;
use crate::engine::check::MAX_CHECK;

/// Largest question in octets: 100,000 addresses of 254 octets, the most a check takes, are 26 MB.
const MAX_QUESTION: usize = 32 * 1024 * 1024;

/// Largest of all other requests: 10,000 addresses of 254 octets are 2.6 MB, and up to 1,000 scopes
/// and a wording come with them. The rest is room for addresses that are none: they are answered one
/// by one, not refused together.
const MAX_REQUEST: usize = 64 * 1024 * 1024;

/// What handlers hold.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    pub(super) engine: Arc<Engine>,
    pub(super) lane: Arc<Lane>,
    pub(super) calls: Arc<Calls>,
    pub(super) most: Most,
}

/// The most that a request may bring.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Octets of a message; questions have their own limit besides.
    pub octets: usize,
    /// Addresses of a question; the engine has its own limit besides.
    pub addresses: usize,
}

impl Most {
    /// What the edge and the engine take in any case.
    pub const DEFAULT: Self = Self { octets: MAX_REQUEST, addresses: MAX_CHECK };
}

/// Every service of the API, by its full name.
pub const SERVICES: [&str; 7] = [
    decision_service_server::SERVICE_NAME,
    consent_service_server::SERVICE_NAME,
    preference_service_server::SERVICE_NAME,
    erasure_service_server::SERVICE_NAME,
    access_service_server::SERVICE_NAME,
    catalog_service_server::SERVICE_NAME,
    change_service_server::SERVICE_NAME,
];

/// Those with calls that write: they do not serve while the ledger takes nothing.
pub const WRITING_SERVICES: [&str; 5] = [
    consent_service_server::SERVICE_NAME,
    preference_service_server::SERVICE_NAME,
    erasure_service_server::SERVICE_NAME,
    access_service_server::SERVICE_NAME,
    catalog_service_server::SERVICE_NAME,
];

/// Every service of the API, and reflection on them and on health, behind the gate where there is
/// one.
///
/// # Errors
/// The descriptors that were built in cannot be read.
pub fn routes(
    engine: Arc<Engine>,
    lane: Lane,
    most: Most,
    calls: Arc<Calls>,
    gate: Option<Arc<Gate>>,
) -> Result<Routes, tonic_reflection::server::Error> {
    let lane = Arc::new(lane);
    let edge = Arc::new(Edge { engine, lane: lane.clone(), calls, most });
    let (question, request) = (most.octets.min(MAX_QUESTION), most.octets.min(MAX_REQUEST));
    let decision =
        DecisionServiceServer::from_arc(edge.clone()).max_decoding_message_size(question);
    let consent = ConsentServiceServer::from_arc(edge.clone()).max_decoding_message_size(request);
    let preference =
        PreferenceServiceServer::from_arc(edge.clone()).max_decoding_message_size(request);
    let erasure = ErasureServiceServer::from_arc(edge.clone()).max_decoding_message_size(request);
    let access = AccessServiceServer::from_arc(edge.clone()).max_decoding_message_size(request);
    let catalog = CatalogServiceServer::from_arc(edge.clone()).max_decoding_message_size(request);
    let change = ChangeServiceServer::from_arc(edge).max_decoding_message_size(request);
    let routes = Routes::new(decision)
        .add_service(OnLane { lane: lane.clone(), service: consent })
        .add_service(OnLane { lane, service: preference })
        .add_service(erasure)
        .add_service(access)
        .add_service(catalog)
        .add_service(change)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    let routes = routes.into_axum_router().layer(MapResponseLayer::new(status::translate));
    Ok(match gate {
        Some(gate) => routes.layer(InterceptorLayer::new(AtGate(gate))).into(),
        None => routes.into(),
    })
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
}

#[cfg(test)]
mod tests;
